"""Numbers, shares, sizes and times are written so that they cannot mislead."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import BERLIN, at, busy_day, empty, several_days

from reports import figures


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.0 %"),
        (0.0000001, "<0.1 %"),
        (0.00049, "<0.1 %"),
        (0.0005, "0.1 %"),
        (0.123, "12.3 %"),
        (0.9994, "99.9 %"),
        (0.99951, ">99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_share(value: float, shown: str) -> None:
    assert figures.share(value) == shown


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_only_nothing_is_nothing_and_only_all_is_all(value: float) -> None:
    assert figures.share(value) not in ("0.0 %", "100.0 %")


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (59_492_374, "59.5 MB"),
        (10**20, "100,000.0 PB"),
    ],
)
def test_size(octets: int, shown: str) -> None:
    assert figures.size(octets) == shown


def test_number_and_count() -> None:
    assert figures.number(1_234_567) == "1,234,567"
    assert figures.count(1, "reply", "replies") == "1 reply"
    assert figures.count(1200, "reply", "replies") == "1,200 replies"
    assert figures.count(0, "hour") == "0 hours"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1, "info"), (0, "info"), (1, "watch"), (2, "this week"), (3, "today"), (4, "now"),
     (5, "now")],
)  # fmt: skip
def test_severity(value: int, shown: str) -> None:
    assert figures.severity(value) == shown


def test_code() -> None:
    row = busy_day().codes[1]
    assert figures.code(row) == "550 5.1.1"
    assert figures.code(replace(row, enhanced=None)) == "550"
    assert figures.code(replace(row, code=None)) == "5.1.1"
    assert figures.code(replace(row, code=None, enhanced=None)) == "bad-recipient"


def test_within_one_day_a_time_needs_no_date() -> None:
    clock = figures.Clock(busy_day())
    assert clock.span(at(3, 10), at(3, 10, 44)) == "03:10:00–03:10:44"  # noqa: RUF001
    assert clock.span(at(3, 10), at(3, 10) + timedelta(microseconds=9)) == "03:10:00"
    assert clock.span(None, at(3)) == "03:00:00"
    assert clock.span(None, None) == ""


def test_over_several_days_and_years_it_has_one() -> None:
    clock = figures.Clock(several_days())
    first = datetime(2026, 10, 24, 2, tzinfo=BERLIN)
    assert clock.span(first, first + timedelta(hours=1)) == "Oct 24 02:00:00–03:00:00"  # noqa: RUF001
    later = first + timedelta(days=12)
    assert clock.span(first, later) == "Oct 24 02:00:00 – Nov  5 02:00:00"  # noqa: RUF001
    years = replace(several_days(), end=datetime(2027, 1, 1, tzinfo=BERLIN))
    assert figures.Clock(years).time(first) == "2026-10-24 02:00:00"


def test_period() -> None:
    assert figures.period(busy_day()) == (
        "2026-11-22 00:00:12 – 23:59:59 (Europe/Berlin, +01:00)"  # noqa: RUF001
    )
    assert figures.period(several_days()) == (
        "2026-10-24 00:00:00 – 2026-10-26 23:00:00 (Europe/Berlin, +02:00 to +01:00)"  # noqa: RUF001
    )
    assert figures.period(empty()) == "no dated lines (UTC)"


def test_listing() -> None:
    assert figures.listing(["a", "b"]) == "a, b"
    assert figures.listing("abcdefgh", 3) == "a, b, c, 5 more"
    assert figures.listing([]) == ""
