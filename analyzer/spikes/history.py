"""What a bucket should have held, from comparable buckets of other days (14 days and more).

The expectation is a weighted mean of comparable buckets (see `grid.Season`), its own day left out,
so any day of a log can be tested against all others and the last one against its past. Sparse
series borrow: the mean is drawn to the series' own rate spread over the week as all mail is, which
counts for PRIOR / rate buckets (a gamma prior whose places differ by half of their size). Buckets
of past episodes are replaced by their expectation, in three passes. The level of the last days
multiplies it. What is left over, by blocks (days), is the evidence for the dispersion.
"""

from math import log
from typing import Final, NamedTuple

import polars as pl

from .comparable import Comparable
from .pooling import LIKELIHOOD, ORDINARY_PRIOR, level, pearson_likelihood, weigh
from .rules import Rules
from .tail import rough_tail

PRIOR: Final = 6.0
"""Events the shape of all traffic is worth: phi of 1.5 over a relative variance of 1/4."""
_PRIOR_BUCKETS: Final = (0.5, 400.0)
LEVEL_PHI: Final = 4.0
"""Events per phi that hold the factor of the last days at 1."""
_LEVEL: Final = (0.5, 2.0)
_FIRST_PHI: Final = 1.5
_PASSES: Final = 2  # after the first one, for series with episodes
_WORST: Final = 6  # one block in so many may be an episode at the first look
_STANDS_OUT: Final = 5.0  # events a block must have beyond twice the largest ordinary one


class Fit(NamedTuple):
    """A baseline of some series."""

    cells: pl.DataFrame
    """One row per series and bucket: `y`, `e` (expected), `unsure` (its variance by its size)."""
    blocks: pl.DataFrame
    """Per series and block: `r` (squared residuals), `m`, `m2` (expected, its squares), `factor`
    of the last blocks and `error2`, its squared relative error."""
    series: pl.DataFrame
    """`s`, `r`, `events`, `m2` (sums over blocks), `level`, LIKELIHOOD."""


class _Look(NamedTuple):
    """What a baseline shows in some series."""

    fit: Fit
    phi: pl.Series  # of every series
    screened: pl.DataFrame
    episodes: pl.DataFrame  # s, t, width


class Plain(NamedTuple):
    """What one look tells: `windows` and `evidence` as of the function `windows`."""

    windows: pl.DataFrame
    evidence: pl.DataFrame
    again: pl.Series  # numbers of the series with episodes, which are in neither


def plain(y: pl.Series, to: Comparable, rules: Rules) -> Plain:
    """Series without episodes, which are most; the others are for `windows`, in one go for all."""
    look = _look(y, y, rules, to)
    again = pl.concat([look.episodes["s"].cast(pl.UInt32), _odd(y, to)]).unique().sort()
    kept = ~pl.col("s").is_in(again.implode())
    return Plain(
        _left_out(look.screened.filter(kept), look.fit, to),
        look.fit.series.filter(kept).select("s", "level", *LIKELIHOOD),
        again,
    )


