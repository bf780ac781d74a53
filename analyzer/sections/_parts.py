"""What several sections of the report do alike."""

import polars as pl

from analyzer.advice import advise
from analyzer.tables import Tables
from analyzer.text_causes import masked, roughly_masked

from . import section_tables

MESSAGE = ("host", "mta", "queue_id", "ended_at")
"""What tells the messages of a frame of recipients apart."""
_TEXT_CHARS = 200


def table_of(tables: Tables, name: str) -> pl.DataFrame:
    """A section's table; empty where nothing was read."""
    found = tables.get(name)
    return pl.DataFrame(schema=section_tables()[name].schema()) if found is None else found


def by_text(events: pl.LazyFrame, *keys: pl.Expr | str) -> pl.LazyFrame:
    """Events counted (n) by keys and `text`: their reply's, what differs between mails masked."""
    named = [pl.col(k) if isinstance(k, str) else k for k in keys]
    names = [k.meta.output_name() for k in named]
    count = pl.col("count").cast(pl.UInt64)
    few = (
        events.group_by(*named, roughly_masked(pl.col("reply_text")).alias("text"))
        .agg(count.sum().alias("n"))
        .with_columns(masked(pl.col("text")).str.slice(0, _TEXT_CHARS))
    )
    return few.group_by(*names, "text").agg(pl.col("n").sum())


def cause_titles(frame: pl.DataFrame, direction: str | None = None) -> pl.DataFrame:
    """The frame with `why`: what its column `cause` is called, seen from `direction` or, without
    one, from each row's own."""
    own = pl.col("direction").cast(pl.String) if direction is None else pl.lit(direction)
    asked = frame.select(own.alias("_from"), "cause").unique()
    titles = [
        advise(where or "local", None, None, cause).title if cause else None
        for where, cause in asked.iter_rows()
    ]
    named = asked.with_columns(pl.Series("why", titles, dtype=pl.String))
    return (
        frame.with_columns(own.alias("_from"))
        .join(named, on=["_from", "cause"], how="left", nulls_equal=True, maintain_order="left")
        .drop("_from")
    )


def code_text(code: str = "reply_code", enhanced: str = "enhanced_code") -> pl.Expr:
    """`550 5.1.1`, or what is known of it; null where neither is."""
    both = pl.concat_str(pl.col(code).cast(pl.String), enhanced, separator=" ", ignore_nulls=True)
    return pl.when(both != "").then(both)


def is_permanent() -> pl.Expr:
    """Whether a refusal is for good: by its reply's first digit, else by the enhanced code's."""
    by_reply = pl.col("reply_code") >= 500
    return pl.coalesce(by_reply, pl.col("enhanced_code").str.starts_with("5"), pl.lit(True))
