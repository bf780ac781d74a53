from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import zones

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)  # 10:30:15 in Berlin


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(BERLIN))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", berlin(2026, 11, 23, 10, 30, 15)),
        ("today", berlin(2026, 11, 23)),
        ("Yesterday", berlin(2026, 11, 22)),
        ("tomorrow", berlin(2026, 11, 24)),
        ("14:00", berlin(2026, 11, 23, 14)),
        ("9:05:07", berlin(2026, 11, 23, 9, 5, 7)),
        ("-2h", berlin(2026, 11, 23, 8, 30, 15)),
        ("90min", berlin(2026, 11, 23, 9, 0, 15)),
        ("3 d ago", berlin(2026, 11, 20, 10, 30, 15)),
        ("1w", berlin(2026, 11, 16, 10, 30, 15)),
        ("2026-11-22", berlin(2026, 11, 22)),
        (" 2026-11-22 14:00 ", berlin(2026, 11, 22, 14)),
        ("2026-11-22T14:00:59", berlin(2026, 11, 22, 14, 0, 59)),
        ("2026-11-22T14:00Z", datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("2026-11-22T14:00+05:30", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
    ],
)
def test_words_for_a_time(text: str, expected: datetime) -> None:
    assert zones.moment(text, BERLIN, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "25:00", "12:60", "12:00:60", "2026-02-30", "2026-13-01", "-2y", "1h2m"),
        *("99999999h", "-999999w", "9999-12-31", "0001-01-01", "22.11.2026", "\u0661\u0664:00"),
    ],
)
def test_words_for_no_time_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time; try 2026-11-22"):
        zones.moment(text, BERLIN, NOW)


def test_hours_ago_are_hours_that_passed_even_over_a_clock_change() -> None:
    after = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)  # 03:30 in Berlin, an hour was doubled
    found = zones.moment("-2h", BERLIN, after)
    assert found.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    spring = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert zones.moment("-1h", BERLIN, spring) == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "hours"),
    [
        ("2026-11-22", berlin(2026, 11, 22), 24),
        ("2026-10-25", berlin(2026, 10, 25), 25),
        ("2026-03-29", berlin(2026, 3, 29), 23),
        ("yesterday", berlin(2026, 11, 22), 24),
        ("2026-11-22 17:00", berlin(2026, 11, 22), 24),
        # The report's day, not that of the zone it was written in.
        ("2026-11-22T23:30Z", berlin(2026, 11, 23), 24),
    ],
)
def test_day_begins_and_ends_at_the_zones_midnight(text: str, start: datetime, hours: int) -> None:
    first, end = zones.day(text, BERLIN, NOW)
    assert first == start
    assert end.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=hours)


def test_yesterday_is_the_zones_yesterday() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 00:30 on the 23rd in Berlin
    assert zones.day("yesterday", BERLIN, late)[0] == berlin(2026, 11, 22)
    assert zones.day("yesterday", "UTC", late)[0] == datetime(2026, 11, 21, tzinfo=UTC)


@given(text=st.text(max_size=20))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = zones.moment(text, BERLIN, NOW)
    except ValueError:
        return
    assert found.tzinfo is not None
    zones.day(text, BERLIN, NOW)


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "Asia/Kolkata", "EST5EDT"])
def test_zone_names_that_are_known(name: str) -> None:
    assert zones.is_zone(name)


@pytest.mark.parametrize(
    "name", ["", "Europe", "Mars/Base", "../etc/passwd", "/etc/localtime", "a\0b", "CET-1CEST", "é"]
)
def test_zone_names_that_are_none(name: str) -> None:
    assert not zones.is_zone(name)


def test_local_zone_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    assert zones.local_zone() == "Asia/Kolkata"
    monkeypatch.setenv("TZ", ":Europe/Berlin")
    assert zones.local_zone() == "Europe/Berlin"


def test_local_zone_is_always_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert zones.is_zone(zones.local_zone())
