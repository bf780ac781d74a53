"""What became of each recipient of a message: its attempts, joined as the messages are.

An attempt belongs to the use of its queue id that ends next. Attempts of messages that are still
open travel along in the Summary; what is known when the log ends is counted then.
"""

import polars as pl

from parsers.event import TIME, Mta, Outcome

from .messages import KEY, OPEN_SCHEMA

ATTEMPT_SCHEMA: dict[str, pl.DataType] = {
    "host": pl.String(),
    "mta": Mta,
    "queue_id": pl.String(),
    "time": TIME,
    "recipient": pl.String(),
    "outcome": Outcome,
    "relay": pl.String(),
    "relay_ip": pl.String(),
    "provider": pl.String(),
    "reply_code": pl.UInt16(),
    "enhanced_code": pl.String(),
    "cause": pl.String(),
    "delay": pl.Float64(),
    "handed": pl.Boolean(),
}
"""`handed`: a delivery that only handed the message on to these hosts; see handovers.py."""

RECIPIENT_SCHEMA: dict[str, pl.DataType] = {
    **{n: t for n, t in ATTEMPT_SCHEMA.items() if n != "time"},
    "arrived_at": TIME,
    "ended_at": TIME,
    "first_try": TIME,
    "last_try": TIME,
    "tries": pl.UInt32(),
    "deferrals": pl.UInt32(),
    "first_cause": pl.String(),
    "sender": pl.String(),
    "size": pl.Int64(),
    "client": pl.String(),
}
"""A finished recipient: `outcome`, relay, reply, cause and delay (seconds since arrival) are those
of the last attempt (`deferred`: still queued; `removed`: deleted from the queue), `first_cause` is that of the first deferral."""

_ENDS = ("sent", "deferred", "bounced", "expired")


def attempts(events: pl.LazyFrame) -> pl.DataFrame:
    """ATTEMPT_SCHEMA: each delivery attempt, and each expiry, which names no recipient."""
    kind, outcome = pl.col("kind"), pl.col("outcome")
    tried = ((kind == "delivery") & outcome.is_in(list(_ENDS))) | (
        (kind == "queue") & (outcome == "expired")
    )
    return (
        events.filter(tried & pl.col("queue_id").is_not_null())
        .sort("row", maintain_order=True)
        .with_columns(
            pl.coalesce("relay_name", "relay_ip").alias("relay"),
            pl.col("recipient").str.to_lowercase(),
            pl.lit(False).alias("handed"),
        )
        .select(pl.col(n).cast(t) for n, t in ATTEMPT_SCHEMA.items())
        .collect(engine="in-memory")
    )


def follow(tried: pl.DataFrame, put_back: pl.DataFrame) -> pl.DataFrame:
    """Attempts under the new ids of messages that were put back (handovers.put_back)."""
    for again in put_back.sort("time").iter_slices(1):
        same = [pl.col(n).eq_missing(pl.lit(again.item(0, n), tried.schema[n])) for n in KEY]
        before = pl.all_horizontal(*same, pl.col("time") <= again.item(0, "time"))
        new = pl.lit(again.item(0, "next_id"))
        tried = tried.with_columns(queue_id=pl.when(before).then(new).otherwise("queue_id"))
    return tried


def mark_handed(tried: pl.DataFrame, handed: pl.DataFrame) -> pl.DataFrame:
    """Attempts with those marked that were hand-overs (handovers.HELD_SCHEMA)."""
    if tried.is_empty() or handed.is_empty():
        return tried
    which = [*KEY, "time", "recipient"]
    these = handed.with_columns(pl.col("recipient").str.to_lowercase())
    # The same recipient may be sent to twice in a second: into its mailbox and where it forwards.
    left = these.group_by(which).len("_left").with_columns(outcome=pl.lit("sent", Outcome))
    marked = tried.join(
        left, on=[*which, "outcome"], how="left", nulls_equal=True, maintain_order="left"
    )
    turn = pl.int_range(pl.len()).over(*which, "outcome")
    now = (turn < pl.col("_left")).fill_null(False)
    return marked.with_columns(pl.col("handed") | now).drop("_left")


