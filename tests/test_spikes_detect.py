"""A planted spike is found where it is, and what is no spike is not: gaps, zones, quiet days."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.spikes import detect as module
from analyzer.spikes.detect import detect
from analyzer.spikes.rules import FINDING, Rules

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
COUNTS = pl.Schema({"key": pl.Int64(), "bucket": pl.Datetime("us", "UTC"), "n": pl.Int64()})


def busy(hour: int) -> float:
    """More by day than by night, mean about 1."""
    return 0.4 + 1.2 * (8 <= hour < 20)


def poisson(rng: Random, mean: float) -> int:
    """A Poisson count: arrivals at exponential distances within one unit."""
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + rng.expovariate(1.0)
    return count


def log(
    days: float, rates: Sequence[float], seed: int = 1, start: datetime = MONDAY
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Counts of series 0, 1 ... with these mean events an hour, and all traffic."""
    rng = Random(seed)  # noqa: S311 - made-up counts
    hours = [start + i * HOUR for i in range(round(days * 24))]
    rows = [
        (series, hour, poisson(rng, rate * busy(hour.hour)))
        for series, rate in enumerate(rates)
        for hour in hours
    ]
    counts = pl.DataFrame(rows, schema=COUNTS, orient="row").filter(pl.col("n") > 0)
    traffic = [(hour, poisson(rng, 300 * busy(hour.hour))) for hour in hours]
    return counts, pl.DataFrame(
        traffic, schema={"bucket": pl.Datetime("us", "UTC"), "n": pl.Int64}, orient="row"
    )


def span(start: datetime, days: float) -> pl.DataFrame:
    return pl.DataFrame({"start": [start], "end": [start + timedelta(days=days)]})


def more(counts: pl.DataFrame, key: int, hour: datetime, n: int) -> pl.DataFrame:
    """The counts and n more events; `detect` adds rows of one bucket up."""
    row = pl.DataFrame({"key": [key], "bucket": [hour], "n": [n]}).cast(COUNTS)
    return pl.concat([counts, row])


@pytest.mark.parametrize(("days", "baseline"), [(28, "history"), (1, "log"), (5, "log")])
def test_a_planted_spike_is_found_and_without_it_there_is_no_alarm(
    days: int, baseline: str
) -> None:
    counts, totals = log(days, [0.5, 2, 2, 8, 8, 30])
    assert detect(counts, totals, span(MONDAY, days), by=["key"]).height == 0
    hour = MONDAY + timedelta(days=days - 1, hours=13)
    found = detect(more(counts, 2, hour, 30), totals, span(MONDAY, days), by=["key"])
    assert found["key"].to_list() == [2]
    one = found.row(0, named=True)
    assert one["bucket"] <= hour < one["until"]
    assert (one["began"], one["ended"]) == (hour, hour + HOUR)
    assert one["observed"] >= 30
    assert one["expected"] == pytest.approx(
        2 * 1.6 * (one["until"] - one["bucket"]) / HOUR, rel=0.5
    )
    assert one["ratio"] == pytest.approx(one["observed"] / one["expected"])
    assert one["low"] < one["expected"] < one["high"] < one["observed"]
    assert one["baseline"] == baseline
    assert 0 < one["p"] < one["p_day"] < one["q"] < 0.01
    # A day with history, or the whole log: windows that do not overlap. Calibration only raises.
    assert one["windows"] == 48 * (1 if baseline == "history" else days)
    assert one["p_day"] >= one["p"] * one["windows"] * (1 - 1e-9)
    if baseline == "log":
        assert one["p_day"] == pytest.approx(one["p"] * one["windows"], rel=1e-9)
        assert one["q"] == pytest.approx(one["p_day"] * 6, rel=1e-9)
    assert found.columns == ["key", *FINDING]


def test_the_arithmetic_of_a_finding_can_be_checked_by_hand() -> None:
    counts, totals = log(28, [2, 2, 8])
    hour = MONDAY + timedelta(days=27, hours=13)
    one = detect(more(counts, 1, hour, 30), totals, span(MONDAY, 28), by=["key"]).row(0, named=True)
    mean = one["expected"]
    variance = one["dispersion"] * mean * (1 + 1 / one["comparable"])
    variance += (one["expected_error"] * mean) ** 2
    assert variance == pytest.approx(one["variance"], rel=0.02)
    r, mass, below = mean**2 / (one["variance"] - mean), 0.0, 0.0
    mass = (mean / one["variance"]) ** r
    for k in range(one["observed"]):
        below += mass
        mass *= (k + r) / (k + 1) * (1 - mean / one["variance"])
    assert one["p"] == pytest.approx(1 - below, abs=1e-12)


