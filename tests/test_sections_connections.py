"""Connections to smtpd and how long they lasted."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import bent_samples
from section_reader import SAMPLE_LOGS, Rows, cells, events_of, listings_of

NAME = "connections"
START = datetime(2026, 11, 23, 13, 41, 47)


def line(seconds: float, pid: int, text: str, daemon: str = "postfix/smtpd") -> str:
    time = START + timedelta(seconds=seconds)
    return f"{time.isoformat(timespec='milliseconds')}+00:00 mx1 {daemon}[{pid}]: {text}"


REAL = [
    line(0, 251, "connect from client-20.isp.test[203.0.113.20]"),
    line(1, 252, "connect from unknown[203.0.113.21]"),
    line(2.5, 251, "disconnect from client-20.isp.test[203.0.113.20] ehlo=1 quit=1 commands=2"),
    line(3, 251, "connect from client-20.isp.test[203.0.113.20]"),
    # Neither begins nor ends a connection.
    line(4, 251, "lost connection after CONNECT from client-20.isp.test[203.0.113.20]"),
    line(4.5, 251, "disconnect from client-20.isp.test[203.0.113.20] commands=0/0"),
    # No end in the log; the next client's is not its own.
    line(5, 253, "connect from unknown[unknown]"),
    line(6, 253, "connect from unknown[203.0.113.22]"),
    line(7, 253, "disconnect from unknown[203.0.113.22] ehlo=1 vrfy=0/2 quit=1 commands=2/4"),
    # The day after, and to a daemon of its own.
    line(86400, 254, "connect from unknown[203.0.113.21]", "postfix/submission/smtpd"),
    line(86430, 254, "disconnect from unknown[203.0.113.21]", "postfix/submission/smtpd"),
    line(86431, 252, "disconnect from unknown[203.0.113.21] ehlo=1 quit=1 commands=2"),
    line(86432, 260, "CONNECT from [203.0.113.80]:57077 to [192.0.2.25]:25", "postfix/postscreen"),
]


def test_connections_and_their_times() -> None:
    found = listings_of(REAL, NAME)
    long = 86430.0
    assert cells(found["connections.daemons"]) == [
        (5, 4, 2.5 + 1.5 + 1 + long, round((5 + long) / 4, 1), long, "smtpd"),
        (1, 1, 30.0, 30.0, 30.0, "submission/smtpd"),
    ]
    assert "4 clients" in found["connections.daemons"].title
    assert [row[:3] for row in cells(found["connections.days"])] == [
        ("2026-11-23", 5, 4),
        ("2026-11-24", 1, 1),
    ]
    assert [row[1:4] for row in cells(found["connections.hours"])] == [
        (5, 4, 5 + long),
        (1, 1, 30.0),
    ]
    assert cells(found["connections.clients"]) == [
        (2, 2, 30 + long, round((30 + long) / 2, 1), long, "203.0.113.21"),
        (2, 2, 4.0, 2.0, 2.5, "client-20.isp.test [203.0.113.20]"),
        (1, 1, 1.0, 1.0, 1.0, "203.0.113.22"),
        (1, 0, 0.0, None, None, "unknown"),
    ]


@pytest.mark.parametrize("size", [100, 250, 400, 900])
def test_connections_across_cuts(size: int) -> None:
    assert listings_of(REAL, NAME, size=size) == listings_of(REAL, NAME)


def oracle(events: Rows) -> dict[str, list[float]]:
    """Lengths of the connections of each client, -1 where the end is missing."""
    under_way: dict[tuple[Any, ...], list[Any]] = {}
    lengths: dict[str, list[float]] = defaultdict(list)

    def close(begun: list[Any]) -> None:
        client, start, end = begun
        lengths[client].append(-1 if end is None else (end - start).total_seconds())

    for e in events:
        if e["kind"] != "session" or not str(e["service"]).endswith("smtpd"):
            continue
        if e["command"] or e["reply_code"] or e["reply_text"]:
            continue
        process = (e["host"], e["service"], e["pid"])
        client = e["client_ip"] or e["client_name"] or "unknown"
        if e["stage"] == "CONNECT":
            if process in under_way:
                close(under_way[process])
            under_way[process] = [client, e["time"], None]
        elif e["stage"] is None and process in under_way and under_way[process][0] == client:
            under_way[process][2] = e["time"]
    for begun in under_way.values():
        close(begun)
    return lengths


def lengths_are_right(log: Any, size: int) -> None:
    expected: dict[str, Any] = {
        client: (
            len(found),
            len(timed := [x for x in found if x >= 0]),
            pytest.approx(sum(timed), abs=0.00051),
            pytest.approx(max(timed), abs=0.00051) if timed else None,
        )
        for client, found in oracle(events_of(log, NAME)).items()
    }
    rows = cells(listings_of(log, NAME, size=size)["connections.clients"])
    found = {str(r[-1]).rpartition("[")[2].rstrip("]"): (r[0], r[1], r[2], r[4]) for r in rows}
    assert found == expected


@pytest.mark.parametrize("size", [700, 1500, 5000, 1 << 20])
@pytest.mark.parametrize(
    "name", ["iso", "rfc3164", "newyear", "protocol", "bsd", "solaris", "postscreen"]
)
def test_real_logs_as_a_plain_loop_sees_them(name: str, size: int) -> None:
    lengths_are_right(SAMPLE_LOGS / f"postfix-{name}.log", size)


@st.composite
def sessions(draw: st.DrawFn, *, ticks: int) -> list[str]:
    """A log of some processes that serve one client after the other; stamps of whole ticks."""
    chance = draw(st.randoms(use_true_random=False))
    lines: list[tuple[float, int, str]] = []
    for pid in range(250, 250 + draw(st.integers(1, 3))):
        for time, text in _served(chance, draw(st.integers(0, 8)), ticks):
            lines.append((time, pid, text))
    lines.sort(key=lambda x: x[0])
    # It begins within connections, or ends within some.
    begin = draw(st.integers(-2, 2))
    return [line(*x) for x in (lines[begin:] if begin >= 0 else lines[:begin])]


def _served(chance: random.Random, times: int, ticks: int) -> Iterator[tuple[float, str]]:
    now = 0.0
    for _ in range(times):
        client = chance.choice(["a.test[192.0.2.1]", "unknown[192.0.2.2]"])
        for text in (f"connect from {client}", f"disconnect from {client} quit=1 commands=1"):
            now += chance.randint(0 if ticks == 1 else 1, 4) / ticks
            yield now, text


@given(sessions(ticks=1), st.integers(80, 900))
@settings(max_examples=60, deadline=None)
def test_whole_seconds_do_not_hide_which_line_came_first(log: list[str], size: int) -> None:
    assert listings_of(log, NAME, size=size) == listings_of(log, NAME)


@given(sessions(ticks=100), st.integers(80, 900), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_lost_lines_do_not_make_other_connections_longer(
    log: list[str], size: int, chance: random.Random
) -> None:
    lengths_are_right([x for x in log if chance.random() < 0.8], size)


def test_lines_that_do_not_name_the_daemon_are_left_out_and_said() -> None:
    log = ["<22>1 2026-11-23T13:41:47.000+00:00 mx1 postfix 251 - - connect from a.test[192.0.2.1]"]
    found = listings_of(log, NAME)
    assert found["connections.daemons"].rows == ()
    assert "Left out: 1 lines" in found["connections.daemons"].note


@given(st.lists(bent_samples(), max_size=20))
@settings(max_examples=10, deadline=None)
def test_whatever_a_log_says_is_survived(lines: list[str]) -> None:
    for listing in listings_of(lines, NAME, top=2).values():
        cells(listing)


def test_empty_log() -> None:
    found = listings_of([], NAME)
    assert all(listing.rows == () for listing in found.values())
