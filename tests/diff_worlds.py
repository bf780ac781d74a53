"""Hourly counts of two periods in which nothing, or something known, has changed."""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from analyzer.diff_stats import Gates, assess
from parsers.event import TIME

START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    """How the counts of one row come about; the noises are standard deviations of a logarithm."""

    days: tuple[int, int] = (7, 7)
    rows: int = 40
    per_day: float | None = None
    """Events of a row; None: from 2 to 2000, each row another number."""
    hourly: float = 0.0
    """Of an hour by itself."""
    lasting: float = 0.0
    """Of what hangs together over some hours (first order, 0.8 from hour to hour)."""
    daily: float = 0.0
    """Of a whole day."""
    changed: float = 1.0
    """What B's rates are multiplied with."""
    hours: tuple[int, int] = (0, 24)
    """The hours of the day that B covers."""

    def made(self, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Counts, rows and exposure as `assess` takes them; mail has a rhythm of the day."""
        dice = random.Random(seed)  # noqa: S311
        counts: list[tuple[int, int, datetime, int]] = []
        hours = [
            (side, START + timedelta(days=day + 40 * side, hours=hour))
            for side, days in enumerate(self.days)
            for day in range(days)
            for hour in range(24)
            if not side or self.hours[0] <= hour < self.hours[1]
        ]
        for row in range(self.rows):
            mean = self.per_day or math.exp(dice.uniform(math.log(2), math.log(2000)))
            lasting, today = 0.0, 0.0
            for side, hour in hours:
                today = dice.gauss(0, self.daily) if hour.hour == 0 else today
                lasting = 0.8 * lasting + 0.6 * dice.gauss(0, self.lasting)
                noise = lasting + today + dice.gauss(0, self.hourly)
                rate = mean / 24 * _rhythm(hour) * math.exp(noise) * (self.changed if side else 1)
                counts.append((row, side, hour, poisson(dice, rate)))
        names = {"row": pl.UInt32(), "side": pl.Int8(), "hour": TIME, "n": pl.UInt64()}
        exposed = [(0, side, hour, 1000 * _rhythm(hour)) for side, hour in hours]
        shape = {"group": pl.UInt32(), "side": pl.Int8(), "hour": TIME, "e": pl.Float64()}
        rows = pl.DataFrame(
            {"row": range(self.rows), "group": [0] * self.rows},
            schema={"row": pl.UInt32(), "group": pl.UInt32()},
        )
        return (
            pl.DataFrame(counts, schema=names, orient="row").filter(pl.col("n") > 0),
            rows,
            pl.DataFrame(exposed, schema=shape, orient="row"),
        )

    def told(self, seed: int, gates: Gates = Gates()) -> pl.DataFrame:  # noqa: B008
        """What the test says of it."""
        return assess(*self.made(seed), gates)


def _rhythm(hour: datetime) -> float:
    return 1 + 0.8 * math.sin(hour.hour / 24 * 2 * math.pi)


def poisson(dice: random.Random, mean: float) -> int:
    """One Poisson count; a rounded normal one where that is as good."""
    if mean > 60:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product, count = product * dice.random(), count + 1
    return count
