"""A parsed chunk to its Summary: one function per family of tables."""

import polars as pl

from parsers.event import SCHEMA, TIME
from parsers.parse import Chunk, Parsed
from parsers.rules import Wanted

from .attribution import still_useful, unnamed
from .messages import fold, pieces
from .recipients import ATTEMPT_SCHEMA, attempts, settle
from .sections import Chosen
from .summary import (
    DELIVERIES,
    EXAMPLE_KEY,
    EXAMPLE_SCHEMA,
    EXAMPLES,
    REPLY_KEY,
    TABLES,
    WAITING_SCHEMA,
    Summary,
    closed_tables,
    merge_tables,
)
from .tables import PLAIN, LazyTables

WANTED = Wanted(
    columns=frozenset(SCHEMA)
    - {
        "file",
        "pid",
        "service",
        "delay",
        "delays",
        "helo",
        "orig_recipient",
        "message_id",
        "relay_port",
    }
    - {"nrcpt", "command", "sasl_user", "evidence"},
    texts_of=frozenset({"system", "reject", "delivery", "attempt", "auth", "probe"}),
    quiet=frozenset({"session", "queue"}),
)
"""What the tables read."""

_N = pl.len().cast(pl.UInt64).alias("n")
_COUNT = pl.col("count").cast(pl.UInt64)


