"""What `trace` found, as its renderers are given it: the story of each message.

Times are aware datetimes in the report's zone. Addresses, names, replies and ids came from a log
and are raw here; each renderer neutralises them.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .to_json import SCHEMA_VERSION, dump


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a log."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the knowledge base says of one kind of reply in this story."""

    direction: str
    code: int | None
    enhanced: str | None
    cause: str
    by: str
    """Who said so: the server or its provider; empty where it was this host."""
    title: str
    description: str
    when_seen: str
    how_to_fix: str
    who_acts: str
    """In words; `first_step` is what they do first."""
    first_step: str
    severity: int
    needs_action: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened, in our words, with the reply that was given."""

    time: datetime
    hop: int
    """Number of the hop in `Story.hops`, from 0."""
    what: str
    outcome: str
    """How bad it is: good, wait, bad, or empty."""
    code: int | None = None
    enhanced: str | None = None
    implied: bool = False
    """The log proves the code without printing it."""
    reply: str = ""
    explained: int | None = None
    """Number of its explanation in `Story.explained`, from 0."""
    count: int = 1
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What became of one recipient in the end."""

    address: str
    original: str
    """The address before aliases; empty where it is the same."""
    outcome: str
    """delivered, bounced, expired, deferred, queued, held, discarded, deleted, refused, asked,
    unknown"""
    hop: int
    time: datetime | None = None
    after: float | None = None
    """Seconds since the message came in."""
    tries: int = 0
    delays: tuple[float, ...] = ()
    """Of the last try, in seconds: before the queue manager, in it, connecting, sending."""
    relay: str = ""
    code: int | None = None
    enhanced: str | None = None
    reply: str = ""
    explained: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One message in one queue."""

    host: str
    mta: str
    queue_id: str
    role: str
    """received, filtered, forwarded, requeued, split, submitted, passed on, notice"""
    parent: int | None
    """Number of the hop it came out of."""
    start: datetime
    end: datetime
    open: bool
    """The logs do not show its end."""
    complete: bool
    """The logs show its arrival."""
    recipients: tuple[tuple[str, str], ...] = ()
    """Of a notice: whom it went to, and what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Refusals of one kind to one client."""

    what: str
    refused: bool
    """False where the client was only warned about, put on hold or heard nothing of it."""
    code: int | None
    enhanced: str | None
    implied: bool
    reply: str
    count: int
    first: datetime
    last: datetime
    explained: int | None
    pairs: tuple[tuple[str, str, int], ...]
    """Sender, recipient, how often; the most frequent ones."""
    more_pairs: int
    queue_ids: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A message's life, or the refusals of one client before anything was queued."""

    kind: str
    """message or refusals"""
    queue_id: str
    """The first hop's; empty for refusals."""
    outcome: str
    """The recipients' outcome; where they differ `partly delivered` or `mixed`; where none is known
    returned or unfinished too."""
    summary: str
    """What became of it and why."""
    verdict: str
    """The same with who acts and what to do first, one sentence."""
    start: datetime
    end: datetime
    sender: str | None = None
    message_id: str = ""
    client_name: str = ""
    client_ip: str = ""
    user: str = ""
    """Who logged in."""
    size: int | None = None
    in_queue: float | None = None
    """Seconds from arrival to removal; so far, where it is still open."""
    open: bool = False
    recipients: tuple[Recipient, ...] = ()
    hops: tuple[Hop, ...] = ()
    happenings: tuple[Happening, ...] = ()
    explained: tuple[Explained, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that was found."""

    query: str
    timezone: str
    stories: tuple[Story, ...]
    """The newest last."""
    total: int
    """How many there are, those that are not shown too."""
    told: bool
    """Every story is told; else they are listed."""
    notes: tuple[str, ...] = ()


def many(value: int, one: str, several: str = "") -> str:
    """Write a number with its noun: 1 try, 2 tries."""
    return f"{value:,} {one if value == 1 else several or one + 's'}"


def duration(seconds: float) -> str:
    """Write a time as people say it: 0.08 s, 25 s, 12 min 5 s, 3 h 20 min, 4 d 7 h."""
    if seconds < 0.005:
        return "under 1 s"
    if seconds < 10:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    told = [f"{n:,} {unit}" for n, unit in parts if n][:2]
    return " ".join(told)


def to_json(trace: Trace) -> str:
    """Write what was found as one JSON document; a list has no more than a line of text would."""
    stories = [_whole(s) if trace.told else _brief(s) for s in trace.stories]
    return dump(
        {
            "schema_version": SCHEMA_VERSION,
            "query": trace.query,
            "timezone": trace.timezone,
            "total": trace.total,
            "told": trace.told,
            "notes": trace.notes,
            "stories": stories,
        }
    )


def _whole(story: Story) -> dict[str, Any]:
    return asdict(story)


def _brief(story: Story) -> dict[str, Any]:
    kept = ("kind", "queue_id", "outcome", "summary", "verdict", "start", "end", "sender", "message_id",
            "client_name", "client_ip")  # fmt: skip
    recipients = [{"address": r.address, "outcome": r.outcome} for r in story.recipients]
    return {name: getattr(story, name) for name in kept} | {
        "recipients": recipients,
        "refusals": sum(r.count for r in story.refusals),
    }
