"""Which series of counts hold a spike, when, and how sure that is: `detect`.

    found = detect(counts, totals, observed, by=["code", "client"], zone="Europe/Berlin")

counts     One row per series and bucket with events: key columns `by` of any type, `bucket`
           (begin, UTC), `n`. Buckets without events may be left out: observed, they are zeros.
           A null in a key column means all values of it, so parents travel beside their children:
           (502, null) is all 502s, (502, "192.0.2.1") one client's. Any number of such levels.
totals     `bucket`, `n`: all traffic the series are a share of, whatever is in `counts`.
observed   `start`, `end` (UTC): stretches the log covers, without its gaps. Buckets outside are
           unknown, not empty; those covered by less than a quarter are neither tested nor history.
per        Key columns by which `totals` and `observed` are told apart too (host, direction): each
           group has its own traffic and time; the false discovery rate is one for all. A column
           that one of the two lacks holds for all of it; a group nothing was observed of is left out.
since      Windows that end after this instant are tested; earlier ones are history. None: all.
minutes    `by`, `minute`, `n`: lets `onset` be a minute; without it, it is the window's begin.
width      Of a bucket. With minutes instead of hours (`Rules(windows=(1, 5, 15, 60))`) the last
           hours are tested against the rest of the log.

With `rules.history_days` of observed time a series is compared with comparable hours of other days
(`baseline` "history"), else with its share of the traffic in the rest of the log ("log").

A finding (columns: `by`, then `rules.FINDING`; strongest first, parents before children):
id, part_of         number; the finding it is a part of (a parent's at the same time), or null
bucket, until       the strongest window, end not included; began, ended: the whole episode
onset               minute or bucket the spike began
observed, expected  events in the window; variance: of such counts around what is expected
low, high           99 % of such counts lie in between
ratio               observed / expected
p, p_day, q         model estimates, no guarantees: of this window; after calibration and
                    correction for all windows of the day (or log); among all series and days tested
baseline            "history" or "log"; comparable: independent buckets the expectation rests on;
                    factor: level of the last days; expected_error: its relative standard error
dispersion          variance over mean the series is taken to have
windows             windows that p_day was corrected for; alarms: windows of the episode that fired
after_gap           the log has a gap within two buckets before: perhaps only a queue flushed
fired               other episodes this rule gives for the series in the 28 days before `until`

To check a p by hand: r = expected^2 / (variance - expected), then the upper tail of the negative
binomial of that r and mean; variance = dispersion x expected x (1 + 1 / comparable) +
(expected_error x expected)^2.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import polars as pl

from . import history, within
from .calibrate import calibrate, false_discovery
from .comparable import Comparable, traffic_shape
from .coverage import cover
from .episodes import inherit, merge
from .grid import LEAST_COVERAGE, Clock, flat, hour_of_week, lay_out
from .onset import onsets
from .pooling import LIKELIHOOD, learn, weigh
from .rules import FINDING, WITH_HISTORY, WITHIN_LOG, Rules
from .tail import quantile, upper_tail

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_CHUNK: Final = 1_700_000
"""Cells of a chunk of series; it takes as much memory as a few dozen columns of so many numbers."""
_AT_ONCE: Final = 2
"""Chunks worked on side by side: much of it is arithmetic on columns that uses one core."""
_SMALL: Final = 1000
"""Series too small for a spike that are looked at all the same, at most."""
_REPLAYED: Final = timedelta(days=28)
_TAIL: Final = 0.005


class _Part(NamedTuple):
    """One group of series after its baseline."""

    keys: pl.DataFrame  # by, s
    clock: Clock
    baseline: str
    windows: pl.DataFrame
    evidence: pl.DataFrame
    corrected: list[float]  # per block: what p is multiplied with
    tested: list[bool]  # per block: whether it is asked for
    series: int  # those too small to hold a spike included

    @property
    def block(self) -> int:
        """Buckets of a block."""
        return self.clock.length // len(self.tested)

    def untested(self) -> int:
        """Blocks that were observed but not asked for."""
        seen = [cover >= LEAST_COVERAGE for cover in self.clock.coverage]
        starts = range(0, len(seen), self.block)
        observed = [any(seen[start : start + self.block]) for start in starts]
        return sum(here and not asked for here, asked in zip(observed, self.tested, strict=True))

    def counted(self, rules: Rules) -> pl.DataFrame:
        """Windows of every level that were looked at, listed or not."""
        known = sum(cover >= LEAST_COVERAGE for cover in self.clock.coverage)
        each = known * len(rules.windows)
        return self.evidence.group_by("level").agg(windows=pl.len().cast(pl.Float64) * each)


class _Chunk(NamedTuple):
    """Some series of a group."""

    windows: pl.DataFrame
    evidence: pl.DataFrame
    again: pl.Series  # series that are in neither yet
    y: pl.Series  # and their counts


def detect(
    counts: pl.DataFrame,
    totals: pl.DataFrame,
    observed: pl.DataFrame,
    *,
    by: Sequence[str],
    per: Sequence[str] = (),
    zone: str = "UTC",
    rules: Rules | None = None,
    width: timedelta = _HOUR,
    since: datetime | None = None,
    minutes: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Spikes of the counts; see the head of this module.

    Raises ValueError where nothing was observed.
    """
    rules = rules or Rules()
    parts = [
        _examine(*group, by, zone, rules, width, since)
        for group in _groups(counts, totals, observed, per)
    ]
    if not parts and counts.height:
        raise ValueError("no observed time")
    judged = _judge(parts, rules) if parts else []
    if not any(_alarms(windows, rules).height for windows in judged):
        return pl.DataFrame(schema={name: counts.schema[name] for name in by} | FINDING)
    found = [
        _describe(part, windows, by, rules, since, width)
        for part, windows in zip(parts, judged, strict=True)
    ]
    whole = pl.concat(found).sort("p", "ratio", descending=[False, True])
    whole = whole.with_columns(id=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32))
    if minutes is not None:
        exact = onsets(whole, minutes, by)
        whole = whole.update(exact, on="id", how="left")
    whole = inherit(whole, by).sort(pl.col("part_of").is_not_null(), "id")
    return whole.select(*by, *FINDING)


