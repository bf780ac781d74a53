"""What postscreen did, and TLS in and out, against what stands in the lines."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import bent_samples
from section_reader import SAMPLE_LOGS, listings_of

from reports.model import Listing

NAMES = ("postscreen", "tls")
STAMP = "2026-11-23T13:41:47.000000+00:00 mx1 postfix/"
CIPHER = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
LOG = [
    STAMP + line
    for line in (
        "postscreen[251]: CONNECT from [203.0.113.80]:57077 to [192.0.2.25]:25",
        r"postscreen[251]: PREGREET 65 after 0 from [203.0.113.80]:57077: EHLO PASS NEW\r\n",
        "postscreen[251]: DNSBL rank 3 for [203.0.113.80]:57077",
        "postscreen[251]: BDAT without valid RCPT from [203.0.113.80]:57077",
        "postscreen[251]: COMMAND TIME LIMIT from [203.0.113.80]:57077 after CONNECT",
        "postscreen[251]: DISCONNECT [203.0.113.80]:57077",
        # A client's name cannot write the protocol.
        "smtpd[258]: Anonymous TLS connection established from a.test[203.0.113.9] to x.test:"
        f" {CIPHER}",
        f"smtpd[258]: Trusted TLS connection established from b.test[203.0.113.10]: {CIPHER}",
        "smtpd[258]: TLS connection established from unknown[203.0.113.9]: TLSv1 with cipher"
        " DHE-RSA-AES256-SHA (256/256 bits)",
        f"smtp[257]: Verified TLS connection reused to mx.a.test[203.0.113.7]:25: {CIPHER}",
        "smtp[257]: setting up TLS connection to mx.a.test[203.0.113.7]:25",
        "smtpd[258]: SSL_accept error from a.test[203.0.113.9]: lost connection",
        "smtp[257]: SSL_connect error to mx.b.test[203.0.113.8]:25: -1",
    )
]


def tree_of(listing: Listing) -> list[tuple[object, ...]]:
    return [(row.level, *row.cells) for row in listing.rows]


def test_actions_of_postscreen() -> None:
    listing = listings_of(LOG, *NAMES)["postscreen.actions"]
    assert "1 connections of 1 clients" in listing.title
    assert {row.cells for row in listing.rows if row.level == 0} == {
        (1, "CONNECT"),
        (1, "PREGREET"),
        (1, "DNSBL rank 3"),
        (1, "BDAT without valid RCPT"),
        (1, "COMMAND TIME LIMIT"),
        (1, "DISCONNECT"),
    }
    assert {row.cells for row in listing.rows if row.level == 1} == {(1, "203.0.113.80")}


def test_tls() -> None:
    found = listings_of(LOG, *NAMES)
    assert tree_of(found["tls.inbound"]) == [
        (0, 1, "(not told)"),
        (1, 1, "TLSv1"),
        (2, 1, "DHE-RSA-AES256-SHA"),
        (0, 1, "Anonymous"),
        (1, 1, "TLSv1.3"),
        (2, 1, "TLS_AES_256_GCM_SHA384"),
        (0, 1, "Trusted"),
        (1, 1, "TLSv1.3"),
        (2, 1, "TLS_AES_256_GCM_SHA384"),
    ]
    assert tree_of(found["tls.servers"]) == [
        (0, 1, "mx.a.test"),
        (1, 1, "Verified"),
        (2, 1, "TLSv1.3"),
    ]
    assert tree_of(found["tls.errors"]) == [
        (0, 1, "SSL_accept error (peer): lost connection"),
        (1, 1, "203.0.113.9"),
        (0, 1, "SSL_connect error (peer): -1"),
        (1, 1, "mx.b.test"),
    ]


def test_postscreen_of_a_real_log() -> None:
    log = SAMPLE_LOGS / "postfix-postscreen.log"
    pattern = (
        r"postscreen\[[0-9]+\]: (?:NOQUEUE: )?(CONNECT|DISCONNECT|PASS (?:NEW|OLD)|PREGREET|HANGUP"
        r"|DNSBL rank [0-9]+|DENYLISTED|ALLOWLISTED|BARE NEWLINE|COMMAND PIPELINING"
        r"|NON-SMTP COMMAND|DATA without valid RCPT|reject CONNECT|reject: RCPT)\b"
    )
    expected = Counter(
        m[1] for line in log.read_text("utf-8").splitlines() if (m := re.search(pattern, line))
    )
    found = Counter[str]()
    for row in listings_of(log, *NAMES)["postscreen.actions"].rows:
        if row.level == 0:
            name = str(row.cells[1])
            found["reject: RCPT" if name.startswith("reject RCPT") else name] += int(
                str(row.cells[0])
            )
    assert expected
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("size", [700, 3000])
@pytest.mark.parametrize("name", ["postfix-postscreen", "postfix-rfc3164", "postfix-protocol"])
def test_any_cut_gives_the_same(name: str, size: int) -> None:
    log = SAMPLE_LOGS / f"{name}.log"
    assert listings_of(log, *NAMES, size=size) == listings_of(log, *NAMES)


@given(st.lists(bent_samples(), max_size=30))
@settings(max_examples=15, deadline=None)
def test_whatever_a_log_says_is_survived(lines: list[str]) -> None:
    listings_of(lines, *NAMES, top=3)


def test_empty_log() -> None:
    assert all(not listing.rows for listing in listings_of([], *NAMES).values())
