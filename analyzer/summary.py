"""The Summary: a value that merges.

Every table is keys + additive measures (sum, min, max), so any cut of a log, processed in any
tree, gives the same figures. Two tables need their own merge: examples (the earliest few per
key) and messages still open at a cut (see messages.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import polars as pl

from parsers.event import TIME, Direction, Mta, Stage
from parsers.parse import Fate

from .attribution import CLIENT_SCHEMA, name_clients, still_useful
from .event_tables import COUNT, HOUR, event_tables
from .handovers import ARRIVAL_SCHEMA, HELD_SCHEMA, fold_all, handed_on, put_back
from .messages import OPEN_SCHEMA, message_tables
from .recipients import ATTEMPT_SCHEMA, at_the_end, follow, mark_handed, settle
from .sections import Chosen, section_tables
from .tables import DELIVERIES, PLAIN, LazyTables, Merge, Table, Tables, counts

EXAMPLES = 3

REPLY_KEY = ("direction", "reply_code", "enhanced_code", "cause")
EXAMPLE_KEY = (*REPLY_KEY, "why", "provider", "implied")


_N = (pl.UInt64(), "sum")
_FIRST: tuple[pl.DataType, Merge] = (TIME, "min")
_LAST: tuple[pl.DataType, Merge] = (TIME, "max")
_S = pl.String()


_REPLY: dict[str, pl.DataType] = {
    "direction": Direction,
    "reply_code": pl.UInt16(),
    "enhanced_code": _S,
    "cause": _S,
}
# The text rule that named the cause, and the mailbox provider that gave the reply; see classify.py.
_WHY: dict[str, pl.DataType] = {"why": _S, "provider": _S}
_WHERE: dict[str, pl.DataType] = {"host": _S, "mta": Mta, "hour": TIME}

TABLES: dict[str, Table] = {
    # The account of every line.
    "lines": Table({"file": _S, "mta": Mta, "fate": Fate, "rule": _S}, counts("n")),
    # Each source's period and header styles.
    "sources": Table(
        {"file": _S, "style": _S, "host": _S, "mta": Mta},
        {"n": (pl.UInt64(), "sum"), "first": _FIRST, "last": _LAST},
    ),
    "activity": Table({"host": _S, "bucket": TIME}, counts("n")),
    "replies": Table(
        _REPLY | _WHY | {"host": _S, "mta": Mta, "stage": Stage, "implied": _S, "hour": TIME},
        {"n": (pl.UInt64(), "sum"), "first": _FIRST, "last": _LAST},
    ),
    "reply_peers": Table(_REPLY | _WHY | {"implied": _S, "peer": _S}, counts("n")),
    "reply_recipients": Table(_REPLY | {"recipient": _S}, counts("n")),
    "flow": Table(
        _WHERE,
        counts(*DELIVERIES, "expired", "rejected", "held", "discarded", "warned"),
    ),
    "recipients": Table({"name": _S}, counts(*DELIVERIES)),
    "relays": Table({"name": _S}, counts(*DELIVERIES)),
    "clients_rejected": Table({"name": _S}, counts("rejected")),
    "client_names": Table({"name": _S}, {"host": (_S, "max")}),
    # From messages whose whole life is known; see messages.py.
    "flow_messages": Table(_WHERE, counts("received", "received_bytes", "deferred_messages")),
    # Deliveries that only handed a message on to these same hosts; see handovers.py.
    "handed": Table(_WHERE, counts("n")),
    "senders": Table({"name": _S}, counts("messages", "bytes")),
    "clients": Table({"name": _S}, counts("messages", "bytes")),
    # What `check` and the notes need.
    "versions": Table({"host": _S, "mta": Mta, "version": _S}, counts("n")),
    "shapes": Table({"mta": Mta, "shape": _S}, {"n": (pl.UInt64(), "sum"), "example": (_S, "min")}),
    "foreign": Table({"tag": _S}, counts("n")),
}

# A reply whose client is not known yet, with what it will be counted as.
WAITING_SCHEMA: dict[str, pl.DataType] = (
    CLIENT_SCHEMA | _REPLY | _WHY | {"implied": _S, "n": pl.UInt64(), "rejected": pl.Boolean()}
)

EXAMPLE_SCHEMA: dict[str, pl.DataType] = (_REPLY | _WHY) | {
    "implied": _S,
    "time": TIME,
    "file": _S,
    "line": pl.UInt64(),
    "text": _S,
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report is made from."""

    tables: dict[str, pl.DataFrame] = field(
        default_factory=lambda: {n: pl.DataFrame(schema=t.schema()) for n, t in TABLES.items()}
    )
    examples: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EXAMPLE_SCHEMA))
    open: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OPEN_SCHEMA))
    """Messages that are not over; see messages.py."""
    waiting: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=WAITING_SCHEMA))
    """Replies whose client a later line names; see attribution.py."""
    clients: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CLIENT_SCHEMA))
    """Clients that replies before this stretch of log may be waiting for."""
    attempts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ATTEMPT_SCHEMA))
    """Attempts of messages that are not over, where a section asks; see recipients.py."""
    held: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HELD_SCHEMA))
    """Deliveries that may be hand-overs; see handovers.py."""
    arrivals: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ARRIVAL_SCHEMA))
    """Arrivals that deliveries may lead to."""
    chosen: Chosen = field(default_factory=Chosen)
    """The sections it is counted for."""