def test_the_share_of_traffic_is_that_of_a_plain_oracle() -> None:
    counts, totals = log(1, [3, 3], seed=5)
    hour = MONDAY + timedelta(hours=9)
    counts = more(counts, 0, hour, 40)
    one = detect(counts, totals, span(MONDAY, 1), by=["key"]).row(0, named=True)
    y = dict.fromkeys((MONDAY + i * HOUR for i in range(24)), 0)
    for key, bucket, n in counts.rows():
        y[bucket] += n if key == 0 else 0
    rest = {bucket: n - y[bucket] for bucket, n in totals.rows()}
    window = {b for b in y if one["bucket"] <= b < one["until"]}
    near = {b for b in y if one["bucket"] - HOUR <= b < one["until"] + HOUR}
    outside = set(y) - near
    share = (sum(y[b] for b in outside) + 0.5) / sum(rest[b] for b in outside)
    assert one["observed"] == sum(y[b] for b in window)
    assert one["expected"] == pytest.approx(share * sum(rest[b] for b in window), rel=1e-9)


def test_rising_traffic_is_no_spike_of_each_of_its_parts() -> None:
    counts, totals = log(1, [4, 4, 10])
    noon = [MONDAY + timedelta(hours=h) for h in (12, 13)]
    rush = pl.col("bucket").is_in(noon)
    five = pl.when(rush).then(pl.col("n") * 5).otherwise(pl.col("n")).alias("n")
    whole = span(MONDAY, 1)
    assert (
        detect(counts.with_columns(five), totals.with_columns(five), whole, by=["key"]).height == 0
    )
    assert detect(counts.with_columns(five), totals, whole, by=["key"]).height == 3


def test_missing_hours_are_not_zeros() -> None:
    days = 28
    counts, totals = log(days, [40, 40])
    # Every second night was never written down.
    gaps = [MONDAY + timedelta(days=d, hours=20) for d in range(0, 26, 2)]
    lost = pl.any_horizontal(
        pl.col("bucket").is_between(g, g + 11 * HOUR, closed="both") for g in gaps
    )
    counts, totals = counts.filter(~lost), totals.filter(~lost)
    ends = [*gaps, MONDAY + timedelta(days=days)]
    starts = [MONDAY, *(g + 12 * HOUR for g in gaps)]
    seen = pl.DataFrame({"start": starts, "end": ends})
    assert detect(counts, totals, seen, by=["key"]).height == 0
    night = MONDAY + timedelta(days=27, hours=2)
    spiked = more(counts, 0, night, 80)
    one = detect(spiked, totals, seen, by=["key"]).row(0, named=True)
    assert one["expected"] == pytest.approx(40 * 0.4, rel=0.2)
    as_zeros = detect(spiked, totals, span(MONDAY, days), by=["key"]).row(0, named=True)
    assert as_zeros["expected"] < 0.8 * one["expected"]
    assert as_zeros["comparable"] > one["comparable"]


def test_what_follows_a_gap_is_marked() -> None:
    counts, totals = log(1, [3, 3])
    gap = MONDAY + timedelta(hours=10)
    lost = pl.col("bucket").is_between(gap, gap + 2 * HOUR, closed="both")
    seen = pl.DataFrame({"start": [MONDAY, gap + 3 * HOUR], "end": [gap, MONDAY + 24 * HOUR]})
    for later, marked in ((3, True), (4, True), (8, False)):
        spiked = more(counts.filter(~lost), 0, gap + later * HOUR, 40)
        found = detect(spiked, totals.filter(~lost), seen, by=["key"])
        assert found["after_gap"].to_list() == [marked], later


def test_partial_buckets_are_expected_to_hold_their_part() -> None:
    counts, totals = log(28, [20])
    half = MONDAY + timedelta(days=27, hours=23, minutes=30)
    seen = pl.DataFrame({"start": [MONDAY], "end": [half]})
    last = MONDAY + timedelta(days=27, hours=23)
    rules = Rules(windows=(1,), ratio=1.5)
    spiked = more(counts.filter(pl.col("bucket") < last), 0, last, 25)
    one = detect(spiked, totals, seen, by=["key"], rules=rules).row(0, named=True)
    assert one["expected"] == pytest.approx(20 * 0.4 / 2, rel=0.25)
    # Ten minutes of an hour are no hour: neither tested nor taken for a quiet one.
    short = pl.DataFrame({"start": [MONDAY], "end": [last + timedelta(minutes=10)]})
    assert detect(spiked, totals, short, by=["key"], rules=rules).height == 0


