import json
from datetime import UTC, datetime
from typing import NamedTuple
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import header, styles
from parsers.clock import Clock
from parsers.header import Headers, read_headers

CLOCK = Clock("UTC", latest=datetime(2026, 11, 30))
NOON = datetime(2026, 11, 23, 14, 9, 10, tzinfo=UTC)


class Said(NamedTuple):
    """A line's header taken apart."""

    style: str | None
    time: datetime | None
    host: str | None
    tag: str | None
    pid: int | None
    message: str


def taken_apart(headers: Headers) -> list[Said]:
    lines, origins = headers
    joined = lines.join(origins, on="origin", how="left", maintain_order="left")
    assert joined.get_column("row").to_list() == list(range(joined.height))
    return [Said(**row) for row in joined.select(Said._fields).iter_rows(named=True)]


def read(*lines: str) -> list[Said]:
    return taken_apart(read_headers(pl.Series(lines, dtype=pl.String), CLOCK))


def journal(**fields: object) -> str:
    known = {
        "__REALTIME_TIMESTAMP": "1795442950123456",
        "_HOSTNAME": "mx1",
        "SYSLOG_IDENTIFIER": "postfix/smtpd",
        "_PID": "251",
        "MESSAGE": "connect",
    }
    return json.dumps(known | fields)


MICROS = NOON.replace(microsecond=123_456)
BOM = "\ufeff"

