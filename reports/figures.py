"""How numbers, shares, sizes, times and codes are written; the same in every format."""

from collections.abc import Iterable
from datetime import date, datetime

from .model import CodeRow, Finding, Report
from .safe import clean
from .words import ENGLISH, Words, words_of

SEVERITIES = ("info", "watch", "this week", "today", "now")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def number(value: int) -> str:
    """Group by thousands; a comma keeps the number one word."""
    return f"{value:,}"


def share(value: float) -> str:
    """Write a share so that neither something reads as nothing nor nearly all as all."""
    if 0 < value < 0.0005:
        return "<0.1 %"
    if 0.9995 <= value < 1:
        return ">99.9 %"
    return f"{value * 100:.1f} %"


def size(octets: int) -> str:
    """Write bytes in decimal units."""
    value, unit = float(octets), 0
    while value >= 999.95 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {UNITS[unit]}" if unit else f"{octets:,} B"


def count(value: int, one: str, many: str = "", words: Words = ENGLISH) -> str:
    """Write a number with its noun: 1 reply, 2 replies."""
    noun = one if value == 1 else many or one + "s"
    return f"{number(value)} {words(noun)}"


def severity(value: int, words: Words = ENGLISH) -> str:
    """Name a severity; what is off the scale is taken as its nearest end."""
    return words(SEVERITIES[min(max(value, 0), len(SEVERITIES) - 1)])


def code(row: CodeRow, words: Words = ENGLISH) -> str:
    """Write what was replied: `550 5.1.1`; without any code, its cause."""
    digits = [str(row.code) if row.code is not None else "", clean(row.enhanced or "")]
    return " ".join(filter(None, digits)) or clean(row.cause) or words("no code")


def codes(finding: Finding, most: int = 4, words: Words = ENGLISH) -> str:
    """Write what a finding came with: `550 5.1.1 (20), 553 5.1.3 (2)`, or its only code."""
    digits = ((str(c.code or ""), clean(c.enhanced or "")) for c in finding.codes)
    named = [" ".join(filter(None, pair)) for pair in digits]
    if len(named) == 1:
        return named[0]
    pairs = zip(named, finding.codes, strict=True)
    shown = (f"{name or words('no code')} ({number(c.count)})" for name, c in pairs)
    return listing(shown, most, words)


def day(value: date, words: Words = ENGLISH) -> str:
    """Write a date as a heading: 2026-11-22 Sunday."""
    return f"{value:%Y-%m-%d} {words(WEEKDAYS[value.weekday()])}"


def period(report: Report) -> str:
    """Write the time the report covers, with its zone and offset."""
    start, end, words = report.start, report.end, words_of(report)
    if start is None or end is None:
        return words("no dated lines ({zone})", zone=report.timezone)
    last = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    zone = report.timezone
    offsets = list(dict.fromkeys([_offset(start), _offset(end)]))
    if offsets != ["+00:00"] or zone != "UTC":
        first, then = offsets[0], offsets[-1]
        zone += ", "
        zone += first if first == then else words("{first} to {then}", first=first, then=then)
    return f"{start:%Y-%m-%d %H:%M:%S} – {last} ({zone})"  # noqa: RUF001


def _offset(moment: datetime) -> str:
    text = f"{moment:%z}" or "+0000"
    return f"{text[:3]}:{text[3:5]}"


class Clock:
    """Writes moments as short as the report allows: the date only where it is not obvious."""

    def __init__(self, report: Report) -> None:
        """Look at every moment that the report names."""
        moments = [report.start, report.end, *(h.start for h in report.hours)]
        moments += [m for c in report.codes for m in (c.first_seen, c.last_seen)]
        self.days = {m.date() for m in moments if m is not None}
        self.years = {d.year for d in self.days}
        self.words = words_of(report)

    def time(self, moment: datetime) -> str:
        """Write one moment."""
        if len(self.days) <= 1:
            return f"{moment:%H:%M:%S}"
        if len(self.years) > 1:
            return f"{moment:%Y-%m-%d %H:%M:%S}"
        # Month names by hand: strftime's depend on the locale.
        month = self.words(MONTHS.split()[moment.month - 1])
        name = self.words("{month} {day}", month=month, day=f"{moment.day:2}")
        return f"{name} {moment:%H:%M:%S}"

    def span(self, first: datetime | None, last: datetime | None) -> str:
        """Write from when to when; one moment alone where both are the same second."""
        if first is None or last is None:
            found = first or last
            return self.time(found) if found else ""
        begin, end = self.time(first), self.time(last)
        if begin == end:
            return begin
        if first.date() == last.date():
            return f"{begin}–{last:%H:%M:%S}"  # noqa: RUF001
        return f"{begin} – {end}"  # noqa: RUF001


def listing(names: Iterable[str], most: int = 6, words: Words = ENGLISH) -> str:
    """Join names with commas; of a long list the first few and how many more."""
    shown = list(names)
    if len(shown) > most:
        shown = [*shown[:most], words("{count} more", count=number(len(shown) - most))]
    return ", ".join(shown)
