"""Mail that a host hands to itself, or to another host of the same logs: one message.

A content filter takes a message over SMTP and puts it back into the queue under another id. The
delivery to the filter names that id (`250 2.0.0 Ok: queued as B`), and B arrives from this same
host. Such a *hand-over* is no delivery and B is nothing new: it is the same message further on.

A delivery that may be a hand-over is held back until B's arrival is seen or cannot come any more;
an arrival that may be B's waits likewise for the delivery. Both travel along in the Summary, so
that any cut of a log gives the same. The times must agree (WINDOW), as queue ids are used again.
"""

from datetime import timedelta
from typing import Final, NamedTuple

import polars as pl

from parsers.event import SCHEMA, TIME, Mta

from .messages import KEY, OPEN_SCHEMA, fold, join
from .sections import Chosen

WINDOW: Final = timedelta(hours=1)
"""How long before the filter's answer the message may have come back; between two hosts, whose
clocks may differ, also how long after."""
_LATE: Final = timedelta(seconds=5)
"""How much later the arrival may be logged on the same host: lines of two processes swap."""
_SELF, _HOST = 1, 2
_TOLD, _AGAIN = 3, 4
"""What needs no arrival to be believed, as the mail server's own words say it: an alias led to a
new message (`forwarded as B`); `postsuper -r` put a message back under a new id (`orig_id=A`)."""
_NEAR = pl.UInt8()

ARRIVAL_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "mta": Mta,
    "queue_id": pl.String(),
    "time": TIME,
    "near": _NEAR,
}
"""An arrival from this host (near 1) or another one of the same logs (2)."""

HELD_SCHEMA: dict[str, pl.DataType] = {
    **{n: t for n, t in SCHEMA.items() if n not in ("file", "line")},
    "row": pl.UInt32(),
    "rule": pl.String(),
    "implied": pl.String(),
    "why": pl.String(),
    "provider": pl.String(),
    "next_id": pl.String(),
    "near": _NEAR,
}
"""A delivery that may be a hand-over, with the queue id that the next hop named, and how near that
hop is."""

_ID = "[0-9A-Za-z]{6,25}"
_EXIM_ID = "[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
_QUEUED_AS = rf"(?i:\bqueued (?:mail )?as |\bid=)<?({_EXIM_ID}|{_ID})>?(?:[^0-9A-Za-z-]|$)"
_ACCEPTED = rf"^({_ID}) Message accepted for delivery"
_ANSWER = r"^.*(?: status=sent \(| stat=Sent \(| C=\"(?:250[- ])?)(.*)$"
# The last such words: what stands before them may be a stranger's address.
_FORWARDED = rf" status=sent \(forwarded as ({_ID})\)$"
_REQUEUED = rf" orig_id=({_ID})$"
_PRIVATE = (
    r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|"
    r"[fF][cCdD][0-9A-Fa-f]{2}:|[fF][eE]80:)"
)


class Folded(NamedTuple):
    """What is known of messages, deliveries and arrivals of a stretch of log."""

    whole: pl.DataFrame
    """Messages that are over (messages.OPEN_SCHEMA)."""
    open: pl.DataFrame
    handed: pl.DataFrame
    """Deliveries that were hand-overs (HELD_SCHEMA)."""
    released: pl.DataFrame
    """Deliveries that were none."""
    held: pl.DataFrame
    arrivals: pl.DataFrame


def next_queue_id(text: pl.Expr) -> pl.Expr:
    """The id under which the next hop queued the message, as its reply says."""
    return pl.coalesce(text.str.extract(_QUEUED_AS, 1), text.str.extract(_ACCEPTED, 1))


