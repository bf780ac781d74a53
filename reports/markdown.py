"""The report as Markdown, for a ticket or a wiki."""

import re
from collections.abc import Iterable, Sequence

from . import figures, outline
from .model import Report
from .safe import clean, excerpt, markdown_prose, prose
from .safe import markdown as own
from .safe import markdown_code as log

MOST_CHARACTERS = 600
"""Of an example; a ticket is not a log."""


def render(report: Report) -> str:
    """Write the report in GitHub's Markdown."""
    parts = (_head(report), _totals(report), _codes(report), _actions(report), _hours(report),
             _tops(report))  # fmt: skip
    text = "\n".join(line for part in parts for line in part)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> list[str]:
    """Write a table: `text` columns to the left, the rest are numbers."""
    line = [f"| {' | '.join(heads)} |"]
    line.append(f"|{'---|' * text}{'---:|' * (len(heads) - text)}")
    return [*line, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _names(names: Sequence[str], none: str) -> str:
    return ", ".join(map(log, names)) or none


def _head(report: Report) -> list[str]:
    lines = report.lines
    found = [
        f"# Mail report for {_names(report.hosts, 'unknown host')}",
        "",
        f"{own(figures.period(report))}, {_names(report.mtas, 'no MTA recognised')}",
        "",
    ]
    found += [f"- only: {log(f)}" for f in report.filters]
    for item in report.inputs:
        problem = f": **{own(item.problem)}**" if item.problem is not None else ""
        found.append(f"- input: {log(item.name)} ({figures.count(item.lines, 'line')}){problem}")
    found.append(
        f"- lines: {figures.number(lines.total)} = {figures.number(lines.parsed)} parsed"
        f" + {figures.number(lines.ignored)} ignored + {figures.number(lines.foreign)} foreign"
        f" + {figures.number(lines.unrecognised)} unrecognised"
    )
    return [*found, *(f"- note: {own(n)}" for n in report.notes), ""]


def _totals(report: Report) -> list[str]:
    if outline.no_mail(report.totals):
        return ["## Mail", "", "No mail was received, sent or refused.", ""]
    rows = [(t.label, figures.number(t.mails), t.remark) for t in outline.totals(report.totals)]
    return ["## Mail", "", *_table(("", "mails", ""), rows)]


def _codes(report: Report) -> list[str]:
    clock = figures.Clock(report)
    found = []
    for section in outline.sections(report):
        found += [f"## {own(section.title)} ({figures.count(section.replies, *section.noun)})", ""]
        if not section.rows:
            found += ["None.", ""]
            continue
        heads = ("code", "meaning", "cause", "seen", "count", "implied", "share", section.peers,
                 "recipients")  # fmt: skip
        rows = [
            (log(figures.code(row), in_table=True), own(row.advice.title, in_table=True),
             own(row.cause, in_table=True), clock.span(row.first_seen, row.last_seen),
             *map(figures.number, (row.count, row.implied)), own(figures.share(row.share)),
             *map(figures.number, (row.peers, row.recipients)))
            for row in section.rows
        ]  # fmt: skip
        found += _table(heads, rows, text=4)
        found += [
            f"- {log(code)} is implied, not printed: {markdown_prose(reason)}"
            for code, reason in outline.implied(section)
        ]
        found.append("")
    return found


def _actions(report: Report) -> list[str]:
    found = ["## What needs action", ""]
    actions = outline.actions(report)
    if not actions:
        found += ["Nothing needs action.", ""]
    for number, action in enumerate(actions, start=1):
        row, advice = action.row, action.row.advice
        found += [
            f"### {number}. {own(advice.title)}",
            "",
            f"**{figures.severity(advice.severity)}**, {own(row.direction)}"
            f" {log(figures.code(row))}, {figures.number(row.count)}"
            f" ({own(figures.share(row.share))})",
            "",
        ]
        if action.like is None:
            for label, text in (
                ("Meaning", advice.description),
                ("Seen when", advice.when_seen),
                ("To fix", advice.how_to_fix),
                ("Who acts", advice.who_acts),
            ):
                found += [f"**{label}:** {' '.join(map(markdown_prose, prose(text)))}", ""]
        else:
            like = log(figures.code(action.like))
            found += [f"Same meaning and same fix as {own(row.direction)} {like} above.", ""]
        found += [
            f"- {log(f'{e.file}:{e.line}')} {log(excerpt(clean(e.text), MOST_CHARACTERS))}"
            for e in row.examples[:3]
        ]
        found.append("")
    idle = outline.idle(report)
    return [*found, f"Nothing to do: {own(idle)}", ""] if idle else found


def _hours(report: Report) -> list[str]:
    days, skipped = outline.days(report)
    found = ["## Hour by hour", ""] if days else []
    for day in days:
        rows = [(label, *(figures.number(get(hour.flow)) for get in outline.HOUR_COLUMNS.values()))
                for label, hour in day.hours]  # fmt: skip
        found += [
            f"### {figures.day(day.date)}",
            "",
            *_table(("hour", *outline.HOUR_COLUMNS), rows),
        ]
    if skipped and days:
        found += [f"{figures.count(skipped, 'hour')} without mail left out.", ""]
    return found


def _tops(report: Report) -> list[str]:
    found = []
    for top in report.tops:
        shown = f"top {figures.number(len(top.rows))} of {figures.number(top.distinct)}"
        heads = ("name", *(own(c, in_table=True) for c in top.columns))
        rows = [(log(r.name, in_table=True), *map(figures.number, r.counts)) for r in top.rows]
        found += [f"## {own(top.title)} ({shown})", "", *_table(heads, rows)]
    return found
