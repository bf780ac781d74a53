"""Reads logs for the tests of report sections: their listings, their events, their recipients."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analyzer.pipeline import Task, summarise_tasks, understand
from analyzer.sections import Chosen, Shown
from analyzer.selection import Selection
from analyzer.summarise import wanted_by
from analyzer.summary import Summary, finish
from parsers.lines import CHUNK_BYTES, Source
from reports.model import Cell, Listing

SAMPLE_LOGS = Path(__file__).parent.parent / "sample_logs"
Rows = list[dict[str, Any]]
Log = Path | Sequence[str]


def _read(log: Log, directory: str) -> Path:
    if isinstance(log, Path):
        return log
    path = Path(directory) / "mail.log"
    path.write_text("".join(f"{line}\n" for line in log), encoding="utf-8", errors="replace")
    return path


def summary_of(log: Log, *names: str, size: int = CHUNK_BYTES) -> Summary:
    with tempfile.TemporaryDirectory() as directory:
        path = _read(log, directory)
        return finish(
            summarise_tasks([Task(Source(str(path)))], chosen=Chosen(names), size=size, workers=2)
        )


def listings_of(
    log: Log, *names: str, size: int = CHUNK_BYTES, top: int | None = None
) -> dict[str, Listing]:
    """The sections' listings by their keys."""
    tables = summary_of(log, *names, size=size).tables
    sections = Chosen(names).sections
    assert {s.name for s in sections} == set(names)
    found = [listing for s in sections for listing in s.show(tables, Shown("UTC", top))]
    keys = [listing.key for listing in found]
    assert len(keys) == len(set(keys))
    return {listing.key: listing for listing in found}


def cells(listing: Listing) -> list[tuple[Cell, ...]]:
    for row in listing.rows:
        assert len(row.cells) == len(listing.columns)
    return [row.cells for row in listing.rows]


def events_of(log: Log, *names: str) -> Rows:
    """The events that the sections are given, as plain rows in the log's order."""
    wanted = wanted_by(Chosen(names))
    with tempfile.TemporaryDirectory() as directory:
        tasks = [Task(Source(str(_read(log, directory))))]
        parts = understand(
            tasks, Selection(), lambda u: u.events.sort("row").to_dicts(), wanted=wanted
        )
        return [row for part in parts for row in part]


def last_attempts(events: Rows) -> Rows:
    """The last attempt of each recipient, for logs that use no queue id twice."""
    tried = [e for e in events if e["kind"] == "delivery" and e["queue_id"] and e["recipient"]]
    return list({(e["queue_id"], e["recipient"].lower()): e for e in tried}.values())
