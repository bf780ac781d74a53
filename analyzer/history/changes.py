"""What differs from the period before, tested as `diff` does; for `--only-if changes`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from analyzer.diff import Counted, compare
from analyzer.diff_stats import Gates
from analyzer.pipeline import Rules
from parsers.lines import Source
from reports.diff import CHANGED, Change, Diff

from .period import lines_of, load
from .store import Store

_NAMED = 6
"""Changes that are named; the others are counted."""


def changes_before(
    store: Store, since: datetime, until: datetime, zone: str, rules: Rules
) -> tuple[str, ...] | None:
    """Totals and codes that rose, fell, are new or gone since the equally long period before.

    None where the history holds nothing of it.
    """
    # The history is cut by the hour.
    since = since.replace(minute=0, second=0, microsecond=0)
    before = _side(store, since - (until - since), since)
    now = _side(store, since, until)
    if before is None or now is None:
        return None
    found = list(_told(compare(before, now, zone=zone, gates=Gates(), rules=rules)))
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return (*found[:_NAMED], *more)


def wants_changes(options: dict[str, Any]) -> bool:
    """Whether a condition asks for them."""
    return "changes" in (c.strip().lower() for c in options.get("only_if") or ())


def _side(store: Store, since: datetime, until: datetime) -> Counted | None:
    summary, notes = load(store, since, until)
    if not any(summary.tables[name].height for name in ("replies", "flow", "flow_messages")):
        return None
    sources = tuple(Source(name, lines=lines) for name, lines in lines_of(summary))
    return Counted(summary, sources, (), since, until, tuple(notes))


def _told(diff: Diff) -> Iterator[str]:
    for table in (diff.totals, diff.codes):
        for row in table:
            if row.verdict in CHANGED:
                yield f"{_what(row)} {row.verdict} ({row.a:,} to {row.b:,})"


def _what(row: Change) -> str:
    code = "" if row.code is None else str(row.code)
    return row.what or " ".join(filter(None, (row.direction, code, row.enhanced, row.cause)))
