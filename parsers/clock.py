"""From a line's time stamp to an instant: the year and the zone that the log leaves out.

RFC 3164 stamps carry neither. The year is the latest one that does not put the line after
the anchor (the file's own time, one day of slack), so a log that crosses New Year comes out
right; `year` names the year of the log's first line instead. Both are inferences, and the
report says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from .event import TIME

_SLACK = timedelta(days=1)
_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Clock:
    """What is needed to read stamps without year or zone."""

    zone: str = "UTC"
    """IANA name of the zone of stamps that name none."""
    latest: datetime = datetime(9998, 12, 31)
    """Naive local time that no line is later than (plus a day)."""
    first: tuple[int, datetime] | None = None
    """`--year`: (the year of the first line, that line's stamp in any leap year)."""

    @property
    def year_given(self) -> bool:
        """True where a person named the year."""
        return self.first is not None


def rfc3164_times(stamps: pl.Series, clock: Clock) -> pl.Series:
    """Instants of `Nov  7 03:10:01` stamps, null where there is no such date."""
    # Parsed in a leap year first: `Feb 29` has to survive until its year is known.
    probe = (f"{_LEAP_YEAR} " + stamps).str.to_datetime(
        "%Y %b %e %H:%M:%S", strict=False, time_unit="us"
    )
    frame = pl.DataFrame({"probe": probe})
    if clock.first is not None:
        year, first = clock.first
        start = _in_leap_year(first) - _SLACK
        # The day of slack before Jan 1 is of the year before.
        year -= start.year < _LEAP_YEAR
        start = _in_leap_year(start)
        years = [pl.when(pl.col("probe") >= start).then(year).otherwise(year + 1)]
    else:
        top = clock.latest + _SLACK
        limit = pl.lit(_in_leap_year(top))
        newest = pl.when(pl.col("probe") <= limit).then(top.year).otherwise(top.year - 1)
        # Feb 29 goes back to the last leap year.
        leap = ((probe.dt.month() == 2) & (probe.dt.day() == 29)).any()
        years = [newest - back for back in range(9 if leap else 1)]
    local = pl.coalesce(_in_year(year) for year in years)
    return to_utc(frame.select(local.alias("time")).to_series(), clock.zone)


def to_utc(local: pl.Series, zone: str) -> pl.Series:
    """Naive local times to UTC; the doubled autumn hour is read as its first pass, and times
    in the spring gap as the hour after it."""
    local = local.cast(pl.Datetime("us"))
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC").cast(TIME)
    aware = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if aware.null_count() > local.null_count():
        later = (local + timedelta(hours=1)).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
        aware = pl.select(pl.coalesce(aware, later)).to_series()
    return aware.dt.convert_time_zone("UTC").cast(TIME)


def iso_times(stamps: pl.Series, clock: Clock) -> pl.Series:
    """Instants of ISO 8601 stamps, `T` or blank, any fraction, with zone or in the clock's."""
    parts = stamps.str.extract_groups(
        r"^([1-8][0-9]{3}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?"
        r" ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?$"
    ).struct
    naive = (parts.field("1") + " " + parts.field("2")).str.to_datetime(
        "%Y-%m-%d %H:%M:%S", strict=False, time_unit="us"
    )
    micros = parts.field("3").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False)
    naive = naive + micros.fill_null(0).cast(pl.Duration("us"))
    zone = parts.field("4")
    sign = zone.str.slice(0, 1)
    digits = zone.str.replace_all(r"[^0-9]", "")
    frame = pl.DataFrame({"naive": naive, "zone": zone, "sign": sign, "digits": digits})
    minutes = (
        pl.col("digits").str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0) * 60
        + pl.col("digits").str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    ) * pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    fixed = frame.select(
        (pl.col("naive") - pl.duration(minutes=minutes)).dt.replace_time_zone("UTC").cast(TIME)
    ).to_series()
    if zone.null_count() == 0:
        return fixed
    local = to_utc(naive, clock.zone)
    return pl.select(pl.when(zone.is_not_null()).then(fixed).otherwise(local)).to_series()


def _in_year(year: pl.Expr) -> pl.Expr:
    """The probe's day and time in another year; null where there is no such day."""
    probe = pl.col("probe")
    # Feb 29 is missing in every year that is no leap year.
    missing = (
        (probe.dt.month() == 2) & (probe.dt.day() == 29) & ~pl.date(year, 1, 1).dt.is_leap_year()
    )
    new_year = pl.datetime(year, 1, 1)
    day = probe.dt.ordinal_day() - (~new_year.dt.is_leap_year() & (probe.dt.month() > 2)).cast(
        pl.Int16
    )
    moved = new_year + pl.duration(days=day - 1) + (probe - probe.dt.truncate("1d"))
    return pl.when(~missing).then(moved)


def _in_leap_year(moment: datetime) -> datetime:
    return moment.replace(year=_LEAP_YEAR)
