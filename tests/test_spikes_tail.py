"""The tail of a count, against published values, exact fractions and its own laws."""

import re
from fractions import Fraction
from math import exp
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.spikes.tail import quantile, rough_tail, upper_tail


def tail(observed: float, mean: float, variance: float) -> float:
    columns = (pl.Series([float(value)]) for value in (observed, mean, variance))
    return float(upper_tail(*columns)[0])


# tests/testthat/test-farringtonFlexible.R of the R package surveillance, method nbPlugin.
@pytest.mark.parametrize(("phi", "p"), [(1.5, 0.03763657), (1.0, 0.01369527)])
def test_values_of_surveillance(phi: float, p: float) -> None:
    assert tail(11, 5, 5 * phi) == pytest.approx(p, abs=1e-8)


@pytest.mark.parametrize(("phi", "low", "high"), [(1.5, 1, 10), (1.0, 2, 9)])
def test_bounds_of_surveillance(phi: float, low: int, high: int) -> None:
    mean, variance = pl.Series([5.0]), pl.Series([5.0 * phi])
    assert quantile(0.05, mean, variance)[0] == low
    assert quantile(0.95, mean, variance)[0] == high


def exactly(observed: int, r: int, success: Fraction) -> Fraction:
    """P(Y >= observed) of failures before the r-th success, in fractions."""
    mass, below = success**r, Fraction(0)
    for k in range(observed):
        below += mass
        mass = mass * (k + r) / (k + 1) * (1 - success)
    return 1 - below


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 150),
    st.integers(1, 60),
    st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20),
)
def test_tail_is_that_of_exact_fractions(observed: int, r: int, success: Fraction) -> None:
    mean = r * (1 - success) / success
    expected = float(exactly(observed, r, success))
    found = tail(observed, float(mean), float(mean / success))
    assert found == pytest.approx(expected, abs=1e-10)
    if expected > 1e-290:
        assert found == pytest.approx(expected, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.floats(0.001, 60))
def test_variance_of_the_mean_is_poisson(observed: int, mean: float) -> None:
    mass, below = exp(-mean), 0.0
    for k in range(observed):
        below += mass
        mass *= mean / (k + 1)
    assert tail(observed, mean, mean) == pytest.approx(1 - below, abs=1e-11)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.floats(0.01, 200), st.floats(1, 40))
def test_one_more_event_is_never_likelier(observed: int, mean: float, phi: float) -> None:
    assert tail(observed + 1, mean, mean * phi) <= tail(observed, mean, mean * phi) + 1e-14
    assert (
        tail(observed, mean, mean * phi) <= tail(observed, mean * 1.01, mean * 1.01 * phi) + 1e-12
    )


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 500), st.floats(1, 30), st.sampled_from([0.005, 0.05, 0.5, 0.95, 0.995]))
def test_a_quantile_is_the_smallest_count_that_reaches_its_share(
    mean: float, phi: float, share: float
) -> None:
    found = int(quantile(share, pl.Series([mean]), pl.Series([mean * phi]))[0])
    assert 1 - tail(found + 1, mean, mean * phi) >= share - 1e-12
    if found:
        assert 1 - tail(found, mean, mean * phi) < share + 1e-12


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 100), st.floats(1, 8), st.floats(2.5, 10))
def test_the_rough_tail_is_near_where_it_screens(mean: float, phi: float, ratio: float) -> None:
    observed = float(round(mean * ratio) + 4)
    exact = tail(observed, mean, mean * phi)
    columns = (pl.Series([value]) for value in (observed, mean, mean * phi))
    if exact > 1e-280:
        assert rough_tail(*columns)[0] == pytest.approx(exact, rel=0.35)


def test_the_example_of_the_docs() -> None:
    text = (Path(__file__).parent.parent / "docs" / "spikes.md").read_text("utf-8")
    names = "observed", "expected", "dispersion", "comparable", "expected_error", "variance", "p"
    given = {n: float(re.findall(rf"\b{n}\s+([0-9.]+(?:e-[0-9]+)?)", text)[0]) for n in names}
    mean = given["expected"]
    variance = given["dispersion"] * mean * (1 + 1 / given["comparable"])
    variance += (given["expected_error"] * mean) ** 2
    assert variance == pytest.approx(given["variance"], rel=5e-4)
    assert tail(given["observed"], mean, given["variance"]) == pytest.approx(given["p"], rel=2e-3)


def test_rows_do_not_meet_and_nothing_known_gives_nothing() -> None:
    observed = [0, 11, None, 3, 1, 11, 10**6]
    mean = [5, 5, 5, 0, 1e-9, 5, 5 * 10**5]
    variance = [5, 7.5, 5, 0, 1e-9, 4, 10**6]
    found = upper_tail(*(pl.Series(c, dtype=pl.Float64) for c in (observed, mean, variance)))
    assert found[0] == 1
    assert found[1] == pytest.approx(0.03763657, abs=1e-8)
    assert found[2] is None
    assert found[3] == 0
    assert found[4] == pytest.approx(1e-9, rel=1e-6)
    assert found[5] == pytest.approx(0.01369527, abs=1e-8)  # less than Poisson counts as Poisson
    assert found[6] == pytest.approx(0, abs=1e-300)
