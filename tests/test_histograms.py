from fractions import Fraction
from math import ceil, isclose

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.histograms import ERROR, LEAST, PERCENTILES, counted, of_seconds, percentiles

VALUES = st.lists(
    st.floats(0, 2e6, allow_nan=False) | st.sampled_from([0.0, 0.01, 1.0, 60.0]), min_size=1
)


def histogram(values: list[float | None], n: int = 1) -> pl.DataFrame:
    frame = pl.LazyFrame({"took": values}, schema={"took": pl.Float64})
    return counted(frame, of_seconds(pl.col("took")), n=pl.lit(n)).collect()


def nearest_rank(values: list[float], percent: int) -> float:
    """The smallest value that so many percent of all are not above."""
    ordered = sorted(values)
    return ordered[max(ceil(Fraction(percent, 100) * len(ordered)), 1) - 1]


@settings(deadline=None)
@given(VALUES)
@example([0.0])
@example([LEAST, LEAST * 1.0001])
@example([float(n) for n in range(1, 101)])
def test_percentiles_are_as_near_to_the_true_ones_as_is_said(values: list[float]) -> None:
    (row,) = percentiles(histogram(list(values))).to_dicts()
    assert row["n"] == len(values)
    assert row["longest"] == pytest.approx(max(values), abs=5e-7)
    for percent in PERCENTILES:
        true, told = nearest_rank(values, percent), row[f"p{percent}"]
        assert abs(told - true) <= ERROR * true + 1e-6 or (told == 0 and true <= LEAST + 1e-6)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_two_histograms_added_are_the_histogram_of_both(a: list[float], b: list[float]) -> None:
    whole = histogram([*a, *b]).sort("bucket")
    parts = pl.concat([histogram(list(a)), histogram(list(b))])
    added = parts.group_by("bucket").agg(pl.col("n").sum(), pl.col("longest").max())
    assert added.sort("bucket").equals(whole)
    assert percentiles(parts).equals(percentiles(whole))


def test_what_is_unknown_counts_nowhere_and_what_ran_backwards_took_no_time() -> None:
    assert histogram([None, None]).is_empty()
    (row,) = percentiles(histogram([-5.0, None, 0.0])).to_dicts()
    assert (row["n"], row["p50"], row["p99"], row["longest"]) == (2, 0, 0, 0)


def test_row_that_stands_for_several_counts_as_many() -> None:
    assert percentiles(histogram([1.0, 2.0], n=3))["n"].to_list() == [6]


def test_percentiles_are_told_per_key() -> None:
    frame = pl.LazyFrame({"who": ["a", "a", "b", None], "took": [1.0, 3.0, 10.0, 20.0]})
    found = percentiles(
        counted(frame, of_seconds(pl.col("took")), "who", n=pl.lit(1)).collect(), ["who"]
    )
    told = {who: (n, p50) for who, n, p50, *_ in found.iter_rows()}
    assert {who: n for who, (n, _) in told.items()} == {"a": 2, "b": 1, None: 1}
    for who, median in (("a", 1), ("b", 10), (None, 20)):
        assert isclose(told[who][1], median, rel_tol=ERROR)


def test_no_values_give_no_percentiles() -> None:
    assert percentiles(histogram([])).is_empty()
    assert percentiles(histogram([]).with_columns(who=pl.lit("a")), ["who"]).is_empty()


@settings(deadline=None, max_examples=30)
@given(VALUES)
def test_values_count_alike_alone_and_among_others(values: list[float]) -> None:
    alone = pl.concat([histogram([value]) for value in values])
    added = alone.group_by("bucket").agg(pl.col("n").sum(), pl.col("longest").max())
    assert added.sort("bucket").equals(histogram(list(values)).sort("bucket"))