def _bucket(minutes: int) -> pl.Expr:
    """When a stretch of so many minutes began; `dt.truncate` takes ten times as long."""
    length = minutes * 60_000_000
    return (pl.col("time").to_physical() // length * length).cast(TIME)


_HOUR = _bucket(60).alias("hour")
_SHAPE_CHARS = 120
_LONGEST_EXAMPLE = 1000
ACTIVITY = 10
"""Minutes per bucket of the table that shows silent stretches."""


def wanted_by(chosen: Chosen) -> Wanted:
    """What the standard tables and those of these sections read."""
    sections = chosen.sections
    return Wanted(
        columns=WANTED.columns.union(
            *(s.columns for s in sections), {"delay"} if chosen.reads_recipients else ()
        ),
        texts_of=WANTED.texts_of.union(*(s.texts for s in sections)),
        quiet=WANTED.quiet.difference(*(s.kinds for s in sections)),
    )


def summarise(
    parsed: Parsed,
    events: pl.DataFrame,
    clients: pl.DataFrame,
    chunk: Chunk,
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
) -> Summary:
    """Count one chunk; `events` are its events after classification and selection."""
    replies = events.filter(pl.col("cause").is_not_null())
    whole, still_open = fold(pieces(events))
    tried = pl.DataFrame(schema=ATTEMPT_SCHEMA)
    if chosen.reads_recipients:
        tried = attempts(events.lazy())
    settled, tried = settle(tried, whole)
    tables: LazyTables = {
        "lines": _lines(parsed, chunk),
        **_sources(parsed, chunk),
        **_replies(replies.lazy()),
        **_flow(events.lazy()),
        **_names(events.lazy()),
        **_oddities(parsed, chunk),
        **closed_tables(whole, settled, chosen),
    }
    for section in chosen.sections:
        if section.count is not None:
            tables |= section.count(events.lazy())
    return Summary(
        merge_tables([tables]),
        _examples(replies, chunk),
        still_open,
        _waiting(replies),
        still_useful(clients),
        tried,
        chosen,
    )


def _waiting(replies: pl.DataFrame) -> pl.DataFrame:
    found = replies.filter(unnamed()).with_columns(
        _COUNT.alias("n"), _mail_refused().alias("rejected")
    )
    return found.select(list(WAITING_SCHEMA))


def _lines(parsed: Parsed, chunk: Chunk) -> pl.LazyFrame:
    rows = [(chunk.file, v.mta, v.fate, v.rule, v.rows.len()) for v in parsed.verdicts]
    table = TABLES["lines"]
    return table.merge([pl.LazyFrame(rows, schema=table.schema(), orient="row")])


def _sources(parsed: Parsed, chunk: Chunk) -> LazyTables:
    # The few origins and buckets are counted first, then named.
    busy = (
        parsed.lines.lazy()
        .group_by("origin", _bucket(ACTIVITY).alias("bucket"))
        .agg(_N, pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    )
    busy = busy.join(parsed.origins.lazy(), on="origin", how="left")
    busy = busy.collect(engine="in-memory", optimizations=PLAIN).lazy()
    n = pl.col("n").sum()
    return {
        "sources": busy.group_by("style", "host", "mta")
        .agg(n, pl.col("first").min(), pl.col("last").max())
        .with_columns(pl.lit(chunk.file).alias("file")),
        "activity": busy.filter(pl.col("mta").is_not_null()).group_by("host", "bucket").agg(n),
    }


def _replies(replies: pl.LazyFrame) -> LazyTables:
    n = _COUNT.sum().alias("n")
    peer = (
        pl.when(pl.col("direction") == "inbound")
        .then(pl.coalesce("client_ip", "client_name"))
        .otherwise(pl.coalesce("relay_name", "relay_ip"))
        .alias("peer")
    )
    return {
        "replies": replies.group_by(
            *REPLY_KEY, "why", "provider", "host", "mta", "stage", "implied", _HOUR
        ).agg(n, pl.col("time").min().alias("first"), pl.col("time").max().alias("last")),
        "reply_peers": replies.group_by(*REPLY_KEY, "why", "provider", "implied", peer)
        .agg(n)
        .filter(pl.col("peer").is_not_null()),
        "reply_recipients": replies.filter(pl.col("recipient").is_not_null())
        .group_by(*REPLY_KEY, "recipient")
        .agg(n),
    }


def _where(test: pl.Expr, name: str) -> pl.Expr:
    """The count of rows that pass, 0 of others: adds up faster than a filter in each group."""
    return pl.when(test).then(_COUNT).otherwise(0).alias(name)


def _mail_refused() -> pl.Expr:
    """A client, sender, recipient or message refused; not VRFY, unknown commands and the like,
    nor the DATA that Postfix refuses because every recipient was refused before it."""
    stages = ["CONNECT", "HELO", "MAIL", "RCPT", "DATA", "EOD"]
    follows = (pl.col("stage") == "DATA") & pl.col("implied").str.starts_with("postfix.")
    refused = (pl.col("kind") == "reject") & (pl.col("outcome") == "rejected")
    return refused & pl.col("stage").is_in(stages) & ~follows.fill_null(False)


def _flow(events: pl.LazyFrame) -> LazyTables:
    kind, outcome = pl.col("kind"), pl.col("outcome")
    ended = events.filter(outcome.is_not_null() & (outcome != "removed")).select(
        "host",
        "mta",
        _HOUR,
        *(_where((kind == "delivery") & (outcome == o), o) for o in DELIVERIES),
        _where(outcome == "expired", "expired"),
        _where(_mail_refused(), "rejected"),
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
    rejected = events.filter(_mail_refused() & pl.col("client_ip").is_not_null())
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
            _COUNT.sum().alias("rejected")
        ),
        "client_names": named.group_by(pl.col("client_ip").alias("name")).agg(
            pl.col("client_name").max().alias("host")
        ),
    }


def _oddities(parsed: Parsed, chunk: Chunk) -> LazyTables:
    """Versions, shapes of unrecognised lines, and other programs' tags."""
    unknown = _of_lines(parsed, "unrecognised")
    raw = chunk.lines.gather(unknown["row"])
    shape = (
        pl.col("message")
        .str.slice(0, 400)
        .str.replace_all(r"<[^>]*>", "<>")
        .str.replace_all(r"[0-9A-Fa-f]{9,}|[0-9]+", "N")
        .str.slice(0, _SHAPE_CHARS)
    )
    shapes = unknown.with_columns(raw.alias("example")).lazy()
    shapes = shapes.select("mta", shape.alias("shape"), pl.col("example").str.slice(0, 400))
    system = parsed.events.lazy().filter(
        (pl.col("kind") == "system")
        & pl.col("reply_text").str.contains(r"(?:version |^exim |daemon \()[0-9]")
    )
    version = pl.col("reply_text").str.extract(
        r"(?:version |^exim |daemon \()([0-9][0-9A-Za-z.-]*)", 1
    )
    foreign = _of_lines(parsed, "foreign").lazy()
    return {
        "shapes": shapes.group_by("mta", "shape").agg(_N, pl.col("example").min()),
        "versions": system.group_by("host", "mta", version.alias("version")).agg(_N),
        "foreign": foreign.group_by(pl.col("tag").fill_null("(none)").str.slice(0, 40)).agg(_N),
    }


def _of_lines(parsed: Parsed, fate: str) -> pl.DataFrame:
    """Lines of one fate with what is known of their origins."""
    few = parsed.lines[parsed.rows_of(fate)]
    return few.join(parsed.origins, on="origin", how="left", maintain_order="left")


def _examples(replies: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    earliest_rows = (
        pl.col("row").sort_by("time", "row", nulls_last=True).unique(maintain_order=True)
    )
    few = (
        replies.group_by(*EXAMPLE_KEY)
        .agg(earliest_rows.head(EXAMPLES))
        .explode("row")
        .join(replies.select("row", "time").unique("row"), on="row", how="left")
    )
    raw = chunk.lines.gather(few.get_column("row")).str.slice(0, _LONGEST_EXAMPLE)
    return few.with_columns(
        raw.alias("text"),
        pl.lit(chunk.file).alias("file"),
        (pl.col("row").cast(pl.UInt64) + chunk.first_line).alias("line"),
    ).select(list(EXAMPLE_SCHEMA))
