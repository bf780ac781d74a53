"""Mergeable histograms of durations, and the percentiles read off them.

Bucket widths grow with the value, so that the value a bucket stands for is never further than
ERROR from any in it. Two histograms merge by adding their counts: a percentile does not hang on
how a log was cut. Durations are whole microseconds until they are shown, as polars divides a
column of one row otherwise than a longer one, in a float's last digit.
"""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from .tables import Merge

ERROR = 0.02
"""How far a percentile may be from the true value, as a share of it."""
LEAST = 0.001
"""Seconds; what is not above this is told as 0."""
SECOND = 1_000_000
_CENTURY = 100 * 366 * 86400 * SECOND
PERCENTILES = (50, 90, 95, 99)
BUCKET: dict[str, pl.DataType] = {"bucket": pl.Int16()}
"""The key column."""
MEASURES: dict[str, tuple[pl.DataType, Merge]] = {
    "n": (pl.UInt64(), "sum"),
    "longest": (pl.Int64(), "max"),
}
"""How many values, and the greatest of them, exactly, in microseconds."""
BOUND = f"Percentiles are within {ERROR:.0%} of the true value; the longest is exact."
"""For a listing's note."""


def _edges() -> list[int]:
    """Upper ends of the buckets in microseconds; the first holds what counts as 0."""
    found = [round(LEAST * SECOND)]
    while found[-1] < _CENTURY:
        found.append(int(found[-1] * (1 + ERROR) / (1 - ERROR)))
    return found


_EDGES = _edges()
# Of all values between two ends, this is as far from the one as from the other.
_MIDDLES = [
    0.0,
    *(2 * a * b / (a + b) for a, b in pairwise(_EDGES)),
    float(_CENTURY),
]
BUCKETS = len(_MIDDLES)


def of_seconds(value: pl.Expr) -> pl.Expr:
    """Seconds as a fraction, in microseconds."""
    return (value * SECOND).round().cast(pl.Int64, strict=False)


def of_span(span: pl.Expr) -> pl.Expr:
    """A Duration in microseconds."""
    return span.dt.total_microseconds()


def counted(frame: pl.LazyFrame, value: pl.Expr, *keys: pl.Expr | str, n: pl.Expr) -> pl.LazyFrame:
    """The histogram of microseconds for each combination of keys; `n` is how often a row counts.

    What is null counts nowhere; what a clock that ran backwards made negative is 0.
    """
    named = [pl.col(k) if isinstance(k, str) else k for k in keys]
    names = [k.meta.output_name() for k in named]
    rows = frame.select(*named, value.alias("longest"), n.cast(pl.UInt64).alias("n"))
    return (
        rows.filter(pl.col("longest").is_not_null())
        .with_columns(pl.max_horizontal("longest", pl.lit(0)))
        .with_columns(_bucket(pl.col("longest")).alias("bucket"))
        .group_by(*names, "bucket")
        .agg(pl.col("n").sum(), pl.col("longest").max())
    )


def _bucket(value: pl.Expr) -> pl.Expr:
    """The number of the first bucket whose end a value is not above."""
    return value.map_batches(
        lambda column: pl.Series(_EDGES).search_sorted(column, side="left").cast(pl.Int16),
        return_dtype=pl.Int16(),
        is_elementwise=True,
    )


def percentiles(
    histogram: pl.DataFrame,
    keys: Sequence[str] = (),
    wanted: Sequence[int] = PERCENTILES,
) -> pl.DataFrame:
    """Columns keys, n, p50 ..., longest, in seconds: the smallest value that so many percent of
    all are not above."""
    names = list(keys) or ["_all"]
    one = histogram if keys else histogram.with_columns(pl.lit(0).alias("_all"))
    whole = one.group_by(*names, "bucket").agg(pl.col("n").sum(), pl.col("longest").max())
    so_far = pl.col("n").cum_sum().over(names, order_by="bucket")
    reached = whole.with_columns(
        so_far.alias("_so_far"), pl.col("n").sum().over(names).alias("_all_n")
    )
    found = reached.group_by(names).agg(
        pl.col("n").sum(),
        *(
            pl.col("bucket")
            .filter(pl.col("_so_far") * 100 >= pl.col("_all_n") * p)
            .min()
            .replace_strict(dict(enumerate(_MIDDLES)), return_dtype=pl.Float64())
            .alias(f"p{p}")
            for p in wanted
        ),
        pl.col("longest").max().cast(pl.Float64),
    )
    # No bucket stands for more than the greatest value there was. By a column, as by a constant
    # polars multiplies with its inexact inverse.
    found = found.with_columns(pl.Series("_second", [float(SECOND)] * found.height, pl.Float64))
    times = [pl.min_horizontal(f"p{p}", "longest") / pl.col("_second") for p in wanted]
    return found.select(*keys, "n", *times, pl.col("longest") / pl.col("_second"))