def windows(y: pl.Series, to: Comparable, rules: Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows worth a closer look, and the evidence on each series' dispersion.

    Windows: `s`, `t` (last bucket), `width`, `observed`, `expected`, `per_phi` (variance for each
    unit of phi), `factor`, `factor_error2`, `comparable`, `events`, `level`, LIKELIHOOD (their own
    days left out). Series: `s`, `level`, LIKELIHOOD.
    """
    length = to.clock.length
    look = _look(y, y, rules, to)
    series = look.fit.series
    odd = _odd(y, to)
    usual = look.episodes.filter(~pl.col("s").is_in(odd.implode()))
    cleaned = [
        _cleaned(pl.int_range(to.series, eager=True), y, look._replace(episodes=usual), rules, to)
    ]
    if len(odd):
        few, part = to.first(len(odd)), y.gather(places(odd, length))
        again = _look(part, _capped(part, few), rules, few)
        cleaned.append(_cleaned(odd, part, again, rules, few))
    spoilt = pl.concat(one.series["s"] for one in cleaned).implode()
    kept = ~pl.col("s").is_in(spoilt)
    return (
        pl.concat(
            [
                _left_out(look.screened.filter(kept), look.fit, to),
                *(one.windows for one in cleaned),
            ]
        ),
        pl.concat([series.filter(kept), *(one.series for one in cleaned)]).select(
            "s", "level", *LIKELIHOOD
        ),
    )


def _look(y: pl.Series, clean: pl.Series, rules: Rules, to: Comparable) -> _Look:
    """A baseline of `clean` and what is an episode before it."""
    means = _means(clean, to)
    start = pl.Series([_FIRST_PHI] * to.series, dtype=pl.Float64)
    phi = _dispersion(_fit(y, means, None, start, to, trimmed=True), rules)
    fit = _fit(y, means, None, phi, to)
    screened = _screened(fit, rules, to)
    return _Look(fit, phi, screened, _episodes(screened, phi, rules))


def _odd(y: pl.Series, to: Comparable) -> pl.Series:
    """Series with a block that stands out so far that it may hide in its own expectation."""
    by_series = y.reshape((-1, to.season.block)).arr.sum().reshape((-1, to.blocks))
    cap = by_series.arr.sort(descending=True).arr.get(to.blocks // _WORST)
    return (by_series.arr.max() > cap * 2 + _STANDS_OUT).arg_true()


def _capped(y: pl.Series, to: Comparable) -> pl.Series:
    """The counts with the largest blocks brought down to the largest one left."""
    sums = y.reshape((-1, to.season.block)).arr.sum()
    cap = sums.reshape((-1, to.blocks)).arr.sort(descending=True).arr.get(to.blocks // _WORST)
    at = pl.int_range(len(sums), dtype=pl.UInt32, eager=True) // to.blocks
    share = (cap.gather(at) / sums.clip(1e-9)).clip(upper_bound=1.0)
    return y * share.gather(pl.int_range(len(y), dtype=pl.UInt32, eager=True) // to.season.block)


class _Cleaned(NamedTuple):
    windows: pl.DataFrame
    series: pl.DataFrame


def _cleaned(names: pl.Series, y: pl.Series, look: _Look, rules: Rules, to: Comparable) -> _Cleaned:
    """`windows` of the series with episodes, which are replaced by their expectation.

    `names` are the numbers of the series of `y` to give out.
    """
    spoilt = look.episodes["s"].unique().sort()
    length, few = to.clock.length, to.first(len(spoilt))
    rows = places(spoilt, length)
    y, expected, phi = y.gather(rows), look.fit.cells["e"].gather(rows), look.phi.gather(spoilt)
    number = pl.DataFrame({"s": spoilt}).with_row_index("few")
    episodes = look.episodes.join(number, on="s").select(pl.col("few").alias("s"), "t", "width")
    screened, fit = look.screened.clear(), None
    for _ in range(_PASSES if len(spoilt) else 0):
        spoiled = _inside(episodes, len(y), length)
        means = _means(expected.zip_with(spoiled, y), few)
        fit = _fit(y, means, spoiled, phi, few)
        phi = _dispersion(fit, rules)
        screened = _screened(fit, rules, few)
        episodes, expected = _episodes(screened, phi, rules), fit.cells["e"]
    if fit is None:
        return _Cleaned(_left_out(screened, look.fit, to), look.fit.series.clear())
    names = names.gather(spoilt).cast(pl.UInt32)
    found, series = _left_out(screened, fit, few), fit.series
    return _Cleaned(
        found.with_columns(s=names.gather(found["s"])),
        series.with_columns(s=names.gather(series["s"])),
    )


def places(series: pl.Series, length: int) -> pl.Series:
    """Places of all buckets of these series."""
    place = pl.int_range(len(series) * length, dtype=pl.UInt32, eager=True)
    return series.cast(pl.UInt32).gather(place // length) * length + place % length


def _means(clean: pl.Series, to: Comparable) -> pl.DataFrame:
    """One row per series and bucket: `clean`, `mu` (expected before the level), `unsure`."""
    length = to.clock.length
    by_slot = clean.gather(to.members).reshape((-1, to.most)).arr.sum()
    kernel = by_slot * 0.0
    for index, weight in to.terms:
        kernel = kernel + by_slot.gather(index) * weight
    # The series' own rate, a block left out.
    sums = clean.reshape((-1, to.season.block)).arr.sum()
    series = pl.int_range(len(sums), dtype=pl.UInt32, eager=True) // to.blocks
    rest = clean.reshape((-1, length)).arr.sum().gather(series) - sums
    rate = (rest.clip(0) + 0.5) / to.block_rest
    worth = (PRIOR / rate).clip(*_PRIOR_BUCKETS)
    row = pl.int_range(to.series * length, dtype=pl.UInt32, eager=True) // to.season.block
    c = pl.col
    others = (
        c("kernel")
        - c("clean")
        - c("before") * c("clean").shift(1, fill_value=0.0)
        - c("after") * c("clean").shift(-1, fill_value=0.0)
    ).clip(0)
    return to.per_bucket.with_columns(
        clean=clean,
        kernel=kernel.gather(to.slot),
        worth=worth.gather(row),
        events=(worth * rate).gather(row),
    ).select(
        "clean",
        mu=(others + c("events") * c("shape")) / (c("weight") + c("worth")) * c("cover"),
        unsure=1 / (c("known") + c("worth")),
    )


def _fit(
    y: pl.Series,
    means: pl.DataFrame,
    spoiled: pl.Series | None,
    phi: pl.Series,
    to: Comparable,
    *,
    trimmed: bool = False,
) -> Fit:
    """The level of the last days put to the means, and what is left over."""
    blocks = _levels(means, phi, to)
    at = pl.int_range(len(y), dtype=pl.UInt32, eager=True) // to.season.block
    cells = means.select(
        "unsure", e=pl.col("mu") * blocks["factor"].gather(at), y=y, cover=to.per_bucket["cover"]
    )
    used = pl.col("cover") > 0
    if spoiled is not None:
        used = used & pl.lit(~spoiled)
    left = cells.select(
        r=(pl.col("y") - pl.col("e")) ** 2 / (1 + pl.col("unsure")) * used,
        m=pl.col("e") * used,
        m2=pl.col("e") ** 2 * used,
    )
    blocks = blocks.with_columns(
        c.reshape((-1, to.season.block)).arr.sum().alias(c.name) for c in left.iter_columns()
    )
    return Fit(cells.drop("cover"), blocks, _per_series(blocks, to, trimmed=trimmed))


def _levels(means: pl.DataFrame, phi: pl.Series, to: Comparable) -> pl.DataFrame:
    """Per series and block: how the last blocks stood to expectation, with its squared error.

    The first blocks of a log have none before them and take the ones that follow.
    """
    block, back = to.season.block, to.season.level_blocks
    place = pl.int_range(to.series * to.blocks, dtype=pl.Int32, eager=True)
    sums = pl.DataFrame(
        {
            "b": place % to.blocks,
            "phi": phi.gather(place // to.blocks),
            "a": means["clean"].reshape((-1, block)).arr.sum(),
            "e": means["mu"].reshape((-1, block)).arr.sum(),
        }
    )

    def near(column: str) -> pl.Expr:
        whole = pl.lit(0.0)
        for k in range(1, back + 1):
            before = pl.col(column).shift(k, fill_value=0.0)
            after = pl.col(column).shift(-k, fill_value=0.0)
            whole = whole + pl.when(pl.col("b") >= to.first_block + back).then(before).otherwise(
                after
            )
        return whole

    hold = LEVEL_PHI * pl.col("phi")
    return sums.select("phi", a=near("a"), e=near("e")).select(
        factor=((pl.col("a") + hold) / (pl.col("e") + hold)).clip(*_LEVEL),
        error2=pl.col("phi") * pl.col("e") / (pl.col("e") + hold) ** 2,
    )


def _per_series(blocks: pl.DataFrame, to: Comparable, *, trimmed: bool) -> pl.DataFrame:
    """Evidence summed per series.

    Trimmed, the worst blocks count as much as the worst one left: a first look must not take the
    spikes it is looking for as clumpiness.
    """
    number = to.blocks
    r = blocks["r"]
    if trimmed and number >= _WORST:
        cap = r.reshape((-1, number)).arr.sort(descending=True).arr.get(number // _WORST)
        at = pl.int_range(len(r), dtype=pl.UInt32, eager=True) // number
        r = pl.select(pl.min_horizontal(r, cap.gather(at))).to_series()
    sums = {
        "r": r.reshape((-1, number)).arr.sum(),
        "events": blocks["m"].reshape((-1, number)).arr.sum().clip(1e-9),
        "m2": blocks["m2"].reshape((-1, number)).arr.sum(),
    }
    return _with_likelihood(pl.DataFrame(sums).with_row_index("s"))


def _with_likelihood(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `r`, `events`, `m2` with `level` and LIKELIHOOD."""
    events = rows["events"]
    spread = (rows["m2"] / (events * events)).clip(1e-12)
    found = pearson_likelihood(rows["r"] / events, events, spread)
    return rows.with_columns(level(pl.col("events")).alias("level"), *found)


def _dispersion(fit: Fit, rules: Rules) -> pl.Series:
    return weigh(fit.series, ORDINARY_PRIOR, rules.cautious)["dispersion"]


def _screened(fit: Fit, rules: Rules, to: Comparable) -> pl.DataFrame:
    """Windows that pass the gates of size and are not plainly chance."""
    cells, blocks = fit.cells, fit.blocks
    sums = {1: (cells["y"], cells["e"])}
    found = []
    for width in sorted(rules.windows):
        observed, expected = _window_sums(sums, width)
        large = (observed >= rules.least) & (observed >= expected * rules.ratio) & to.closed[width]
        i = large.arg_true()
        few = pl.DataFrame({"i": i, "observed": observed.gather(i), "expected": expected.gather(i)})
        few = few.filter(not_plainly_chance(rules))
        per_phi = few["expected"]
        for back in range(width):
            at = few["i"] - back
            per_phi = per_phi + cells["e"].gather(at) * cells["unsure"].gather(at)
        found.append(few.with_columns(width=pl.lit(width, pl.Int32), per_phi=per_phi))
    whole = pl.concat(found)
    at, block = whole["i"], whole["i"] // to.season.block
    return whole.with_columns(
        s=at // to.clock.length,
        t=(at % to.clock.length).cast(pl.Int32),
        factor=blocks["factor"].gather(block),
        factor_error2=blocks["error2"].gather(block),
        comparable=1 / cells["unsure"].gather(at),
    )


def _window_sums(
    sums: dict[int, tuple[pl.Series, pl.Series]], width: int
) -> tuple[pl.Series, pl.Series]:
    """Sums over the last `width` buckets, made from narrower ones; remembered in `sums`."""
    if width not in sums:
        half = max(w for w in sums if w < width)
        rest = max(w for w in sums if w <= width - half)
        y, e = _window_sums(sums, half)
        more_y, more_e = _window_sums(sums, rest)
        sums[half + rest] = (
            y + more_y.shift(half).fill_null(0.0),
            e + more_e.shift(half).fill_null(0.0),
        )
        return _window_sums(sums, width)
    return sums[width]


def large_enough(rules: Rules) -> pl.Expr:
    """Gates on the size of a window."""
    y, e = pl.col("observed"), pl.col("expected")
    return (y >= rules.least) & (y >= rules.ratio * e)


def not_plainly_chance(rules: Rules) -> pl.Expr:
    """Chernoff's bound at phi = 1, a cheap screen."""
    y, e = pl.col("observed"), pl.col("expected")
    return y * (y / e).log() - y + e > rules.screen


def expected_error(rules: Rules) -> pl.Expr:
    """Relative standard error of a window's expectation, beyond that of its buckets' mean."""
    return (rules.model_error**2 + pl.col("factor_error2")).sqrt()


def variance(phi: pl.Expr, rules: Rules) -> pl.Expr:
    """Variance of a window's count around its expectation."""
    return phi * pl.col("per_phi") + (expected_error(rules) * pl.col("expected")) ** 2


def _episodes(found: pl.DataFrame, phi: pl.Series, rules: Rules) -> pl.DataFrame:
    """Windows (`s`, `t`, `width`) that are an episode already, as this baseline sees it."""
    c = pl.col
    rows = found.select(
        "s", "t", "width", "observed", "expected", v=variance(pl.lit(phi.gather(found["s"])), rules)
    )
    # Chernoff's bound for this variance first: nearly all that is chance leaves here.
    r = c("expected") ** 2 / (c("v") - c("expected")).clip(1e-6)
    y, e = c("observed"), c("expected")
    bound = y * (y / e).log() - (y + r) * ((y + r) / (e + r)).log()
    rows = rows.filter(bound > -log(rules.episode) / 2)
    tail = rough_tail(rows["observed"], rows["expected"], rows["v"])
    return rows.filter(tail < rules.episode).select("s", "t", "width")


def _inside(episodes: pl.DataFrame, cells: int, length: int) -> pl.Series:
    """Whether each bucket lies in one of the windows."""
    c = pl.col
    last = episodes.select("width", i=c("s").cast(pl.Int64) * length + c("t"))
    flags = pl.zeros(cells, dtype=pl.UInt8, eager=True)
    for back in range(max(episodes["width"], default=0)):
        flags = flags.scatter(last.filter(c("width") > back)["i"] - back, 1)
    return flags == 1


def _left_out(found: pl.DataFrame, fit: Fit, to: Comparable) -> pl.DataFrame:
    """Each window with the dispersion likelihood of its series, the window's blocks left out."""
    block = to.season.block
    last, first = found["i"] // block, (found["i"] - (found["width"].cast(pl.UInt32) - 1)) // block
    two = (last != first).cast(pl.Float64)
    out = found.drop("i")
    for whole, part in (("r", "r"), ("events", "m"), ("m2", "m2")):
        own = fit.blocks[part]
        left = fit.series[whole].gather(found["s"]) - own.gather(last) - own.gather(first) * two
        out = out.with_columns(left.clip(1e-9).alias(whole))
    return _with_likelihood(out).drop("r", "m2")
