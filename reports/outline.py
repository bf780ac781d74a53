"""What a report has to say and in which order, before any format is chosen."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from . import figures
from .model import CodeRow, Flow, HourRow, Report

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
    """A row someone must act on; `like`: an earlier one that the same advice was given for."""

    row: CodeRow
    like: CodeRow | None


class Day(NamedTuple):
    """The hours of one date, each with its label."""

    date: date
    hours: tuple[tuple[str, HourRow], ...]


def by_count(row: CodeRow) -> tuple[int, str, int, str, str]:
    """Sort the most frequent first; ties by what they are, so that the order is always the same."""
    return -row.count, row.direction, row.code or 0, row.enhanced or "", row.cause


def totals(flow: Flow) -> list[Total]:
    """List the totals; the rare ones only where there are any."""
    rows = [
        Total("received", flow.received, figures.size(flow.received_bytes)),
        Total("sent", flow.sent),
        Total("deferred", flow.deferred_messages, figures.count(flow.deferrals, "deferral")),
        Total("bounced", flow.bounced),
        Total("expired", flow.expired),
        Total("rejected", flow.rejected),
    ]
    rare = [
        Total("held", flow.held),
        Total("discarded", flow.discarded),
        Total("warned", flow.warned),
    ]
    return rows + [row for row in rare if row.mails]


def sections(report: Report) -> Iterator[Section]:
    """Yield the three directions, and any other that a row names, most frequent rows first."""
    others = dict.fromkeys(c.direction for c in report.codes if c.direction not in DIRECTIONS)
    for direction in (*DIRECTIONS, *others):
        title, peers = DIRECTIONS.get(direction, (direction.capitalize(), "peers"))
        rows = sorted((c for c in report.codes if c.direction == direction), key=by_count)
        noun = ("verdict", "verdicts") if direction == "local" else ("reply", "replies")
        yield Section(direction, title, peers, tuple(rows), sum(r.count for r in rows), noun)


def actions(report: Report) -> list[Action]:
    """List what needs someone to act: the most severe first, then the most frequent."""
    rows = [c for c in report.codes if c.advice.needs_action]
    rows.sort(key=lambda c: (-c.advice.severity, *by_count(c)))
    told: dict[tuple[str, ...], CodeRow] = {}
    found = []
    for row in rows:
        advice = row.advice
        key = (row.direction, advice.description, advice.when_seen, advice.how_to_fix)
        found.append(Action(row, told.get(key)))
        told.setdefault(key, row)
    return found


def idle(report: Report) -> str:
    """Name in one line the rows that nobody has to act on."""
    found = []
    for section in sections(report):
        rows = [r for r in section.rows if not r.advice.needs_action]
        if rows:
            listed = ", ".join(f"{_name(r)} ({figures.number(r.count)})" for r in rows)
            found.append(f"{section.direction} {listed}")
    return "; ".join(found)


def _name(row: CodeRow) -> str:
    # The cause is said where it tells more than the code.
    name = figures.code(row)
    return name if row.cause in ("ok", "undefined", name) else f"{name} {row.cause}"


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
    """Name the hour column with the largest sum."""
    sums = {name: sum(get(h.flow) for h in report.hours) for name, get in HOUR_COLUMNS.items()}
    return max(sums, key=lambda name: sums[name])


def no_mail(flow: Flow) -> bool:
    """Tell whether nothing at all happened to mail."""
    return flow == Flow()


def implied(section: Section) -> list[tuple[str, str]]:
    """Code and reason of each reply that is implied, each pair once."""
    found: dict[tuple[str, str], None] = {}
    for row in section.rows:
        if row.implied:
            reasons = row.implied_reasons or ("no reason given",)
            found.update(dict.fromkeys((figures.code(row), reason) for reason in reasons))
    return list(found)
