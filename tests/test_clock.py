from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.clock import Clock, iso_times, rfc3164_times

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def stamp(moment: datetime) -> str:
    """As syslog writes it: the day padded with a blank, no year."""
    return f"{MONTHS[moment.month - 1]} {moment.day:2d} {moment:%H:%M:%S}"


def bsd(text: str, clock: Clock) -> datetime | None:
    found: datetime | None = rfc3164_times(pl.Series([text]), clock).item()
    return found


def iso(text: str, zone: str = "UTC") -> datetime | None:
    found: datetime | None = iso_times(pl.Series([text]), Clock(zone)).item()
    return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


# --- The year that RFC 3164 leaves out

BY_NOW = Clock("UTC", latest=datetime(2026, 11, 23, 12))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nov 23 11:59:59", utc(2026, 11, 23, 11, 59, 59)),
        ("Nov 24 11:59:59", utc(2026, 11, 24, 11, 59, 59)),  # a day of slack
        ("Nov 24 12:00:00", utc(2026, 11, 24, 12)),
        ("Nov 24 12:00:01", utc(2025, 11, 24, 12, 0, 1)),  # more than a day ahead: last year's
        ("Dec 31 23:59:59", utc(2025, 12, 31, 23, 59, 59)),
        ("Jan  1 00:00:00", utc(2026, 1, 1)),
        ("Mar  7 03:10:01", utc(2026, 3, 7, 3, 10, 1)),
        ("Mar 7 03:10:01", utc(2026, 3, 7, 3, 10, 1)),
        ("Mar 07 03:10:01", utc(2026, 3, 7, 3, 10, 1)),
        ("Feb 29 10:00:00", utc(2024, 2, 29, 10)),
        ("Feb 30 10:00:00", None),
        ("Nov 31 10:00:00", None),
        ("Nov 23 24:00:00", None),
        ("Foo 23 10:00:00", None),
    ],
)
def test_year_is_the_latest_that_is_not_after_the_file(
    text: str, expected: datetime | None
) -> None:
    assert bsd(text, BY_NOW) == expected


@pytest.mark.parametrize(
    ("latest", "text", "year"),
    [
        (datetime(2027, 1, 1, 0, 0, 5), "Dec 31 23:59:59", 2026),
        (datetime(2027, 1, 1, 0, 0, 5), "Jan  1 00:00:04", 2027),
        # The file was closed just before midnight; its last line is a moment later.
        (datetime(2026, 12, 31, 23, 59, 59), "Jan  1 00:00:02", 2027),
        (datetime(2026, 12, 31, 23, 59, 59), "Jan  2 00:00:02", 2026),
        (datetime(2028, 2, 29, 12), "Feb 29 11:00:00", 2028),
        (datetime(2028, 2, 28, 12), "Feb 29 11:00:00", 2028),
        (datetime(2028, 2, 28, 10), "Feb 29 11:00:00", 2024),
        (datetime(2028, 3, 1, 12), "Mar  1 11:00:00", 2028),
        (datetime(2101, 3, 1), "Feb 29 11:00:00", 2096),  # 2100 is no leap year
        (datetime(2001, 3, 1), "Feb 29 11:00:00", 2000),
    ],
)
def test_year_turns_where_the_files_time_says(latest: datetime, text: str, year: int) -> None:
    found = bsd(text, Clock("UTC", latest=latest))
    assert found is not None
    assert found.year == year


def test_feb_29_among_other_days_leaves_their_year_alone() -> None:
    times = rfc3164_times(pl.Series(["Feb 28 10:00:00", "Feb 29 10:00:00"]), BY_NOW)
    assert times.dt.year().to_list() == [2026, 2024]


@pytest.mark.parametrize(
    ("first", "text", "expected"),
    [
        ((12, 30), "Dec 30 10:00:00", utc(2019, 12, 30, 10)),
        ((12, 30), "Dec 31 10:00:00", utc(2019, 12, 31, 10)),
        ((12, 30), "Jan  1 10:00:00", utc(2020, 1, 1, 10)),
        ((12, 30), "Feb 29 10:00:00", utc(2020, 2, 29, 10)),
        ((12, 30), "Dec 29 10:00:01", utc(2019, 12, 29, 10, 0, 1)),  # a day out of order
        ((12, 30), "Dec 29 09:59:59", utc(2020, 12, 29, 9, 59, 59)),
        ((1, 1), "Jan  1 10:00:00", utc(2019, 1, 1, 10)),
        ((1, 1), "Mar  1 10:00:00", utc(2019, 3, 1, 10)),
        ((1, 1), "Dec 30 10:00:00", utc(2019, 12, 30, 10)),
        ((1, 1), "Dec 31 23:59:59", utc(2018, 12, 31, 23, 59, 59)),  # a day out of order
        ((3, 1), "Mar  1 10:00:00", utc(2019, 3, 1, 10)),
        ((3, 1), "Feb 28 10:00:00", utc(2020, 2, 28, 10)),
    ],
)
def test_year_that_is_named_is_that_of_the_first_line(
    first: tuple[int, int], text: str, expected: datetime
) -> None:
    clock = Clock("UTC", first=(2019, datetime(2000, *first, 10)))
    assert clock.year_given
    assert bsd(text, clock) == expected


