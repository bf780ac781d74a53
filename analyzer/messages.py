"""Messages put together from their events, across chunks and files.

A *piece* is what is known of one message from one stretch of log. Pieces of the same host,
MTA and queue id that follow each other join; a piece that begins with the message's arrival
and has seen its removal is whole, is counted and let go. All others stay open and travel
along in the Summary. A queue id used again after its removal is a new message.
"""

import polars as pl

from parsers.event import TIME, Mta

KEY = ("host", "mta", "queue_id")

OPEN_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "mta": Mta,
    "queue_id": pl.String(),
    "time": TIME,
    "arrived": pl.Boolean(),
    "entered": pl.Boolean(),
    "ended": pl.Boolean(),
    "last": TIME,
    "deferrals": pl.UInt32(),
    "sender": pl.String(),
    "size": pl.Int64(),
    "client": pl.String(),
    "inner": pl.Boolean(),
}
"""`inner`: another message further on, no new one; see handovers.py."""

_JOIN = [
    pl.col("time").min(),
    pl.col("arrived").any(),
    pl.col("entered").any(),
    pl.col("ended").any(),
    pl.col("last").max(),
    pl.col("deferrals").sum(),
    pl.col("sender").first(ignore_nulls=True),
    pl.col("size").first(ignore_nulls=True),
    pl.col("client").first(ignore_nulls=True),
    pl.col("inner").any(),
]


def pieces(events: pl.DataFrame) -> pl.DataFrame:
    """Each event that says something of a message as a piece of its own, in the log's order."""
    kind, outcome = pl.col("kind"), pl.col("outcome")
    arrived = kind == "received"
    deferred = (kind == "delivery") & (outcome == "deferred")
    # Postfix writes the sender when the message enters the active queue; Exim and Sendmail
    # write it on arrival.
    entered = (arrived & (pl.col("mta") != "postfix")) | (
        (kind == "queue") & pl.col("size").is_not_null()
    )
    # Header and body checks may also only warn of a message, or hold it.
    refused = outcome.is_in(["rejected", "discarded"])
    ended = (outcome == "removed") | ((kind == "reject") & (pl.col("stage") == "EOD") & refused)
    says = pl.col("queue_id").is_not_null() & (arrived | deferred | entered | ended)
    said = events.lazy().select(
        "host",
        "mta",
        "queue_id",
        "time",
        arrived.fill_null(False).alias("arrived"),
        entered.fill_null(False).alias("entered"),
        ended.fill_null(False).alias("ended"),
        pl.col("time").alias("last"),
        pl.when(deferred).then(pl.col("count")).otherwise(0).cast(pl.UInt32).alias("deferrals"),
        # What pickup was given, the queue manager names as it was rewritten.
        pl.when(~arrived | (pl.col("mta") != "postfix")).then("sender").alias("sender"),
        "size",
        pl.coalesce("client_ip", "client_name").alias("client"),
        pl.lit(False).alias("inner"),
        "row",
        says.alias("says"),
    )
    in_order = said.filter("says").sort("row", maintain_order=True).drop("row", "says")
    return in_order.collect(engine="in-memory")


def fold(pieces: pl.DataFrame, *, closing: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join pieces given in time order; returns the whole messages and those that stay open.

    With `closing` the log is over: open messages are whole with what is known of them.
    """
    whole = join(pieces)
    if closing:
        return whole, whole.clear()
    done = pl.col("arrived") & pl.col("ended")
    return whole.filter(done), whole.filter(~done)


def join(pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces of one message made one; a message ends with its removal or another's arrival."""
    seen = (
        pl.col("arrived").cast(pl.UInt32).sum().alias("_arrivals"),
        pl.col("ended").cast(pl.UInt32).sum().alias("_ends"),
    )
    edges = pl.col("arrived").first().alias("_first"), pl.col("ended").last().alias("_last")
    once = pieces.group_by(KEY).agg(*_JOIN, *seen, *edges)
    plain = ((pl.col("_arrivals") == 0) | ((pl.col("_arrivals") == 1) & pl.col("_first"))) & (
        (pl.col("_ends") == 0) | ((pl.col("_ends") == 1) & pl.col("_last"))
    )
    columns = list(OPEN_SCHEMA)
    if once.select(plain.all()).item():
        return once.select(columns)
    reused = once.filter(~plain).select(KEY)
    starts = pl.col("arrived") | pl.col("ended").shift(1, fill_value=False)
    several = (
        pieces.join(reused, on=KEY, how="semi", nulls_equal=True, maintain_order="left")
        .with_columns(starts.cast(pl.UInt32).cum_sum().over(KEY).alias("_use"))
        .group_by(*KEY, "_use", maintain_order=True)
        .agg(_JOIN)
    )
    return pl.concat([once.filter(plain).select(columns), several.select(columns)])


def message_tables(whole: pl.DataFrame) -> dict[str, pl.LazyFrame]:
    """What messages add to the Summary's tables."""
    messages = whole.lazy()
    received = pl.col("arrived") & pl.col("entered") & ~pl.col("inner")
    size = pl.col("size").fill_null(0).cast(pl.UInt64)
    here = messages.filter(received)
    totals = pl.len().cast(pl.UInt64).alias("messages"), size.sum().alias("bytes")
    flow = messages.group_by("host", "mta", pl.col("time").dt.truncate("1h").alias("hour")).agg(
        received.cast(pl.UInt64).sum().alias("received"),
        size.filter(received).sum().alias("received_bytes"),
        (pl.col("deferrals") > 0).cast(pl.UInt64).sum().alias("deferred_messages"),
    )
    return {
        "flow_messages": flow,
        "senders": here.group_by(pl.col("sender").alias("name")).agg(totals),
        "clients": here.filter(pl.col("client").is_not_null())
        .group_by(pl.col("client").alias("name"))
        .agg(totals),
    }
