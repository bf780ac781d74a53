"""Events to messages, and messages to stories: what was handed on, sent again or told of.

A *hop* is one message in one queue: the events of one host, mail server and queue id, from its
arrival to its removal. A story is all hops that lead to each other.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from .links import ABOUT, AGAIN, CLONE, FORWARDED, HANDED, NOTICE

_SAME_HOST = timedelta(seconds=5)
"""How far stamps of one host's daemons may be out of order."""
_OTHER_HOST = timedelta(minutes=2)
"""How far two hosts' clocks may be apart."""
_LATE = timedelta(minutes=1)
"""So long after its removal a line is still the message's own."""


@dataclass(frozen=True, slots=True)
class Event:
    """A row of trace_find.STORY_EVENTS with why and provider; names as there."""

    file: str
    line: int
    time: datetime
    host: str | None
    mta: str
    service: str | None
    queue_id: str
    kind: str
    direction: str | None
    stage: str | None
    outcome: str | None
    reply_code: int | None
    evidence: str | None
    enhanced_code: str | None
    reply_text: str | None
    sender: str | None
    recipient: str | None
    orig_recipient: str | None
    client_name: str | None
    client_ip: str | None
    sasl_user: str | None
    relay_name: str | None
    relay_ip: str | None
    relay_port: int | None
    message_id: str | None
    size: int | None
    nrcpt: int | None
    delay: float | None
    delays: Sequence[float] | None
    count: int
    cause: str | None
    rule: str
    link: str | None
    names: str | None
    matched: bool
    why: str | None
    provider: str | None

    @property
    def refused(self) -> bool:
        """Whether somebody was refused: temporarily or for good."""
        return self.kind == "reject" and self.outcome == "rejected"


@dataclass(slots=True, eq=False)
class Hop:
    """One message in one queue."""

    events: list[Event] = field(default_factory=list)

    def first(self, name: str, kinds: Iterable[str] = ("received", "queue", "session")) -> Any:
        """The first value that the message's own lines give for a column."""
        values = (getattr(e, name) for e in self.events if e.kind in kinds)
        return next((v for v in values if v is not None), None)

    @property
    def arrival(self) -> Event | None:
        """The event of its arrival, where the logs have it."""
        for event in self.events:
            given_in = event.kind == "queue" and event.direction == "local" and not event.recipient
            if event.kind == "received" or event.link == AGAIN or given_in:
                return event
        return None

    @property
    def message_id(self) -> str:
        """Its Message-ID without brackets; empty where unknown."""
        return (self.first("message_id") or "").strip("<>")

    @property
    def sender(self) -> str | None:
        """The envelope sender."""
        sender: str | None = self.first("sender")
        return self.first("sender", ("reject",)) if sender is None else sender

    @property
    def key(self) -> tuple[str | None, str, str]:
        """Host, mail server and queue id."""
        event = self.events[0]
        return event.host, event.mta, event.queue_id

    @property
    def start(self) -> datetime:
        """The time of its first event."""
        return self.events[0].time

    @property
    def end(self) -> datetime:
        """The time of its last event."""
        return self.events[-1].time

    @property
    def removed(self) -> Event | None:
        """The event that took it out of the queue."""
        return next((e for e in self.events if e.outcome == "removed"), None)

    @property
    def expired(self) -> bool:
        """Whether the mail server gave it up after too long a time."""
        return any(e.kind == "queue" and e.outcome == "expired" for e in self.events)

    @property
    def told(self) -> bool:
        """Whether there is more to it than refusals and a session cut short."""
        return any(e.kind not in ("reject", "auth", "session", "system") for e in self.events)


@dataclass(frozen=True, slots=True)
class Link:
    """How one hop leads to another."""

    kind: str
    source: Hop
    target: Hop
    event: Event
    """The line that says so."""


@dataclass(slots=True)
class Group:
    """The hops of one story, in time order, and how they hang together."""

    hops: list[Hop]
    links: list[Link]

    @property
    def matched(self) -> bool:
        """Whether it is what was asked for."""
        return any(e.matched for hop in self.hops for e in hop.events)

    @property
    def end(self) -> datetime:
        """The time of its last event."""
        return max(hop.end for hop in self.hops)


_COLUMNS = list(Event.__dataclass_fields__)