@pytest.mark.parametrize("change", [datetime(2026, 10, 25), datetime(2026, 3, 29)])
def test_a_job_at_nine_local_time_is_no_spike_after_the_clocks_change(change: datetime) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = (change - timedelta(days=27)).replace(tzinfo=berlin)
    start, end = first.astimezone(UTC), (first + timedelta(days=28)).astimezone(UTC)
    hours = round((end - start) / HOUR)
    rng = Random(4)  # noqa: S311 - made-up counts
    rows = []
    for i in range(hours):
        hour = start + i * HOUR
        usual = 60.0 if hour.astimezone(berlin).hour == 9 else 1.0
        rows.append((0, hour, poisson(rng, usual)))
    counts = pl.DataFrame(rows, schema=COUNTS, orient="row")
    totals = counts.select("bucket", n=pl.lit(500))
    seen = pl.DataFrame({"start": [start], "end": [end]})
    assert detect(counts, totals, seen, by=["key"], zone="Europe/Berlin").height == 0
    # Told the wrong zone, it would compare nine o'clock with eight or ten.
    nine = change.replace(hour=9, tzinfo=berlin).astimezone(UTC)
    spiked = more(counts, 0, nine, 400)
    here, there = (
        detect(spiked, totals, seen, by=["key"], zone=zone).row(0, named=True)
        for zone in ("Europe/Berlin", "UTC")
    )
    assert (here["bucket"], there["bucket"]) == (nine, nine)
    assert here["expected"] > 2 * there["expected"]


def test_onset_is_the_minute_where_minutes_are_known() -> None:
    counts, totals = log(28, [2, 2])
    hour = MONDAY + timedelta(days=27, hours=13)
    onset = hour + timedelta(minutes=41)
    burst = [(0, onset + timedelta(minutes=i), 3) for i in range(12)]
    usual = [(0, hour + timedelta(minutes=i), 1) for i in (3, 27)]
    minutes = pl.DataFrame(
        usual + burst,
        schema={"key": pl.Int64, "minute": pl.Datetime("us", "UTC"), "n": pl.Int64},
        orient="row",
    )
    spiked = more(counts, 0, hour, 38)
    whole = span(MONDAY, 28)
    found = detect(spiked, totals, whole, by=["key"], minutes=minutes)
    assert found["onset"].to_list() == [onset]
    assert detect(spiked, totals, whole, by=["key"])["onset"].to_list() == [found["bucket"][0]]


def test_past_episodes_do_not_hide_the_next_and_are_counted() -> None:
    counts, totals = log(28, [2, 2, 2])
    since = MONDAY + timedelta(days=27)
    hour = since + timedelta(hours=13)
    alone = detect(more(counts, 0, hour, 30), totals, span(MONDAY, 28), by=["key"], since=since)
    for day, at in ((6, 3), (13, 16), (20, 10)):
        counts = more(counts, 0, MONDAY + timedelta(days=day, hours=at), 60)
    found = detect(more(counts, 0, hour, 30), totals, span(MONDAY, 28), by=["key"], since=since)
    assert (alone["fired"].to_list(), found["fired"].to_list()) == ([0], [3])
    assert found["expected"][0] == pytest.approx(alone["expected"][0], rel=0.25)
    assert detect(counts, totals, span(MONDAY, 28), by=["key"], since=since).height == 0


def test_fired_counts_what_the_same_rule_finds_before() -> None:
    counts, totals = log(35, [2, 2, 2, 2])
    # Some past bursts pass both gates, some only the first, some none.
    for key, day, n in ((0, 2, 40), (0, 6, 40), (0, 12, 14), (0, 16, 12), (1, 9, 13), (0, 20, 9)):
        counts = more(counts, key, MONDAY + timedelta(days=day, hours=11), n)
    last = MONDAY + timedelta(days=32, hours=13)
    counts = more(more(counts, 0, last, 40), 1, last, 40)
    whole = span(MONDAY, 35)
    fired = []
    for rules in (Rules(fdr=1.0), Rules(fdr=1e-6)):
        found = detect(counts, totals, whole, by=["key"], rules=rules).sort("key", "began")
        for one in found.iter_rows(named=True):
            own = found.filter(pl.col("key") == one["key"], pl.col("ended") <= one["began"])
            near = own.filter(pl.col("ended") > one["began"] - timedelta(days=28))
            assert one["fired"] == near.height
        fired.append(found["fired"].to_list()[-2:])
        fired[-1] += [found.filter(pl.col("key") == 0)["fired"].max()]
    assert fired[0] != fired[1]