class Moved(NamedTuple):
    """Messages taken as far as a stretch of log tells: what travels on, and what is counted."""

    open: pl.DataFrame
    attempts: pl.DataFrame
    held: pl.DataFrame
    arrivals: pl.DataFrame
    tables: list[LazyTables]


def merge(parts: Sequence[Summary]) -> Summary:
    """One Summary of several, which stand in time order where they are of one host."""
    if len(parts) == 1:
        return parts[0]
    chosen = parts[0].chosen
    moved = move_on(
        pl.concat(p.open for p in parts),
        pl.concat(p.attempts for p in parts),
        pl.concat(p.held for p in parts),
        pl.concat(p.arrivals for p in parts),
        pl.concat(p.tables["activity"] for p in parts).lazy(),
        chosen,
    )
    clients = pl.concat(p.clients for p in parts)
    named, waiting = _settle(pl.concat(p.waiting for p in parts), clients)
    return Summary(
        tables=merge_tables([*(p.tables for p in parts), *moved.tables, named]),
        examples=earliest(pl.concat(p.examples for p in parts)),
        open=moved.open,
        waiting=waiting,
        clients=still_useful(clients),
        attempts=moved.attempts,
        held=moved.held,
        arrivals=moved.arrivals,
        chosen=chosen,
    )


def move_on(
    pieces: pl.DataFrame,
    tried: pl.DataFrame,
    held: pl.DataFrame,
    came: pl.DataFrame,
    activity: pl.LazyFrame,
    chosen: Chosen,
    *,
    closing: bool = False,
) -> Moved:
    """Put messages together, and count those that are over; `closing` counts all others too."""
    folded = fold_all(pieces, held, came, activity, chosen, closing=closing)
    handed = handed_on(folded.handed)
    tried = mark_handed(follow(tried, put_back(folded.handed)), handed)
    if closing:
        over = pl.col("arrived") & pl.col("ended")
        settled, left = settle(tried, folded.whole.filter(over))
        settled = pl.concat([settled, at_the_end(left, folded.whole.filter(~over))])
    else:
        settled, left = settle(tried, folded.whole)
    tables = [closed_tables(folded.whole, settled, chosen)]
    if handed.height:
        n = COUNT.sum().alias("n")
        tables.append({"handed": handed.lazy().group_by("host", "mta", HOUR).agg(n)})
    if folded.released.height:
        tables.append(event_tables(folded.released, chosen))
    return Moved(folded.open, left, folded.held, folded.arrivals, tables)


def closed_tables(whole: pl.DataFrame, settled: pl.DataFrame, chosen: Chosen) -> LazyTables:
    """What whole messages and their recipients add to the tables."""
    tables = message_tables(whole)
    for section in chosen.sections:
        if section.count_recipients is not None:
            seen = pl.lit(True) if section.sees_handed else ~pl.col("handed")
            tables |= section.count_recipients(settled.lazy().filter(seen))
    return tables


def finish(summary: Summary) -> Summary:
    """The Summary with open messages counted as what they are so far; nothing merges after."""
    moved = move_on(
        summary.open,
        summary.attempts,
        summary.held,
        summary.arrivals,
        summary.tables["activity"].lazy(),
        summary.chosen,
        closing=True,
    )
    return replace(summary, tables=merge_tables([summary.tables, *moved.tables]))


def merge_tables(parts: Sequence[Tables | LazyTables]) -> Tables:
    """Each table of several sets, some of which have only some tables, made one."""
    names = [*TABLES, *dict.fromkeys(n for part in parts for n in part if n not in TABLES)]
    merged: list[pl.LazyFrame] = []
    for name in names:
        table = TABLES.get(name) or section_tables()[name]
        same = [
            part[name].lazy().select(pl.col(n).cast(t) for n, t in table.schema().items())
            for part in parts
            if name in part
        ]
        if not same:
            same = [pl.LazyFrame(schema=table.schema())]
        merged.append(same[0] if len(same) == 1 else table.merge(same))
    return dict(
        zip(names, pl.collect_all(merged, engine="in-memory", optimizations=PLAIN), strict=True)
    )


def _settle(waiting: pl.DataFrame, clients: pl.DataFrame) -> tuple[LazyTables, pl.DataFrame]:
    """What replies add whose client is now known, and those that still wait."""
    named = name_clients(waiting, clients)
    client = pl.col("client_ip")
    known = named.lazy().filter(client.is_not_null())
    added = {
        "reply_peers": known.group_by(*EXAMPLE_KEY, client.alias("peer")).agg(pl.col("n").sum()),
        "clients_rejected": known.filter("rejected")
        .group_by(client.alias("name"))
        .agg(pl.col("n").sum().alias("rejected")),
        "client_names": known.filter(pl.col("client_name").is_not_null())
        .group_by(client.alias("name"))
        .agg(pl.col("client_name").max().alias("host")),
    }
    return added, named.filter(client.is_null())


def earliest(examples: pl.DataFrame) -> pl.DataFrame:
    """The first few examples of each reply, by time, file and line."""
    ordered = examples.sort("time", "file", "line", nulls_last=True)
    return (
        ordered.group_by(EXAMPLE_KEY, maintain_order=True)
        .head(EXAMPLES)
        .select(list(EXAMPLE_SCHEMA))
    )
