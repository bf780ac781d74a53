"""Counts laid out for column arithmetic: every series one row of equal buckets, end to end.

A flat column holds series after series, each `length` buckets long. Every series begins with a few
buckets of padding that were never observed, so sums over the last 2, 3 or 6 buckets are shifts of
the whole column and cannot reach into the series before. What depends on the bucket alone (how much
of it the log covers, which hour of the week it is) is kept once and repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

LEAST_COVERAGE: Final = 0.25
"""Share of a bucket the log must cover for it to be tested or to count as history."""
_EPOCH: Final = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Season:
    """Which buckets are comparable.

    `slots` is the number of places in the season; `like[slot]` names comparable slots and their
    weight, itself included with weight 1. `block` buckets belong together (a day): dispersion is
    left out by blocks, and the level of a block is that of the `level_blocks` before it.
    """

    slots: int
    like: Mapping[int, Mapping[int, float]]
    block: int
    level_blocks: int


def hour_of_week(weekend: Sequence[int] = (5, 6)) -> Season:
    """Same hour of the week 1; an hour earlier or later, or another day of its class, a half."""
    like = {}
    for slot in range(168):
        day, hour = divmod(slot, 24)
        found = {slot: 1.0, (slot - 1) % 168: 0.5, (slot + 1) % 168: 0.5}
        for other in range(7):
            if other != day and (other in weekend) == (day in weekend):
                found[other * 24 + hour] = 0.5
        like[slot] = found
    return Season(168, like, 24, 3)


@dataclass(frozen=True, slots=True)
class Clock:
    """The buckets of a run: the first one's begin (UTC, naive), their width, how many, padding.

    `coverage` and `slot` have one value per bucket, padding included.
    """

    start: datetime
    width: timedelta
    padding: int
    coverage: list[float]
    slot: list[int]

    @property
    def length(self) -> int:
        """Buckets per series, padding included."""
        return len(self.coverage)

    def begin(self, index: int) -> datetime:
        """When the bucket at this place begins (UTC, naive)."""
        return self.start + (index - self.padding) * self.width


def lay_out(
    start: datetime,
    coverage: Sequence[float],
    width: timedelta,
    zone: str,
    season: Season,
    widest: int,
) -> Clock:
    """A clock over observed buckets, padded in front to whole blocks and for the widest window.

    `start` is UTC and naive; the place in the season is that of the local hour in `zone`, so in
    autumn two buckets share a slot and in spring one slot is empty that day.
    """
    padding = widest + 1
    padding += -(padding + len(coverage)) % season.block
    tz = ZoneInfo(zone)
    slots = []
    for index in range(-padding, len(coverage)):
        local = (start + index * width).replace(tzinfo=ZoneInfo("UTC")).astimezone(tz)
        slots.append((local.weekday() * 24 + local.hour) % season.slots)
    return Clock(start, width, padding, [0.0] * padding + list(coverage), slots)


def flat(counts: pl.DataFrame, series: int, clock: Clock) -> pl.Series:
    """The flat column of `counts` (`s`: series 0.., `bucket`, `n`); rows of one bucket add up.

    What lies outside the clock does not count.
    """
    step = clock.width // timedelta(microseconds=1)
    first = (clock.begin(0) - _EPOCH) // timedelta(microseconds=1)
    place = (pl.col("bucket").cast(pl.Datetime("us")).to_physical() - first) // step
    inside = counts.select("s", t=place, n=pl.col("n").cast(pl.Float64)).filter(
        (pl.col("t") >= clock.padding) & (pl.col("t") < clock.length)
    )
    inside = inside.select(i=pl.col("s").cast(pl.Int64) * clock.length + pl.col("t"), n="n")
    values = pl.zeros(series * clock.length, dtype=pl.Float64, eager=True)
    values = values.scatter(inside["i"], inside["n"])
    if values.sum() != inside["n"].sum():  # a bucket was written twice
        inside = inside.group_by("i").agg(pl.col("n").sum())
        values = values.scatter(inside["i"], inside["n"])
    return values.alias("y")


def repeated(values: pl.Series, series: int) -> pl.Series:
    """One value per bucket, for every series."""
    return pl.concat([values] * series, rechunk=True)
