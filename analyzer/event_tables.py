"""What the events of a chunk add to the Summary's tables, whenever they are counted."""

import polars as pl

from parsers.event import TIME

from .sections import Chosen
from .tables import DELIVERIES, PLAIN, LazyTables

COUNT = pl.col("count").cast(pl.UInt64)


def bucket(minutes: int) -> pl.Expr:
    """When a stretch of so many minutes began; `dt.truncate` takes ten times as long."""
    length = minutes * 60_000_000
    return (pl.col("time").to_physical() // length * length).cast(TIME)


HOUR = bucket(60).alias("hour")


def event_tables(events: pl.DataFrame, chosen: Chosen) -> LazyTables:
    """The tables that hang on single events: flow, names, and those of the sections."""
    tables = {**_flow(events.lazy()), **_names(events.lazy())}
    for section in chosen.sections:
        if section.count is not None:
            tables |= section.count(events.lazy())
    return tables


def mail_refused() -> pl.Expr:
    """A client, sender, recipient or message refused; not VRFY, unknown commands and the like,
    nor the DATA that Postfix refuses because every recipient was refused before it."""
    stages = ["CONNECT", "HELO", "MAIL", "RCPT", "DATA", "EOD"]
    follows = (pl.col("stage") == "DATA") & pl.col("implied").str.starts_with("postfix.")
    refused = (pl.col("kind") == "reject") & (pl.col("outcome") == "rejected")
    return refused & pl.col("stage").is_in(stages) & ~follows.fill_null(False)


def _where(test: pl.Expr, name: str) -> pl.Expr:
    """The count of rows that pass, 0 of others: adds up faster than a filter in each group."""
    return pl.when(test).then(COUNT).otherwise(0).alias(name)


def _flow(events: pl.LazyFrame) -> LazyTables:
    kind, outcome = pl.col("kind"), pl.col("outcome")
    # Exim ends a recipient that it gives up as a bounce; the other two say that it expired.
    gave_up = (outcome == "bounced") & (pl.col("cause") == "expired").fill_null(False)
    ended = events.filter(outcome.is_not_null() & (outcome != "removed")).select(
        "host",
        "mta",
        HOUR,
        *(_where((kind == "delivery") & (outcome == o) & ~gave_up, o) for o in DELIVERIES),
        _where((outcome == "expired") | gave_up, "expired"),
        _where(mail_refused(), "rejected"),
        *(_where(outcome == o, o) for o in ("held", "discarded", "warned")),
    )
    return {"flow": ended.group_by("host", "mta", "hour").agg(pl.all().sum())}


def _names(events: pl.LazyFrame) -> LazyTables:
    """Counts per recipient, relay and client."""
    relay = pl.coalesce("relay_name", "relay_ip")
    deliveries = events.filter(
        (pl.col("kind") == "delivery") & pl.col("outcome").is_in(list(DELIVERIES))
    ).select(
        "recipient",
        relay.alias("relay"),
        *(_where(pl.col("outcome") == o, o) for o in DELIVERIES),
    )
    deliveries = deliveries.collect(engine="in-memory", optimizations=PLAIN).lazy()
    ends = pl.col(list(DELIVERIES)).sum()
    recipients = deliveries.filter(pl.col("recipient").is_not_null())
    relays = deliveries.filter(pl.col("relay").is_not_null())
    rejected = events.filter(mail_refused() & pl.col("client_ip").is_not_null())
    # Lines of sessions may not be read (WANTED); what is counted must not hang on that.
    named = events.filter(
        pl.col("kind").is_in(["received", "reject"])
        & pl.col("client_ip").is_not_null()
        & pl.col("client_name").is_not_null()
    )
    return {
        "recipients": recipients.group_by(pl.col("recipient").str.to_lowercase().alias("name")).agg(
            ends
        ),
        "relays": relays.group_by(pl.col("relay").alias("name")).agg(ends),
        "clients_rejected": rejected.group_by(pl.col("client_ip").alias("name")).agg(
            COUNT.sum().alias("rejected")
        ),
        "client_names": named.group_by(pl.col("client_ip").alias("name")).agg(
            pl.col("client_name").max().alias("host")
        ),
    }
