"""Measure the spike detector on counts whose truth is known; prints tables, judges nothing.

python tests/bench/bench_spikes.py [history] [day] [mixed] [discovery] [weekly] [weekly-ours] [speed]
                                   [--series N] [--replicates N]

Seeds are fixed: the same figures every time (times aside). Set POLARS_MAX_THREADS=1 for one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import polars as pl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from spike_reference import DAY_LIMIT, PAST_LIMIT, Past, Score, one_day  # noqa: E402
from spike_weekly import weekly_table  # noqa: E402
from spike_worlds import GRID, HOURS, WEEK, Cell, draw, hourly_shape  # noqa: E402

from analyzer.spikes.detect import detect  # noqa: E402
from analyzer.spikes.rules import Rules  # noqa: E402

START = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
SPIKED = 8  # one series in so many has a spike, where spikes are planted
LOGS = 2  # logs of each cell of the grid
LEAST_FALSE = 0.004
TIMES, LENGTHS = (3, 5, 10), (1, 3)
LOOSE = Rules(alpha=0.5, fdr=1.0, merge=timedelta(0))
"""Lists what is far from an alarm too: p_day then says what any alpha would give."""

# False alarms per series-day and power (1 h x3/x5/x10, 3 h x3/x5/x10) of the table to beat.
TABLE_HISTORY: dict[tuple[float, float], tuple[float, str]] = {
    (0.1, 1): (0, "0/.01/.05 0/.01/.09"),
    (0.1, 5): (0.135, ".03/.03/.09 .09/.15/.31"),
    (0.5, 1): (0, ".02/.15/.66 .06/.31/.93"),
    (0.5, 2): (0.045, ".03/.10/.48 .09/.28/.79"),
    (0.5, 5): (0.1, ".03/.04/.19 .08/.18/.51"),
    (2, 1): (0, ".20/.79/1 .44/.94/1"),
    (2, 2): (0.02, ".08/.46/.95 .23/.77/1"),
    (2, 5): (0.028, ".02/.12/.60 .07/.32/.90"),
    (10, 1): (0, ".93/1/1 1/1/1"),
    (10, 2): (0.003, ".69/.99/1 .94/1/1"),
    (10, 5): (0.013, ".20/.78/1 .49/.97/1"),
    (50, 1): (0, "1/-/- 1/-/-"),
    (50, 2): (0.003, "1/-/- 1/-/-"),
    (50, 5): (0.003, ".94/-/- 1/-/-"),
}
TABLE_DAY: dict[tuple[float, float], tuple[float, str]] = {
    (0.1, 1): (0, "0/.01/.02 0/.01/.07"),
    (0.1, 5): (0.135, ".03/.03/.09 .08/.13/.30"),
    (0.5, 1): (0, ".01/.07/.44 .05/.36/.91"),
    (0.5, 2): (0.055, ".05/.12/.43 .14/.37/.84"),
    (0.5, 5): (0.32, ".10/.17/.41 .28/.45/.83"),
    (2, 1): (0, ".12/.60/.97 .54/.96/1"),
    (2, 2): (0.055, ".12/.42/.90 .47/.87/1"),
    (2, 5): (0.215, ".19/.36/.71 .38/.73/.97"),
    (10, 1): (0, ".81/1/1 1/1/1"),
    (10, 2): (0.015, ".61/.97/1 .96/1/1"),
    (10, 5): (0.107, ".28/.78/.99 .75/.99/1"),
    (50, 1): (0.003, "1/-/- 1/-/-"),
    (50, 2): (0.01, ".98/-/- 1/-/-"),
    (50, 5): (0.018, ".90/-/- 1/-/-"),
}


class World(NamedTuple):
    """A log: counts per series and hour, all traffic, and where spikes are."""

    counts: list[list[int]]
    totals: list[int]
    spikes: dict[int, tuple[int, int]]  # series: first and last hour


def make(cells: Sequence[Cell], days: int, seed: int) -> World:
    """One series per cell, and traffic of its own of the same shape."""
    rng, shape = Random(seed), hourly_shape()
    same: dict[Cell, list[int]] = {}
    for place, cell in enumerate(cells):
        same.setdefault(cell, []).append(place)
    counts: list[list[int]] = [[] for _ in cells]
    totals = []
    for hour in range(days * HOURS):
        busy = shape[hour % WEEK]
        for cell, places in same.items():
            values = draw(rng, cell.mean * busy, cell.phi, len(places))
            for place, value in zip(places, values, strict=True):
                counts[place].append(value)
        totals.append(draw(rng, 2000 * busy, 2, 1)[0])
    return World(counts, totals, {})


def plant(world: World, cells: Sequence[Cell], times: float, hours: int, seed: int) -> World:
    """The world with a spike between 8 and 20 h of the last day in every SPIKED-th series."""
    rng, shape = Random(seed), hourly_shape()
    counts = [list(one) for one in world.counts]
    spikes = {}
    midnight = len(world.totals) - HOURS
    for place in range(0, len(cells), SPIKED):
        first = midnight + rng.randrange(8, 21 - hours)
        for hour in range(first, first + hours):
            mean = cells[place].mean * shape[hour % WEEK] * times
            counts[place][hour] = draw(rng, mean, cells[place].phi, 1)[0]
        spikes[place] = (first, first + hours - 1)
    return World(counts, world.totals, spikes)


def frames(world: World) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Counts, totals and observed time as `detect` takes them."""
    number, hours = len(world.counts), len(world.totals)
    series = pl.int_range(number * hours, eager=True)
    counts = pl.DataFrame({"n": [n for one in world.counts for n in one], "at": series})
    bucket = pl.lit(START) + (pl.col("at") % hours) * pl.duration(hours=1)
    counts = counts.filter(pl.col("n") > 0).select(
        bucket.alias("bucket"), "n", series=pl.col("at") // hours
    )
    own = pl.int_range(hours, eager=True)
    totals = pl.DataFrame({"n": world.totals, "at": own}).select(bucket.alias("bucket"), "n")
    return counts, totals, pl.DataFrame({"start": [START], "end": [START + hours * HOUR]})


