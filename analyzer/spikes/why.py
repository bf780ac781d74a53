"""The numbers behind one finding, from which its p can be worked out by hand."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from reports.model import SpikeHour, Workings

from .coverage import cover
from .grid import LEAST_COVERAGE
from .rules import WITHIN_LOG
from .series import PER, Counted

_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)


def workings(what: Counted, counts: pl.DataFrame, finding: dict[str, Any], zone: str) -> Workings:
    """The workings; `counts` are those of the finding's series: `bucket`, `n`."""
    expected, variance = finding["expected"], finding["variance"]
    unsure = (finding["expected_error"] * expected) ** 2
    raw = finding["p"] * finding["windows"]
    known = covered_hours(what, finding["host"])
    outside: tuple[int, int, int] | tuple[None, None, None] = (None, None, None)
    comparable: tuple[SpikeHour, ...] = ()
    if finding["baseline"] == WITHIN_LOG:
        outside = _shares(what, counts, finding, known)
    else:
        comparable = _same_hours(counts, finding, known, ZoneInfo(zone))
    return Workings(
        comparable=comparable,
        outside_events=outside[0],
        outside_traffic=outside[1],
        inside_traffic=outside[2],
        per_dispersion=(variance - unsure) / finding["dispersion"],
        shape=expected**2 / (variance - expected) if variance > expected else None,
        calibration=finding["p_day"] / raw if raw else 1.0,
    )


def covered_hours(what: Counted, host: str) -> dict[datetime, float]:
    """Share of each hour that a host's log covers, by its begin."""
    mine = what.observed.filter(pl.col("host") == host)
    if mine.is_empty():
        return {}
    start, coverage = cover(mine, _HOUR)
    utc = start.replace(tzinfo=ZoneInfo("UTC"))
    return {utc + n * _HOUR: share for n, share in enumerate(coverage)}


def _shares(
    what: Counted, counts: pl.DataFrame, finding: dict[str, Any], known: dict[datetime, float]
) -> tuple[int, int, int]:
    """Events outside the window and an hour on either side of it; other traffic there; within."""
    mine = pl.all_horizontal(pl.col(n) == pl.lit(finding[n]) for n in PER)
    traffic = what.totals.filter(mine).group_by("bucket").agg(pl.col("n").sum())
    hours = pl.DataFrame(
        {"bucket": [h for h, share in known.items() if share >= LEAST_COVERAGE]},
        schema={"bucket": pl.Datetime("us", "UTC")},
    )
    both = (
        hours.join(traffic.rename({"n": "all"}), on="bucket", how="left")
        .join(counts.group_by("bucket").agg(y=pl.col("n").sum()), on="bucket", how="left")
        .with_columns(pl.col("all", "y").fill_null(0).cast(pl.Int64))
        .with_columns(rest=(pl.col("all") - pl.col("y")).clip(0))
    )
    first, end = finding["bucket"], finding["until"]
    inside = pl.col("bucket").is_between(first, end, closed="left")
    near = pl.col("bucket").is_between(first - _HOUR, end + _HOUR, closed="left")
    events, outer = both.filter(~near).select(pl.col("y").sum(), pl.col("rest").sum()).row(0)
    return int(events), int(outer), int(both.filter(inside)["rest"].sum())


def _same_hours(
    counts: pl.DataFrame, finding: dict[str, Any], known: dict[datetime, float], zone: ZoneInfo
) -> tuple[SpikeHour, ...]:
    """The same local hour of the week on other weeks, for each hour of the window."""
    n = dict(counts.group_by("bucket").agg(pl.col("n").sum()).iter_rows())
    window = set(_hours(finding["bucket"], finding["until"]))
    keys = {_place(hour, zone) for hour in window}
    return tuple(
        SpikeHour(hour.astimezone(zone), int(n.get(hour, 0)))
        for hour, share in known.items()
        if share >= LEAST_COVERAGE and hour not in window and _place(hour, zone) in keys
    )


def _place(hour: datetime, zone: ZoneInfo) -> tuple[int, int]:
    local = hour.astimezone(zone)
    return local.weekday(), local.hour


def _hours(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * _HOUR for n in range((end - start) // _HOUR)]
