"""What a report has to say and in which order, before any format is chosen."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from . import figures
from .model import CodeRow, Finding, Flow, HourRow, Lines, Report, Top
from .safe import clean
from .words import ENGLISH, Words, words_of

DIRECTIONS = {
    "inbound": ("Inbound: replies we gave", "clients"),
    "outbound": ("Outbound: replies we received", "relays"),
    "local": ("Local: our own verdicts, no remote reply", "peers"),
}
"""Direction -> its heading and what a peer is called there."""

HOUR_COLUMNS: dict[str, Callable[[Flow], int]] = {
    "received": attrgetter("received"),
    "sent": attrgetter("sent"),
    "deferrals": attrgetter("deferrals"),
    "bounced": attrgetter("bounced"),
    "expired": attrgetter("expired"),
    "rejected": attrgetter("rejected"),
}
OWN_NAMES = frozenset(("(local)", "<> (bounces and notices)", "standard input"))
"""What stands where a name of the log does and is none."""
MANY_HOURS = 48
"""Above this many rows, hours without mail are left out."""


class Total(NamedTuple):
    """One line of the totals."""

    label: str
    mails: int
    remark: str = ""


class Section(NamedTuple):
    """The replies of one direction."""

    direction: str
    title: str
    peers: str
    rows: tuple[CodeRow, ...]
    replies: int
    noun: tuple[str, str]


class Action(NamedTuple):
    """What someone must act on; `like`: an earlier one that the same advice was given for."""

    finding: Finding
    like: int | None


class Day(NamedTuple):
    """The hours of one date, each with its label."""

    date: date
    hours: tuple[tuple[str, HourRow], ...]


def by_count(row: CodeRow) -> tuple[int, str, int, str, str]:
    """Sort the most frequent first; ties by what they are, so that the order is always the same."""
    return -row.count, row.direction, row.code or 0, row.enhanced or "", row.cause


def totals(flow: Flow, words: Words = ENGLISH) -> list[Total]:
    """List the totals; the rare ones only where there are any."""
    rows = [
        Total(words("received"), flow.received, figures.size(flow.received_bytes)),
        Total(words("sent"), flow.sent),
        Total(
            words("deferred"),
            flow.deferred_messages,
            figures.count(flow.deferrals, "deferral", words=words),
        ),
        Total(words("bounced"), flow.bounced),
        Total(words("expired"), flow.expired),
        Total(words("rejected"), flow.rejected),
    ]
    rare = [
        Total(words("held"), flow.held),
        Total(words("discarded"), flow.discarded),
        Total(words("warned"), flow.warned),
    ]
    return rows + [row for row in rare if row.mails]


def name(text: str, words: Words) -> str:
    """Return a name of the log as it is, and what is no name in the report's language."""
    return words(text) if text in OWN_NAMES else text


def sections(report: Report) -> Iterator[Section]:
    """Yield the three directions, and any other that a row names, most frequent rows first.

    Titles and nouns are English still.
    """
    others = dict.fromkeys(c.direction for c in report.codes if c.direction not in DIRECTIONS)
    for direction in (*DIRECTIONS, *others):
        title, peers = DIRECTIONS.get(direction, (direction.capitalize(), "peers"))
        rows = sorted((c for c in report.codes if c.direction == direction), key=by_count)
        noun = ("verdict", "verdicts") if direction == "local" else ("reply", "replies")
        yield Section(direction, title, peers, tuple(rows), sum(r.count for r in rows), noun)


def actions(report: Report) -> list[Action]:
    """List what needs someone to act, in the report's order."""
    told: dict[tuple[str, ...], int] = {}
    found: list[Action] = []
    for finding in report.findings:
        advice = finding.advice
        if not advice.needs_action:
            continue
        key = (finding.direction, advice.description, advice.when_seen, advice.how_to_fix)
        found.append(Action(finding, told.get(key)))
        told.setdefault(key, len(found))
    return found


def idle(report: Report) -> str:
    """Name in one line the findings that nobody has to act on."""
    found, words = [], words_of(report)
    for direction in dict.fromkeys([*DIRECTIONS, *(f.direction for f in report.findings)]):
        counts: dict[str, int] = {}
        for finding in report.findings:
            if finding.direction == direction and not finding.advice.needs_action:
                counts[finding.cause] = counts.get(finding.cause, 0) + finding.count
        if counts:
            most = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
            listed = ", ".join(f"{clean(cause)} ({figures.number(n)})" for cause, n in most)
            found.append(f"{words(clean(direction))} {listed}")
    return "; ".join(found)


def days(report: Report) -> tuple[list[Day], int]:
    """Group the hours by date; also return how many were left out for being empty."""
    rows = report.hours
    if len(rows) > MANY_HOURS:
        rows = tuple(h for h in rows if any(get(h.flow) for get in HOUR_COLUMNS.values()))
    found = []
    for when, group in groupby(rows, key=lambda h: h.start.date()):
        hours = tuple(group)
        clock = [f"{h.start:%H:%M}" for h in hours]
        # The hour that a change of clocks repeats is told apart by its offset.
        named = [f"{c}{f'{h.start:%z}'.removesuffix('00')}" if clock.count(c) > 1 else c
                 for h, c in zip(hours, clock, strict=True)]  # fmt: skip
        found.append(Day(when, tuple(zip(named, hours, strict=True))))
    return found, len(report.hours) - len(rows)


def busiest(report: Report) -> str:
    """Name the hour column with the largest sum, in English."""
    sums = {name: sum(get(h.flow) for h in report.hours) for name, get in HOUR_COLUMNS.items()}
    return max(sums, key=lambda name: sums[name])


def fates(lines: Lines) -> list[tuple[str, int]]:
    """What became of lines, in English, and of how many; what was not understood stands last."""
    return [
        ("parsed", lines.parsed),
        ("ignored", lines.ignored),
        ("foreign", lines.foreign),
        ("unrecognised", lines.unrecognised),
    ]


def shown(top: Top, words: Words = ENGLISH) -> str:
    """Say how much of a top list is shown."""
    first, distinct = figures.number(len(top.rows)), figures.number(top.distinct)
    return words("top {shown} of {distinct}", shown=first, distinct=distinct)


def no_mail(flow: Flow) -> bool:
    """Tell whether nothing at all happened to mail."""
    return flow == Flow()


def implied(section: Section, words: Words = ENGLISH) -> list[tuple[str, str]]:
    """Code and reason of each reply that is implied, each pair once."""
    found: dict[tuple[str, str], None] = {}
    for row in section.rows:
        if row.implied:
            told = reasons(row, words)
            found.update(dict.fromkeys((figures.code(row, words), reason) for reason in told))
    return list(found)


def reasons(row: CodeRow | Finding, words: Words = ENGLISH) -> list[str]:
    """Say why a code is implied, a sentence each; where nothing is known, that."""
    return [words.sentence(r) for r in row.implied_reasons] or [words("no reason given")]
