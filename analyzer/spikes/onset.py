"""The minute a spike began, from counts by the minute."""

from collections.abc import Sequence

import polars as pl

_BEFORE = pl.duration(hours=1)


def onsets(found: pl.DataFrame, minutes: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`id` and `onset` of every finding that has counts by the minute.

    `minutes` has the key columns `by`, `minute` (begin, UTC) and `n`. The spike is the stretch of
    minutes, from an hour before the window to its end, in which a raised rate explains the counts
    best against the expected one (the largest sum of log likelihood ratios); its first minute is
    the onset. The raised rate is that of the whole window.
    """
    c = pl.col
    length = (c("until") - c("bucket")).dt.total_minutes()
    usual = c("expected").clip(1e-9) / length
    raised = c("observed") / length
    # One event adds log(raised / usual), one minute costs raised - usual.
    worth = (raised - usual) / (raised / usual).log()
    asked = found.select(
        "id",
        *by,
        "until",
        cost=worth,
        minute=pl.datetime_ranges(c("bucket") - _BEFORE, "until", "1m", closed="left"),
    ).explode("minute", empty_as_null=False, keep_nulls=False)
    counted = minutes.select(*by, c("minute").cast(pl.Datetime("us", "UTC")), "n")
    rows = asked.join(counted, on=[*by, "minute"], how="left", nulls_equal=True).sort(
        "id", "minute"
    )
    rows = rows.with_columns(n=c("n").fill_null(0).cast(pl.Float64)).filter(
        c("n").sum().over("id") > 0
    )
    total = (c("n") - c("cost")).cum_sum().over("id")
    rows = rows.with_columns(total=total).with_columns(
        floor=c("total").shift(1, fill_value=0.0).cum_min().clip(upper_bound=0.0).over("id"),
    )
    peak = (
        rows.with_columns(gain=c("total") - c("floor"))
        .sort("id", "gain", "minute", descending=[False, True, False])
        .unique("id", keep="first", maintain_order=True)
    )
    best = peak.select("id", end="minute", bottom="floor")
    # The stretch begins after the last time the sum stood at its floor; 0 is before the first minute.
    inside = rows.join(best, on="id").filter(c("minute") <= c("end"))
    at_floor = c("total").shift(1, fill_value=0.0).over("id") == c("bottom")
    return inside.filter(at_floor).group_by("id").agg(onset=c("minute").max())
