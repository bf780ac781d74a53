"""The list of codes cut down to those that logs or the history hold. Needs polars."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from analyzer.exits import Exit
from analyzer.run import Warn, read_report
from reports.article import CodeLine, CodeList

_ALL: dict[str, Any] = {
    "tz": None, "year": None, "since": None, "until": None, "day": None, "hosts": (), "mtas": (),
    "directions": (), "codes": (), "domains": (), "top": "10", "unrecognised": None,
    "section": "replies",
}  # fmt: skip


def only_seen(
    page: CodeList, logs: Sequence[str], history: str | None, now: datetime, warn: Warn
) -> tuple[CodeList, Exit]:
    """The codes that were really replied; the history's where no logs are named."""
    if logs:
        report, status = read_report(_ALL, tuple(logs), now, warn)
        seen = {str(row.code) for row in report.codes} | {str(row.enhanced) for row in report.codes}
    else:
        seen, status = _of_history(history), Exit.DONE
    page = replace(
        page,
        replies=_kept(page.replies, seen),
        enhanced=_kept(page.enhanced, seen),
        filters=(*page.filters, "--seen"),
    )
    return page, status


def _of_history(named: str | None) -> set[str]:
    from analyzer.history.period import hourly
    from analyzer.history.place import history_file
    from analyzer.history.store import open_store

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    path = history_file(None if named == "default" else named, os.environ, root=root)
    store = open_store(path, write=False)
    try:
        replies = hourly(store, ["replies"])["replies"]
    finally:
        store.close()
    both = (replies.get_column(name).unique() for name in ("reply_code", "enhanced_code"))
    return {str(value) for column in both for value in column}


def _kept(lines: tuple[CodeLine, ...], seen: set[str]) -> tuple[CodeLine, ...]:
    """An entry of any class (X.7.1) stands for all three."""
    return tuple(
        line for line in lines if any(line.code.replace("X", d) in seen for d in ("2", "4", "5"))
    )