def hold(
    events: pl.DataFrame, lines: pl.Series, chosen: Chosen
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The deliveries that may be hand-overs (HELD_SCHEMA), and all other events of a chunk.

    The next hop's answer is read in `lines`, as the tables need no answer of success otherwise.
    """
    none = pl.DataFrame(schema=HELD_SCHEMA)
    if chosen.raw:
        return none, events
    sent = (pl.col("kind") == "delivery") & (pl.col("outcome") == "sent")
    near = _near(pl.col("relay_ip"), pl.col("relay_name"), chosen.hosts)
    postfix = pl.col("mta") == "postfix"
    local = postfix & (pl.col("relay_name") == "local")
    picked_up = postfix & (pl.col("kind") == "received") & pl.col("client_ip").is_null()
    near = (
        pl.when(sent & (near > 0)).then(near)
        .when(sent & local).then(pl.lit(_TOLD, _NEAR))
        .when(picked_up).then(pl.lit(_AGAIN, _NEAR))
    )  # fmt: skip
    at = events.select(pl.arg_where(pl.col("queue_id").is_not_null() & near.is_not_null()))
    few = events[at.to_series()].with_columns(near.alias("near"), at.to_series().alias("_at"))
    if few.is_empty():
        return none, events
    raw = lines.gather(few.get_column("row")).alias("_raw")
    answer = next_queue_id(pl.col("_raw").str.extract(_ANSWER, 1))
    few = few.with_columns(raw).with_columns(
        pl.when(pl.col("near") == _TOLD).then(pl.col("_raw").str.extract(_FORWARDED, 1))
        .when(pl.col("near") == _AGAIN).then(pl.col("_raw").str.extract(_REQUEUED, 1))
        .otherwise(answer).alias("next_id")
    )  # fmt: skip
    few = few.filter(pl.col("next_id").is_not_null())
    again = pl.col("near") == _AGAIN
    held = few.with_columns(
        # This line is of the new message, and names the old one.
        pl.when(again).then("next_id").otherwise("queue_id").alias("queue_id"),
        pl.when(again).then("queue_id").otherwise("next_id").alias("next_id"),
    ).select(
        (pl.col(n) if n in few.columns else pl.lit(None)).cast(t).alias(n)
        for n, t in HELD_SCHEMA.items()
    )
    taken = few.filter(~again).get_column("_at").implode()
    place = pl.int_range(pl.len(), dtype=pl.UInt32)
    return held, events.filter(~place.is_in(taken))


def requeued(held: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pieces that end the messages that were put back, and their arrivals under a new id."""
    again = held.filter(pl.col("near") == _AGAIN)
    end = {"ended": True, "arrived": False, "entered": False, "inner": False}
    ends = again.select(
        *KEY, "time", pl.col("time").alias("last"), *(pl.lit(v).alias(n) for n, v in end.items())
    )
    ends = ends.select(
        (pl.col(n) if n in ends.columns else pl.lit(0 if n == "deferrals" else None))
        .cast(t)
        .alias(n)
        for n, t in OPEN_SCHEMA.items()
    )
    came = again.select("host", "mta", pl.col("next_id").alias("queue_id"), "time", "near")
    return ends, came


def handed_on(handed: pl.DataFrame) -> pl.DataFrame:
    """Those of Folded.handed that were deliveries."""
    return handed.filter(pl.col("near") != _AGAIN)


def put_back(handed: pl.DataFrame) -> pl.DataFrame:
    """The other ones: `host`, `mta`, `queue_id` and `time` of messages, and their `next_id`."""
    return handed.filter(pl.col("near") == _AGAIN).select(*KEY, "time", "next_id")


def arrivals(events: pl.DataFrame, chosen: Chosen) -> pl.DataFrame:
    """ARRIVAL_SCHEMA: what came from this host or from another one of the same logs."""
    if chosen.raw:
        return pl.DataFrame(schema=ARRIVAL_SCHEMA)
    near = _near(pl.col("client_ip"), pl.col("client_name"), chosen.hosts)
    came = (pl.col("kind") == "received") & pl.col("queue_id").is_not_null() & (near > 0)
    found = events.filter(came).with_columns(near.alias("near"))
    return found.select(pl.col(n).cast(t) for n, t in ARRIVAL_SCHEMA.items())


def _near(ip: pl.Expr, name: pl.Expr, hosts: tuple[str, ...]) -> pl.Expr:
    """1 for this host, 2 for another one of the logs, 0 for others."""
    local = name.str.contains(r"^(?i:localhost(?:\.localdomain)?)$") & ip.is_null()
    itself = ip.str.starts_with("127.") | (ip == "::1") | local
    itself = itself.fill_null(False)
    if len(hosts) < 2:
        return itself.cast(_NEAR)
    short = name.str.to_lowercase().str.extract(r"^([^.]+)", 1)
    other = (short.is_in(list(hosts)) | ip.str.contains(_PRIVATE)).fill_null(False)
    return pl.when(itself).then(_SELF).when(other).then(_HOST).otherwise(0).cast(_NEAR)


def fold_all(
    pieces: pl.DataFrame,
    held: pl.DataFrame,
    came: pl.DataFrame,
    activity: pl.LazyFrame,
    chosen: Chosen,
    *,
    closing: bool = False,
) -> Folded:
    """Join messages and tell hand-overs; see messages.fold.

    `activity` (summary.TABLES) says how far the log of each host has been read.
    """
    if held.is_empty() and came.is_empty():
        whole, still_open = fold(pieces, closing=closing)
        return Folded(whole, still_open, held, held, held, came)
    believed = held.filter(pl.col("near") == _TOLD)
    held = held.filter(pl.col("near") != _TOLD)
    messages = _keyed(join(pieces), "_m")
    held, came = _keyed(held, "_n"), _keyed(came, "_a")
    read = _read_up_to(activity.collect(engine="in-memory"), chosen)
    links = _links(held, came).join(_placed(came, messages, "_a", "_to"), on="_a", how="left")
    links = links.join(_placed(held, messages, "_n", "_from"), on="_n", how="left")

    recent = came.clear() if closing else came.join(_over(came, read), on="_a", how="anti")
    recent = recent.filter(pl.col("near") != _AGAIN)
    told = came.filter(_among("_a", recent) | _among("_a", links))
    further = messages.filter("inner").get_column("_m")
    doubtful = _placed(told, messages, "_a", "_m").get_column("_m")
    doubtful = doubtful.filter(~doubtful.is_in(further.implode()))
    messages, doubtful, handed = _settled(messages, links, doubtful, closing=closing)
    left = held.filter(~pl.col("_n").is_in(handed.implode()))
    alone = left.filter(~_among("_n", links))
    free = [_after_its_end(alone, messages), alone if closing else _over(alone, read)]
    released = alone.filter(_among("_n", pl.concat(f.select("_n") for f in free)))
    left = left.filter(~_among("_n", released))

    done = pl.col("arrived") & pl.col("ended")
    waiting = _placed(left, messages, "_n", "_m").get_column("_m")
    waits = ~pl.col("inner") & pl.col("_m").is_in(doubtful.implode())
    waits = waits | pl.col("_m").is_in(waiting.implode())
    over = pl.lit(True) if closing else done & ~waits
    unsettled = came.filter(_among("_a", recent) | _among("_a", links.join(left, on="_n")))
    return Folded(
        whole=messages.filter(over).select(list(OPEN_SCHEMA)),
        open=messages.filter(~over).select(list(OPEN_SCHEMA)),
        handed=pl.concat(
            [believed, held.filter(pl.col("_n").is_in(handed.implode())).select(list(HELD_SCHEMA))]
        ),
        released=released.select(list(HELD_SCHEMA)),
        held=left.select(list(HELD_SCHEMA)),
        arrivals=unsettled.select(list(ARRIVAL_SCHEMA)),
    )


def _keyed(rows: pl.DataFrame, index: str) -> pl.DataFrame:
    """With `_k`, which names a queue id of a host, and a row number."""
    key = pl.concat_str(
        pl.col("host").fill_null(""), pl.col("mta").cast(pl.String), "queue_id", separator="\0"
    )
    return rows.with_columns(key.alias("_k")).with_row_index(index)


def _among(name: str, rows: pl.DataFrame) -> pl.Expr:
    return pl.col(name).is_in(rows.get_column(name).implode())


def _links(held: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """`_n`, `_a`: which arrival each delivery led to; the nearest in time of those that agree."""
    after = pl.col("time") - pl.col("time_came")
    same = pl.col("host").eq_missing(pl.col("host_came"))
    here = same & after.is_between(-_LATE, WINDOW)
    there = ~same & after.is_between(-WINDOW, WINDOW)
    near = pl.col("near") == pl.col("near_came")
    return (
        held.select("_n", "host", "time", "near", "next_id")
        .join(
            came.select("_a", "host", "time", "near", "queue_id"),
            left_on="next_id",
            right_on="queue_id",
            how="inner",
            suffix="_came",
        )
        .filter(near & pl.when(pl.col("near") == _HOST).then(there).otherwise(here))
        .sort("_n", after.abs(), "_a")
        .unique("_n", keep="first", maintain_order=True)
        .select("_n", "_a")
    )


def _placed(rows: pl.DataFrame, messages: pl.DataFrame, index: str, name: str) -> pl.DataFrame:
    """`index` and `name`: the message that each row is of, where it is known."""
    meant = messages.select("_k", pl.col("_m").alias(name), "time", "last", "ended")
    lived = (pl.col("time_known") <= pl.col("time")) & (
        ~pl.col("ended") | (pl.col("time") <= pl.col("last"))
    )
    return (
        rows.select(index, "_k", "time")
        .join(meant, on="_k", how="inner", suffix="_known")
        .filter(lived)
        .sort(index, "time_known", name)
        .unique(index, keep="last", maintain_order=True)
        .select(index, name)
    )


def _settled(
    messages: pl.DataFrame, links: pl.DataFrame, doubtful: pl.Series, *, closing: bool
) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Messages further on marked, with the client of the first hop; which are doubtful still, and
    the deliveries (`_n`) that were hand-overs.

    A message's client is known when its arrival was seen and it is not itself one further on,
    or has been settled: a chain of filters is settled hop by hop. When the log is over, the
    client of what remains is the one that it names.
    """
    handed = links.get_column("_n").clear()
    while True:
        left = links.filter(~pl.col("_n").is_in(handed.implode()))
        known = messages.filter(pl.col("arrived") & ~pl.col("_m").is_in(doubtful.implode()))
        known = known.select(pl.col("_m").alias("_from"), pl.col("client").alias("_client"))
        ready = left.join(known, on="_from", how="inner")
        if ready.is_empty() and closing:
            ready = left.with_columns(pl.lit(None, pl.String).alias("_client"))
        if ready.is_empty():
            return messages, doubtful, handed
        handed = pl.concat([handed, ready.get_column("_n")])
        first = ready.drop_nulls("_to").sort("_n").unique("_to", keep="first")
        further = first.get_column("_to").implode()
        messages = (
            messages.join(first.select("_to", "_client"), left_on="_m", right_on="_to", how="left")
            .with_columns(
                inner=pl.col("inner") | pl.col("_m").is_in(further),
                client=pl.coalesce("_client", "client"),
            )
            .drop("_client")
        )
        doubtful = doubtful.filter(~doubtful.is_in(further))


def _after_its_end(held: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Deliveries on the same host whose message has left the queue: the arrival, logged before
    that, was not seen."""
    ended = messages.filter(pl.col("arrived") & pl.col("ended")).select("_m")
    return _placed(held.filter(pl.col("near") == _SELF), messages, "_n", "_m").join(
        ended, on="_m", how="semi"
    )


def _over(rows: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Rows whose counterpart cannot come any more, as far as the logs have been read."""
    return rows.join(read, on=["host", "near"], how="inner", nulls_equal=True).filter(
        pl.col("until") > pl.col("time") + WINDOW + _LATE
    )


def _read_up_to(activity: pl.DataFrame, chosen: Chosen) -> pl.DataFrame:
    """`host` and `until`; one more row, of near 2, says how far the logs of all hosts were read."""
    until = pl.col("bucket").max().alias("until")
    each = activity.group_by("host").agg(until).with_columns(pl.lit(_SELF, _NEAR).alias("near"))
    short = pl.col("host").str.to_lowercase().str.extract(r"^([^.]+)", 1)
    ours = each.filter(short.is_in(list(chosen.hosts)))
    if ours.select(short.n_unique()).item() < len(chosen.hosts) or not chosen.hosts:
        return each
    others = each.with_columns(pl.lit(ours["until"].min(), TIME).alias("until"))
    return pl.concat([each, others.with_columns(pl.lit(_HOST, _NEAR).alias("near"))])
