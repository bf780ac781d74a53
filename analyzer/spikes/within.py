"""What a bucket should have held, from the rest of the same log (no or little history).

One day has no other days to compare with, but it has all the other traffic: a series is expected to
hold the same share of it in every bucket. The share is that outside the window (one bucket on
either side of it left out too), and so is the evidence for the dispersion: given how many
events there are outside, how unevenly they lie among the buckets (Dirichlet-multinomial, exact for
sparse series), or the moment estimate where events are many.
"""

from typing import Final

import polars as pl

from .grid import LEAST_COVERAGE, Clock, repeated
from .history import large_enough, not_plainly_chance
from .pooling import (
    LIKELIHOOD,
    dirichlet_likelihood,
    doubtful_likelihood,
    level,
    pearson_likelihood,
)
from .rules import Rules
from .tail import upper_tail

_MANY: Final = 400.0
"""Events from which the moment estimate is as good as the exact likelihood, and cheaper."""
_CLOSEST: Final = 3
"""Windows per series and block that are looked at closely: the smallest p by a first estimate."""


def windows(
    y: pl.Series, totals: pl.Series, clock: Clock, block: int, rules: Rules, factor: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows worth a closer look, and the evidence on each series' dispersion.

    `totals` has the whole traffic per bucket of the clock (the series themselves included);
    `factor` is what p is multiplied with for the windows tested. Columns as in `history.windows`.
    """
    series = len(y) // clock.length
    open_ = [c >= LEAST_COVERAGE for c in clock.coverage]
    cover = repeated(pl.Series(open_).cast(pl.Float64), series)
    frame = pl.DataFrame({"y": y * cover, "cover": cover, "total": repeated(totals, series)})
    frame = frame.with_row_index("i").with_columns(
        s=pl.col("i") // clock.length,
        e=(pl.col("total") * pl.col("cover") - pl.col("y")).clip(0),
    )
    whole = frame.group_by("s", maintain_order=True).agg(
        events=pl.col("y").sum(), exposure=pl.col("e").sum(), **_moments()
    )
    cells = frame.filter(pl.col("y") > 0).select("s", "i", "y", "e")
    evidence = _likelihood(whole.with_columns(key=pl.col("s")), cells, None)
    found = _screened(frame, whole, clock, rules)
    poisson = upper_tail(found["observed"], found["expected"], found["per_phi"])
    found = (
        found.with_columns(first=poisson, b=pl.col("t") // block)
        .filter(pl.col("first") * factor < rules.alpha)
        .sort("s", "b", "first")
        .group_by("s", "b", maintain_order=True)
        .head(_CLOSEST)
        .sort("s", "first")
        .drop("first", "b")
        .with_row_index("key")
    )
    likelihood = _likelihood(found, cells, "i").select("key", "level", *LIKELIHOOD)
    found = found.join(likelihood, on="key", how="left", maintain_order="left")
    # A series that looks as if it had a spike must not teach that spikes are common clumps.
    strongest = found.sort("s", "key").unique("s", keep="first", maintain_order=True)
    doubtful = doubtful_likelihood(strongest, factor)
    columns = ["s", "level", *LIKELIHOOD]
    taught = evidence.join(strongest, on="s", how="anti").select(columns)
    evidence = pl.concat([taught, doubtful.select(columns)]).sort("s")
    return found.drop("key", "i", "exposure", "yy", "ye", "ee"), evidence


def _moments() -> dict[str, pl.Expr]:
    y, e = pl.col("y"), pl.col("e")
    return {"yy": (y * y).sum(), "ye": (y * e).sum(), "ee": (e * e).sum()}


def _screened(frame: pl.DataFrame, whole: pl.DataFrame, clock: Clock, rules: Rules) -> pl.DataFrame:
    """Windows that pass the gates; `events`, `exposure` and moments are those outside."""
    c = pl.col
    running = frame.select(
        "i",
        "s",
        t=(c("i") % clock.length).cast(pl.Int32),
        y=c("y").cum_sum(),
        e=c("e").cum_sum(),
        cover=c("cover").cum_sum(),
        yy=(c("y") * c("y")).cum_sum(),
        ye=(c("y") * c("e")).cum_sum(),
        ee=(c("e") * c("e")).cum_sum(),
    )
    at = frame["s"]
    outside_of = {n: whole[n].gather(at) for n in ("events", "exposure", "yy", "ye", "ee")}
    running = running.with_columns(**{f"{n}_all": v for n, v in outside_of.items()})
    found = []
    for width in rules.windows:

        def inside(name: str, width: int = width) -> pl.Expr:
            return c(name) - c(name).shift(width, fill_value=0.0)

        def guarded(name: str, width: int = width) -> pl.Expr:
            # The last bucket of the last series has no next one.
            after = pl.coalesce(c(name).shift(-1), c(name))
            return after - c(name).shift(width + 1, fill_value=0.0)

        sums = running.select(
            "i",
            "s",
            "t",
            width=pl.lit(width, pl.Int32),
            observed=inside("y"),
            exposed=inside("e"),
            closed=inside("cover"),
            events=c("events_all") - guarded("y"),
            exposure=c("exposure_all") - guarded("e"),
            yy=c("yy_all") - guarded("yy"),
            ye=c("ye_all") - guarded("ye"),
            ee=c("ee_all") - guarded("ee"),
        ).filter(
            (c("closed") == width)
            & (c("observed") >= rules.least)
            & (c("exposed") > 0)
            & (c("exposure") > 0)
        )
        ratio = c("exposed") / c("exposure")
        expected = sums.with_columns(expected=(c("events") + 0.5) * ratio).with_columns(
            per_phi=c("expected") * (1 + ratio),
            comparable=1 / ratio,
            factor=pl.lit(1.0),
            factor_error2=pl.lit(0.0),
        )
        found.append(
            expected.drop("closed", "exposed")
            .filter(large_enough(rules))
            .filter(not_plainly_chance(rules))
        )
    return pl.concat(found)


def _likelihood(rows: pl.DataFrame, cells: pl.DataFrame, end: str | None) -> pl.DataFrame:
    """LIKELIHOOD of `rows` (`key`, `s`, `events`, `exposure`, moments) with `level`.

    With `end`, the row's window of `width` ending there is out, and a bucket on either side.
    """
    c = pl.col
    rows = rows.with_columns(level=level(c("events")))
    many, few = rows.filter(c("events") >= _MANY), rows.filter(c("events") < _MANY)
    share = many["events"] / many["exposure"]
    residual = many["yy"] - share * many["ye"] * 2 + share * share * many["ee"]
    spread = (share * share * many["ee"] / (many["events"] * many["events"])).clip(1e-12)
    estimate = residual.clip(0) / many["events"] / (1 - spread).clip(0.1)
    many = many.with_columns(pearson_likelihood(estimate, many["events"], spread))

    near = ["key", "s", "events", "exposure", *([end, "width"] if end else [])]
    at = few.select(c(near).name.map(lambda n: "end" if n == end else n))
    inside = at.join(cells, on="s", how="inner")
    if end:
        first, last = c("end").cast(pl.Int64) - c("width"), c("end").cast(pl.Int64) + 1
        inside = inside.filter((c("i") < first) | (c("i") > last))
    expected = inside["events"] * inside["e"] / inside["exposure"]
    terms = inside.select("key").with_columns(
        dirichlet_likelihood(inside["y"], expected.clip(1e-12))
    )
    sums = few.select("key").join(
        terms.group_by("key").sum(), on="key", how="left", maintain_order="left"
    )
    # Without an event outside there is nothing to tell one phi from another.
    whole = dirichlet_likelihood(few["events"], few["events"].clip(1e-9))
    few = few.with_columns((sums[one.name] - one).fill_null(0.0).alias(one.name) for one in whole)
    return pl.concat([many, few]).sort("key")
