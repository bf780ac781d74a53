"""What every renderer is given: plain values, already counted, ordered and explained.

Times are aware datetimes in the report's zone. Text that came from a log (`Example.text`,
names, hosts) is raw here: each renderer neutralises it in its own one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Input:
    """One source that was read."""

    name: str
    lines: int
    start: datetime | None = None
    end: datetime | None = None
    styles: tuple[str, ...] = ()
    problem: str | None = None
    """What kept it from being read to its end; None when it was."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The account of every line: total = parsed + ignored + foreign + unrecognised."""

    total: int
    parsed: int
    ignored: int
    foreign: int
    unrecognised: int


@dataclass(frozen=True, slots=True)
class Example:
    """A line of this log that shows the reply; raw text."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the knowledge base says of a reply, for one direction."""

    title: str
    description: str
    when_seen: str
    how_to_fix: str
    who_acts: str
    severity: int
    """0 info, 1 watch, 2 this week, 3 today, 4 now."""
    needs_action: bool
    source: str = ""
    """Which entries the text comes from."""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the code table: direction x reply code x enhanced code x cause."""

    direction: str
    """inbound: we gave the reply; outbound: we received it; local: our own verdict, no reply."""
    code: int | None
    enhanced: str | None
    cause: str
    count: int
    implied: int
    """How many of `count` the log proves without printing the code."""
    share: float
    """Of all replies of this direction, 0 to 1."""
    peers: int
    """Distinct clients (inbound) or relays (outbound)."""
    recipients: int
    first_seen: datetime | None
    last_seen: datetime | None
    advice: Advice
    implied_reasons: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How often a finding came with one reply code and enhanced code."""

    code: int | None
    enhanced: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause at one place: why mail was refused, by whom, how often, and what to do."""

    direction: str
    cause: str
    place: str
    """The mailbox provider or the one peer it is about; empty where there are several."""
    count: int
    implied: int
    share: float
    """Of all replies of this direction, 0 to 1."""
    peers: int
    codes: tuple[CodeCount, ...]
    """Most frequent first."""
    advice: Advice
    implied_reasons: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    rule: str = ""
    """The text rule that named the cause; empty where the digits did."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Counts of what happened to mail."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    deferred_messages: int = 0
    deferrals: int = 0
    bounced: int = 0
    expired: int = 0
    rejected: int = 0
    held: int = 0
    discarded: int = 0
    warned: int = 0


@dataclass(frozen=True, slots=True)
class HourRow:
    """One hour of one real date."""

    start: datetime
    flow: Flow


@dataclass(frozen=True, slots=True)
class TopRow:
    """One name of a top list."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """A top list: `columns` name the counts of its rows; `distinct` is how many there are."""

    key: str
    """senders, recipients, clients, relays, destination_domains"""
    title: str
    columns: tuple[str, ...]
    rows: tuple[TopRow, ...]
    distinct: int


STANDARD = {
    "mail": "totals of what happened to mail",
    "replies": "the code table of each direction",
    "findings": "what needs action: by cause and place, with remedy and example lines",
    "spikes": "what was refused or put off far more often than usual, since when and by whom",
    "hours": "what happened in each hour",
    "tops": "top senders, recipients, clients, relays and destination domains",
}
"""The standard sections by name, and what they hold."""

Cell = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of a listing; `kind` says how its cells are written."""

    name: str
    kind: Literal["name", "text", "number", "bytes", "seconds", "share", "time"] = "number"
    """name: raw text of the log; text: our own words; seconds: a duration; share: 0 to 1"""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row of a listing; in a tree `level` is its depth."""

    cells: tuple[Cell, ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of a section."""

    key: str
    """The section's name, and what tells its tables apart: `sasl.users`."""
    title: str
    columns: tuple[ListColumn, ...]
    rows: tuple[ListRow, ...]
    distinct: int | None = None
    """How many rows there are, where only the first are given."""
    note: str = ""
    """What a reader has to know to read it right."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without any line of a host that was busy before and after."""

    host: str
    """Empty where the log names none."""
    start: datetime
    end: datetime
    expected_lines: int
    """Lines the log would have held there at its usual rate."""


@dataclass(frozen=True, slots=True)
class SpikePart:
    """One name behind a spike."""

    name: str
    """Raw text of the log; a network is written 203.0.113.0/24."""
    count: int
    """In the spike's window."""
    share: float
    """Of all that the spike has beyond what was expected, 0 to 1."""


@dataclass(frozen=True, slots=True)
class SpikeParts:
    """Who makes up a spike, seen one way; the largest share of the excess first."""

    kind: str
    """clients, networks, sender_domains, recipient_domains, relays or providers"""
    rows: tuple[SpikePart, ...]
    distinct: int
    """How many names there are in the window."""