def last_day(world: World) -> datetime:
    """When the tested day begins."""
    return START + (len(world.totals) - HOURS) * HOUR


def listed(world: World, rules: Rules = LOOSE, *, all_days: bool = False) -> pl.DataFrame:
    """Findings of a world with the `first` and `last` hour of the window."""
    since = None if all_days or len(world.totals) == HOURS else last_day(world)
    found = detect(*frames(world), by=["series"], rules=rules, since=since)
    hour = (pl.col("bucket") - START).dt.total_hours()
    return found.with_columns(first=hour, last=(pl.col("until") - START).dt.total_hours() - 1)


def hits(found: pl.DataFrame, world: World) -> list[float]:
    """p_day of each planted spike (2: not listed)."""
    best = []
    for place, (first, last) in world.spikes.items():
        mine = found.filter(
            pl.col("series") == place, pl.col("first") <= last, pl.col("last") >= first
        )
        lowest = mine["p_day"].min()
        best.append(float(str(lowest)) if lowest is not None else 2.0)
    return best


def short(value: float) -> str:
    """A share with two decimals and no leading zero."""
    return "1" if value > 0.995 else "0" if value < 0.005 else f"{value:.2f}"[1:]


class Measured(NamedTuple):
    """What a detector gave in a cell of the grid: scores, the smaller the louder."""

    quiet: list[float]  # of series-days without a spike, sorted; those not listed have none
    days: int  # series-days those are of
    spikes: dict[tuple[int, int], list[float]]  # per length and size of spike

    def false(self, limit: float) -> float:
        """False alarms per series-day."""
        return sum(p < limit for p in self.quiet) / self.days

    def power(self, limit: float) -> str:
        """Shares of spikes found, as `1 h x3/x5/x10 3 h x3/x5/x10`."""
        shares = [
            "/".join(short(share([p < limit for p in self.spikes[h, x]])) for x in TIMES)
            for h in LENGTHS
        ]
        return " ".join(shares)

    def limit(self, false: float) -> float:
        """The limit with so many false alarms per series-day.

        None in the few hundred series of a table is taken for 1 in 250, which they cannot tell
        from none.
        """
        place = int(max(false, LEAST_FALSE) * self.days)
        return self.quiet[place] if place < len(self.quiet) else LOOSE.alpha


