from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from analyzer.selection import Selection
from parsers.event import SCHEMA

EVENTS: list[dict[str, Any]] = [
    {"line": 1, "time": datetime(2026, 11, 22, 13, tzinfo=UTC), "host": "mx1", "mta": "postfix"}
    | {"direction": "inbound", "reply_code": 550, "enhanced_code": "5.7.1"}
    | {"sender": "a@Sender.TEST", "recipient": "b@lab.test"},
    {"line": 2, "time": datetime(2026, 11, 22, 14, tzinfo=UTC), "host": "mx2", "mta": "exim"}
    | {"direction": "outbound", "reply_code": 450, "enhanced_code": "4.7.1"}
    | {"sender": "", "recipient": "c@sub.lab.test"},
    {"line": 3, "time": datetime(2026, 11, 22, 15, tzinfo=UTC), "host": None, "mta": "sendmail"}
    | {"direction": "local", "reply_code": None, "enhanced_code": None}
    | {"sender": "x@notlab.test", "recipient": None},
    {"line": 4, "time": None, "host": "mx1", "mta": "postfix"}
    | {"direction": None, "reply_code": 250, "enhanced_code": "2.0.0"}
    | {"sender": None, "recipient": '"q@lab.test"@else.test'},
]
FRAME = pl.DataFrame(EVENTS, schema={n: SCHEMA[n] for n in EVENTS[0]})


def lines(**chosen: Any) -> list[int]:
    test = Selection(**chosen).test()
    assert test is not None
    return FRAME.filter(test).get_column("line").to_list()


def test_nothing_chosen_is_no_test_at_all() -> None:
    assert Selection().test() is None


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"hosts": ("mx1",)}, [1, 4]),
        ({"hosts": ("mx1", "mx2")}, [1, 2, 4]),
        ({"mtas": ("exim", "sendmail")}, [2, 3]),
        ({"directions": ("inbound", "local")}, [1, 3]),
        ({"codes": ("550",)}, [1]),
        ({"codes": ("4xx", "2xx")}, [2, 4]),
        ({"codes": ("4.7.1", "550")}, [1, 2]),
        ({"codes": ("5xx",), "mtas": ("exim",)}, []),
        ({"domains": ("sender.test",)}, [1]),
        ({"domains": ("LAB.test.",)}, [1, 2]),
        ({"domains": ("@lab.test",)}, [1, 2]),
        ({"domains": ("sub.lab.test",)}, [2]),
        ({"domains": ("else.test",)}, [4]),
        ({"domains": ("test",)}, [1, 2, 3, 4]),
    ],
)
def test_choice(chosen: dict[str, Any], expected: list[int]) -> None:
    assert lines(**chosen) == expected


def test_domain_of_nothing_chooses_nothing() -> None:
    assert lines(domains=("",)) == []


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_since_is_included_and_until_is_not_in_any_zone(zone: str) -> None:
    at = [
        datetime(2026, 11, 22, hour, tzinfo=UTC).astimezone(ZoneInfo(zone)) for hour in (13, 14, 15)
    ]
    assert lines(since=at[1]) == [2, 3]
    assert lines(until=at[1]) == [1]
    assert lines(since=at[0], until=at[2]) == [1, 2]


def test_events_without_time_are_in_no_period() -> None:
    assert 4 not in lines(since=datetime(1971, 1, 1, tzinfo=UTC))
    assert 4 not in lines(until=datetime(2999, 1, 1, tzinfo=UTC))


def test_doubled_hour_is_the_pass_that_is_meant() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    frame = pl.DataFrame(
        {"line": [1, 2], "time": [datetime(2026, 10, 25, h, 30, tzinfo=UTC) for h in (0, 1)]},
        schema_overrides={"time": SCHEMA["time"]},
    )
    for fold, expected in ((0, [1, 2]), (1, [2])):
        test = Selection(since=datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin)).test()
        assert test is not None
        assert frame.filter(test).get_column("line").to_list() == expected
