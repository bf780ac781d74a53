"""The two detectors that the table to beat was made with, as their formulas say, series by series.

`Past` is the one with history (p of a window below 1 in 10 000), `one_day` the scan of one log.
They know one series at a time; scores (a smaller one is a louder alarm) stand for any threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, sqrt
from typing import NamedTuple

from spike_worlds import HOURS, WEEK

WIDTHS = (1, 2, 3, 6)
LEAST, RATIO = 5, 2.0
PAST_LIMIT, DAY_LIMIT = 1e-4, 0.01
_ERROR = 0.1


class Score(NamedTuple):
    """A window, hours of the tested day, and what the detector compares with its limit."""

    first: int
    last: int
    p: float


def tail(count: int, mean: float, variance: float) -> float:
    """P(Y >= count) of a negative binomial, summed upwards."""
    if variance - mean < 1e-9 * mean:
        term = exp(count * log(mean) - mean - lgamma(count + 1))
        total, k = 0.0, count
        while term > 1e-30 + total * 1e-12:
            total, k = total + term, k + 1
            term *= mean / k
        return min(1.0, total)
    r, q = mean * mean / (variance - mean), 1 - mean / variance
    term = exp(
        lgamma(count + r)
        - lgamma(r)
        - lgamma(count + 1)
        + r * log(mean / variance)
        + count * log(q)
    )
    total, k = 0.0, count
    while term > 1e-30 + total * 1e-12:
        total += term
        term *= (k + r) / (k + 1) * q
        k += 1
    return min(1.0, total)


class Past:
    """Hour-of-week means of 28 days, cleaned three times, and the level of the last three days."""

    def __init__(self, past: Sequence[int]) -> None:
        """`past` begins on a Monday at midnight and has whole days."""
        self.hours = len(past)
        clean: list[float] = list(past)
        for again in (True, True, False):
            self.mean, self.known = _weekly_mean(clean)
            days = sorted(
                sum(
                    (clean[t] - self.mean[t % WEEK]) ** 2 / self.mean[t % WEEK]
                    for t in range(day, day + HOURS)
                )
                for day in range(0, self.hours, HOURS)
            )
            self.phi = max(1.0, sum(days[:-2]) / (self.hours - 2 * HOURS))
            if again:
                clean = [self._cleaned(n, t % WEEK) for t, n in enumerate(past)]
        events = sum(clean[-3 * HOURS :])
        usual = sum(self.mean[t % WEEK] for t in range(self.hours - 3 * HOURS, self.hours))
        hold = 4 * self.phi
        self.level = min(2.0, max(0.5, (events + hold) / (usual + hold)))

    def _cleaned(self, count: int, slot: int) -> float:
        mean = self.mean[slot]
        if count < 3 or count < mean:
            return count
        variance = self.phi * mean * (1 + 1 / self.known[slot]) + (_ERROR * mean) ** 2
        return mean if tail(count, mean, variance) < PAST_LIMIT else count

    def scores(self, day: Sequence[int]) -> list[Score]:
        """Windows of the day after the past that pass the gates."""
        slots = [(self.hours + hour) % WEEK for hour in range(len(day))]
        found = []
        for first, last in _windows(len(day)):
            inside = range(first, last + 1)
            count = sum(day[hour] for hour in inside)
            mean = self.level * sum(self.mean[slots[hour]] for hour in inside)
            if count < LEAST or count < RATIO * mean:
                continue
            variance = (_ERROR * mean) ** 2 + sum(
                self.phi * self.level * self.mean[slots[h]] * (1 + 1 / self.known[slots[h]])
                for h in inside
            )
            found.append(Score(first, last, tail(count, mean, variance)))
        return found


def one_day(day: Sequence[int], totals: Sequence[int]) -> list[Score]:
    """Windows of a log that pass the gates; p corrected for all windows."""
    rest = [max(0, total - count) for total, count in zip(totals, day, strict=True)]
    tested = len(day) * sum(1 / width for width in WIDTHS)
    found = []
    for first, last in _windows(len(day)):
        count = sum(day[first : last + 1])
        outside = [h for h in range(len(day)) if h < first - 1 or h > last + 1]
        exposed, inside = sum(rest[h] for h in outside), sum(rest[first : last + 1])
        if not inside:
            continue
        rate = (sum(day[h] for h in outside) + 0.5) / exposed
        mean = rate * inside
        if count < LEAST or count < RATIO * mean:
            continue
        left = sorted((day[h] - rate * rest[h]) ** 2 / (rate * rest[h]) for h in outside if rest[h])
        left[-1] = left[-2]
        weight = 4 + len(outside) - 1
        phi = max(1.0, (4 * 1.5 + sum(left)) / weight * (1 + sqrt(2 / weight)))
        variance = phi * mean * (1 + inside / exposed) + (_ERROR * mean) ** 2
        found.append(Score(first, last, min(1.0, tail(count, mean, variance) * tested)))
    return found


def _windows(hours: int) -> list[tuple[int, int]]:
    return [(last - w + 1, last) for w in WIDTHS for last in range(w - 1, hours)]


def _weekly_mean(counts: Sequence[float]) -> tuple[list[float], list[float]]:
    """Mean of each hour of the week with its neighbours, and the weight it rests on."""
    sums, number = [0.0] * WEEK, [0] * WEEK
    for t, count in enumerate(counts):
        sums[t % WEEK] += count
        number[t % WEEK] += 1
    floor = (sum(counts) + 0.5) / len(counts)
    mean, known = [], []
    for slot in range(WEEK):
        day, hour = divmod(slot, HOURS)
        half = [(slot - 1) % WEEK, (slot + 1) % WEEK]
        half += [d * HOURS + hour for d in range(7) if d != day and (d >= 5) == (day >= 5)]
        weight = number[slot] + sum(0.5 * number[other] for other in half)
        events = sums[slot] + sum(0.5 * sums[other] for other in half)
        mean.append((events + floor) / (weight + 1))
        known.append(weight + 1)
    return mean, known
