"""Refusals before anything was queued, counted by client and kind: bounded, however many."""

from dataclasses import dataclass, field

import polars as pl

from analyzer.classify import classify
from parsers.event import SCHEMA, TIME

MOST = 20_000
"""Rows; where there would be more, who wrote to whom is given up."""

KIND = ["kind", "direction", "stage", "outcome", "reply_code", "enhanced_code", "cause", "why"]
CLIENT = ["client_ip", "client_name"]
_WHO = ["sasl_user", "sender", "recipient"]
_EXAMPLE = ["file", "line", "queue_id", "reply_text", "evidence"]

_SCHEMA: dict[str, pl.DataType] = {
    **{n: SCHEMA[n] for n in ("host", "mta", *CLIENT)},
    **{n: SCHEMA.get(n, pl.String()) for n in KIND},
    **{n: SCHEMA[n] for n in _WHO},
    "n": pl.UInt64(),
    "first": TIME,
    "last": TIME,
    **{n: SCHEMA[n] for n in _EXAMPLE},
}


@dataclass(slots=True)
class Refusals:
    """A table of refusals: _SCHEMA, the text and place of the first one of each row."""

    table: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SCHEMA))
    cut: bool = False
    """Who wrote to whom was given up."""

    def add(self, events: pl.DataFrame) -> None:
        """Count the refusals among events."""
        refused = events.filter(pl.col("kind").is_in(["reject", "auth"]))
        if refused.is_empty():
            return
        rows = classify(refused).select(
            *_SCHEMA.keys() - {"n", "first", "last"},
            pl.col("count").fill_null(1).cast(pl.UInt64).alias("n"),
            pl.col("time").alias("first"),
            pl.col("time").alias("last"),
        )
        rows = rows.select(pl.col(n).cast(t) for n, t in _SCHEMA.items())
        self.table = _counted(pl.concat([self.table, rows]))
        if self.table.height > MOST:
            self.cut = True
            nobody = [pl.lit(None, dtype=pl.String).alias(n) for n in _WHO]
            self.table = _counted(self.table.with_columns(nobody))


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    keys = [n for n in _SCHEMA if n not in ("n", "first", "last", *_EXAMPLE)]
    return (
        rows.sort("first", "file", "line", maintain_order=True)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("n").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
            *(pl.col(n).first() for n in _EXAMPLE),
        )
    )
