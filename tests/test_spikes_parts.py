"""The parts of the detector, each against something simple."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.spikes import history
from analyzer.spikes.calibrate import calibrate, false_discovery
from analyzer.spikes.comparable import Comparable, traffic_shape
from analyzer.spikes.coverage import cover
from analyzer.spikes.episodes import inherit, merge
from analyzer.spikes.grid import Clock, flat, hour_of_week, lay_out
from analyzer.spikes.pooling import LIKELIHOOD, ORDINARY_PRIOR, PHI, learn, weigh
from analyzer.spikes.rules import Rules

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 6, 1)


def at(hours: float) -> datetime:
    return (MONDAY + hours * HOUR).replace(tzinfo=UTC)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200)), min_size=1, max_size=6))
def test_coverage_is_the_share_of_minutes_seen(spans: list[tuple[int, int]]) -> None:
    minutes = {m for begin, long in spans for m in range(begin, begin + long)}
    observed = pl.DataFrame(
        [(at(b / 60), at((b + n) / 60)) for b, n in spans], schema=["start", "end"], orient="row"
    )
    start, shares = cover(observed, HOUR)
    first = round((start - MONDAY) / HOUR)
    for bucket, share in enumerate(shares, first):
        assert share == pytest.approx(sum(m // 60 == bucket for m in minutes) / 60)
    assert shares[0] > 0 < shares[-1]
    assert first + len(shares) == max(minutes) // 60 + 1


def test_local_hours_across_daylight_saving() -> None:
    for change, hours in ((datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)):
        midnight = {3: change - HOUR, 10: change - 2 * HOUR}[change.month]
        clock = lay_out(midnight, [1.0] * hours, HOUR, "Europe/Berlin", hour_of_week(), 6)
        local = [slot - 6 * 24 for slot in clock.slot[clock.padding :]]  # it is a Sunday
        skipped = [h for h in range(24) if h not in local]
        twice = [h for h in range(24) if local.count(h) == 2]
        assert (skipped, twice) == (([2], []) if change.month == 3 else ([], [2]))
        assert len(clock.coverage) % 24 == 0
        assert clock.begin(clock.padding) == midnight


def test_flat_adds_rows_of_one_bucket_and_leaves_others_out() -> None:
    clock = lay_out(MONDAY, [1.0] * 20, HOUR, "UTC", hour_of_week(), 3)
    rows = [(0, 0.0, 2), (0, 0.5, 3), (1, 19.0, 7), (1, 20.0, 9), (0, -1.0, 9)]
    counts = pl.DataFrame(
        [(s, at(h), n) for s, h, n in rows], schema=["s", "bucket", "n"], orient="row"
    )
    column = flat(counts, 2, clock).to_list()
    here = {i: n for i, n in enumerate(column) if n}
    assert here == {clock.padding: 5, 2 * clock.length - 1: 7}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_window_sums_and_expectation_are_those_of_plain_loops(seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - made-up counts
    days, series = 15, 2
    coverage = [rng.choice([1.0, 1.0, 1.0, 0.5, 0.0]) for _ in range(days * 24)]
    season = hour_of_week()
    clock = lay_out(MONDAY, coverage, HOUR, "UTC", season, 6)
    values = [
        [float(rng.choice([0, 1, 2, 3, 9])) if c else 0.0 for c in clock.coverage]
        for _ in range(series)
    ]
    y = pl.Series([v for one in values for v in one])
    rules = Rules(least=1, ratio=0.01, screen=-1.0)
    to = Comparable(clock, season, series, [1.0] * 168, rules.windows)
    means = history._means(y, to)
    phi = pl.Series([1.5] * series)
    fit = history._fit(y, means, None, phi, to)
    listed = history._screened(fit, rules, to)
    assert listed.height > 100
    hours = sum(clock.coverage)
    for row in listed.sample(12, seed=1).rows(named=True):
        own, t = values[row["s"]], row["t"]
        inside = range(t - row["width"] + 1, t + 1)
        assert all(clock.coverage[i] for i in inside)
        assert row["observed"] == sum(own[i] for i in inside)
        total = 0.0
        for i in inside:
            like = season.like[clock.slot[i]]
            # All comparable buckets but the tested one and its neighbours, which are of its day.
            others = {
                j: like[clock.slot[j]]
                for j in range(clock.length)
                if clock.slot[j] in like and abs(j - i) > 1 and clock.coverage[j]
            }
            events = sum(w * own[j] for j, w in others.items())
            buckets = sum(w * clock.coverage[j] for j, w in others.items())
            day = range(i // 24 * 24, i // 24 * 24 + 24)
            rate = sum(own) - sum(own[j] for j in day) + 0.5
            rate /= hours - sum(clock.coverage[j] for j in day)
            worth = min(max(6 / rate, 0.5), 400)
            mean = (events + worth * rate) / (buckets + worth) * clock.coverage[i]
            total += mean * fit.blocks["factor"][(row["s"] * clock.length + i) // 24]
        assert row["expected"] == pytest.approx(total, rel=1e-9)


def test_traffic_shape_follows_traffic() -> None:
    clock = lay_out(MONDAY, [1.0] * 336, HOUR, "UTC", hour_of_week(), 6)
    traffic = pl.Series([300.0 if slot % 24 == 12 else 100.0 for slot in clock.slot])
    shape = traffic_shape(traffic, clock, hour_of_week())
    assert shape[12] > 2 * shape[3]
    assert shape[12] == pytest.approx(shape[12 + 24], rel=0.01)
    assert traffic_shape(traffic * 0, clock, hour_of_week()) == [1.0] * 168


def _drawn(phi: float, mean: float, series: int, days: int) -> pl.DataFrame:
    """Evidence of series of this dispersion."""
    rng = Random(round(phi * 100))  # noqa: S311 - made-up counts
    season = hour_of_week()
    clock = lay_out(MONDAY, [1.0] * days * 24, HOUR, "UTC", season, 6)

    def one() -> float:
        rate = rng.gammavariate(mean / (phi - 1), phi - 1) if phi > 1 else mean
        count, arrived = 0, rng.expovariate(1.0)
        while arrived < rate:
            count, arrived = count + 1, arrived + rng.expovariate(1.0)
        return float(count)

    y = [one() if c else 0.0 for _ in range(series) for c in clock.coverage]
    to = Comparable(clock, season, series, [1.0] * 168, Rules().windows)
    return history.windows(pl.Series(y), to, Rules())[1]


@pytest.mark.parametrize(("phi", "mean"), [(1.0, 2.0), (2.5, 2.0), (5.0, 4.0)])
def test_dispersion_is_found_and_shared(phi: float, mean: float) -> None:
    evidence = _drawn(phi, mean, 30, 14)
    prior = learn(evidence)
    half = weigh(evidence, prior, 0.5)["dispersion"]
    assert half.median() == pytest.approx(phi, rel=0.2)
    # A series that says nothing of itself is taken to be like the others of its level.
    silent = evidence.head(1).with_columns(pl.lit(0.0).alias(n) for n in LIKELIHOOD)
    assert weigh(silent, prior, 0.5)["dispersion"][0] == pytest.approx(phi, rel=0.35)
    # Alone in its log it is taken for ordinary mail traffic.
    alone = weigh(silent, ORDINARY_PRIOR, 0.5)["dispersion"][0]
    assert 1 < alone < 2


def test_a_cautious_dispersion_is_a_higher_one() -> None:
    flat_ = pl.DataFrame(
        {"level": [0]} | {n: [0.0] for n in LIKELIHOOD}, schema_overrides={"level": pl.UInt8}
    )
    found = [weigh(flat_, ORDINARY_PRIOR, q)["dispersion"][0] for q in (0.01, 0.5, 0.8, 0.95, 1.0)]
    assert found == sorted(found)
    assert found[0] == 1
    assert found[-1] == pytest.approx(PHI[-1])


def test_false_discovery_is_benjamini_and_hochberg() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.8]
    # Ten tests, five of them not listed: p x 10 / rank, then the smallest from above.
    assert false_discovery(pl.Series(p), 10).to_list() == pytest.approx([0.05, 0.1, 0.1, 0.05, 1.0])
    assert false_discovery(pl.Series([], dtype=pl.Float64), 0).to_list() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=30))
def test_q_grows_with_p_and_is_never_smaller(p: list[float]) -> None:
    q = false_discovery(pl.Series(p), len(p)).to_list()
    pairs = sorted(zip(p, q, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(pairs))
    assert all(b >= a - 1e-15 for a, b in pairs)


def _listed(p: list[float], spoilt: int = 0) -> pl.DataFrame:
    rows = [(0, i, 10 * i, 1, value) for i, value in enumerate(p)]
    rows += [(0, 10**5, 10 * i, 1, 1e-6) for i in range(spoilt)]
    return pl.DataFrame(rows, schema=["level", "s", "t", "width", "p"], orient="row").cast(
        {"level": pl.UInt8, "t": pl.Int32, "width": pl.Int32, "p": pl.Float64}
    )


def test_calibration_leaves_fair_p_alone_and_raises_those_too_small() -> None:
    tested = pl.DataFrame({"level": [0], "windows": [100_000.0]}).cast({"level": pl.UInt8})
    fair = [(i + 0.5) / 100_000 for i in range(290)]
    found = _listed(fair)
    assert calibrate(found, tested).to_list() == pytest.approx(fair, rel=0.25)
    # Every value five times too small: counted five times as often as it should be.
    small = _listed([(i + 0.5) / 500_000 for i in range(1490)])
    raised = calibrate(small, tested)
    ratio = (raised / small["p"]).to_list()
    assert ratio[400] == pytest.approx(5, rel=0.25)
    assert ratio[5] >= ratio[400]
    assert (raised >= small["p"]).all()


def test_past_episodes_do_not_raise_p() -> None:
    tested = pl.DataFrame({"level": [0], "windows": [100_000.0]}).cast({"level": pl.UInt8})
    fair = [(i + 0.5) / 100_000 for i in range(290)]
    with_incidents = calibrate(_listed(fair, spoilt=500), tested)
    assert with_incidents.to_list()[:290] == calibrate(_listed(fair), tested).to_list()


def _alarms(rows: list[tuple[int, int, int, float]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(s, t, w, p, 9.0, 1.0) for s, t, w, p in rows],
        schema={"s": pl.UInt32, "t": pl.Int32, "width": pl.Int32, "p": pl.Float64}
        | {"observed": pl.Float64, "expected": pl.Float64},
        orient="row",
    )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(10, 200), st.sampled_from([1, 2, 3, 6])),
        min_size=1,
        max_size=25,
        unique=True,
    )
)
def test_episodes_are_those_of_a_plain_walk(windows: list[tuple[int, int, int]]) -> None:
    rows = [(s, t, w, 1e-9 * (i + 1)) for i, (s, t, w) in enumerate(windows)]
    found = merge(_alarms(rows), 24)
    expected = []
    for s in {s for s, _, _ in windows}:
        reach = None
        for begin, t, p in sorted((t - w + 1, t, p) for own, t, w, p in rows if own == s):
            if reach is None or begin - reach - 1 >= 24:
                expected.append((s, p, 1))
                reach = t
            else:
                _, best, number = expected[-1]
                expected[-1] = (s, min(best, p), number + 1)
                reach = max(reach, t)
    assert sorted(found.select("s", "p", "alarms").rows()) == sorted(expected)


def test_an_episode_lasts_as_long_as_its_narrowest_windows() -> None:
    found = merge(_alarms([(0, 50, 1, 1e-9), (0, 51, 1, 1e-8), (0, 54, 6, 1e-7)]), 24)
    assert found.select("t", "from_t", "to_t", "alarms").rows() == [(50, 50, 51, 3)]


def test_findings_are_part_of_the_widest_at_the_same_time() -> None:
    keys = [(None, None), (502, None), (502, "a"), (550, "a"), (502, "b"), (550, None)]
    hours = [(0, 2), (1, 3), (2, 3), (1, 2), (40, 41), (90, 91)]
    found = pl.DataFrame(
        [
            (i, *k, at(b), at(e), 10.0**-i)
            for i, (k, (b, e)) in enumerate(zip(keys, hours, strict=True))
        ],
        schema={"id": pl.UInt32, "code": pl.Int64, "client": pl.String}
        | {"began": pl.Datetime("us", "UTC"), "ended": pl.Datetime("us", "UTC"), "p": pl.Float64},
        orient="row",
    )
    # (502, a) begins as (all, all) ends and falls to (502, all); (502, b) is alone in its time.
    assert inherit(found, ["code", "client"])["part_of"].to_list() == [None, 0, 1, 0, None, None]


def test_correction_counts_windows_that_do_not_overlap() -> None:
    # A day has room for 24 windows of an hour, 12 of two, 8 of three and 4 of six.
    assert Rules(windows=(1, 2, 3, 6)).corrected(24) == pytest.approx(24 + 12 + 8 + 4)


def test_clocks_name_their_buckets() -> None:
    clock = Clock(MONDAY, HOUR, 2, [0.0, 0.0, 1.0], [0, 1, 2])
    assert (clock.length, clock.begin(2), clock.begin(0)) == (3, MONDAY, MONDAY - 2 * HOUR)
    assert log(PHI[-1]) > 3
