"""From tail probabilities to a list with few false entries: calibration, then Benjamini-Hochberg.

A model's p of 1 in 10 000 is an extrapolation. What can be counted is how often windows of clean
past days came out below 1 in 1000 and below 1 in 300: where that is more often than said, p is too
small, and further out it is at least as much too small. Buckets of past episodes must not count,
or one incident would hide the next; they are left out with a bucket on either side.
"""

from typing import Final

import polars as pl

_NEAR: Final = 3e-3
_FAR: Final = 1e-3
_CLEAN: Final = 1e-4
"""Windows below are episodes and no part of what is counted."""
_MOST: Final = 100.0
_DOUBT: Final = 10.0
"""Exceedances of the model itself added to both sides: few counts move nothing."""


def calibrate(found: pl.DataFrame, tested: pl.DataFrame) -> pl.Series:
    """p of each window, times how much too small such values were on clean buckets.

    `found` has `level`, `s`, `t`, `width`, `p`; `tested` has per `level` the number of `windows`
    that were tested in the same buckets. Never makes p smaller.
    """
    c = pl.col
    spoilt = found.filter(c("p") < _CLEAN).select(
        "s", t=pl.int_ranges(c("t") - c("width"), c("t") + 2)
    )
    spoilt = (
        spoilt.explode("t", empty_as_null=False, keep_nulls=False).cast({"t": pl.Int32}).unique()
    )
    ends = found.filter((c("p") < _NEAR) & (c("p") >= _CLEAN))
    clean = ends.join(spoilt, on=["s", "t"], how="anti")
    counted = clean.group_by("level").agg(
        near=pl.len().cast(pl.Float64), far=(c("p") < _FAR).sum().cast(pl.Float64)
    )
    factors = tested.join(counted, on="level", how="left").select(
        "level",
        near=(c("near").fill_null(0.0) + _DOUBT) / (c("windows") * (_NEAR - _CLEAN) + _DOUBT),
        far=(c("far").fill_null(0.0) + _DOUBT) / (c("windows") * (_FAR - _CLEAN) + _DOUBT),
    )
    rows = found.select("level", "p").join(factors, on="level", how="left", maintain_order="left")
    # In log p the factor goes on growing as it did between the two places where it was counted.
    growth = ((c("far") / c("near")).log() / (pl.lit(_NEAR) / _FAR).log()).clip(0)
    beyond = (pl.lit(_FAR) / c("p").clip(1e-300)).log().clip(0)
    factor = (c("far").clip(1).log() + growth * beyond).exp().clip(1, _MOST)
    return rows.select(p=(c("p") * factor.fill_null(1.0)).clip(0, 1)).to_series()


def false_discovery(p: pl.Series, tested: int) -> pl.Series:
    """Benjamini and Hochberg's q of each p, among so many tested (those not listed had p = 1)."""
    if p.is_empty():
        return p.cast(pl.Float64).alias("q")
    rows = pl.DataFrame({"p": p}).with_row_index("row").sort("p", descending=True)
    rank = pl.int_range(pl.len(), 0, -1)
    q = (pl.col("p") * max(tested, len(p)) / rank).cum_min().clip(0, 1)
    return rows.with_columns(q=q).sort("row")["q"]