def test_a_steady_new_level_is_no_spike_for_ever() -> None:
    counts, totals = log(28, [4])
    later = pl.col("bucket") >= MONDAY + timedelta(days=20)
    doubled = pl.when(later).then(pl.col("n") * 2).otherwise(pl.col("n")).alias("n")
    since = MONDAY + timedelta(days=25)
    raised = counts.with_columns(doubled)
    assert detect(raised, totals, span(MONDAY, 28), by=["key"], since=since).height == 0


def test_parents_come_first_and_hold_their_children() -> None:
    counts, totals = log(28, [3, 3, 3])
    hour = MONDAY + timedelta(days=27, hours=11)
    spiked = more(counts, 1, hour, 40).rename({"key": "client"}).with_columns(code=pl.lit(502))
    every = spiked.group_by("code", "bucket").agg(pl.col("n").sum(), client=None)
    every = every.with_columns(pl.col("client").cast(pl.Int64)).select(spiked.columns)
    found = detect(pl.concat([spiked, every]), totals, span(MONDAY, 28), by=["code", "client"])
    assert found.select("code", "client").rows() == [(502, None), (502, 1)]
    assert found["part_of"].to_list() == [None, found["id"][0]]


def test_hosts_have_their_own_traffic_and_time() -> None:
    busy_counts, busy_totals = log(28, [3])
    new_counts, new_totals = log(1, [3], seed=2, start=MONDAY + timedelta(days=27))
    hour = MONDAY + timedelta(days=27, hours=12)
    counts = [more(c, 0, hour, 40) for c in (busy_counts, new_counts)]
    name = [pl.lit("old").alias("host"), pl.lit("new").alias("host")]
    found = detect(
        pl.concat(c.with_columns(n) for c, n in zip(counts, name, strict=True)),
        pl.concat(t.with_columns(n) for t, n in zip((busy_totals, new_totals), name, strict=True)),
        pl.concat(
            [
                span(MONDAY, 28).with_columns(name[0]),
                span(MONDAY + timedelta(days=27), 1).with_columns(name[1]),
            ]
        ),
        by=["host", "key"],
        per=["host"],
    )
    assert dict(found.select("host", "baseline").rows()) == {"old": "history", "new": "log"}


def test_groups_share_what_is_not_told_apart_and_unobserved_ones_are_left_out() -> None:
    counts, totals = log(28, [3])
    hour = MONDAY + timedelta(days=27, hours=12)
    spiked = more(counts, 0, hour, 40)
    both = pl.concat(
        spiked.with_columns(host=pl.lit(host), way=pl.lit(way))
        for host, way in (("a", "in"), ("a", "out"), ("unseen", "in"))
    )
    traffic = pl.concat(totals.with_columns(way=pl.lit(way)) for way in ("in", "out"))
    seen = span(MONDAY, 28).with_columns(host=pl.lit("a"))
    by, per = ["host", "way", "key"], ["host", "way"]
    found = detect(both, traffic, seen, by=by, per=per)
    assert sorted(found.select("host", "way").rows()) == [("a", "in"), ("a", "out")]
    alone = detect(spiked, totals, span(MONDAY, 28), by=["key"])
    assert found["expected"].to_list() == pytest.approx(alone["expected"].to_list() * 2)
    none = detect(both.clear(), traffic, seen, by=by, per=per)
    assert (none.height, none.columns) == (0, [*by, *FINDING])
    with pytest.raises(ValueError, match="no observed time"):
        detect(both, traffic, seen.clear(), by=by, per=per)


def test_the_last_hours_can_be_tested_by_the_minute() -> None:
    rng = Random(8)  # noqa: S311 - made-up counts
    start = MONDAY + timedelta(hours=9)
    minutes = [start + timedelta(minutes=i) for i in range(360)]
    rows = [(0, m, poisson(rng, 0.2)) for m in minutes]
    at = start + timedelta(minutes=300)
    rows += [(0, at + timedelta(minutes=i), 4) for i in range(5)]
    counts = pl.DataFrame(rows, schema=COUNTS, orient="row")
    totals = pl.DataFrame({"bucket": minutes, "n": [20] * len(minutes)})
    seen = pl.DataFrame({"start": [start], "end": [start + timedelta(hours=6)]})
    rules = Rules(windows=(1, 5, 15, 60))
    found = detect(counts, totals, seen, by=["key"], rules=rules, width=timedelta(minutes=1))
    assert found.height == 1
    assert at <= found["bucket"][0] < at + timedelta(minutes=5)
    quiet = counts.filter(pl.col("n") < 4)
    assert (
        detect(quiet, totals, seen, by=["key"], rules=rules, width=timedelta(minutes=1)).height == 0
    )


