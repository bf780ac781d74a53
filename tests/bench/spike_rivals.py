"""Detectors the bench sets beside ours, as published: EARS C1 to C3 and Farrington flexible."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from statistics import NormalDist, fmean, stdev

from spike_worlds import CURRENT, FIRST_WEEK

YEAR = 52


def ears(counts: Sequence[int], at: int, method: str, alpha: float) -> bool:
    """Whether EARS C1, C2 or C3 fires (formulas as in the R package surveillance, earsC)."""
    z = NormalDist().inv_cdf(1 - alpha)
    if method == "C1":
        return counts[at] > fmean(counts[at - 7 : at]) + z * stdev(counts[at - 7 : at])
    if method == "C2":
        before = counts[at - 9 : at - 2]
        return counts[at] > fmean(before) + z * stdev(before)
    total = 0.0
    for back in range(3):
        before = counts[at - back - 9 : at - back - 2]
        spread = stdev(before)
        # A spread of 0 leaves the statistic undefined; any count above the mean is then a surprise.
        distance = counts[at - back] - fmean(before)
        score = distance / spread if spread else (float("inf") if distance > 0 else 0.0)
        total += score if back == 0 else max(0.0, score - 1)
    return total > z


def farrington(counts: Sequence[int], at: int, alpha: float) -> bool:
    """Whether Farrington flexible fires (Noufaily et al. 2013; negative binomial plug-in bound).

    Log-linear quasi-Poisson with trend and a factor of ten periods of the year over five years,
    the last 26 weeks left out; reweighted by Anscombe residuals above 2.58; silent with fewer than
    five cases in the last four weeks.
    """
    if sum(counts[at - 3 : at + 1]) < 5:
        return False
    weeks = range(max(0, at - 5 * YEAR - 3), at - 26)
    y = [counts[week] for week in weeks]
    period = [_period((week - at) % YEAR) for week in weeks]
    time = [(week - at) / YEAR for week in weeks]
    weights = [1.0] * len(y)
    for again in (True, False):
        constants, mu = _log_linear(y, period, time, weights)
        free = len(y) - 11
        left = sum(w * (a - m) ** 2 / m for w, a, m in zip(weights, y, mu, strict=True))
        phi = max(1.0, left / free)
        if again:
            weights = _reweighted(y, mu, phi)
    expected = exp(min(constants[0], 30.0))
    return _upper_tail(counts[at], expected, phi) <= alpha


def _period(away: int) -> int:
    """0: within three weeks of the tested week's place in the year; else one of nine periods."""
    if away <= 3 or away >= YEAR - 3:
        return 0
    return 1 + (away - 4) * 9 // (YEAR - 7)


def _log_linear(
    y: Sequence[int], period: Sequence[int], time: Sequence[float], weights: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Constants per period (with a slope in time) and fitted means, by reweighted least squares."""
    eta = [log(value + 0.5) for value in y]
    constants, slope = [0.0] * 10, 0.0
    for _ in range(15):
        # Normal equations of ten period constants and one slope: an arrow, solved by its tip.
        w0, wt, wz, tt, tz = [0.0] * 10, [0.0] * 10, [0.0] * 10, 0.0, 0.0
        for count, level, t, weight, e in zip(y, period, time, weights, eta, strict=True):
            mean = exp(e)
            w = weight * mean
            z = e + (count - mean) / mean
            w0[level] += w
            wt[level] += w * t
            wz[level] += w * z
            tt += w * t * t
            tz += w * t * z
        for a, b, c in zip(w0, wt, wz, strict=True):
            if a > 0:
                tt -= b * b / a
                tz -= b * c / a
        new = tz / tt if tt > 1e-12 else 0.0
        old = [*constants, slope]
        slope = new
        constants = [
            (c - slope * b) / a if a > 0 else -20.0 for a, b, c in zip(w0, wt, wz, strict=True)
        ]
        eta = [
            max(-15.0, min(15.0, constants[level] + slope * t))
            for level, t in zip(period, time, strict=True)
        ]
        if max(abs(a - b) for a, b in zip(old, [*constants, slope], strict=True)) < 1e-6:
            break
    return constants, [exp(e) for e in eta]


def _reweighted(y: Sequence[int], mu: Sequence[float], phi: float) -> list[float]:
    weights = []
    for count, mean in zip(y, mu, strict=True):
        residual = 1.5 * (count ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * sqrt(phi))
        weights.append(residual**-2 if residual > 2.58 else 1.0)
    scale = len(y) / sum(weights)
    return [one * scale for one in weights]


def _upper_tail(count: int, mean: float, phi: float) -> float:
    """P(Y >= count), summed from 0: good to 1e-12, enough for a level of 1 in 100."""
    r = mean / (phi - 1) if phi > 1 + 1e-9 else 0.0
    mass = exp(-r * log(phi)) if r else exp(-mean)
    below = 0.0
    for k in range(count):
        below += mass
        mass *= (k + r) / (k + 1) * (phi - 1) / phi if r else mean / (k + 1)
    return 1 - below


def current_weeks() -> range:
    """Indexes of the weeks that are tested."""
    return range(CURRENT - FIRST_WEEK, 312)
