"""Mergeable tables: keys and additive measures, so that any cut of a log gives the same sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

Merge = Literal["sum", "min", "max"]
Tables = dict[str, pl.DataFrame]
LazyTables = dict[str, pl.LazyFrame]
DELIVERIES = ("sent", "deferred", "bounced")
PLAIN = pl.QueryOptFlags.none().update(comm_subexpr_elim=True)
"""Queries of few steps, written as they should run: planning them costs more than it gives."""


@dataclass(frozen=True, slots=True)
class Table:
    """A mergeable table: key columns and measures with how each one merges."""

    keys: dict[str, pl.DataType]
    measures: dict[str, tuple[pl.DataType, Merge]]

    def schema(self) -> dict[str, pl.DataType]:
        """Column names and dtypes."""
        return self.keys | {n: t for n, (t, _) in self.measures.items()}

    def merge(self, parts: Sequence[pl.DataFrame | pl.LazyFrame]) -> pl.LazyFrame:
        """The sum of several tables of this shape."""
        together = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max}
        aggregates = [together[how](pl.col(n)) for n, (_, how) in self.measures.items()]
        whole = pl.concat([p.lazy() for p in parts])
        return whole.group_by(list(self.keys)).agg(aggregates)


def counts(*names: str) -> dict[str, tuple[pl.DataType, Merge]]:
    """Measures that add up."""
    return {n: (pl.UInt64(), "sum") for n in names}