def groups(events: pl.DataFrame) -> list[Group]:
    """The stories that match, the one that ends last last."""
    hops = _hops(Event(*row) for row in events.select(_COLUMNS).iter_rows())
    links = _links(hops)
    leader = {id(h): h for h in hops}

    def find(hop: Hop) -> Hop:
        while leader[id(hop)] is not hop:
            hop = leader[id(hop)]
        return hop

    for link in links:
        leader[id(find(link.target))] = find(link.source)
    together: dict[int, Group] = {}
    for hop in hops:
        together.setdefault(id(find(hop)), Group([], [])).hops.append(hop)
    for link in links:
        together[id(find(link.source))].links.append(link)
    for group in together.values():
        group.hops = _in_order(group)
    return sorted((g for g in together.values() if g.matched), key=lambda g: g.end)


def _in_order(group: Group) -> list[Hop]:
    """Hops by time, and each after the one it came out of, whatever the clocks say."""
    sources = {id(link.target): link.source for link in group.links}
    found: dict[int, Hop] = {}
    left = list(group.hops)
    while left:
        free = (h for h in left if id(h) not in sources or id(sources[id(h)]) in found)
        # A circle of links has no beginning: the earliest is taken for it.
        hop = next(free, left[0])
        found[id(hop)] = hop
        left.remove(hop)
    return list(found.values())


def _hops(events: Iterable[Event]) -> list[Hop]:
    """Hops in the order of their first events."""
    found: list[Hop] = []
    current: dict[tuple[str | None, str, str], Hop] = {}
    for event in events:
        key = event.host, event.mta, event.queue_id
        hop = current.get(key)
        if hop is None or _another(hop, event):
            hop = current[key] = Hop()
            found.append(hop)
        hop.events.append(event)
    return found


def _another(hop: Hop, event: Event) -> bool:
    """Whether the event is of a later message with the same id."""
    if event.mta == "sendmail":
        # Its ids hold the time and the process: none comes twice in sixty years.
        return False
    over = hop.removed is not None
    if event.kind == "received":
        return over or hop.arrival is not None or any(e.kind == "delivery" for e in hop.events)
    # Notices have no line of arrival: their Message-ID is logged first.
    begins = event.kind == "queue" and event.message_id is not None
    return over and (begins or event.time - hop.end > _LATE)


def _links(hops: Sequence[Hop]) -> list[Link]:
    by_id: dict[str, list[Hop]] = {}
    for hop in hops:
        by_id.setdefault(hop.key[2], []).append(hop)
    found: list[Link] = []
    for hop in hops:
        seen: set[tuple[str, int]] = set()
        for event in hop.events:
            for other in by_id.get(event.names or "", []):
                if (
                    other is hop
                    or (event.link or "", id(other)) in seen
                    or not _fits(hop, event, other)
                ):
                    continue
                seen.add((event.link or "", id(other)))
                back = event.link in (ABOUT, AGAIN)
                source, target = (other, hop) if back else (hop, other)
                found.append(Link(event.link or "", source, target, event))
    return found


def _fits(hop: Hop, event: Event, other: Hop) -> bool:
    """Whether the other hop can be the one that the event names."""
    same_host = _same_host(hop, other) and hop.key[1] == other.key[1]
    slack = _SAME_HOST if _same_host(hop, other) else _OTHER_HOST
    if event.link in (ABOUT, AGAIN):
        return same_host and other.start <= event.time + slack and event.time <= other.end + slack
    if not hop.start - slack <= other.start <= event.time + slack:
        return False
    if event.link == NOTICE:
        return same_host and not other.sender
    if event.link in (FORWARDED, CLONE):
        return same_host
    return event.link == HANDED and _same_mail(hop, event, other)


def _same_host(hop: Hop, other: Hop) -> bool:
    """Exim's own log names no host: there the file stands for it."""
    if hop.key[0] is None and other.key[0] is None:
        return hop.events[0].file == other.events[0].file
    return hop.key[0] == other.key[0]


def _same_mail(hop: Hop, event: Event, other: Hop) -> bool:
    """Whether what was handed over is what came in there; a remote server's words alone, which
    may name any message of ours, do not count."""
    if event.kind == "queue" and not hop.message_id:
        # Sendmail's notices name neither; the daemon they are passed to is this host's own.
        return _same_host(hop, other) and _near(event.relay_ip or "127.0.0.1")
    if hop.message_id and other.message_id:
        if hop.message_id != other.message_id:
            return False
    elif hop.sender is None or hop.sender != other.sender:
        return False
    if not _same_host(hop, other):
        return True
    arrival = other.arrival
    came_from = arrival.client_ip if arrival else None
    if came_from is None or came_from == event.relay_ip:
        return True
    return _near(came_from) or (event.relay_ip is None and event.direction != "outbound")


_NEAR = [
    ipaddress.ip_network(n)
    for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


def _near(text: str) -> bool:
    """Whether an address is of this host or of a private network."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(found in network for network in _NEAR if network.version == found.version)
