"""Made-up counts with a known truth: hourly mail replies and weekly case reports, seeds fixed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import cos, exp, lgamma, log, pi, sin
from random import Random
from typing import NamedTuple

HOURS = 24
WEEK = 7 * HOURS


def hourly_shape() -> list[float]:
    """Relative expectation of each hour of a week from Monday, mean 1: busy days, quiet nights."""
    day = [exp(0.973 * cos(2 * pi * (hour - 14) / HOURS)) for hour in range(HOURS)]
    week = [value * (1.0 if d < 5 else 0.6) for d in range(7) for value in day]
    mean = sum(week) / WEEK
    return [value / mean for value in week]


def distribution(mean: float, phi: float) -> list[float]:
    """Cumulative weights of the counts 0, 1, 2 ... of this mean and variance phi * mean."""
    weights: list[float] = []
    value = 0
    while True:
        if phi <= 1:
            weight = exp(value * log(mean) - mean - lgamma(value + 1))
        else:
            r = mean / (phi - 1)
            weight = exp(
                lgamma(value + r)
                - lgamma(r)
                - lgamma(value + 1)
                - r * log(phi)
                + value * log((phi - 1) / phi)
            )
        weights.append(weight)
        if value > mean and weight < 1e-12:
            return list(accumulate(weights))
        value += 1


def draw(rng: Random, mean: float, phi: float, number: int) -> list[int]:
    """So many independent counts."""
    cumulative = distribution(mean, phi)
    return rng.choices(range(len(cumulative)), cum_weights=cumulative, k=number)


class Cell(NamedTuple):
    """One cell of the grid: mean replies an hour and variance over the mean."""

    mean: float
    phi: float


GRID = [Cell(m, p) for m in (0.1, 0.5, 2, 10, 50, 500) for p in (1, 2, 5) if (m, p) != (0.1, 2)]


class Scenario(NamedTuple):
    """A set of Noufaily et al. 2013 with its trend and number of seasonal harmonics."""

    theta: float
    beta: float
    g1: float
    g2: float
    phi: float
    trend: int
    harmonics: int

    def mean(self, week: int) -> float:
        """Expected cases of a week, 1 to 624."""
        season = sum(
            self.g1 * cos(2 * pi * j * week / 52) + self.g2 * sin(2 * pi * j * week / 52)
            for j in range(1, self.harmonics + 1)
        )
        return exp(self.theta + self.beta * week * self.trend + season)


_SETS = (
    (0.1, 0.0025, 0.6, 0.6, 1.5),
    (-2, 0.005, 0.1, 0.3, 2),
    (1.5, 0.003, 0.2, -0.4, 1),
    (0.5, 0.002, 0.5, 0.5, 5),
    (2.5, 0.001, 1, 0.1, 3),
    (3.75, 0.001, 0.1, -0.1, 1.1),
    (5, 0.0001, 0.05, 0.01, 1.2),
)
SCENARIOS = [
    Scenario(theta, beta, g1, g2, phi, trend, harmonics)
    for theta, beta, g1, g2, phi in _SETS
    for trend in (0, 1)
    for harmonics in (0, 1, 2)
]
FIRST_WEEK, CURRENT, LAST_WEEK = 313, 576, 624


class Weekly(NamedTuple):
    """One replicate: counts of weeks 313 to 624 and where the current outbreak is."""

    counts: list[int]
    outbreak: tuple[int, int]  # indexes of its first and last week with a case; (-1, -1): none


def outbreak(rng: Random, scenario: Scenario, start: int, k: float, last: int) -> dict[int, int]:
    """Additional cases by week: Poisson in number, at least 2, spread log-normally."""
    mean = k * (scenario.phi * scenario.mean(start)) ** 0.5
    size = max(2, draw(rng, mean, 1, 1)[0])
    cases: dict[int, int] = {}
    for _ in range(size):
        week = start + int(rng.lognormvariate(0, 0.5))
        if week <= last:
            cases[week] = cases.get(week, 0) + 1
    return cases


def weekly(
    rng: Random, scenario: Scenario, replicates: int, k1: float, k2: float
) -> Iterator[Weekly]:
    """Replicates of a scenario with four past outbreaks (k1) and a current one (k2; 0: none)."""
    weeks = range(FIRST_WEEK, LAST_WEEK + 1)
    by_week = [draw(rng, scenario.mean(week), scenario.phi, replicates) for week in weeks]
    for one in range(replicates):
        counts = [column[one] for column in by_week]
        if k1:
            for start in rng.sample(range(FIRST_WEEK, CURRENT - 8), 4):
                _add(counts, outbreak(rng, scenario, start, k1, CURRENT - 1))
        span = (-1, -1)
        if k2:
            start = rng.randrange(CURRENT, LAST_WEEK - 7)
            cases = outbreak(rng, scenario, start, k2, LAST_WEEK)
            _add(counts, cases)
            span = (min(cases) - FIRST_WEEK, max(cases) - FIRST_WEEK)
        yield Weekly(counts, span)


def _add(counts: list[int], cases: dict[int, int]) -> None:
    for week, number in cases.items():
        counts[week - FIRST_WEEK] += number