@dataclass(frozen=True, slots=True)
class SpikeHour:
    """One hour of the day a spike began."""

    start: datetime
    count: int | None
    """None where the log does not cover the hour."""


@dataclass(frozen=True, slots=True)
class Workings:
    """The numbers that a spike's p was worked out from, so that it can be checked by hand."""

    comparable: tuple[SpikeHour, ...]
    """With history: the same hour of the week on other weeks. Within one log: empty."""
    outside_events: int | None
    """Within one log: events of the series outside the window and an hour on either side,"""
    outside_traffic: int | None
    """all other traffic there,"""
    inside_traffic: int | None
    """and all other traffic in the window."""
    per_dispersion: float
    """Variance for each unit of dispersion: expected, and how unsure it is."""
    shape: float | None
    """r of the negative binomial: expected^2 / (variance - expected); None where it is Poisson."""
    calibration: float
    """What p was multiplied with, as windows of the past came out below it too often."""


@dataclass(frozen=True, slots=True)
class Spike:
    """One series of replies that had far more than it should have had; see docs/spikes.md.

    p, p_day and q are estimates of a model, no guarantees.
    """

    id: int
    part_of: int | None
    """The spike that this one is a part of."""
    host: str
    direction: str
    code: int | None
    """None for all codes, or where there is none (local)."""
    enhanced: str | None
    cause: str | None
    """None for all of the code's."""
    by: str
    """What `name` is: client, client-net, sender-domain, recipient-domain, provider; or empty."""
    name: str
    start: datetime
    """The window of whole hours that stands out most,"""
    end: datetime
    """up to, not with, this instant."""
    onset: datetime
    onset_is_minute: bool
    """False where only the hour of it is known."""
    began: datetime
    """The whole episode, of which the window is the strongest part."""
    ended: datetime
    observed: int
    expected: float
    low: int
    """99 % of such windows hold between `low` and `high`."""
    high: int
    ratio: float
    p: float
    p_day: float
    """p, corrected for all windows of the day, or of the log where there is no history."""
    q: float
    baseline: Literal["history", "log"]
    """history: comparable hours of other days; log: its share of the rest of this log."""
    comparable: float
    """Independent buckets that `expected` rests on."""
    factor: float
    """Level of the last days against the days before."""
    expected_error: float
    """Relative standard error of `expected`."""
    dispersion: float
    variance: float
    windows: int
    """Windows that p_day was corrected for."""
    after_gap: bool
    """The log has a gap shortly before: perhaps only a queue that was flushed."""
    fired: int
    """Other times this rule gives for the series in the days before,"""
    fired_days: int
    """so many of which the log covers, 28 at most."""
    share: float
    """Of all refusals of that direction in the window, 0 to 1."""
    hours: tuple[SpikeHour, ...]
    parts: tuple[SpikeParts, ...]
    commonest: CodeCount
    """What most of its replies were."""
    commonest_cause: str
    advice: Advice
    workings: Workings


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one report says."""

    start: datetime | None
    end: datetime | None
    timezone: str
    hosts: tuple[str, ...]
    mtas: tuple[str, ...]
    """Names with versions where the log tells them: `postfix 3.7.11`."""
    inputs: tuple[Input, ...]
    lines: Lines
    totals: Flow
    codes: tuple[CodeRow, ...]
    hours: tuple[HourRow, ...]
    tops: tuple[Top, ...]
    notes: tuple[str, ...] = ()
    """What is inferred, missing or uncertain, a sentence each."""
    findings: tuple[Finding, ...] = ()
    """What was refused, a row per cause and place: what needs someone first, then by severity
    and count."""
    listings: tuple[Listing, ...] = ()
    """The tables of the sections that were asked for."""
    spikes: tuple[Spike, ...] = ()
    """The strongest first, those that are part of another one last."""
    gaps: tuple[Gap, ...] = ()
    """Where a host's log is silent and should not be."""
    spikes_state: Literal["", "looked", "short", "filtered", "nothing"] = ""
    """looked: spikes were looked for; short: the log covers too little time; filtered: a selection
    left out what they are compared with; nothing: there are no refusals. Empty: not looked for."""
    spikes_asked: bool = False
    """Whether the section was asked for by name, and is to say so where there is nothing."""
    changes: tuple[str, ...] | None = None
    """What differs from the period before; None: not compared, or nothing to compare with."""
    shown: frozenset[str] = frozenset(STANDARD)
    """Which of the standard sections are printed."""
    filters: tuple[str, ...] = field(default=())
    """Selections that were applied (`--since ...`), as the user wrote them."""
    lang: str = "en"
    """The language it is written in; the advice already is."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What renderers say themselves, notes and reasons: English -> that language; see words.py."""