def settle(
    tried: pl.DataFrame, whole: pl.DataFrame, *, over: bool = True
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The recipients of whole messages (RECIPIENT_SCHEMA), and the attempts that are left."""
    if tried.is_empty() or whole.is_empty():
        return pl.DataFrame(schema=RECIPIENT_SCHEMA), tried
    ends = whole.select(
        *KEY,
        pl.col("last").alias("ended_at"),
        pl.when("arrived").then("time").alias("arrived_at"),
        "sender",
        "size",
        "client",
    ).sort("ended_at")
    # A missing host is one host.
    known = ends.with_columns(pl.col("host").fill_null(""))
    left = tried.with_row_index("_n").with_columns(pl.col("host").fill_null("")).sort("time")
    joined = left.join_asof(
        known,
        left_on="time",
        right_on="ended_at",
        by=list(KEY),
        strategy="forward",
        check_sortedness=False,
    ).sort("_n")
    hit = joined.get_column("ended_at").is_not_null()
    done = joined.filter(hit).with_columns(pl.when(pl.col("host") != "").then("host").alias("host"))
    return finished(done, over=over), tried.filter(~hit)


def finished(done: pl.DataFrame, *, over: bool = True) -> pl.DataFrame:
    """Attempts in time order with their message's ended_at to RECIPIENT_SCHEMA.

    Of a message that is `over`, who was put off last was taken off the queue by hand.
    """
    use = [*KEY, "ended_at"]
    expiries = (
        done.filter(pl.col("recipient").is_null() & (pl.col("outcome") == "expired"))
        .select(use)
        .unique()
    )
    deferred = pl.col("outcome") == "deferred"
    rows = (
        done.filter(pl.col("recipient").is_not_null())
        .group_by(*use, "recipient", maintain_order=True)
        .agg(
            *(
                pl.col(n).last()
                for n in (
                    "outcome",
                    "relay",
                    "relay_ip",
                    "provider",
                    "reply_code",
                    "enhanced_code",
                    "cause",
                )
            ),
            pl.col("delay").last(),
            # Who has the mail and an alias too was not only handed on.
            (
                pl.col("handed").any() & (pl.col("handed") | (pl.col("outcome") != "sent")).all()
            ).alias("handed"),
            pl.col("arrived_at", "sender", "size", "client").first(),
            pl.col("time").min().alias("first_try"),
            pl.col("time").max().alias("last_try"),
            pl.len().cast(pl.UInt32).alias("tries"),
            deferred.cast(pl.UInt32).sum().alias("deferrals"),
            pl.col("cause").filter(deferred).first().alias("first_cause"),
        )
        .join(expiries.with_columns(gone=True), on=use, how="left", nulls_equal=True)
    )
    # Exim ends a message with a refusal of its own; the other two say that it expired.
    expired = (pl.col("gone").fill_null(False) & (pl.col("outcome") == "deferred")) | (
        (pl.col("outcome") == "bounced") & (pl.col("cause") == "expired").fill_null(False)
    )
    outcome = (
        pl.when(expired)
        .then(pl.lit("expired", dtype=Outcome))
        .when(over & (pl.col("outcome") == "deferred"))
        .then(pl.lit("removed", dtype=Outcome))
        .otherwise("outcome")
    )
    return rows.with_columns(outcome.alias("outcome")).select(
        pl.col(n).cast(t) for n, t in RECIPIENT_SCHEMA.items()
    )


def at_the_end(tried: pl.DataFrame, still_open: pl.DataFrame) -> pl.DataFrame:
    """RECIPIENT_SCHEMA of messages that the log leaves open; messages it never names, too."""
    latest = tried.group_by(KEY).agg(pl.col("time").max().alias("last"))
    named = still_open.select(list(OPEN_SCHEMA))
    unknown = latest.join(named, on=KEY, how="anti", nulls_equal=True)
    missing = {n: t for n, t in OPEN_SCHEMA.items() if n not in unknown.columns}
    unknown = unknown.with_columns(
        pl.lit(None, dtype=t).alias(n) for n, t in missing.items()
    ).select(list(OPEN_SCHEMA))
    last = latest.rename({"last": "_last"})
    whole = pl.concat([named, unknown.with_columns(arrived=pl.lit(False))])
    whole = whole.join(last, on=KEY, how="left", nulls_equal=True).with_columns(
        pl.max_horizontal("last", "_last").alias("last")
    )
    rows, _ = settle(tried, whole.select(list(OPEN_SCHEMA)), over=False)
    return rows