def _groups(
    counts: pl.DataFrame, totals: pl.DataFrame, observed: pl.DataFrame, per: Sequence[str]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
    """Counts, totals and observed time of each value of the `per` columns."""
    if not per:
        yield counts, totals, observed
        return
    for key in counts.select(per).unique(maintain_order=True).iter_rows():
        of = dict(zip(per, key, strict=True))
        own = _of(observed, of)
        # Where nothing is known of when the log ran, nothing can be said.
        if own.height:
            yield _of(counts, of), _of(totals, of), own


def _of(frame: pl.DataFrame, key: dict[str, object]) -> pl.DataFrame:
    """The rows of this key; columns the frame does not have hold for all."""
    return frame.filter(
        pl.col(n).eq_missing(pl.lit(v)) for n, v in key.items() if n in frame.columns
    )


def _examine(
    counts: pl.DataFrame,
    totals: pl.DataFrame,
    observed: pl.DataFrame,
    by: Sequence[str],
    zone: str,
    rules: Rules,
    width: timedelta,
    since: datetime | None,
) -> _Part:
    """Windows of one group of series and its evidence on dispersion."""
    start, coverage = cover(observed, width)
    season = hour_of_week()
    clock = lay_out(start, coverage, width, zone, season, max(rules.windows))
    days = sum(clock.coverage) * (width / _DAY)
    baseline = WITH_HISTORY if days >= rules.history_days and width == _HOUR else WITHIN_LOG
    corrected, tested = _corrected(clock, season.block, rules, since, baseline)
    listed = counts.lazy().group_by(by).agg("bucket", "n", total=pl.col("n").sum()).collect()
    # What a large log's prior is learned from is every second, third ... series, of this order.
    listed = listed.sort(by)
    large = listed.filter(pl.col("total") >= rules.least)
    # Smaller series cannot hold a spike, but how their few events lie together tells of others.
    small = listed.filter(pl.col("total").is_between(2, rules.least - 1))
    small = small.gather_every(-(-small.height // _SMALL) or 1)
    large = pl.concat([large, small]).drop("total").with_row_index("s")
    traffic = flat(totals.select("bucket", "n", s=pl.lit(0)), 1, clock)
    size = max(1, min(_CHUNK // clock.length, large.height))
    whole = None
    if baseline == WITH_HISTORY:
        shape = traffic_shape(traffic, clock, season)
        whole = Comparable(clock, season, size, shape, rules.windows)

    def chunk(first: int) -> _Chunk:
        here = large.slice(first, size)
        number = max(here.height, 1)  # without a series, one that is empty
        y = flat(
            here.select(pl.col("s") - first, "bucket", "n").explode(
                "bucket", "n", empty_as_null=False, keep_nulls=False
            ),
            number,
            clock,
        )
        if whole is not None:
            windows, evidence, again = history.plain(y, whole.first(number), rules)
        else:
            windows, evidence = within.windows(
                y, traffic, clock, season.block, rules, max(corrected)
            )
            again = pl.Series(dtype=pl.UInt32)
        return _Chunk(
            windows.with_columns(pl.col("s") + first),
            evidence.filter(pl.col("s") < here.height).select("level", *LIKELIHOOD),
            again + first,
            y.gather(history.places(again, clock.length)),
        )

    with ThreadPoolExecutor(_AT_ONCE) as workers:
        done = list(workers.map(chunk, range(0, max(large.height, 1), size)))
        if whole is not None:
            done += workers.map(partial(_again, whole, rules), *_shares(done, whole))
    return _Part(
        large.select(*by, "s"),
        clock,
        baseline,
        pl.concat(one.windows for one in done),
        pl.concat(one.evidence for one in done),
        corrected,
        tested,
        listed.height,
    )


def _shares(done: Sequence[_Chunk], whole: Comparable) -> tuple[list[pl.Series], list[pl.Series]]:
    """The series that are in no chunk yet, with their counts, in parts of equal size."""
    names, y = pl.concat(one.again for one in done), pl.concat(one.y for one in done)
    length = whole.clock.length
    size = max(1, min(whole.series, -(-len(names) // _AT_ONCE)))
    firsts = range(0, len(names), size)
    return (
        [names.slice(first, size) for first in firsts],
        [y.slice(first * length, size * length) for first in firsts],
    )


def _again(whole: Comparable, rules: Rules, names: pl.Series, y: pl.Series) -> _Chunk:
    """Series with episodes, which take a few looks more."""
    windows, evidence = history.windows(y, whole.first(len(names)), rules)
    windows = windows.with_columns(s=names.gather(windows["s"]))
    return _Chunk(windows, evidence.select("level", *LIKELIHOOD), names.clear(), y.clear())


def _corrected(
    clock: Clock, block: int, rules: Rules, since: datetime | None, baseline: str
) -> tuple[list[float], list[bool]]:
    """Per block of the clock: what p is multiplied with, and whether it is tested."""
    known = [cover >= LEAST_COVERAGE for cover in clock.coverage]
    asked = [
        here and (since is None or clock.begin(t + 1).replace(tzinfo=UTC) > since)
        for t, here in enumerate(known)
    ]
    blocks = range(0, len(known), block)
    tested = [any(asked[b : b + block]) for b in blocks]
    if baseline == WITHIN_LOG:
        counted = [sum(asked if one else known) for one in tested]
    else:
        counted = [
            sum((asked if any(asked[b : b + block]) else known)[b : b + block]) for b in blocks
        ]
    return [rules.corrected(one) for one in counted], tested


def _judge(parts: Sequence[_Part], rules: Rules) -> list[pl.DataFrame]:
    """The windows of each part with `dispersion`, `variance`, `p`, `p_day` and `q`."""
    judged = []
    priors = {
        baseline: learn(pl.concat(one.evidence for one in parts if one.baseline == baseline))
        for baseline in dict.fromkeys(part.baseline for part in parts)
    }
    for part in parts:
        rows = weigh(part.windows, priors[part.baseline], rules.cautious).with_columns(
            variance=history.variance(pl.col("dispersion"), rules),
            block=pl.col("t") // part.block,
        )
        rows = rows.with_columns(p=upper_tail(rows["observed"], rows["expected"], rows["variance"]))
        fair = rows["p"]
        if part.baseline == WITH_HISTORY:
            fair = calibrate(rows, part.counted(rules))
        factor = pl.Series(part.corrected, dtype=pl.Float64).gather(rows["block"])
        asked = pl.Series(part.tested, dtype=pl.Boolean).gather(rows["block"])
        judged.append(
            rows.with_columns(
                p_day=(fair * factor).clip(0, 1),
                windows=(factor.round() if len(factor) else factor).cast(pl.UInt32),
                asked=asked,
            )
        )
    return _with_q(parts, judged)


def _with_q(parts: Sequence[_Part], judged: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Adds `q`: a series' day (or log) is one test, whatever number of its windows are listed.

    What is asked for is judged together, and so is what is past: as the same rule would have.
    """
    on = [["s", "asked", *(["block"] if part.baseline == WITH_HISTORY else [])] for part in parts]
    units = [
        rows.group_by(keys).agg(pl.col("p_day").min()).with_columns(part=pl.lit(n))
        for n, (keys, rows) in enumerate(zip(on, judged, strict=True))
    ]
    whole = pl.concat(units, how="diagonal")
    pools = []
    for asked in (True, False):
        number = 0
        for part in parts:
            blocks = part.tested.count(True) if asked else part.untested()
            number += part.series * (blocks if part.baseline == WITH_HISTORY else min(blocks, 1))
        pool = whole.filter(pl.col("asked") == asked)
        pools.append(pool.with_columns(q=false_discovery(pool["p_day"], number)))
    whole = pl.concat(pools)
    found = []
    for n, (keys, rows) in enumerate(zip(on, judged, strict=True)):
        mine = whole.filter(pl.col("part") == n).select(*keys, "q")
        found.append(rows.join(mine, on=keys, how="left", maintain_order="left"))
    return found


def _alarms(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The windows that pass every gate."""
    p_day, q = pl.col("p_day"), pl.col("q")
    return rows.filter((p_day < rules.alpha) & ((q < rules.fdr) | (rules.fdr >= 1)))


def _describe(
    part: _Part,
    rows: pl.DataFrame,
    by: Sequence[str],
    rules: Rules,
    since: datetime | None,
    width: timedelta,
) -> pl.DataFrame:
    """Findings of one part: `by` and FINDING without `id` and `part_of`."""
    c = pl.col
    apart = rules.merge // width
    alarms = _alarms(rows, rules)
    if since is not None:
        begin = part.clock.begin(0).replace(tzinfo=UTC)
        first = (since - begin) // width
        alarms = alarms.with_columns(asked=c("t") >= first)
    past = merge(alarms, apart).select("s", past="to_t")
    found = merge(alarms.filter("asked"), apart)
    reach = _REPLAYED // width
    before = (
        found.select("s", "from_t")
        .join(past, on="s")
        .filter((c("past") < c("from_t")) & (c("past") >= c("from_t") - reach))
    )
    fired = before.group_by("s", "from_t").agg(fired=pl.len())
    found = found.join(fired, on=["s", "from_t"], how="left", maintain_order="left")

    def moment(at: pl.Expr) -> pl.Expr:
        begin = pl.lit(part.clock.begin(0).replace(tzinfo=UTC), pl.Datetime("us", "UTC"))
        return begin + at.cast(pl.Int64) * width

    known = [one > 0 for one in part.clock.coverage]
    gap = [
        any(not known[k] for k in range(max(t - 2, part.clock.padding), t))
        for t in range(len(known))
    ]
    start = c("t") - c("width") + 1
    found = found.with_columns(
        bucket=moment(start),
        onset=moment(start),
        until=moment(c("t") + 1),
        began=moment(c("from_t")),
        ended=moment(c("to_t") + 1),
        ratio=c("observed") / c("expected"),
        expected_error=history.expected_error(rules),
        baseline=pl.lit(part.baseline),
        after_gap=pl.Series(gap, dtype=pl.Boolean).gather(found.select(start).to_series()),
        low=quantile(_TAIL, found["expected"], found["variance"]),
        high=quantile(1 - _TAIL, found["expected"], found["variance"]),
        fired=c("fired").fill_null(0),
    )
    keyed = found.join(part.keys, on="s", how="left", maintain_order="left")
    return keyed.select(
        *by, *(c(n).cast(t) for n, t in FINDING.items() if n not in ("id", "part_of"))
    )
