"""The report as Markdown, for a ticket or a wiki."""

import re
from collections.abc import Iterable, Sequence

from . import figures, listings, outline, spikes_markdown
from .model import Input, Report
from .safe import clean, excerpt, markdown_prose, prose
from .safe import markdown as own
from .safe import markdown_code as log
from .words import Words, words_of

MOST_CHARACTERS = 600
"""Of an example; a ticket is not a log."""


def render(report: Report) -> str:
    """Write the report in GitHub's Markdown."""
    words = words_of(report)
    parts = {
        "mail": _totals,
        "replies": _codes,
        "findings": _actions,
        "spikes": spikes_markdown.section,
        "hours": _hours,
        "tops": _tops,
    }
    shown = (_head, *(part for name, part in parts.items() if name in report.shown))
    lines = [*(line for part in shown for line in part(report, words)), *listings.markdown(report)]
    text = "\n".join(lines)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], text: int = 1) -> list[str]:
    """Write a table: `text` columns to the left, the rest are numbers."""
    line = [f"| {' | '.join(heads)} |"]
    line.append(f"|{'---|' * text}{'---:|' * (len(heads) - text)}")
    return [*line, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _names(names: Sequence[str], none: str) -> str:
    return ", ".join(map(log, names)) or none


def _head(report: Report, words: Words) -> list[str]:
    hosts = _names(report.hosts, words("unknown host"))
    found = [
        f"# {words('Mail report for {hosts}', hosts=hosts)}",
        "",
        f"{own(figures.period(report))}, {_names(report.mtas, words('no MTA recognised'))}",
        "",
    ]
    found += [f"- {words('only:')} {log(f)}" for f in report.filters]
    found += [f"- {words('input:')} {_input(item, words)}" for item in report.inputs]
    fates = (f"{figures.number(n)} {words(name)}" for name, n in outline.fates(report.lines))
    total = figures.number(report.lines.total)
    found.append(f"- {words('lines:')} {total} = {' + '.join(fates)}")
    found += [f"- {words('note:')} {own(words.sentence(n))}" for n in report.notes]
    return [*found, ""]


def _input(item: Input, words: Words) -> str:
    problem = f": **{own(words.sentence(item.problem))}**" if item.problem is not None else ""
    lines = figures.count(item.lines, "line", words=words)
    return f"{log(outline.name(item.name, words))} ({lines}){problem}"


def _totals(report: Report, words: Words) -> list[str]:
    head = [f"## {words('Mail')}", ""]
    if outline.no_mail(report.totals):
        return [*head, words("No mail was received, sent or refused."), ""]
    totals = outline.totals(report.totals, words)
    rows = [(t.label, figures.number(t.mails), t.remark) for t in totals]
    return [*head, *_table(("", words("mails"), ""), rows)]


def _codes(report: Report, words: Words) -> list[str]:
    clock = figures.Clock(report)
    found = []
    for section in outline.sections(report):
        count = figures.count(section.replies, *section.noun, words=words)
        found += [f"## {own(words(section.title))} ({count})", ""]
        if not section.rows:
            found += [words("None."), ""]
            continue
        heads = (words("code"), words("meaning"), words("cause"), words("seen"), words("count"),
                 words("implied"), words("share"), words(section.peers),
                 words("recipients"))  # fmt: skip
        rows = [
            (log(figures.code(row, words), in_table=True),
             own(words.own(row.advice.title), in_table=True),
             own(row.cause, in_table=True), clock.span(row.first_seen, row.last_seen),
             *map(figures.number, (row.count, row.implied)), own(figures.share(row.share)),
             *map(figures.number, (row.peers, row.recipients)))
            for row in section.rows
        ]  # fmt: skip
        found += _table(heads, rows, text=4)
        found += [
            "- "
            + words(
                "{code} is implied, not printed: {reason}",
                code=log(code),
                reason=markdown_prose(reason),
            )
            for code, reason in outline.implied(section, words)
        ]
        found.append("")
    return found


def _actions(report: Report, words: Words) -> list[str]:
    found = [f"## {words('What needs action')}", ""]
    actions = outline.actions(report)
    if not actions:
        found += [words("Nothing needs action."), ""]
    for number, action in enumerate(actions, start=1):
        finding, advice = action.finding, action.finding.advice
        place = f", {own(finding.place)}" if finding.place else ""
        found += [
            f"### {number}. {own(words.own(advice.title))}{place}",
            "",
            f"**{figures.severity(advice.severity, words)}**, {figures.number(finding.count)}"
            f" ({own(figures.share(finding.share))}), {own(finding.cause)},"
            f" {own(words(finding.direction))}"
            f" {log(figures.codes(finding, words=words) or words('no code'))}",
            "",
        ]
        if action.like is None:
            for label, text in (
                (words("Meaning"), advice.description),
                (words("Seen when"), advice.when_seen),
                (words("To fix"), advice.how_to_fix),
                (words("Who acts"), advice.who_acts),
            ):
                told = " ".join(map(markdown_prose, prose(words.own(text))))
                found += [f"**{label}:** {told}", ""]
        else:
            found += [words("Same meaning and same fix as {number} above.", number=action.like), ""]
        noun = words("characters")
        found += [
            f"- {log(f'{e.file}:{e.line}')}"
            f" {log(excerpt(clean(e.text), MOST_CHARACTERS, noun=noun))}"
            for e in finding.examples[:3]
        ]
        found.append("")
    idle = outline.idle(report)
    return [*found, f"{words('Nothing to do:')} {own(idle)}", ""] if idle else found


def _hours(report: Report, words: Words) -> list[str]:
    days, skipped = outline.days(report)
    found = [f"## {words('Hour by hour')}", ""] if days else []
    heads = (words("hour"), *map(words, outline.HOUR_COLUMNS))
    for day in days:
        rows = [(label, *(figures.number(get(hour.flow)) for get in outline.HOUR_COLUMNS.values()))
                for label, hour in day.hours]  # fmt: skip
        found += [
            f"### {figures.day(day.date, words)}",
            "",
            *_table(heads, rows),
        ]
    if skipped and days:
        hours = figures.count(skipped, "hour", words=words)
        found += [words("{hours} without mail left out.", hours=hours), ""]
    return found


def _tops(report: Report, words: Words) -> list[str]:
    found = []
    for top in report.tops:
        shown = outline.shown(top, words)
        heads = (words("name"), *(own(words(c), in_table=True) for c in top.columns))
        rows = [
            (log(outline.name(r.name, words), in_table=True), *map(figures.number, r.counts))
            for r in top.rows
        ]
        found += [f"## {own(words(top.title))} ({shown})", "", *_table(heads, rows)]
    return found
