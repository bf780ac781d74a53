"""How the p of a spike is worked out, step by step, for somebody with a calculator."""

from collections.abc import Iterator
from math import exp, lgamma, log, log1p

from .layout import Page, Span
from .model import Report, Spike
from .words import Words, words_of

_MOST = 24
"""Comparable counts that are listed."""


def section(page: Page, report: Report, asked: int | None) -> bool:
    """Write the steps of one spike, or of each that is no part of another; False where none is."""
    words = words_of(report)
    found = [s for s in report.spikes if (s.part_of is None if asked is None else s.id == asked)]
    for spike in found:
        page.rule(page.say("How spike {number} was worked out", number=spike.id))
        for text in steps(spike, words):
            page.put(page.own(text), indent=2, hang=4)
        page.blank()
        said = words("p and q are estimates of a model; what they are worth, docs/spikes.md says.")
        page.put(Span(page.own(said), "dim"), indent=2, hang=4)
    return bool(found)


def steps(spike: Spike, words: Words) -> Iterator[str]:
    """Give the arithmetic, a line a step; numbers stand as they are to be typed in."""
    work, mean, variance = spike.workings, spike.expected, spike.variance
    yield words("y: observed from {start} to {end} = {y}", start=f"{spike.start:%Y-%m-%d %H:%M}",
                end=f"{spike.end:%Y-%m-%d %H:%M %Z}", y=spike.observed)  # fmt: skip
    if work.outside_events is not None:
        yield words(
            "Outside the window, an hour on either side left out: Y = {y} of this series, T = {t} of all other traffic; inside: t = {inside}",
            y=work.outside_events, t=work.outside_traffic, inside=work.inside_traffic,
        )  # fmt: skip
        yield words("m: expected = (Y + 0.5) x t / T = {m}", m=number(mean))
    else:
        counts = [h.count for h in work.comparable if h.count is not None]
        shown = ", ".join(map(str, counts[-_MOST:]))
        yield words("The same hours of the week on other weeks: {counts}", counts=shown or "-")
        yield words(
            "m: expected = their mean with that of neighbouring hours and like days (weight 1/2), of sparse series drawn to their own rate, times the level of the last days, {factor} = {m}",
            factor=number(spike.factor),
            m=number(mean),
        )
    yield words("d: dispersion of the series (variance / mean) = {d}", d=number(spike.dispersion))
    yield words(
        "u: m and how unsure it is, from {comparable} independent hours = {u}",
        comparable=number(spike.comparable), u=number(work.per_dispersion),
    )  # fmt: skip
    yield words(
        "V: variance = d x u + (e x m)^2, with e = {e} = {v}",
        e=number(spike.expected_error), v=number(variance),
    )  # fmt: skip
    yield words(
        "ratio: y / m = {ratio}; 99 % of such counts lie from {low} to {high}",
        ratio=number(spike.ratio), low=spike.low, high=spike.high,
    )  # fmt: skip
    yield from _tail(spike, words)
    yield words(
        "p_day: p x {windows} windows x {calibration} (calibration) = {p}",
        windows=spike.windows, calibration=number(work.calibration), p=number(spike.p_day),
    )  # fmt: skip
    yield words(
        "q: p_day among all series and days tested (Benjamini and Hochberg) = {q}; an alarm needs p_day and q below 0.01, 5 events and twice what was expected",
        q=number(spike.q),
    )


def _tail(spike: Spike, words: Words) -> Iterator[str]:
    mean, y, r = spike.expected, spike.observed, spike.workings.shape
    if r is None:
        yield words(
            "p: Poisson, sum over k from y of m^k e^-m / k!; the first term is {first} = {p}",
            first=number(exp(y * log(mean) - mean - lgamma(y + 1))), p=number(spike.p),
        )  # fmt: skip
        return
    yield words("r: m^2 / (V - m) = {r}", r=number(r))
    share = mean / (mean + r)
    first = exp(lgamma(y + r) - lgamma(r) - lgamma(y + 1) + r * log1p(-share) + y * log(share))
    yield words(
        "p: sum over k from y of C(k + r - 1, k) (r / (r + m))^r (m / (r + m))^k; the first term is {first}, each next one (k + r) / (k + 1) x {share} of the one before = {p}",
        first=number(first), share=number(share), p=number(spike.p),
    )  # fmt: skip


def number(value: float) -> str:
    """Write a number with the digits that a check needs."""
    return f"{value:.7g}"
