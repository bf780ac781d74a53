"""Alarms to episodes: what belongs together is reported once, by its strongest window."""

from collections.abc import Sequence
from itertools import product

import polars as pl


def merge(alarms: pl.DataFrame, apart: int) -> pl.DataFrame:
    """One row per episode: the strongest window of it, `from_t`, `to_t` and `alarms` (windows).

    `alarms` are windows (`s`, `t` last bucket, `width`, `observed`, `expected`, `p`); those of one
    series with fewer than `apart` buckets between them belong together.
    """
    c = pl.col
    begin = c("t") - c("width") + 1
    ordered = alarms.with_columns(begin=begin).sort("s", "begin", "t")
    before = c("t").cum_max().shift(1).over("s")
    apart_ = (begin - before - 1 >= apart).fill_null(True)
    numbered = ordered.with_columns(episode=apart_.cum_sum())
    # Wide windows reach beyond what they caught: the narrowest that fired say from when to when.
    narrow = c("width") == c("width").min().over("episode")
    spans = (
        numbered.with_columns(narrow=narrow)
        .group_by("episode")
        .agg(
            from_t=c("begin").filter(c("narrow")).min(),
            to_t=c("t").filter(c("narrow")).max(),
            alarms=pl.len(),
        )
    )
    # Where p is too small to tell apart, the larger excess is the stronger.
    strongest = numbered.sort(
        "p", c("observed") - c("expected"), descending=[False, True], maintain_order=True
    ).unique("episode", keep="first", maintain_order=True)
    return strongest.join(spans, on="episode").sort("s", "from_t").drop("begin", "episode")


def inherit(found: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The findings with `part_of`: the `id` of the widest finding of the same time they belong to.

    A null in a key column means all of its values: (502, null) holds (502, "192.0.2.1"). Parents
    come first: what a parent reports, its children only explain.
    """
    c = pl.col
    shapes = found.select(pl.concat_list(c(n).is_not_null() for n in by)).to_series().unique()
    masks = [tuple(one) for one in shapes.to_list()]
    pairs = [
        (child, parent)
        for child, parent in product(masks, masks)
        if child != parent and all(a or not b for a, b in zip(child, parent, strict=True))
    ]
    links = [
        pl.DataFrame(schema={"id": pl.UInt32, "of": pl.UInt32, "keys": pl.Int64, "p": pl.Float64})
    ]
    for child, parent in pairs:
        shared = [n for n, there in zip(by, parent, strict=True) if there]
        columns = ["id", "began", "ended", *shared]
        small, large = found.filter(_has(by, child)), found.filter(_has(by, parent))
        large = large.select(*columns, "p")
        both = (
            small.select(columns).join(large, on=shared, how="inner", suffix="_of")
            if shared
            else small.select(columns).join(large, how="cross", suffix="_of")
        )
        meets = both.filter((c("began") < c("ended_of")) & (c("began_of") < c("ended")))
        links.append(meets.select("id", of="id_of", keys=pl.lit(len(shared), pl.Int64), p="p"))
    widest = pl.concat(links).sort("keys", "p").unique("id", keep="first", maintain_order=True)
    joined = found.drop("part_of", strict=False).join(
        widest.select("id", part_of="of"), on="id", how="left", maintain_order="left"
    )
    return joined


def _has(by: Sequence[str], mask: Sequence[bool]) -> pl.Expr:
    """Rows whose key columns are filled as the mask says."""
    return pl.all_horizontal(
        pl.col(n).is_not_null() == there for n, there in zip(by, mask, strict=True)
    )