STYLES: dict[str, tuple[str, Said]] = {
    "RFC 3164": (
        "Nov 23 14:09:10 mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 3164, day padded": (
        "Mar  7 03:10:01 mx1 postfix/qmgr[9]: A: removed",
        Said(
            "rfc3164",
            datetime(2026, 3, 7, 3, 10, 1, tzinfo=UTC),
            "mx1",
            "postfix/qmgr",
            9,
            "A: removed",
        ),
    ),
    "RFC 3164, day not padded": (
        "Mar 7 03:10:01 mx1 postfix/qmgr[9]: A: removed",
        Said(
            "rfc3164",
            datetime(2026, 3, 7, 3, 10, 1, tzinfo=UTC),
            "mx1",
            "postfix/qmgr",
            9,
            "A: removed",
        ),
    ),
    "RFC 3164 with priority": (
        "<22>Nov 23 14:09:10 mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 3164 without pid": (
        "Nov 23 14:09:10 mx1 postfix: fatal: no such file",
        Said("rfc3164", NOON, "mx1", "postfix", None, "fatal: no such file"),
    ),
    "RFC 3164 without tag": (
        "Nov 23 14:09:10 mx1 last message repeated 3 times",
        Said("rfc3164", NOON, "mx1", None, None, "last message repeated 3 times"),
    ),
    "RFC 3164, host an address": (
        "Nov 23 14:09:10 2001:db8::25 sm-mta[7]: x",
        Said("rfc3164", NOON, "2001:db8::25", "sm-mta", 7, "x"),
    ),
    "date that does not exist": (
        "Feb 30 14:09:10 mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", None, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "BSD, facility by name": (
        "Nov 23 14:09:10 <mail.notice> mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "BSD, facility by number": (
        "<22>Nov 23 14:09:10 mx1 sm-mta[251]: connect",
        Said("rfc3164", NOON, "mx1", "sm-mta", 251, "connect"),
    ),
    "container, level padded where the host stands": (
        "2026-11-23T16:09:10+02:00 INFO    postfix/qmgr[124]: 4F9D195432C: removed",
        Said("iso-level", NOON, None, "postfix/qmgr", 124, "4F9D195432C: removed"),
    ),
    "BusyBox": (
        "Nov 23 14:09:10 mx1 mail.info postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "Solaris": (
        "Nov 23 14:09:10 mx1 sendmail[251]: [ID 801593 mail.info] 6ANE1XAm000132: from=<>",
        Said("rfc3164", NOON, "mx1", "sendmail", 251, "6ANE1XAm000132: from=<>"),
    ),
    "docker compose": (
        "mail-1  | Nov 23 14:09:10 mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "docker compose, RFC 3339": (
        "mail_server-1 | 2026-11-23T14:09:10.123456+00:00 mx1 postfix/smtpd[251]: connect",
        Said("iso", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "docker logs -t": (
        "2026-11-23T20:00:00.000000001Z Nov 23 14:09:10 mx1 postfix/smtpd[251]: connect",
        Said("rfc3164", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 3339": (
        "2026-11-23T14:09:10.123456+00:00 mx1 postfix/smtpd[251]: connect",
        Said("iso", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 3339 of another zone": (
        "2026-11-23T15:09:10+01:00 mx1 postfix/smtpd[251]: connect",
        Said("iso", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 3339, Zulu": (
        "2026-11-23T14:09:10.123456Z mx1 postfix/smtpd[251]: connect",
        Said("iso", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "journalctl short-iso": (
        "2026-11-23T15:09:10+0100 mx1 postfix/smtpd[251]: connect",
        Said("iso", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "journalctl short-iso-precise": (
        "2026-11-23T15:09:10.123456+0100 mx1 postfix/smtpd[251]: connect",
        Said("iso", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "journalctl short-full": (
        "Mon 2026-11-23 14:09:10 UTC mx1 postfix/smtpd[251]: connect",
        Said("journal-full", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "journalctl json": (
        journal(),
        Said("journal-json", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "journalctl json, message of bytes": (
        journal(MESSAGE=list("a\x1b[31m é".encode())),
        Said("journal-json", MICROS, "mx1", "postfix/smtpd", 251, "a\x1b[31m é"),
    ),
    "journalctl json, bytes that are no text": (
        journal(MESSAGE=list(b"caf\xe9")),
        Said("journal-json", MICROS, "mx1", "postfix/smtpd", 251, "caf\\xe9"),
    ),
    "journalctl json, quotes and line ends": (
        journal(MESSAGE='a "b"\n\\c'),
        Said("journal-json", MICROS, "mx1", "postfix/smtpd", 251, 'a "b"\n\\c'),
    ),
    "RFC 5424": (
        "<22>1 2026-11-23T14:09:10.123456+00:00 mx1 postfix/smtpd 251 - - connect",
        Said("rfc5424", MICROS, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 5424 as rsyslog writes it": (
        "<22>1 2026-11-23T14:09:10.123456+00:00 mx1 postfix 251 - -  connect",
        Said("rfc5424", MICROS, "mx1", "postfix", 251, "connect"),
    ),
    "RFC 5424 without pid": (
        "<22>1 2026-11-23T14:09:10Z mx1 postfix/smtpd - - - connect",
        Said("rfc5424", NOON, "mx1", "postfix/smtpd", None, "connect"),
    ),
    "RFC 5424 with structured data": (
        '<22>1 2026-11-23T14:09:10Z mx1 postfix/smtpd 251 ID47 [a@1 x="1] b" y="\\"]"][c] connect',
        Said("rfc5424", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 5424 with byte order mark": (
        f"<22>1 2026-11-23T14:09:10Z mx1 postfix/smtpd 251 - - {BOM}connect",
        Said("rfc5424", NOON, "mx1", "postfix/smtpd", 251, "connect"),
    ),
    "RFC 5424 without message": (
        "<22>1 2026-11-23T14:09:10Z mx1 postfix/smtpd 251 - -",
        Said("rfc5424", NOON, "mx1", "postfix/smtpd", 251, ""),
    ),
    "Exim": (
        "2026-11-23 14:09:10 1xVUOB-00001P-20 Completed",
        Said("exim", NOON, None, "exim", None, "1xVUOB-00001P-20 Completed"),
    ),
    "Exim with milliseconds": (
        "2026-11-23 14:09:10.123 1xVUOB-00001P-20 Completed",
        Said(
            "exim",
            NOON.replace(microsecond=123_000),
            None,
            "exim",
            None,
            "1xVUOB-00001P-20 Completed",
        ),
    ),
    "Exim with zone": (
        "2026-11-23 15:09:10 +0100 1xVUOB-00001P-20 Completed",
        Said("exim", NOON, None, "exim", None, "1xVUOB-00001P-20 Completed"),
    ),
    "Exim with pid": (
        "2026-11-23 14:09:10 [87] 1xVUOB-00001P-20 Completed",
        Said("exim", NOON, None, "exim", 87, "1xVUOB-00001P-20 Completed"),
    ),
    "Exim with all": (
        "2026-11-23 15:09:10.123 +0100 [87] 1xVUOB-00001P-20 Completed",
        Said(
            "exim",
            NOON.replace(microsecond=123_000),
            None,
            "exim",
            87,
            "1xVUOB-00001P-20 Completed",
        ),
    ),
    "no header": ("Envelope-from: <>", Said(None, None, None, None, None, "Envelope-from: <>")),
    "empty line": ("", Said(None, None, None, None, None, "")),
    "web server": (
        '192.0.2.1 - - [23/Nov/2026:14:09:10 +0000] "GET / HTTP/1.1" 200 612',
        Said(
            None,
            None,
            None,
            None,
            None,
            '192.0.2.1 - - [23/Nov/2026:14:09:10 +0000] "GET / HTTP/1.1" 200 612',
        ),
    ),
}


@pytest.mark.parametrize("name", STYLES)
def test_header_style(name: str) -> None:
    line, expected = STYLES[name]
    assert read(line) == [expected]


@pytest.mark.parametrize("name", STYLES)
def test_header_style_in_a_log_of_its_own(name: str) -> None:
    # Many like lines take the short way, where there is one.
    line, expected = STYLES[name]
    assert read(*[line] * 100) == [expected] * 100


def test_all_styles_in_one_log_keep_their_order() -> None:
    lines = [line for line, _ in STYLES.values()] * 5
    assert read(*lines) == [expected for _, expected in STYLES.values()] * 5


@pytest.mark.parametrize(
    "message",
    [
        "from=<Nov 23 14:09:10 evil postfix/smtpd[1]: x>",
        "2026-11-23T14:09:10Z evil postfix/smtpd[1]: x",
        "helo=<x]: y> postfix/qmgr[1]: A: removed",
        "]: ]: ",
        "",
        " ",
        "mail.info postfix/qmgr[1]: A: removed",
        "[ID 1] x",
        "a\nb",
        "\x1b[31m",
        "é" * 3,
    ],
)
@pytest.mark.parametrize("count", [1, 100])
def test_message_cannot_choose_host_tag_or_time(message: str, count: int) -> None:
    for head, style in (
        ("Nov 23 14:09:10 mx1 postfix/smtpd[251]: ", "rfc3164"),
        ("2026-11-23T14:09:10Z mx1 postfix/smtpd[251]: ", "iso"),
        ("<22>1 2026-11-23T14:09:10Z mx1 postfix/smtpd 251 - - ", "rfc5424"),
    ):
        if style == "rfc5424" and message.startswith(" "):
            continue  # rsyslog's own second blank
        expected = Said(style, NOON, "mx1", "postfix/smtpd", 251, message)
        assert read(*[head + message] * count) == [expected] * count


def test_every_style_has_a_line_here() -> None:
    assert {s.name for s in styles.STYLES} <= {said.style for _, said in STYLES.values()}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"MESSAGE":',
        '{"MESSAGE":null}',
        '{"MESSAGE":[300,-1,"x"],"__REALTIME_TIMESTAMP":"1"}',
        '{"MESSAGE":{"a":1},"__REALTIME_TIMESTAMP":"1"}',
        journal(__REALTIME_TIMESTAMP="999999999999999999999"),
        journal(__REALTIME_TIMESTAMP="-1"),
        journal(_PID="x"),
        journal(_HOSTNAME=None),
        journal(MESSAGE=[]),
        journal(MESSAGE=None),
        journal(MESSAGE="\ud800"),
    ],
)
def test_odd_journal_entries_neither_raise_nor_harm_their_neighbours(line: str) -> None:
    good, expected = STYLES["journalctl json"]
    assert read(good, line, good)[::2] == [expected, expected]


# --- The short way takes a line only as the pattern would

# Good parts of a line, and odd ones of which each line gets a few.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "before": ("", ("<22>", "<22>1 ", "mail-1 | ", " ", "2026-11-23T14:09:10Z ")),
    "date": (
        "Nov 23",
        (
            *("nov 23", "NOV 23", "Nov\t23", "Nov  7", "Nov 7", "Nov 07", "Nov +7", "Feb 30"),
            *("Foo 23", "2026-11-23", "2026-02-30", "0000-01-01", "26-11-23"),
        ),
    ),
    "between": (" ", ("  ", "\t", "", "T", "t")),
    "clock": (
        "14:09:10",
        ("24:00:00", "1:09:10", " 4:09:10", "14:09:60", "14:9:10", "14-09-10", "14:09:10 "),
    ),
    "zone": ("", (".5", ",064668", ".0646681234", "Z", "+01:00", "-0130", " +0100", " UTC")),
    "host": (" mx1 ", (" mx2 ", " ", "  ", " mx 1 ", " é ", " a]: ", " mail.info ", "")),
    "facility": ("", ("mail.info ", "<mail.info> ", "mail.info  ", "[ID 1 mail.info] ")),
    "tag": (
        "postfix/smtpd[251]: ",
        (
            *("a: ", "[1]: ", "a[]: ", "a[12345678901]: ", "a[1]:", "a[1]:  ", "a[1] ", "é[1]: "),
            *("a b[1]: ", "a[b][1]: ", "a:b[1]: ", "", "a" * 81 + "[1]: ", "a\\[1]: "),
            "a[1]: b[2]: ",
        ),
    ),
    "message": ("connect", ("", " ", "A: x]: y", "[ID 1 mail.info] x", "é\x00", "a\rb")),
}


@st.composite
def syslog_lines(draw: st.DrawFn) -> str:
    odd = draw(st.sets(st.sampled_from(sorted(PARTS)), max_size=2))
    iso = {"date": "2026-11-23", "between": "T"} if draw(st.booleans()) else {}
    return "".join(
        draw(st.sampled_from(others)) if name in odd else iso.get(name, good)
        for name, (good, others) in PARTS.items()
    )


COMMON = st.sampled_from(
    [
        line
        for line, said in STYLES.values()
        if said.style in ("rfc3164", "iso") and "\n" not in line
    ]
)


@given(
    common=st.lists(COMMON, min_size=1, max_size=3),
    others=st.lists(syslog_lines() | st.text(max_size=40), max_size=30),
)
@settings(deadline=None, max_examples=60)
def test_short_way_and_pattern_find_the_same(common: list[str], others: list[str]) -> None:
    lines = pl.Series((common * 80)[:80] + others, dtype=pl.String)
    short = taken_apart(read_headers(lines, CLOCK))
    with mock.patch.object(header, "_common_stamps", return_value=[]):
        by_pattern = taken_apart(read_headers(lines, CLOCK))
    assert short == by_pattern
