"""One chunk of lines to events and to an account of every line.

Here is the straight way of a line: header -> which MTA -> queue id off -> rules -> event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from .clock import Clock
from .event import SCHEMA, Mta
from .header import read_headers
from .mta import MtaParser, parsers
from .rules import IMPLIED_BY, Rule, run

Fate = pl.Enum(["parsed", "ignored", "foreign", "unrecognised"])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one source, without their line ends."""

    lines: pl.Series
    file: str = "-"
    first_line: int = 1
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a chunk.

    `headers` has a row per line (header.HEADER_SCHEMA plus mta, count); `events` has the
    event columns, `row` into it, and `rule`; `fates` a row per line: row, fate, rule.
    """

    headers: pl.DataFrame
    events: pl.DataFrame
    fates: pl.DataFrame


def parse(chunk: Chunk, wanted: frozenset[str] | None = None) -> Parsed:
    """Read a chunk; `wanted` limits the event columns that are worked out."""
    headers = _repeats(read_headers(chunk.lines, chunk.clock))
    tags = headers.get_column("tag").unique()
    fates: list[pl.DataFrame] = []
    events: list[pl.DataFrame] = []
    seen: list[pl.DataFrame] = []
    for mta in parsers():
        services = pl.DataFrame({"tag": tags, "service": tags.str.extract(f"^(?:{mta.tags})$", 1)})
        matched = tags.str.contains(f"^(?:{mta.tags})$")
        services = services.filter(matched)
        tags = tags.filter(~matched.fill_null(False))
        if services.is_empty():
            continue
        mine = headers.join(services, on="tag", how="inner", maintain_order="left")
        seen.append(mine.select("row", pl.lit(mta.name, dtype=Mta).alias("mta"), "service"))
        got, account = _read_mta(mta, mine, wanted)
        events += got
        fates += account
    for mta in parsers():
        if mta.bare is not None:
            bare = headers.filter(pl.col("style").is_null() & pl.col("message").str.contains(mta.bare))
            fates.append(_fates(bare["row"], "ignored", f"{mta.name}.bare"))
    mtas = pl.concat(seen) if seen else pl.DataFrame(schema={"row": pl.UInt32, "mta": Mta, "service": pl.String})
    headers = headers.join(mtas, on="row", how="left", maintain_order="left")
    return Parsed(headers, _complete(events, headers, chunk, wanted), _account(fates, headers))


def _read_mta(
    mta: MtaParser, lines: pl.DataFrame, wanted: frozenset[str] | None
) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    account: list[pl.DataFrame] = []
    events: list[pl.DataFrame] = []
    if mta.prepare is not None:
        kept = mta.prepare(lines)
        account.append(_fates(lines.join(kept, on="row", how="anti")["row"], "ignored", f"{mta.name}.joined"))
        lines = kept
    lines = split_queue_id(mta, lines)
    known = frozenset(s for r in mta.rules for s in r.services)
    group = pl.col("service").str.split("/").list.last()
    lines = lines.with_columns(
        pl.when(pl.col("service").is_null()).then(pl.lit("?")).when(group.is_in(list(known))).then(group).otherwise(pl.lit("")).alias("_group")
    )
    for part in lines.partition_by("_group"):
        service = part.item(0, "_group")
        taken, left = run(
            rules_for(mta, service), part.select("row", "queue_id", "text"), wanted
        )
        for rule, rows, found in taken:
            account.append(_fates(rows, "ignored" if rule.ignore else "parsed", rule.name))
            if found is not None:
                events.append(found.with_columns(pl.lit(rule.name).alias("rule"), pl.lit(mta.name, dtype=Mta).alias("mta")))
        account.append(_fates(left["row"], "unrecognised", mta.name))
    return events, account


def rules_for(mta: MtaParser, service: str) -> list[Rule]:
    """Rules to offer to a daemon's lines: its own and those for any; `?` (unknown): all."""
    return [r for r in mta.rules if service == "?" or not r.services or service in r.services]


def split_queue_id(mta: MtaParser, lines: pl.DataFrame) -> pl.DataFrame:
    """Columns queue_id and text from message."""
    parts = pl.col("message").str.extract_groups(f"^(?:{mta.queue_id})").struct
    head = pl.col("message").str.extract(f"^((?:{mta.queue_id}))", 1)
    return lines.with_columns(
        parts.field("1").alias("queue_id"),
        pl.col("message").str.slice(head.str.len_chars().fill_null(0)).alias("text"),
    )


