"""Is a number higher than before, or is that its usual unrest? Two periods, many rows at once.

A row's counts per hour stand against an *exposure*: the hour's replies of the same direction, or
the part of the hour that the log covers. Hours of the day are strata: 3 o'clock is compared with
3 o'clock, and a side that covers the working hours only is compared over those. Given how many
there were on both sides together, the count of side B is binomial where events come one by one
(the exact conditional test of two Poisson rates, Przyborowski and Wilenski 1940).

Events do not come one by one. How much more the hours vary than that, the *dispersion*, is
Pearson's statistic over its degrees of freedom, at several lengths of time, as what hangs together
over hours shows in long blocks only. The largest counts; each is drawn towards what is usual among
the rows, which few hours cannot tell by themselves. The counts are divided by it (quasi-Poisson),
and a t distribution accounts for its being an estimate.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from .spikes.tail import upper_tail

BLOCKS: Final = (1, 3, 6, 12, 24)
"""Hours of the blocks that the dispersion is looked for in."""
_LEAST_DF: Final = 3.0
_PRIOR_DF: Final = 4.0
"""What the usual dispersion of the rows weighs, in degrees of freedom."""
_USUAL_LEAST: Final = 20
"""Events that a row needs to count in what is usual."""
FEW_DAYS: Final = 4
"""Days that tell too little of how much days differ."""
_Z: Final = 1.959963984540054
_SHARED: Final = 0.5
"""Where hours of the day that both cover are less than this share of either side's exposure, time
of day is left out of the comparison."""


@dataclass(frozen=True, slots=True)
class Gates:
    """When a difference is told."""

    least_count: int = 10
    """Events that at least one side must have."""
    least_ratio: float = 1.25
    """How much higher or lower the rate must be."""
    alpha: float = 0.05
    """False alarms to be expected among what is told (Benjamini and Hochberg 1995)."""
    narrow: float = 2.0
    """`unchanged` means that the 95 % range of the ratio is within this factor both ways."""
    between_days: float = 0.2
    """By how much one day's rate is taken to differ from another's, where the log has too few days
    to see it."""


def assess(
    counts: pl.DataFrame, rows: pl.DataFrame, exposure: pl.DataFrame, gates: Gates
) -> pl.DataFrame:
    """Each row's rates on both sides, their ratio and what can be said of it.

    `counts`: row, side (0 is A, 1 is B), hour (UTC), n. `rows`: row, group. `exposure`: group,
    side, hour, e. Out, by `row`: a, b (counts), ea, eb (exposures), ratio, low, high (95 %), p, q
    and p_single, q_single (if events came one by one), dispersion, df, verdict.
    """
    cells = _cells(counts, rows, exposure)
    found = _compared(cells)
    found = found.join(_dispersion(cells, found), on="row", how="left").join(_days(cells), on="row")
    found = _with_tests(found.sort("row"), gates)
    enough = pl.max_horizontal("a", "b") >= gates.least_count
    found = found.with_columns(
        q=_adjusted(found.with_columns(p=pl.when(enough).then("p"))["p"]),
        q_single=_adjusted(found.with_columns(p=pl.when(enough).then("p_single"))["p"]),
    )
    return found.with_columns(verdict=_verdict(gates, enough)).drop(
        "n", "y1", "mean", "variance", "parts", "shorter"
    )


def _cells(counts: pl.DataFrame, rows: pl.DataFrame, exposure: pl.DataFrame) -> pl.DataFrame:
    """row, side, hour, stratum, y, e: every hour of every row that is exposed."""
    cells = (
        rows.join(exposure.filter(pl.col("e") > 0), on="group")
        .join(counts, on=["row", "side", "hour"], how="left")
        .select("row", "side", "hour", pl.col("n").fill_null(0).cast(pl.Float64).alias("y"), "e")
    )
    stratum = pl.col("hour").dt.hour().cast(pl.Int32)
    whole = cells.group_by("row", stratum.alias("stratum")).agg(_both("e", "e"))
    shared = pl.col("e0") * pl.col("e1") > 0
    share = [(pl.col(s).filter(shared).sum() >= _SHARED * pl.col(s).sum()) for s in ("e0", "e1")]
    usable = whole.group_by("row").agg((share[0] | share[1]).alias("strata"))
    return cells.join(usable, on="row").with_columns(
        stratum=pl.when("strata").then(stratum).otherwise(0)
    )


def _days(cells: pl.DataFrame) -> pl.DataFrame:
    """row, parts: 1 over the days of A plus 1 over those of B, and the days of the shorter side."""
    days = cells.group_by("row", "side").agg(pl.col("hour").dt.date().n_unique().alias("days"))
    return days.group_by("row").agg(
        (1 / pl.col("days")).sum().alias("parts"), pl.col("days").min().alias("shorter")
    )


def _both(name: str, prefix: str) -> list[pl.Expr]:
    """Sums of a column on each side."""
    return [pl.col(name).filter(pl.col("side") == k).sum().alias(f"{prefix}{k}") for k in (0, 1)]


def _compared(cells: pl.DataFrame) -> pl.DataFrame:
    """Per row: a, b, ea, eb; over shared strata n, y1, and mean and variance of y1 if rates are
    the same; ratio (Mantel and Haenszel)."""
    strata = cells.group_by("row", "stratum").agg(*_both("y", "y"), *_both("e", "e"))
    shared = pl.col("e0") * pl.col("e1") > 0
    n, part = pl.col("y0") + pl.col("y1"), pl.col("e1") / (pl.col("e0") + pl.col("e1"))
    above = (pl.col("y1") * (1 - part)).filter(shared).sum()
    below = (pl.col("y0") * part).filter(shared).sum()
    return strata.group_by("row").agg(
        pl.col("y0").sum().alias("a"),
        pl.col("y1").sum().alias("b"),
        pl.col("e0").sum().alias("ea"),
        pl.col("e1").sum().alias("eb"),
        n.filter(shared).sum().alias("n"),
        pl.col("y1").filter(shared).sum().alias("y1"),
        (n * part).filter(shared).sum().alias("mean"),
        (n * part * (1 - part)).filter(shared).sum().alias("variance"),
        pl.when(above + below > 0).then(above / below).alias("ratio"),
    )


def _dispersion(cells: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """row, dispersion (1 or more), df, the degrees of freedom behind it, and `daily`: whether
    there were days enough to see how they differ."""
    ratio = pl.col("ratio").fill_null(1.0).fill_nan(1.0).clip(1e-9, 1e9)
    each = cells.join(found.select("row", ratio.alias("ratio")), on="row")
    weight = pl.when(pl.col("side") == 1).then(pl.col("e") * pl.col("ratio")).otherwise("e")
    by = ["row", "stratum"]
    two_sided = (pl.col("side").n_unique() == 2).over(by)
    each = each.filter(two_sided).with_columns(weight.alias("w"))
    each = each.with_columns(
        m=pl.col("y").sum().over(by) * pl.col("w") / pl.col("w").sum().over(by)
    ).filter(pl.col("m") > 1e-6)
    # A fitted rate per stratum and the ratio; a side without any event tells nothing.
    free = (
        each.group_by("row")
        .agg(
            pl.len().alias("cells"),
            pl.col("stratum").n_unique().alias("strata"),
            (pl.col("side").n_unique() - 1).alias("ratios"),
        )
        .with_columns((pl.col("cells") - pl.col("strata") - pl.col("ratios")).alias("free"))
    )
    spread: list[pl.DataFrame] = []
    for length in BLOCKS:
        block = pl.col("hour").dt.epoch("s") // (3600 * length)
        blocks = each.group_by("row", "side", block.alias("block")).agg(
            (pl.col("y") - pl.col("m")).sum().alias("off"), pl.col("m").sum()
        )
        chi = (pl.col("off") ** 2 / pl.col("m")).sum().alias("chi")
        per_row = blocks.group_by("row").agg(chi, pl.len().alias("blocks"))
        per_row = per_row.join(free, on="row").join(found.select("row", "n"), on="row")
        df = pl.col("free") * pl.col("blocks") / pl.col("cells")
        per_row = per_row.with_columns(df.alias("df")).filter(pl.col("df") >= _LEAST_DF)
        often = per_row.filter(pl.col("n") >= _USUAL_LEAST)
        usual = often.select((pl.col("chi") / pl.col("df")).median()).item()
        drawn = (pl.col("chi") + _PRIOR_DF * max(1.0, usual or 1.0)) / (pl.col("df") + _PRIOR_DF)
        spread.append(per_row.select("row", drawn.alias("dispersion"), "df"))
    daily = spread[-1].get_column("row").implode()
    largest = pl.concat(spread).sort("dispersion", descending=True).unique("row", keep="first")
    return (
        found.select("row")
        .join(largest, on="row", how="left")
        .select(
            "row",
            pl.col("dispersion").fill_null(1.0).clip(lower_bound=1.0),
            # What is usual among the rows makes it no surer for this one.
            pl.col("df").fill_null(_PRIOR_DF).clip(lower_bound=_PRIOR_DF),
            pl.col("row").is_in(daily).alias("daily"),
        )
    )


def _with_tests(rows: pl.DataFrame, gates: Gates) -> pl.DataFrame:
    """Adds p, p_single, low and high; what days may differ by goes into the dispersion.

    That part is no estimate: the degrees of freedom rise with its share (Satterthwaite).
    """
    days = (pl.col("variance") * gates.between_days**2 * pl.col("parts")).fill_null(0)
    # Days of the longer side were seen to differ by so much; the shorter side's are few to go by.
    seen = (1 + days - pl.col("dispersion")).clip(lower_bound=0)
    seen = pl.when(pl.col("shorter") < FEW_DAYS).then(seen).otherwise(0.0)
    days = pl.when("daily").then(seen).otherwise(days)
    rows = rows.with_columns(
        dispersion=pl.col("dispersion") + days,
        df=pl.col("df") * (1 + days / pl.col("dispersion")) ** 2,
    )
    n, y, phi, df = (rows[c] for c in ("n", "y1", "dispersion", "df"))
    share = (rows["mean"] / n).fill_nan(0.5)
    single = conditional(y, n, share)
    spread = conditional(y / phi, n / phi, share)
    off = (y - rows["mean"]) ** 2 / (rows["variance"] * phi).clip(lower_bound=1e-12)
    p = pl.select(pl.max_horizontal(spread, t_tail(off, df))).to_series()
    known = n > 0
    rows = rows.with_columns(
        p=p.zip_with(known, pl.Series([None], dtype=pl.Float64)),
        p_single=single.zip_with(known, pl.Series([None], dtype=pl.Float64)),
    )
    return rows.with_columns(_interval(y / phi, n / phi, share, t_quantile(df)))


def conditional(y: pl.Series, n: pl.Series, share: pl.Series) -> pl.Series:
    """Two-sided p of y out of n where `share` is expected: twice the smaller binomial tail.

    y and n may be fractions, as after division by a dispersion. Shares are strictly in (0, 1).
    """
    least = 1e-9
    high = beta_share(y.clip(lower_bound=least), (n - y).clip(lower_bound=0) + 1, share)
    low = beta_share((n - y).clip(lower_bound=least), y + 1, 1 - share)
    high = pl.select(pl.when(y > least).then(high).otherwise(1.0)).to_series()
    low = pl.select(pl.when(n - y > least).then(low).otherwise(1.0)).to_series()
    both = pl.select(pl.min_horizontal(high, low)).to_series() * 2
    return both.clip(upper_bound=1.0).alias("p")


def t_tail(squared: pl.Series, df: pl.Series) -> pl.Series:
    """Two-sided p of a t statistic, given squared."""
    half = pl.repeat(0.5, len(df), dtype=pl.Float64, eager=True)
    x = (df / (df + squared)).clip(1e-300, 1 - 1e-15)
    return beta_share(df / 2, half, x).alias("p")


def beta_share(a: pl.Series, b: pl.Series, x: pl.Series) -> pl.Series:
    """I_x(a, b), the regularised incomplete beta function, as the tail of a negative binomial."""
    # That tail takes a from 0.5 on; below, I_x(a, b) is one step of a recurrence away from it.
    small = a < 0.5
    raised = (a + 1).zip_with(small, a)
    mean = b * x / (1 - x)
    tail = upper_tail(raised, mean, mean / (1 - x))
    if not small.any():
        return tail
    # I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a B(a, b)), written with log gamma.
    from .spikes.tail import log_gamma

    front = a * x.log() + b * (1 - x).log() - log_gamma(a + 1) - log_gamma(b) + log_gamma(a + b)
    return (tail + front.exp()).clip(0, 1).zip_with(small, tail)


def t_quantile(df: pl.Series) -> pl.Series:
    """The 97.5 % point of t for 4 or more degrees of freedom, to 0.01 (Abramowitz and Stegun
    26.7.5)."""
    z, v = _Z, df
    return (
        z
        + (z**3 + z) / 4 / v
        + (5 * z**5 + 16 * z**3 + 3 * z) / 96 / v**2
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / v**3
    )


def _interval(y: pl.Series, n: pl.Series, share: pl.Series, z: pl.Series) -> list[pl.Series]:
    """The 95 % range of the ratio: the score interval with continuity correction (Newcombe 1998)
    of B's share in n, as odds over the expected odds."""
    p, q = y / n, 1 - y / n
    below = 2 * (n + z**2)
    root_low = (z**2 - 2 - 1 / n + 4 * p * (n * q + 1)).clip(lower_bound=0).sqrt()
    root_high = (z**2 + 2 - 1 / n + 4 * p * (n * q - 1)).clip(lower_bound=0).sqrt()
    low = ((2 * n * p + z**2 - 1 - z * root_low) / below).clip(0, 1)
    high = ((2 * n * p + z**2 + 1 + z * root_high) / below).clip(0, 1)
    low = (low * 0).zip_with(y <= 0, low)
    high = (high * 0 + 1).zip_with(y >= n, high)
    odds = (1 - share) / share
    return [
        (low / (1 - low) * odds).alias("low"),
        (high / (1 - high) * odds).alias("high"),
    ]


