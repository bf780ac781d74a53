"""What a person asked for, and the events of the messages that it names.

First the lines that hold the text; of these only events whose own columns equal it count. Then
the lines of the messages' queue ids, then of the queue ids that those name, until nothing new
is named.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from analyzer.attribution import attribute, clients
from analyzer.classify import classify
from analyzer.munging import Munging
from parsers.event import TIME

from .links import LINKS, with_links
from .refused import Refusals
from .scan import EVENTS, Logs, Texts

FOLLOWED = 2000
"""Of so many messages the lines are fetched, the newest; all are counted."""
_ROUNDS = 12
"""How often the trail is taken up again; a loop of filters is rarely longer than three."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

KEY = ["host", "mta", "queue_id"]
_IDS = r"[0-9A-Z][0-9A-Za-z]{5,24}|[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
_ADDRESSES = ("sender", "recipient", "orig_recipient", "sasl_user")
_IPS = ("client_ip", "relay_ip")
_REWRITTEN = Munging(frozenset({"srs", "batv"}))
"""Forms of an address that stand for the one that is asked for."""

STORY_EVENTS: dict[str, pl.DataType] = {
    **EVENTS,
    "link": LINKS,
    "names": pl.String(),
    "matched": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The argument: one text that may be a queue id, an address, a Message-ID or an IP."""

    text: str

    @classmethod
    def of(cls, argument: str) -> "Asked":
        """Take off the brackets that logs and people put around it."""
        text = argument.strip()
        bare = re.sub(r"^\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]$", r"\1", text, flags=re.IGNORECASE)
        return cls(bare.removeprefix("<").removesuffix(">"))

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The address, where it is one."""
        return _ip(self.text)

    @property
    def may_be_queue_id(self) -> bool:
        """Whether it is spelt like one."""
        return re.fullmatch(_IDS, self.text) is not None

    def texts(self) -> Texts:
        """What lines are searched for."""
        if isinstance(self.ip, ipaddress.IPv6Address):
            groups = [group.lstrip("0") or "0" for group in self.ip.exploded.split(":")]
            spelt = (self.text, self.ip.compressed, ":".join(groups), self.ip.exploded)
            return Texts(tuple(dict.fromkeys(spelt)), any_case=True)
        local, at, domain = self.text.rpartition("@")
        forwarded = (f"={domain}={local}@",) if at and local and domain else ()
        return Texts((self.text, *forwarded), any_case=True)

    def test(self, events: pl.DataFrame) -> pl.Series:
        """Which events say so in a column of their own; everything else is anybody's text."""
        if self.ip is not None:
            tests = [pl.col(n).is_in(self._as_logged(events, n)) for n in _IPS]
        else:
            tests = [
                shown.str.to_lowercase() == self.text.lower()
                for n in _ADDRESSES
                for shown in (pl.col(n), _REWRITTEN.expr(n))
            ]
            message_id = pl.col("message_id").str.strip_prefix("<").str.strip_suffix(">")
            tests += [message_id == self.text, pl.col("queue_id") == self.text]
        return events.select(pl.any_horizontal(t.fill_null(False) for t in tests)).to_series()

    def _as_logged(self, events: pl.DataFrame, name: str) -> list[str]:
        return [s for s in events.get_column(name).drop_nulls().unique() if _ip(s) == self.ip]


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@dataclass(slots=True)
class Found:
    """What the logs tell of what was asked."""

    events: pl.DataFrame
    """STORY_EVENTS in time order: everything about the messages and those linked to them."""
    refusals: Refusals
    """What was refused without a queue id."""
    distinct: int = 0
    """Queue ids that match, those that were not followed too."""


@dataclass(slots=True)
class _Trail:
    """Events of the queue ids that were fetched."""

    logs: Logs
    fetched: set[str] = field(default_factory=set)
    parts: list[pl.DataFrame] = field(default_factory=list)

    def fetch(self, ids: Iterable[str]) -> set[str]:
        """Read all lines of these queue ids; returns the ids to go on with.

        These are what the new lines name, and whose lines name one of the new ids.
        """
        wanted = sorted(set(ids) - self.fetched)
        if not wanted:
            return set()
        self.fetched |= set(wanted)
        onward: set[str] = set()
        for batch in self.logs.events(Texts(tuple(wanted))):
            linked = with_links(batch)
            own = linked.filter(pl.col("queue_id").is_in(wanted))
            others = linked.filter(
                pl.col("names").is_in(wanted) & ~pl.col("queue_id").is_in(wanted)
            )
            onward |= set(own.get_column("names").drop_nulls())
            onward |= set(others.get_column("queue_id").drop_nulls())
            self.parts.append(own)
        return onward - self.fetched

    def follow(self, ids: Iterable[str]) -> None:
        """Fetch these ids and all they lead to."""
        left = set(ids)
        for _ in range(_ROUNDS):
            left = self.fetch(left)
            if not left:
                break

    def events(self, asked: Asked) -> pl.DataFrame:
        """Everything fetched, in time order, with causes."""
        schema = {n: t for n, t in STORY_EVENTS.items() if n != "matched"}
        whole = pl.concat([pl.DataFrame(schema=schema), *self.parts])
        whole = whole.sort("source", "line", maintain_order=True)
        # A line without a readable stamp stands where its neighbours do.
        time = pl.col("time")
        time = pl.coalesce(time, time.forward_fill(), time.backward_fill(), pl.lit(_NEVER))
        whole = whole.with_columns(time.over("source").cast(TIME))
        whole = whole.sort("time", maintain_order=True).with_row_index("row")
        whole = classify(attribute(whole, clients(whole)))
        return whole.with_columns(asked.test(whole).alias("matched")).drop("row")


def find(logs: Logs, asked: Asked, most: int | None = FOLLOWED) -> Found:
    """Find what is asked for; of more than `most` messages the newest are followed."""
    trail = _Trail(logs)
    if asked.may_be_queue_id and asked.ip is None:
        trail.follow([asked.text])
        events = trail.events(asked)
        # Somebody may have logged in under that name; who asks for a queue id means the message.
        events = events.with_columns(matched=pl.col("queue_id") == asked.text)
        if events.get_column("matched").any():
            return Found(events, Refusals(), 1)
        trail = _Trail(logs)
    refusals = Refusals()
    matching = [pl.DataFrame(schema={n: EVENTS[n] for n in (*KEY, "time")})]
    for batch in logs.events(asked.texts()):
        hits = batch.filter(asked.test(batch))
        refusals.add(hits.filter(pl.col("queue_id").is_null()))
        with_id = hits.filter(pl.col("queue_id").is_not_null())
        matching.append(with_id.group_by(KEY).agg(pl.col("time").max()))
    keys = pl.concat(matching).group_by(KEY).agg(pl.col("time").max()).sort("time", *KEY)
    newest = keys if most is None else keys.tail(most)
    trail.follow(newest.get_column("queue_id"))
    return Found(trail.events(asked), refusals, keys.height)