def share(found: Sequence[bool]) -> float:
    """How many of all."""
    return sum(found) / len(found)


def grid(days: int, series: int, table: dict[tuple[float, float], tuple[float, str]]) -> None:
    """False alarms and power in every cell of the grid; every series of a log alike."""
    print(
        "| mean/h, phi | table | its formulas here | ours as shipped "
        "| ours at the table's false | ours at the false of its formulas here |\n"
        "|---|---|---|---|---|---|"
    )
    for cell in GRID:
        ours, theirs = measure(cell, days, series)
        goal, stated = table.get((cell.mean, cell.phi), (0.0, "1/1/1 1/1/1"))
        alpha, limit = Rules().alpha, PAST_LIMIT if days > 1 else DAY_LIMIT
        texts = [
            f"{cell.mean:g}, {cell.phi:g}",
            f"{goal:g}: {stated}",
            f"{theirs.false(limit):.4f}: {theirs.power(limit)}",
            f"{ours.false(alpha):.4f}: {ours.power(alpha)}",
        ]
        for false in (goal, theirs.false(limit)):
            at = ours.limit(false)
            texts.append(f"{ours.false(at):.4f}: {ours.power(at)}")
        print("| " + " | ".join(texts) + " |", flush=True)


def measure(cell: Cell, days: int, series: int) -> tuple[Measured, Measured]:
    """Ours and the table's formulas on the same logs and the same spikes."""
    cells, first = [cell] * series, (days - 1) * HOURS
    ours, theirs = (Measured([], 0, {(h, x): [] for h in LENGTHS for x in TIMES}) for _ in range(2))
    for log in range(LOGS):
        seed = int(cell.mean * 1000 + cell.phi) + 7 * log
        quiet = make(cells, days, seed)
        score = scorer(quiet, first)
        theirs.quiet.extend(min((s.p for s in score(quiet, i)), default=2.0) for i in range(series))
        # With history any day can be tested against the others.
        by_day = listed(quiet, all_days=True).group_by("series", pl.col("first") // HOURS)
        ours.quiet.extend(by_day.agg(pl.col("p_day").min())["p_day"])
        for hours, times in ours.spikes:
            world = plant(quiet, cells, times, hours, seed + 10 * hours + times)
            ours.spikes[hours, times].extend(hits(listed(world), world))
            for i, (begin, end) in world.spikes.items():
                scores = score(world, i)
                met = [s.p for s in scores if s.first + first <= end and s.last + first >= begin]
                theirs.spikes[hours, times].append(min(met, default=2.0))
    ours.quiet.sort()
    theirs.quiet.sort()
    number = series * LOGS
    return ours._replace(days=number * days), theirs._replace(days=number)


def scorer(quiet: World, first: int) -> Callable[[World, int], list[Score]]:
    """The table's detector on the last day of a series; its past is the quiet world's."""
    if not first:
        return lambda world, i: one_day(world.counts[i], world.totals)
    pasts = [Past(counts[:first]) for counts in quiet.counts]
    return lambda world, i: pasts[i].scores(world.counts[i][first:])


def mixed(series: int) -> None:
    """One-day logs in which every cell up to mean 10 has its share: pooling has to tell apart."""
    kinds = [cell for cell in GRID if cell.mean <= 10]
    number = series - series % (SPIKED * len(kinds))
    cells = [kinds[place // SPIKED % len(kinds)] for place in range(number)]
    false = dict.fromkeys(kinds, 0)
    logs = 8
    worlds = [make(cells, 1, 50 + one) for one in range(logs)]
    for world in worlds:
        for place in set(listed(world).filter(pl.col("p_day") < Rules().alpha)["series"]):
            false[cells[place]] += 1
    found: dict[Cell, list[float]] = {kind: [] for kind in kinds}
    for hours in LENGTHS:
        for times in TIMES:
            hit = dict.fromkeys(kinds, 0)
            for world in worlds:
                spiked = plant(world, cells, times, hours, 90 + 10 * hours + times)
                p = hits(listed(spiked), spiked)
                for place, one in zip(spiked.spikes, p, strict=True):
                    hit[cells[place]] += one < Rules().alpha
            each = number // SPIKED // len(kinds) * logs
            for kind in kinds:
                found[kind].append(hit[kind] / each)
    print("| mean/h, phi | false | power |\n|---|---|---|")
    for kind in kinds:
        rate = false[kind] / (number // len(kinds) * logs)
        text = " ".join("/".join(short(v) for v in found[kind][i : i + 3]) for i in (0, 3))
        print(f"| {kind.mean:g}, {kind.phi:g} | {rate:.4f} | {text} |")


def discovery() -> None:
    """658 series of all kinds, 28 with a real x5 two-hour spike, six logs: what the list holds."""
    kinds = [cell for cell in GRID if cell.mean <= 50]
    cells = [kinds[place % len(kinds)] for place in range(658)]
    print("| days | rule | false | true of 28 | false share |\n|---|---|---|---|---|")
    for days in (29, 1):
        counted: dict[float, list[int]] = {1.0: [0, 0], 0.05: [0, 0], 0.01: [0, 0]}
        for seed in range(6):
            world = make(cells, days, 400 + seed)
            rng, shape = Random(seed), hourly_shape()
            large = [place for place, cell in enumerate(cells) if cell.mean >= 2]
            for place in rng.sample(large, 28):
                first = (days - 1) * HOURS + rng.randrange(8, 19)
                for hour in (first, first + 1):
                    mean = 5 * cells[place].mean * shape[hour % WEEK]
                    world.counts[place][hour] = draw(rng, mean, cells[place].phi, 1)[0]
                world.spikes[place] = (first, first + 1)
            for fdr, both in counted.items():
                for place in set(listed(world, Rules(fdr=fdr))["series"]):
                    both[place in world.spikes] += 1
        for fdr, (false, true) in counted.items():
            name = "p_day < 0.01" if fdr == 1 else f"and q < {fdr:g}"
            share = false / max(false + true, 1)
            print(
                f"| {days} | {name} | {false / 6:.1f} | {true / 6:.1f} | {share:.3f} |", flush=True
            )


def speed(series: int = 10_000, days: int = 28) -> None:
    """Time to test so many series over so many days, of means from 0.05 to 20 an hour."""
    rng, shape = Random(3), hourly_shape()
    means = (0.05, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 20.0)
    each, hours = series // len(means), days * HOURS
    parts = []
    for mean in means:
        values = [n for h in range(hours) for n in draw(rng, mean * shape[h % WEEK], 1.6, each)]
        cells = pl.DataFrame({"n": values, "at": pl.int_range(len(values), eager=True)})
        key = pl.lit(f"{mean} ") + (pl.col("at") % each).cast(pl.String)
        bucket = pl.lit(START) + (pl.col("at") // each) * pl.duration(hours=1)
        parts.append(cells.filter(pl.col("n") > 0).select("n", key=key, bucket=bucket))
    counts = pl.concat(parts, rechunk=True)
    totals = counts.group_by("bucket").agg(pl.col("n").sum())
    observed = pl.DataFrame({"start": [START], "end": [START + hours * HOUR]})
    times = []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        found = detect(counts, totals, observed, by=["key"])
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(
        f"{series} series x {days} days x 24 h ({counts.height} rows): "
        f"{min(t for t, _ in times):.2f} s at best of 5 "
        f"(median {sorted(times)[2][0]:.2f} s, processor {sorted(t for _, t in times)[2]:.2f} s), "
        f"{found.height} findings, {pl.thread_pool_size()} threads"
    )


def main() -> None:
    """Run the named tables, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tables", nargs="*")
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=10)
    wanted = parser.parse_args()
    tables: dict[str, Callable[[], None]] = {
        "history": lambda: grid(29, wanted.series, TABLE_HISTORY),
        "day": lambda: grid(1, wanted.series, TABLE_DAY),
        "mixed": lambda: mixed(2 * wanted.series),
        "discovery": discovery,
        "weekly": lambda: weekly_table(wanted.replicates),
        "weekly-ours": lambda: weekly_table(wanted.replicates, {}),
        "speed": speed,
    }
    for name in wanted.tables or [one for one in tables if one != "weekly-ours"]:
        print(f"\n## {name}\n", flush=True)
        begin = time.perf_counter()
        tables[name]()
        print(f"\n({time.perf_counter() - begin:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