def _adjusted(p: pl.Series) -> pl.Series:
    """Benjamini and Hochberg's adjusted p; null stays."""
    found = pl.DataFrame({"p": p}).with_row_index("at")
    known = found.filter(pl.col("p").is_not_null()).sort("p")
    m = known.height
    known = known.with_columns(
        q=(pl.col("p") * m / pl.int_range(1, m + 1)).clip(upper_bound=1.0)
    ).with_columns(pl.col("q").cum_min(reverse=True))
    return found.join(known.select("at", "q"), on="at", how="left").sort("at")["q"]


def _verdict(gates: Gates, enough: pl.Expr) -> pl.Expr:
    ratio = pl.col("ratio")
    sure, single = pl.col("q") <= gates.alpha, pl.col("q_single") <= gates.alpha
    up, down = ratio >= gates.least_ratio, ratio <= 1 / gates.least_ratio
    near = (pl.col("low") >= 1 / gates.narrow) & (pl.col("high") <= gates.narrow)
    return (
        pl.when(~enough)
        .then(pl.lit("too few to tell"))
        .when((pl.col("a") == 0) & single)
        .then(pl.lit("new"))
        .when((pl.col("b") == 0) & single)
        .then(pl.lit("gone"))
        .when(sure & up)
        .then(pl.lit("rose"))
        .when(sure & down)
        .then(pl.lit("fell"))
        .when(single & (up | down) & ~near)
        .then(pl.lit("uneven"))
        .when(near)
        .then(pl.lit("unchanged"))
        .otherwise(pl.lit("unclear"))
    )