def _repeats(headers: pl.DataFrame) -> pl.DataFrame:
    """Column count, and the repeated message in place of the syslog daemon's note about it."""
    message = pl.col("message")
    noted = message.str.extract_groups(r"^message repeated ([0-9]{1,9}) times: \[ ?((?s:.*))\]$").struct
    bare = message.str.extract(r"^(?:--- )?last message repeated ([0-9]{1,9}) times?(?: ---)?$", 1)
    headers = headers.with_columns(
        noted.field("1").cast(pl.Int64).alias("count"),
        pl.coalesce(noted.field("2"), message).alias("message"),
        pl.when(pl.col("tag").is_null()).then(bare).cast(pl.Int64).alias("_bare"),
    )
    if headers.get_column("_bare").null_count() < headers.height:
        again = pl.col("_bare").is_not_null()
        headers = headers.with_columns(
            pl.when(again).then(None).otherwise(pl.col(c)).forward_fill().over("host").alias(f"_{c}")
            for c in ("tag", "pid", "message")
        ).with_columns(
            pl.when(again & pl.col("_tag").is_not_null()).then(pl.col(f"_{c}")).otherwise(pl.col(c)).alias(c)
            for c in ("tag", "pid", "message")
        ).with_columns(pl.coalesce("count", "_bare").alias("count")).drop("_tag", "_pid", "_message")
    return headers.drop("_bare").with_columns(pl.col("count").fill_null(1))


def _fates(rows: pl.Series, fate: str, rule: str) -> pl.DataFrame:
    return pl.DataFrame({"row": rows}).select(
        pl.col("row").cast(pl.UInt32), pl.lit(fate, dtype=Fate).alias("fate"), pl.lit(rule).alias("rule")
    )


def _account(fates: Sequence[pl.DataFrame], headers: pl.DataFrame) -> pl.DataFrame:
    """Lines of no mail server are foreign where they have a header, else unrecognised."""
    known = pl.concat(fates) if fates else pl.DataFrame(schema={"row": pl.UInt32, "fate": Fate, "rule": pl.String})
    rest = headers.join(known, on="row", how="anti").select(
        "row",
        pl.when(pl.col("style").is_not_null()).then(pl.lit("foreign")).otherwise(pl.lit("unrecognised")).cast(Fate).alias("fate"),
        pl.lit(None, dtype=pl.String).alias("rule"),
    )
    return pl.concat([known, rest]).sort("row")


def _complete(
    events: Sequence[pl.DataFrame], headers: pl.DataFrame, chunk: Chunk, wanted: frozenset[str] | None
) -> pl.DataFrame:
    """Events of all rules under one schema, with what their lines' headers say."""
    names = [n for n in SCHEMA if wanted is None or n in wanted]
    if not events:
        return pl.DataFrame(schema={"row": pl.UInt32, "rule": pl.String, IMPLIED_BY: pl.String} | {n: SCHEMA[n] for n in names})
    frame = pl.concat(events, how="diagonal")
    repeats = headers.select("row", pl.col("count").alias("_repeats"), "time", "host", "pid", "service")
    frame = frame.join(repeats, on="row", how="left", suffix="_header", maintain_order="left")
    own = [c for c in ("time", "host", "pid", "service") if f"{c}_header" in frame.columns]
    frame = frame.with_columns(pl.coalesce(c, f"{c}_header").alias(c) for c in own)
    count = pl.col("count").fill_null(1) if "count" in frame.columns else pl.lit(1, dtype=pl.Int64)
    frame = frame.with_columns(
        (count * pl.col("_repeats")).alias("count"),
        pl.lit(chunk.file).alias("file"),
        (pl.col("row").cast(pl.UInt64) + chunk.first_line).alias("line"),
    )
    if IMPLIED_BY not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(IMPLIED_BY))
    missing = [pl.lit(None, dtype=SCHEMA[n]).alias(n) for n in names if n not in frame.columns]
    return frame.with_columns(missing).select("row", "rule", IMPLIED_BY, *names).sort("row", maintain_order=True)
