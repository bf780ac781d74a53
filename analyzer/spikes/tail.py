"""How often chance alone gives so many or more: the upper tail of a negative binomial count.

A count of mean m and variance V > m is negative binomial with r = m^2 / (V - m), and
P(Y >= y) = I_x(y, r) with x = 1 - m / V, the regularised incomplete beta function; V = m is
Poisson, P(Y >= y) = P(y, m), the regularised incomplete gamma function. Both are continued
fractions (modified Lentz; DLMF 8.9 and 8.17.22) with a front factor by Loader's saddle point
("Fast and accurate computation of binomial probabilities", 2000), which keeps its digits for
counts of any size. Steps run on whole columns; rows that have converged leave the loop.
"""

from collections.abc import Callable
from math import log, pi
from typing import Final

import polars as pl

_TINY: Final = 1e-300
_CLOSE: Final = 1e-14
_MOST_STEPS: Final = 20_000
_AT_ONCE: Final = 8  # steps between looks at what has converged
_AS_WRITTEN: Final = pl.QueryOptFlags.none()
_POISSON: Final = 1e-9  # excess variance over the mean, relative, below which Poisson is exact

Expr = pl.Expr


def upper_tail(observed: pl.Series, mean: pl.Series, variance: pl.Series) -> pl.Series:
    """P(Y >= observed) per row, to about 1e-12, for counts of this mean and variance.

    `observed` are whole numbers (as any number type); a variance below the mean counts as the
    mean. Null in gives null out; a mean of 0 or less gives 0 for any positive count.
    """
    rows = pl.DataFrame({"y": observed, "m": mean, "v": variance}).cast(pl.Float64)
    y, m, v = pl.col("y"), pl.col("m"), pl.col("v")
    kind = (
        pl.when(y.is_null() | m.is_null() | v.is_null())
        .then(pl.lit("none"))
        .when(y < 0.5)
        .then(pl.lit("all"))
        .when(m <= 0)
        .then(pl.lit("never"))
        .when(v - m <= _POISSON * m)
        .then(pl.lit("poisson"))
        .otherwise(pl.lit("nb"))
    )
    rows = rows.with_row_index("row").with_columns(kind=kind)
    fixed = rows.filter(pl.col("kind").is_in(["none", "all", "never"])).select(
        "row",
        p=pl.when(pl.col("kind") == "all")
        .then(1.0)
        .when(pl.col("kind") == "never")
        .then(0.0)
        .otherwise(None),
    )
    nb = rows.filter(pl.col("kind") == "nb").select(
        "row", a=y, b=m * m / (v - m), x=(v - m) / v, cx=m / v
    )
    poisson = rows.filter(pl.col("kind") == "poisson").select("row", a=y, x=m)
    whole = pl.concat([fixed.cast({"p": pl.Float64}), _beta(nb), _gamma(poisson)])
    return whole.sort("row")["p"].alias("p")


def rough_tail(observed: pl.Series, mean: pl.Series, variance: pl.Series) -> pl.Series:
    """About P(Y >= observed), some parts in a hundred off, for counts well above the mean.

    The first term times the sum of the geometric series that its neighbour begins: no loop; to
    screen with.
    """
    excess = (variance - mean).zip_with(variance - mean > mean * 1e-6, mean * 1e-6)
    r, x = mean * mean / excess, excess / (mean + excess)
    following = ((observed + r) / (observed + 1) * x).clip(upper_bound=0.999)
    # The front is P(Y = y) without the factor r / (y + r) that Loader's formula has for y trials.
    first = _front(observed, r, x, 1 - x) + observed.log() * 0
    return (first.exp() / (1 - following)).clip(0, 1)


def quantile(share: float, mean: pl.Series, variance: pl.Series) -> pl.Series:
    """Smallest count that at least this share of such counts do not exceed, per row."""
    # P(Y <= k) >= share where P(Y >= k + 1) <= 1 - share; halving from bounds that enclose it.
    low = mean * 0.0 - 1
    high = (mean + 12 * variance.sqrt() + 40).ceil()
    while len(mean) and (high - low > 1).any():
        middle = ((low + high) / 2).floor()
        enough = upper_tail(middle + 1, mean, variance) <= 1 - share
        high = middle.zip_with(enough, high)
        low = low.zip_with(enough, middle)
    return high.cast(pl.UInt64).alias("quantile")


def _beta(rows: pl.DataFrame) -> pl.DataFrame:
    """I_x(a, b) of rows `row`, `a`, `b`, `x`, `cx` (1 - x), as `row`, `p`."""
    a, b, x, cx = (pl.col(c) for c in ("a", "b", "x", "cx"))
    turned = x > (a + 1) / (a + b + 2)
    rows = rows.with_columns(turned=turned).with_columns(
        a=pl.when("turned").then(b).otherwise(a),
        b=pl.when("turned").then(a).otherwise(b),
        x=pl.when("turned").then(cx).otherwise(x),
        cx=pl.when("turned").then(x).otherwise(cx),
    )
    n = a + b
    rows = rows.with_columns(front=_front(rows["a"], rows["b"], rows["x"], rows["cx"]))
    first = _away(1 - n * x / (a + 1))
    rows = rows.with_columns(c=pl.lit(1.0), d=1 / first, h=1 / first)

    def step(rows: pl.LazyFrame, k: int) -> pl.LazyFrame:
        even = k * (b - k) * x / ((a - 1 + 2 * k) * (a + 2 * k))
        odd = -(a + k) * (n + k) * x / ((a + 2 * k) * (a + 1 + 2 * k))
        for term in (even, odd):
            rows = rows.with_columns(
                d=1 / _away(1 + term * pl.col("d")), c=_away(1 + term / pl.col("c"))
            ).with_columns(h=pl.col("h") * pl.col("d") * pl.col("c"))
        return rows

    rows = _until_still(rows, step, pl.col("c") * pl.col("d"))
    one_side = (pl.col("front").exp() * pl.col("h")).clip(0, 1)
    return rows.select("row", p=pl.when("turned").then(1 - one_side).otherwise(one_side))


