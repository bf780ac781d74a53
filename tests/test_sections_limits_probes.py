"""Limits on clients and address verification, against what stands in the lines."""

import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import bent_samples
from section_reader import SAMPLE_LOGS, events_of, listings_of

from reports.model import Listing

NAMES = ("limits", "probes")
STAMP = "2026-11-23T13:41:47.000000+00:00 mx1 postfix/"
CLIENTS = ("203.0.113.9", "2001:db8::9", "198.51.100.7")
ANVIL = st.lists(
    st.tuples(
        st.sampled_from(["connection rate", "connection count", "message rate", "auth rate"]),
        st.integers(1, 500),
        st.sampled_from(CLIENTS),
    ),
    max_size=20,
)


def anvil(what: str, peak: int, client: str) -> str:
    per = "" if what.endswith("count") else "/60s"
    return (
        f"{STAMP}anvil[9]: statistics: max {what} {peak}{per} for (smtp:{client}) at Nov 23 13:31"
    )


def rows(listing: Listing) -> list[tuple[object, ...]]:
    return [(row.level, *row.cells) for row in listing.rows]


@given(ANVIL)
@settings(max_examples=25, deadline=None)
def test_peaks_are_the_highest_that_anvil_told(told: list[tuple[str, int, str]]) -> None:
    peaks: dict[tuple[str, str], int] = defaultdict(int)
    times: Counter[tuple[str, str]] = Counter()
    for what, peak, client in told:
        named = what if what.endswith("count") else f"{what} (per 60 s)"
        peaks[named, client] = max(peaks[named, client], peak)
        times[named, client] += 1
    log = [anvil(*line) for line in told]
    found = listings_of(log, "limits")["limits.peaks"]
    assert {(r[1], r[4]): r[2] for r in rows(found)} == peaks
    assert {(r[1], r[4]): r[3] for r in rows(found)} == times
    for what in {key[0] for key in peaks}:
        shown = [int(str(r[2])) for r in rows(found) if r[1] == what]
        assert shown == sorted(shown, reverse=True)
    assert listings_of(log, "limits", size=150) == listings_of(log, "limits")


def test_a_peak_of_no_client_is_of_all() -> None:
    log = [f"{STAMP}anvil[9]: statistics: max cache size 4 at Nov 23 13:31:47"]
    found = listings_of(log, "limits")["limits.peaks"]
    assert rows(found) == [(0, "cache size", 4, 1, "(all clients)")]


LIMITED = [
    STAMP + "smtpd[7]: " + line
    for line in (
        "warning: Connection rate limit exceeded: 51 from a.test[203.0.113.9] for service smtp",
        "warning: Connection concurrency limit exceeded: 51 from a.test[203.0.113.9] for service smtp",
        "warning: Recipient address rate limit exceeded: 9 from b.test[203.0.113.8] for service smtp",
        "too many errors after RCPT from b.test[203.0.113.8]",
        "NOQUEUE: reject: RCPT from b.test[203.0.113.8]: 550 5.1.1 <x@d.test>: Recipient address"
        " rejected: User unknown; from=<a@b.test> to=<x@d.test> proto=SMTP helo=<too-many-errors>",
    )
]


def test_who_ran_into_a_limit() -> None:
    found = listings_of(LIMITED, "limits")["limits.hits"]
    clients = Counter[object]()
    for row in rows(found):
        if row[0] == 1:
            clients[row[-1]] += int(str(row[1]))
    assert clients == {"203.0.113.9": 2, "203.0.113.8": 2}
    codes = {re.sub(r" [0-9.]+", "", str(row[2])) for row in rows(found) if row[0] == 0}
    assert "421 implied" in codes


PROBES = [
    f"{STAMP}smtp[8]: 4AAAAAA000{n}: to=<{to}>, relay=mx.d.test[192.0.2.4]:25, delay=1,"
    f" delays=0/0/0.5/0.5, dsn={said[4:9]}, status={status} ({text})"
    for n, (to, status, said) in enumerate(
        [
            ("a@d.test", "deliverable", "250 2.1.5 Ok"),
            ("A@d.test", "deliverable", "250 2.1.5 Ok"),
            ("b@d.test", "undeliverable", "550 5.1.1 No such user"),
            ("c+status=deliverable@d.test", "undeliverable", "550 5.1.1 No such user"),
        ]
    )
    for text in [
        said
        if status == "deliverable"
        else f"host mx.d.test[192.0.2.4] said: {said} (in reply to RCPT TO command)"
    ]
]


def test_addresses_that_were_asked_about() -> None:
    found = rows(listings_of(PROBES, "probes")["probes.answers"])
    assert [(r[1], r[-1]) for r in found if r[0] == 0] == [(2, "deliverable"), (2, "undeliverable")]
    assert {(r[1], r[-1]) for r in found if r[0] == 2} == {
        (2, "a@d.test"),
        (1, "b@d.test"),
        (1, "c+status=deliverable@d.test"),
    }


@pytest.mark.parametrize("name", ["postfix-rfc3164.log", "exim-mainlog.log"])
@pytest.mark.parametrize("size", [1500, 9000])
def test_probes_of_real_logs_and_any_cut(name: str, size: int) -> None:
    log = SAMPLE_LOGS / name
    whole = listings_of(log, *NAMES)
    assert listings_of(log, *NAMES, size=size) == whole
    asked = [e for e in events_of(log, *NAMES) if e["kind"] == "probe" and e["outcome"]]
    told = rows(whole["probes.answers"])
    assert asked
    assert sum(int(str(r[1])) for r in told if r[0] == 0) == sum(e["count"] for e in asked)


@given(st.lists(bent_samples(), max_size=25))
@settings(max_examples=10, deadline=None)
def test_whatever_a_log_says_is_survived(lines: list[str]) -> None:
    for listing in listings_of(lines, *NAMES, top=3).values():
        assert all(len(row.cells) == len(listing.columns) for row in listing.rows)
