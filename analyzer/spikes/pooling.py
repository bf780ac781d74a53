"""How clumpy counts are: the dispersion of a series, shared between series (empirical Bayes).

The dispersion phi is variance over mean (1: Poisson). A day of a sparse series says little about
its own phi, but all series of a log together say which values are common. So phi lives on a short
grid; a series has a likelihood for each value; the share of each value among all series (the
prior) is found by expectation-maximisation per level of traffic, held by a few imagined series of
ordinary mail traffic; and a tail probability is the mean of the tails of all values, weighted by
prior x likelihood.
"""

from collections.abc import Sequence
from math import log
from typing import Final

import polars as pl

from .tail import log_gamma

PHI: Final = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0, 11.0, 16.0, 32.0)
LIKELIHOOD: Final = tuple(f"phi_{k}" for k in range(len(PHI)))
"""Columns of a log likelihood, later of a weight, one per value of PHI."""

ORDINARY: Final = (0.3, 0.18, 0.16, 0.12, 0.08, 0.06, 0.04, 0.025, 0.015, 0.01, 0.005, 0.003, 0.002)
"""Prior where a log has too few series to say: most traffic is a little clumpy."""
IMAGINED: Final = 8.0
"""Series that ORDINARY counts for beside all real ones."""
BORROWED: Final = 20.0
"""Series that the whole log's prior counts for in one level of traffic."""
LEVELS: Final = (5.0, 20.0, 80.0, 400.0)
"""Bounds of the levels: events seen in the period the likelihood was taken over."""
SPIKES: Final = 0.5
"""How likely a window that looks like a spike is one, before its count is looked at."""
_SIZES: Final = log(1000.0)
_NEARLY_POISSON: Final = 1.001
_ROUNDS: Final = 30
_STILL: Final = 0.004
"""Change of all weights of a prior together at which it is taken as found."""
_ENOUGH: Final = 2000
"""Series a prior is learned from; with more, every second, third ... one."""


ORDINARY_PRIOR: Final = pl.DataFrame(
    [{"level": n} | dict(zip(LIKELIHOOD, ORDINARY, strict=True)) for n in range(len(LEVELS) + 1)],
    schema_overrides={"level": pl.UInt8},
)


def pearson_likelihood(
    estimate: pl.Series, events: pl.Series, spread: pl.Series
) -> list[pl.Series]:
    """Log likelihood of a moment estimate of phi over many buckets, as a gamma variable.

    `estimate` is sum (y - mean)^2 / sum mean; its variance at phi is that of negative binomial
    counts: phi^2 (2 spread + (6 (phi - 1) + 1 / phi) / events) with `events` = sum mean and
    `spread` = sum mean^2 / events^2. One series of LIKELIHOOD for each value of PHI.
    """
    number = len(estimate)
    phi = _repeated(PHI, number)
    estimate, events, spread = (_stacked([one] * len(PHI)) for one in (estimate, events, spread))
    shape = 1 / (2 * spread + (6 * (phi - 1) + 1 / phi) / events)
    relative = (estimate / phi).clip(1e-6)
    found = (
        shape * shape.log()
        - log_gamma(shape)
        + (shape - 1) * relative.log()
        - shape * relative
        - phi.log()
    )
    return [found.slice(k * number, number).alias(name) for k, name in enumerate(LIKELIHOOD)]


def dirichlet_likelihood(events: pl.Series, mean: pl.Series) -> list[pl.Series]:
    """Log likelihood of how unevenly events lie among buckets, the term of one bucket.

    Given their sum, counts of the same phi are Dirichlet-multinomial with a = mean / (phi - 1);
    phi = 1 is multinomial. Summed over buckets, less the same of all buckets together. One series
    of LIKELIHOOD for each value of PHI.
    """
    number = len(events)
    a = _stacked([mean / (phi - 1) for phi in PHI[1:]])
    rising = log_gamma(a + _stacked([events] * (len(PHI) - 1))) - log_gamma(a)
    found = [events * mean.log(), *(rising.slice(k * number, number) for k in range(len(PHI) - 1))]
    return [one.alias(name) for one, name in zip(found, LIKELIHOOD, strict=True)]