def test_nothing_in_gives_nothing_out() -> None:
    counts, totals = log(28, [1])
    none = detect(counts.clear(), totals, span(MONDAY, 28), by=["key"])
    assert (none.height, none.columns) == (0, ["key", *FINDING])
    assert none.schema["bucket"] == pl.Datetime("us", "UTC")
    assert detect(counts.clear(), totals.clear(), span(MONDAY, 1), by=["key"]).height == 0
    with pytest.raises(ValueError, match="no observed time"):
        detect(counts, totals, span(MONDAY, 28).clear(), by=["key"])


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([2, 20]))
def test_order_of_rows_and_how_they_are_split_change_nothing(shuffle: Random, days: int) -> None:
    counts, totals = log(days, [2, 5])
    counts = more(counts, 1, MONDAY + timedelta(days=days - 1, hours=5), 40)
    whole = detect(counts, totals, span(MONDAY, days), by=["key"])
    rows = [(k, b, part) for k, b, n in counts.rows() for part in (n // 2, n - n // 2)]
    shuffle.shuffle(rows)
    cut = shuffle.random() * days
    halves = pl.concat([span(MONDAY + timedelta(days=cut), days - cut), span(MONDAY, cut)])
    again = detect(
        pl.DataFrame(rows, schema=counts.schema, orient="row"),
        totals.sample(fraction=1.0, shuffle=True, seed=shuffle.randrange(1000)),
        halves,
        by=["key"],
    )
    floats = [name for name, kind in whole.schema.items() if kind == pl.Float64]
    assert whole.height == 1
    assert again.drop(floats).equals(whole.drop(floats))
    for name in floats:
        assert again[name][0] == pytest.approx(whole[name][0], rel=1e-6), name


@settings(max_examples=8, deadline=None)
@given(st.integers(20, 60), st.integers(1, 40), st.sampled_from([1, 21]))
def test_more_events_are_more_surprising(n: int, added: int, days: int) -> None:
    counts, totals = log(days, [3, 3])
    hour = MONDAY + timedelta(days=days - 1, hours=15)
    few = detect(more(counts, 0, hour, n), totals, span(MONDAY, days), by=["key"])
    many = detect(more(counts, 0, hour, n + added), totals, span(MONDAY, days), by=["key"])
    assert many["p"][0] <= few["p"][0]
    assert many["ratio"][0] > few["ratio"][0]


@pytest.mark.parametrize("days", [1, 28])
def test_series_do_not_depend_on_the_chunk_they_are_in(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, totals = log(days, [2, 2, 5, 1, 7])
    for key in (1, 4):
        counts = more(counts, key, MONDAY + timedelta(days=days - 1, hours=14), 40)
    whole = detect(counts, totals, span(MONDAY, days), by=["key"])
    monkeypatch.setattr(module, "_CHUNK", 2 * 700)
    again = detect(counts, totals, span(MONDAY, days), by=["key"])
    assert sorted(whole["key"]) == [1, 4]
    columns = ["key", "p", "expected", "dispersion"]
    left, right = (f.sort("key").select(columns).rows() for f in (whole, again))
    assert [pytest.approx(row, rel=1e-9) for row in left] == right


def test_small_or_mild_excesses_are_no_spikes() -> None:
    counts, totals = log(28, [0.01, 500])
    hour = MONDAY + timedelta(days=27, hours=13)
    four = more(counts, 0, hour, 4 - _there(counts, 0, hour))
    mild = more(four, 1, hour, 600)
    whole = span(MONDAY, 28)
    assert detect(mild, totals, whole, by=["key"]).height == 0
    twelve = more(counts, 0, hour, 12)
    assert detect(twelve, totals, whole, by=["key"])["key"].to_list() == [0]
    loose = detect(mild, totals, whole, by=["key"], rules=Rules(ratio=1.5))
    assert loose["key"].to_list() == [1]


def _there(counts: pl.DataFrame, key: int, hour: datetime) -> int:
    return int(counts.filter(pl.col("key") == key, pl.col("bucket") == hour)["n"].sum())
