"""What the command `spikes` prints."""

from dataclasses import asdict

from . import spikes_json, spikes_text, spikes_why, terminal
from .layout import Page
from .model import Report
from .to_json import SCHEMA_VERSION, dump
from .words import words_of

ALL = 0
"""In place of a spike's number: every one."""


def text(
    report: Report,
    why: int | None = None,
    *,
    width: int = 80,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """Write the spikes, and how the one numbered `why` was worked out."""
    page = Page(width, colour=colour, ascii_only=ascii_only, words=words_of(report))
    terminal.heading(page, report)
    terminal.notes(page, report)
    spikes_text.section(page, report)
    if why is not None:
        spikes_why.section(page, report, why or None)
    return str(page)


def json(report: Report) -> str:
    """Write the spikes as one JSON document; the workings are in it."""
    return dump(
        {
            "schema_version": SCHEMA_VERSION,
            "language": report.lang,
            "hosts": report.hosts,
            "mtas": report.mtas,
            "period": {"start": report.start, "end": report.end, "timezone": report.timezone},
            "filters": report.filters,
            "inputs": [asdict(i) for i in report.inputs],
            "lines": asdict(report.lines),
            "notes": report.notes,
            **spikes_json.section(report),
        }
    )