def _front(a: pl.Series, b: pl.Series, x: pl.Series, cx: pl.Series) -> pl.Series:
    """log of x^a (1 - x)^b / (a B(a, b))."""
    n = a + b
    return (
        (b / (a * n) / (2 * pi)).log() / 2
        + stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - _deviance(a, n * x)
        - _deviance(b, n * cx)
    )


def _gamma(rows: pl.DataFrame) -> pl.DataFrame:
    """P(a, x), the lower regularised incomplete gamma of rows `row`, `a`, `x`, as `row`, `p`."""
    a, x = pl.col("a"), pl.col("x")
    front = (rows["a"] * (2 * pi)).log() / -2 - stirling_error(rows["a"])
    rows = rows.with_columns(front=front - _deviance(rows["a"], rows["x"]), turned=x > a + 1)
    lower, upper = rows.filter(~pl.col("turned")), rows.filter("turned")
    # Lower: x^a e^-x / a! * sum of x^k / ((a+1) .. (a+k)); every term is positive.
    lower = lower.with_columns(c=pl.lit(1.0), d=pl.lit(1.0), h=pl.lit(1.0))

    def term(rows: pl.LazyFrame, k: int) -> pl.LazyFrame:
        rows = rows.with_columns(d=pl.col("d") * x / (a + k))
        return rows.with_columns(h=pl.col("h") + pl.col("d"))

    lower = _until_still(lower, term, 1 + pl.col("d") / pl.col("h"))
    # Upper: the continued fraction of Q(a, x) = 1 - P(a, x).
    upper = upper.with_columns(c=pl.lit(1 / _TINY), d=1 / _away(x + 1 - a), h=1 / _away(x + 1 - a))

    def fraction(rows: pl.LazyFrame, k: int) -> pl.LazyFrame:
        numerator, base = -k * (k - a), x + 1 - a + 2 * k
        return rows.with_columns(
            d=1 / _away(numerator * pl.col("d") + base), c=_away(base + numerator / pl.col("c"))
        ).with_columns(h=pl.col("h") * pl.col("d") * pl.col("c"))

    upper = _until_still(upper, fraction, pl.col("c") * pl.col("d"))
    p_lower = (pl.col("front").exp() * pl.col("h")).clip(0, 1)
    p_upper = (pl.col("front").exp() * a * pl.col("h")).clip(0, 1)
    return pl.concat([lower.select("row", p=p_lower), upper.select("row", p=1 - p_upper)])


def _until_still(
    rows: pl.DataFrame, step: Callable[[pl.LazyFrame, int], pl.LazyFrame], factor: Expr
) -> pl.DataFrame:
    """Rows after as many steps as they need: until the factor that a step brings is 1."""
    done = [rows.clear()]
    for first in range(1, _MOST_STEPS, _AT_ONCE):
        if rows.is_empty():
            break
        going = rows.lazy()
        for k in range(first, first + _AT_ONCE):
            going = step(going, k)
        rows = going.with_columns(still=(factor - 1).abs() < _CLOSE).collect(
            engine="in-memory", optimizations=_AS_WRITTEN
        )
        done.append(rows.filter("still").drop("still"))
        rows = rows.filter(~pl.col("still")).drop("still")
    return pl.concat([*done, rows])


# The special functions work on series, not expressions: nested, their plans would take longer to
# optimise than their values to compute.


def stirling_error(x: pl.Series) -> pl.Series:
    """log Gamma(x+1) minus Stirling's formula for it, to 1e-15; x > 0."""
    small = x < 15
    z = (x + 8).zip_with(small, x)
    inverse = 1 / (z * z)
    series = 1 / 1188 - inverse * (691 / 360360)
    for term in (1 / 1680, 1 / 1260, 1 / 360, 1 / 12):
        series = term - inverse * series
    series = series / z
    if not small.any():
        return series
    climbed = series
    for k in range(8):
        at = x + k
        climbed = climbed + (at + 0.5) * (1 / at).log1p() - 1
    return climbed.zip_with(small, series)


def log_gamma(x: pl.Series) -> pl.Series:
    """log Gamma(x) for 0 < x < 1e40, to about 1e-13."""
    climbed = x
    for k in range(1, 7):
        climbed = climbed * (x + k)
    z = x + 7
    inverse = 1 / (z * z)
    series = inverse * (-1 / 1188) + 1 / 1680
    for term in (1 / 1260, 1 / 360, 1 / 12):
        series = term - inverse * series
    return (z - 0.5) * z.log() - z + log(2 * pi) / 2 + series / z - climbed.log()


def _deviance(x: pl.Series, mean: pl.Series) -> pl.Series:
    """x log(x / mean) + mean - x without loss of digits where they are close."""
    v = (x - mean) / (x + mean)
    close = v.abs() < 0.1
    far = x * (x / mean).log() + mean - x
    if not close.any():
        return far
    v2 = v * v
    series = v2 / 19 + 1 / 17
    for odd in (15, 13, 11, 9, 7, 5, 3):
        series = v2 * series + 1 / odd
    near = (x - mean) * v + x * v * v2 * series * 2
    return near.zip_with(close, far)


def _away(value: Expr) -> Expr:
    """The value, or a tiny number in the place of 0."""
    return pl.when(value.abs() < _TINY).then(_TINY).otherwise(value)
