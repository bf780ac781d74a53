"""Noufaily's 42 weekly scenarios: false-positive rate and detection, ours beside the rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

import polars as pl
from spike_rivals import YEAR, current_weeks, ears, farrington
from spike_worlds import SCENARIOS, Weekly, weekly

from analyzer.spikes import history
from analyzer.spikes.comparable import Comparable
from analyzer.spikes.grid import Clock, Season
from analyzer.spikes.pooling import learn, weigh
from analyzer.spikes.rules import Rules
from analyzer.spikes.tail import upper_tail

ALPHA = 0.01
PAST_OUTBREAKS = 5.0
SIZES = (2, 5, 10)
_WEEKS = 5 * YEAR + 4
_RULES = Rules(
    windows=(1,), least=2, ratio=1.0, screen=1.0, cautious=0.5, model_error=0.0, episode=1e-3
)
Fires = Callable[[Sequence[int], int], bool]
RIVALS: dict[str, Fires] = {
    "EARS C1": lambda counts, at: ears(counts, at, "C1", ALPHA),
    "EARS C2": lambda counts, at: ears(counts, at, "C2", ALPHA),
    "EARS C3": lambda counts, at: ears(counts, at, "C3", ALPHA),
    "Farrington flexible": lambda counts, at: farrington(counts, at, ALPHA),
}


def week_of_year() -> Season:
    """Same week of the year 1, up to three weeks away less; the level of the last half year."""
    near = {0: 1.0, 1: 0.75, 2: 0.5, 3: 0.25}
    like = {
        slot: {(slot + side * away) % YEAR: w for away, w in near.items() for side in (-1, 1)}
        for slot in range(YEAR)
    }
    return Season(YEAR, like, 4, 6)


def ours(series: Sequence[Sequence[int]], at: int) -> set[int]:
    """Which series fire in this week, seeing only it and the five years before."""
    season = week_of_year()
    first = at - _WEEKS + 1
    padding = 2 + -(2 + _WEEKS) % season.block
    known = [1.0 if week >= 0 else 0.0 for week in range(first, at + 1)]
    slots = [week % YEAR for week in range(first - padding, at + 1)]
    clock = Clock(datetime(2000, 1, 3), timedelta(7), padding, [0.0] * padding + known, slots)
    to = Comparable(clock, season, len(series), [1.0] * YEAR, _RULES.windows)
    empty = [0] * (padding + max(0, -first))
    flat = [n for counts in series for n in (*empty, *counts[max(0, first) : at + 1])]
    windows, evidence = history.windows(pl.Series(flat, dtype=pl.Float64), to, _RULES)
    now = windows.filter(pl.col("t") == clock.length - 1)
    now = weigh(now, learn(evidence), _RULES.cautious)
    variance = now.select(history.variance(pl.col("dispersion"), _RULES)).to_series()
    p = upper_tail(now["observed"], now["expected"], variance)
    return set(now.filter(p < ALPHA)["s"])


def weekly_table(replicates: int, rivals: Mapping[str, Fires] = RIVALS) -> None:
    """Prints the table; `replicates` of each scenario and outbreak size."""
    quiet = _draw(replicates, 0)
    false = {"ours": sum(len(ours([w.counts for w in quiet], at)) for at in current_weeks())}
    for name, fires in rivals.items():
        false[name] = sum(fires(w.counts, at) for w in quiet for at in current_weeks())
    found: dict[str, list[float]] = {name: [] for name in false}
    for size in SIZES:
        worlds = _draw(replicates, size)
        caught: set[int] = set()
        for at in current_weeks():
            here = [i for i, w in enumerate(worlds) if w.outbreak[0] <= at <= w.outbreak[1]]
            # All series are there to learn from, as on a week like any other.
            caught |= ours([w.counts for w in worlds], at).intersection(here) if here else set()
        found["ours"].append(len(caught) / len(worlds))
        for name, fires in rivals.items():
            hit = sum(
                any(fires(w.counts, at) for at in range(w.outbreak[0], w.outbreak[1] + 1))
                for w in worlds
            )
            found[name].append(hit / len(worlds))
    weeks = len(quiet) * len(current_weeks())
    print("| method | false-positive rate | found at k = " + ", ".join(map(str, SIZES)) + " |")
    print("|---|---|---|")
    for name, number in false.items():
        shares = " / ".join(f"{share:.3f}" for share in found[name])
        print(f"| {name} | {100 * number / weeks:.2f} % | {shares} |", flush=True)


def _draw(replicates: int, size: float) -> list[Weekly]:
    rng = Random(f"weekly {size}")
    return [w for one in SCENARIOS for w in weekly(rng, one, replicates, PAST_OUTBREAKS, size)]
