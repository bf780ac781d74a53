"""A parsed chunk to its Summary: one function per family of tables."""

import polars as pl

from parsers.event import SCHEMA
from parsers.parse import Chunk, Parsed
from parsers.rules import Wanted

from .attribution import still_useful, unnamed
from .event_tables import COUNT, HOUR, bucket, event_tables, mail_refused
from .handovers import hold, requeued
from .messages import pieces
from .recipients import ATTEMPT_SCHEMA, attempts
from .sections import Chosen
from .summary import (
    EXAMPLE_KEY,
    EXAMPLE_SCHEMA,
    EXAMPLES,
    REPLY_KEY,
    TABLES,
    WAITING_SCHEMA,
    Summary,
    merge_tables,
    move_on,
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
    came: pl.DataFrame,
    chunk: Chunk,
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
) -> Summary:
    """Count one chunk; `events` are its events after classification and selection."""
    replies = events.filter(pl.col("cause").is_not_null())
    held, counted = hold(events, chunk.lines, chosen)
    tried = pl.DataFrame(schema=ATTEMPT_SCHEMA)
    if chosen.reads_recipients:
        tried = attempts(events.lazy())
    sources = _sources(parsed, chunk)
    ends, again = requeued(held)
    said, came = pl.concat([pieces(events), ends]), pl.concat([came, again])
    moved = move_on(said, tried, held, came, sources["activity"], chosen)
    tables: LazyTables = {
        "lines": _lines(parsed, chunk),
        **sources,
        **_replies(replies.lazy()),
        **event_tables(counted, chosen),
        **_oddities(parsed, chunk),
    }
    return Summary(
        merge_tables([tables, *moved.tables]),
        _examples(replies, chunk),
        moved.open,
        _waiting(replies),
        still_useful(clients),
        moved.attempts,
        moved.held,
        moved.arrivals,
        chosen,
    )


def _waiting(replies: pl.DataFrame) -> pl.DataFrame:
    found = replies.filter(unnamed()).with_columns(
        COUNT.alias("n"), mail_refused().alias("rejected")
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
        .group_by("origin", bucket(ACTIVITY).alias("bucket"))
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
    n = COUNT.sum().alias("n")
    peer = (
        pl.when(pl.col("direction") == "inbound")
        .then(pl.coalesce("client_ip", "client_name"))
        .otherwise(pl.coalesce("relay_name", "relay_ip"))
        .alias("peer")
    )
    return {
        "replies": replies.group_by(
            *REPLY_KEY, "why", "provider", "host", "mta", "stage", "implied", HOUR
        ).agg(n, pl.col("time").min().alias("first"), pl.col("time").max().alias("last")),
        "reply_peers": replies.group_by(*REPLY_KEY, "why", "provider", "implied", peer)
        .agg(n)
        .filter(pl.col("peer").is_not_null()),
        "reply_recipients": replies.filter(pl.col("recipient").is_not_null())
        .group_by(*REPLY_KEY, "recipient")
        .agg(n),
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