@given(
    start=st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)),
    ago=st.timedeltas(timedelta(0), timedelta(days=363)),
)
@settings(deadline=None, max_examples=100)
def test_stamp_of_the_year_before_the_file_is_read_back(start: datetime, ago: timedelta) -> None:
    moment = (start - ago).replace(microsecond=0)
    assert bsd(stamp(moment), Clock("UTC", latest=start)) == moment.replace(tzinfo=UTC)


@given(
    first=st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)),
    later=st.timedeltas(timedelta(0), timedelta(days=363)),
)
@settings(deadline=None, max_examples=100)
def test_stamp_of_the_year_after_the_first_line_is_read_back(
    first: datetime, later: timedelta
) -> None:
    first = first.replace(microsecond=0)
    moment = (first + later).replace(microsecond=0)
    clock = Clock("UTC", first=(first.year, first.replace(year=2000)))
    assert bsd(stamp(moment), clock) == moment.replace(tzinfo=UTC)


# --- Zones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00Z", utc(2026, 11, 22, 10)),
        ("2026-11-22 10:00:00 UTC", utc(2026, 11, 22, 10)),
        ("2026-11-22T10:00:00+01:00", utc(2026, 11, 22, 9)),
        ("2026-11-22T10:00:00+0100", utc(2026, 11, 22, 9)),
        ("2026-11-22 10:00:00 +0100", utc(2026, 11, 22, 9)),
        ("2026-11-22T10:00:00-05:30", utc(2026, 11, 22, 15, 30)),
        ("2026-11-22T00:10:00+05:45", utc(2026, 11, 21, 18, 25)),
        ("2026-11-22T10:00:00", utc(2026, 11, 22, 4, 30)),
        ("2026-11-22 10:00:00", utc(2026, 11, 22, 4, 30)),
        ("2026-11-22T10:00:00.5Z", utc(2026, 11, 22, 10, 0, 0, 500_000)),
        ("2026-11-22T10:00:00,064Z", utc(2026, 11, 22, 10, 0, 0, 64_000)),
        ("2026-11-22T10:00:00.000001Z", utc(2026, 11, 22, 10, 0, 0, 1)),
        ("2026-11-22T10:00:00.123456789+01:00", utc(2026, 11, 22, 9, 0, 0, 123_456)),
        ("2026-11-22 10:00:00.566 +0100", utc(2026, 11, 22, 9, 0, 0, 566_000)),
        ("2026-02-29T10:00:00Z", None),
        ("2026-11-22T25:00:00Z", None),
        ("2026-11-22", None),
        ("0000-01-01T00:00:00Z", None),  # no datetime goes so far
        ("9999-12-31T23:59:59-0100", None),
    ],
)
def test_iso_stamps_with_and_without_zone(text: str, expected: datetime | None) -> None:
    assert iso(text, "Asia/Kolkata") == expected


def test_stamps_with_and_without_zone_may_stand_side_by_side() -> None:
    times = iso_times(
        pl.Series(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "nonsense", None]),
        Clock("Europe/Berlin"),
    )
    assert times.to_list() == [utc(2026, 11, 22, 10), utc(2026, 11, 22, 9), None, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Oct 25 01:59:59", utc(2026, 10, 24, 23, 59, 59)),
        ("Oct 25 02:30:00", utc(2026, 10, 25, 0, 30)),  # doubled: the first pass
        ("Oct 25 03:00:00", utc(2026, 10, 25, 2)),
        ("Mar 29 01:59:59", utc(2026, 3, 29, 0, 59, 59)),
        ("Mar 29 02:30:00", utc(2026, 3, 29, 1, 30)),  # does not exist: an hour on
        ("Mar 29 03:00:00", utc(2026, 3, 29, 1)),
    ],
)
def test_clock_changes_in_berlin(text: str, expected: datetime) -> None:
    clock = Clock("Europe/Berlin", latest=datetime(2026, 11, 23))
    assert bsd(text, clock) == expected


def test_time_in_the_gap_does_not_move_its_neighbours() -> None:
    clock = Clock("Europe/Berlin", latest=datetime(2026, 11, 23))
    times = rfc3164_times(pl.Series(["Mar 29 01:00:00", "Mar 29 02:30:00", "Feb 30 1"]), clock)
    assert times.to_list() == [utc(2026, 3, 29), utc(2026, 3, 29, 1, 30), None]


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Etc/GMT-14"]
)


@given(moment=st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)), zone=ZONES)
@settings(deadline=None, max_examples=100)
def test_local_time_without_zone_agrees_with_zoneinfo(moment: datetime, zone: str) -> None:
    there = moment.replace(tzinfo=ZoneInfo(zone), fold=0)
    expected = there.astimezone(UTC)
    if expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment:
        return  # in a gap
    assert iso(moment.isoformat(" "), zone) == expected


@given(
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)),
    minutes=st.integers(-14 * 60, 14 * 60),
    colon=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_stamp_with_a_zone_is_read_back(moment: datetime, minutes: int, colon: bool) -> None:
    sign = "-" if minutes < 0 else "+"
    hour, minute = divmod(abs(minutes), 60)
    text = f"{moment.isoformat()}{sign}{hour:02d}{':' if colon else ''}{minute:02d}"
    expected = (moment - timedelta(minutes=minutes)).replace(tzinfo=UTC)
    assert iso(text, "Europe/Berlin") == expected