def doubtful_likelihood(rows: pl.DataFrame, tries: float) -> pl.DataFrame:
    """LIKELIHOOD without a window, joined with the window, which may be a spike or chance.

    `rows` have LIKELIHOOD, `observed` and `expected`. By chance one of `tries` windows has such a
    count with the probability that phi gives it; a spike may have any size up to thousands, on a
    log scale.
    """
    number = len(rows)
    y, mean = rows["observed"], rows["expected"]
    phi = _repeated([max(phi, _NEARLY_POISSON) for phi in PHI], number)
    r = _stacked([mean] * len(PHI)) / (phi - 1)
    many = _stacked([y] * len(PHI))
    mass = log_gamma(many + r) - log_gamma(r) - log_gamma(many + 1) - r * phi.log()
    mass = (mass + many * (1 - 1 / phi).log()).exp()
    spike = SPIKES / (many * _SIZES)
    both = ((1 - SPIKES) * (tries * mass).clip(upper_bound=1.0) + spike).log()
    return rows.with_columns(
        rows[name] + both.slice(k * number, number) for k, name in enumerate(LIKELIHOOD)
    )


def _repeated(values: Sequence[float], number: int) -> pl.Series:
    """Every value so many times."""
    place = pl.int_range(len(values) * number, dtype=pl.UInt32, eager=True)
    return pl.Series(values, dtype=pl.Float64).gather(place // max(number, 1))


def _stacked(parts: list[pl.Series]) -> pl.Series:
    return pl.concat([part.alias("stacked") for part in parts], rechunk=True)


def level(events: pl.Expr) -> pl.Expr:
    """Which level of traffic, 0 to len(LEVELS), by events seen."""
    return pl.sum_horizontal((events >= bound).cast(pl.UInt8) for bound in LEVELS)


def learn(series: pl.DataFrame) -> pl.DataFrame:
    """Prior weights per level, from one row per series with `level` and LIKELIHOOD columns.

    Gives one row per level 0 to len(LEVELS), whether or not a series is of it.
    """
    whole = _rounds(series, dict(zip(LIKELIHOOD, ORDINARY, strict=True)), IMAGINED)
    rows = []
    for one in range(len(LEVELS) + 1):
        here = series.filter(pl.col("level") == one)
        rows.append({"level": one} | _rounds(here, whole, BORROWED))
    return pl.DataFrame(rows, schema_overrides={"level": pl.UInt8})


def _rounds(series: pl.DataFrame, start: dict[str, float], worth: float) -> dict[str, float]:
    """Expectation-maximisation from a prior worth so many series."""
    if series.is_empty():
        return start
    best = pl.max_horizontal(LIKELIHOOD)
    series = series.gather_every(-(-series.height // _ENOUGH))
    likelihood = series.select((pl.col(n) - best).exp() for n in LIKELIHOOD)
    prior, number = start, series.height
    for _ in range(_ROUNDS):
        joint = [pl.col(n) * prior[n] for n in LIKELIHOOD]
        whole = pl.sum_horizontal(joint)
        shares = likelihood.select((one / whole).sum() for one in joint).row(0)
        before, prior = (
            prior,
            {
                name: (share + worth * start[name]) / (number + worth)
                for name, share in zip(LIKELIHOOD, shares, strict=True)
            },
        )
        if sum(abs(prior[name] - before[name]) for name in LIKELIHOOD) < _STILL:
            break
    return prior


def weigh(rows: pl.DataFrame, prior: pl.DataFrame, cautious: float) -> pl.DataFrame:
    """The rows with `dispersion`: the `cautious` quantile of phi after prior x likelihood.

    Rows need `level` and LIKELIHOOD columns, which are dropped. Between two values of PHI the
    quantile is interpolated in log phi.
    """
    names = list(LIKELIHOOD)
    best = pl.max_horizontal(names)
    joint = rows.join(prior, on="level", how="left", suffix="_prior", maintain_order="left").select(
        ((pl.col(n) - best).exp() * pl.col(f"{n}_prior")).alias(n) for n in names
    )
    # Running sums as columns: as expressions within expressions they would be slow to plan.
    reached = [joint[names[0]] * 0.0]
    for name in names:
        reached.append(reached[-1] + joint[name])
    goal = reached[-1] * cautious
    found = joint.with_columns(
        (goal - below).alias(f"missing_{k}") for k, below in enumerate(reached[:-1])
    )
    quantile = pl.lit(PHI[-1])
    for k in range(len(PHI) - 1, -1, -1):
        missing, low = pl.col(f"missing_{k}"), log(PHI[max(k - 1, 0)])
        inside = (low + (log(PHI[k]) - low) * missing / pl.col(names[k])).exp()
        quantile = pl.when(missing <= pl.col(names[k])).then(inside).otherwise(quantile)
    dispersion = found.select(dispersion=quantile.clip(1.0, PHI[-1])).to_series()
    return rows.drop(names).with_columns(dispersion)
