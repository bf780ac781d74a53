"""What pflogsumm prints: days, domains, sizes, reasons, refusals, troubles; and pflogsumm itself."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import bent_samples, logs
from section_reader import (
    SAMPLE_LOGS,
    cells,
    events_of,
    last_attempts,
    listings_of,
    summary_of,
)

from analyzer.sections import Chosen, Shown
from reports.model import Listing

NAMES = (
    *("days", "domains", "sizes", "deferrals", "bounces", "expired", "rejects", "troubles"),
    "connections",
)
POSTFIX = ("postfix-rfc3164", "postfix-protocol", "postfix-iso", "postfix-postscreen")
LOGS = (*POSTFIX, "postfix-newyear", "exim-mainlog", "sendmail-rfc3164", "sendmail-auth")


def path_of(name: str) -> Path:
    return SAMPLE_LOGS / f"{name}.log"


STAMP = "2026-11-23T13:41:47.000000+00:00 mx1 postfix/"
LOG = [
    STAMP + line
    for line in (
        "smtpd[251]: 4cbdb56t4MzPjfw: client=client-20.isp.test[203.0.113.20]",
        "qmgr[247]: 4cbdb56t4MzPjfw: from=<a@Sender.test>, size=500, nrcpt=3 (queue active)",
        "smtp[257]: 4cbdb56t4MzPjfw: to=<ok@d1.test>, relay=mx.d1.test[198.51.100.10]:25,"
        " delay=0.25, delays=0.1/0/0.05/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as B64)",
        "smtp[257]: 4cbdb56t4MzPjfw: to=<late@D1.test>, relay=mx.d1.test[198.51.100.10]:25,"
        " delay=2, delays=1/0/0/1, dsn=4.7.1, status=deferred (host mx.d1.test[198.51.100.10]"
        " said: 451 4.7.1 <late@d1.test>: Greylisted (in reply to RCPT TO command))",
        "smtp[257]: 4cbdb56t4MzPjfw: to=<no@d2.test>, relay=mx.d2.test[198.51.100.11]:25,"
        " delay=3, delays=1/0/1/1, dsn=5.1.1, status=bounced (host mx.d2.test[198.51.100.11]"
        " said: 550 5.1.1 No such user here (in reply to RCPT TO command))",
        "smtp[257]: 4cbdb56t4MzPjfw: to=<late@d1.test>, relay=mx.d1.test[198.51.100.10]:25,"
        " delay=600.5, delays=600/0/0/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as B65)",
        "qmgr[247]: 4cbdb56t4MzPjfw: removed",
        # The message came in before the log begins.
        "smtp[257]: 4cbdb56t4MzPjgw: to=<old@d3.test>, relay=none, delay=90, delays=90/0/0/0,"
        " dsn=4.4.1, status=deferred (connect to mx.d3.test[198.51.100.12]:25: Connection refused)",
        "virtual[258]: 4cbdb56t4MzPjhw: to=<old@lab.test>, relay=virtual, delay=1,"
        " delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
        "qmgr[247]: 4cbdb56t4MzPjhw: removed",
        # Given up.
        "qmgr[247]: 4cbdb56t4MzPjgw: from=<a@sender.test>, status=expired, returned to sender",
        "qmgr[247]: 4cbdb56t4MzPjgw: removed",
        "smtpd[252]: NOQUEUE: reject: RCPT from client-20.isp.test[203.0.113.20]: 554 5.7.1"
        " <v@d1.test>: Relay access denied; from=<s@sender.test> to=<v@d1.test> proto=ESMTP"
        " helo=<h>",
        "smtpd[252]: NOQUEUE: reject: RCPT from unknown[203.0.113.21]: 550 5.1.1 <n@lab.test>:"
        " Recipient address rejected: User unknown; from=<s@sender.test> to=<n@lab.test>"
        " proto=ESMTP helo=<h>",
        "smtpd[252]: NOQUEUE: reject: RCPT from unknown[203.0.113.21]: 450 4.1.8 <s@bad.test>:"
        " Sender address rejected: Domain not found; from=<s@bad.test> to=<n@lab.test>"
        " proto=ESMTP helo=<h>",
        "smtpd[252]: disconnect from unknown[203.0.113.21] ehlo=1 vrfy=0/2 quit=1 commands=2/4",
        "smtpd[252]: 4cbdb56t4MzPjjw: hold: RCPT from unknown[203.0.113.21]: <x>: Helo command"
        " on suspicion; from=<s@sender.test> to=<n@lab.test> proto=ESMTP helo=<x>",
        "postsuper[300]: 4cbdb56t4MzPjkw: placed on hold",
        "smtpd[252]: warning: hostname evil-1.test does not resolve to address 203.0.113.77",
        "smtpd[252]: warning: hostname evil-2.test does not resolve to address 203.0.113.78",
        "smtpd[252]: fatal: no SASL authentication mechanisms",
        "cleanup[255]: panic: vbuf_print: message of 70000 bytes",
        "smtp[257]: connect to mx.d3.test[198.51.100.12]:25: Connection refused",
        "smtp[257]: connect to mx.d4.test[198.51.100.13]:25: Connection refused",
        "smtp[257]: connect to mx.d4.test[198.51.100.14]:25: Connection refused",
        "master[1]: daemon started -- version 3.7.11, configuration /etc/postfix",
        "master[1]: terminating on signal 15",
        "postfix-script[2]: starting the Postfix mail system",
    )
]


def tree_of(listing: Listing) -> list[tuple[Any, ...]]:
    """Level and cells."""
    return [(row.level, *row.cells) for row in listing.rows]


def test_domains_delivered_to() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["domains.delivered"]) == [
        (2, 1000, 1, 0, (0.25 + 600.5) / 2, 600.5, "d1.test"),
        # Nothing tells its size, nor that it came in.
        (1, 0, 0, 0, 1.0, 1.0, "lab.test"),
        (0, 0, 1, 0, None, 90.0, "d3.test"),
        # A refusal is no delay.
        (0, 0, 0, 1, None, None, "d2.test"),
    ]
    assert cells(found["domains.senders"]) == [(1, 500, "sender.test")]
    assert cells(found["domains.clients"]) == [(1, 500, "client-20.isp.test [203.0.113.20]")]


def test_sizes() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["sizes.senders"]) == [(500, 1, "a@Sender.test")]
    assert cells(found["sizes.recipients"]) == [
        (500, 1, "late@d1.test"),
        (500, 1, "ok@d1.test"),
        (0, 1, "old@lab.test"),
    ]
    assert cells(found["sizes.unknown"]) == [(1, "4cbdb56t4MzPjhw", "old@lab.test")]


def test_why_mail_was_put_off_refused_and_given_up() -> None:
    found = listings_of(LOG, *NAMES)
    assert tree_of(found["deferrals.reasons"]) == [
        (0, 1, None, "(no relay)"),
        (1, 1, "4.4.1", "connect to mx.d3.test[(ip)]:25: Connection refused"),
        (0, 1, None, "mx.d1.test"),
        (1, 1, "451 4.7.1", "<(address)>: Greylisted"),
    ]
    assert tree_of(found["bounces.reasons"]) == [
        (0, 1, None, "mx.d2.test"),
        (1, 1, "550 5.1.1", "No such user here"),
    ]
    [relay, cause] = tree_of(found["expired.reasons"])
    assert relay == (0, 1, None, "(no relay)")
    assert cause[:3] == (1, 1, "4.4.1")


def test_refusals_by_stage_reason_and_whom() -> None:
    found = listings_of(LOG, *NAMES)
    rows = tree_of(found["rejects.rejected"])
    assert rows[:7] == [
        (0, 3, None, "RCPT"),
        (1, 1, "550 5.1.1", "<(address)>: Recipient address rejected: User unknown"),
        (2, 1, None, "n@lab.test"),
        (1, 1, "554 5.7.1", "<(address)>: Relay access denied"),
        (2, 1, None, "client-20.isp.test [203.0.113.20]"),
        (1, 1, "450 4.1.8", "<(address)>: Sender address rejected: Domain not found"),
        (2, 1, None, "s@bad.test"),
    ]
    # Which no line prints, but the counters prove.
    [stage, reason, who] = rows[7:]
    assert stage == (0, 2, None, "VRFY")
    assert reason[:3] == (1, 2, "502 implied")
    assert "VRFY" in reason[3]
    assert who == (2, 2, None, "203.0.113.21")
    assert tree_of(found["rejects.held"]) == [
        (0, 1, None, "(outside of a session)"),
        (1, 1, None, "placed on hold"),
        (2, 1, None, "(not in the line)"),
        (0, 1, None, "RCPT"),
        (1, 1, None, "<user>: Helo command on suspicion"),
        (2, 1, None, "203.0.113.21"),
    ]
    assert "rejects.discarded" not in found


def test_troubles_by_daemon() -> None:
    found = listings_of(LOG, *NAMES)
    of = {k: tree_of(v) for k, v in found.items() if k.startswith("troubles.")}
    assert of == {
        "troubles.panic": [
            (0, 1, "cleanup"),
            (1, 1, "vbuf_print: message of (#) bytes"),
        ],
        "troubles.fatal": [(0, 1, "smtpd"), (1, 1, "no SASL authentication mechanisms")],
        "troubles.warning": [
            (0, 2, "smtpd"),
            (1, 2, "hostname (name) does not resolve to address (ip)"),
        ],
        "troubles.master": [
            (0, 2, "master"),
            (1, 1, "daemon started -- version 3.7.11, configuration /etc/postfix"),
            (1, 1, "terminating on signal 15"),
        ],
        "troubles.notice": [(0, 1, "postfix-script"), (1, 1, "starting the Postfix mail system")],
        "troubles.servers": [
            (0, 3, "connect to (server): Connection refused"),
            (1, 2, "mx.d4.test"),
            (1, 1, "mx.d3.test"),
        ],
    }


def test_a_tree_says_how_much_it_does_not_show() -> None:
    whole = listings_of(path_of("postfix-protocol"), "rejects")["rejects.rejected"]
    short = listings_of(path_of("postfix-protocol"), "rejects", top=1)["rejects.rejected"]
    assert short.distinct == whole.distinct == len([r for r in whole.rows if r.level == 0])
    tops = [row for row in short.rows if row.level == 0]
    assert len(tops) == 2
    assert str(tops[-1].cells[-1]) == f"({whole.distinct - 1} more)"
    total = sum(int(str(r.cells[0])) for r in whole.rows if r.level == 0)
    assert sum(int(str(r.cells[0])) for r in tops) == total


@pytest.mark.parametrize("name", LOGS)
def test_every_parent_is_the_sum_of_its_children(name: str) -> None:
    for top in (None, 2):
        for key, listing in listings_of(path_of(name), *NAMES, top=top).items():
            if not key.startswith(("rejects.", "troubles.", "deferrals.", "bounces.", "expired.")):
                continue
            under: dict[int, int] = {}
            for row in reversed(listing.rows):
                count = int(str(row.cells[0]))
                if row.level + 1 in under:
                    assert under.pop(row.level + 1) == count
                under[row.level] = under.get(row.level, 0) + count


@pytest.mark.parametrize("name", LOGS)
def test_sums_are_those_of_the_events(name: str) -> None:
    log = path_of(name)
    found = listings_of(log, *NAMES)
    events = events_of(log, *NAMES)

    def top_sums(key: str) -> int:
        listing = found.get(key)
        return sum(int(str(r.cells[0])) for r in listing.rows if not r.level) if listing else 0

    ended = Counter[str]()
    for e in events:
        if e["kind"] in ("delivery", "reject") or e["outcome"] in ("held", "discarded", "warned"):
            ended[f"{e['kind']} {e['outcome']}"] += e["count"]
    assert top_sums("deferrals.reasons") == ended["delivery deferred"]
    assert top_sums("bounces.reasons") == ended["delivery bounced"]
    assert top_sums("rejects.rejected") == ended["reject rejected"]
    for outcome in ("held", "discarded", "warned"):
        of_any = sum(n for what, n in ended.items() if what.endswith(f" {outcome}"))
        assert top_sums(f"rejects.{outcome}") == of_any
    system = sum(e["count"] for e in events if e["kind"] == "system")
    keys = ("panic", "fatal", "error", "warning", "master", "notice")
    assert sum(top_sums(f"troubles.{k}") for k in keys) == system


@pytest.mark.parametrize("name", [n for n in LOGS if n != "exim-mainlog"])
def test_domains_are_the_sums_of_a_plain_loop(name: str) -> None:
    log = path_of(name)
    events = events_of(log, *NAMES)
    expected: dict[str, list[Any]] = {}
    for e in events:
        if e["kind"] != "delivery" or not e["recipient"] or e["outcome"] == "expired":
            continue
        domain = (e["recipient"].lower().rpartition("@") if "@" in e["recipient"] else "..")[2]
        row = expected.setdefault("(local)" if domain == "." else domain, [0, 0, 0, []])
        row[("sent", "deferred", "bounced").index(e["outcome"])] += e["count"]
        if e["outcome"] == "sent" and e["delay"] is not None:
            row[3] += [e["delay"]] * e["count"]
    found = {
        str(n): [s, d, b, a]
        for s, _, d, b, a, _, n in cells(listings_of(log, *NAMES)["domains.delivered"])
    }
    assert {k: v[:3] for k, v in found.items()} == {k: v[:3] for k, v in expected.items()}
    for domain, (*_, delays) in expected.items():
        average = sum(delays) / len(delays) if delays else None
        assert found[domain][3] == (None if average is None else pytest.approx(average, abs=0.001))


def test_bytes_are_each_sent_recipients_message() -> None:
    log = path_of("postfix-rfc3164")
    events = events_of(log, *NAMES)
    sizes = {e["queue_id"]: e["size"] for e in events if e["size"] is not None}
    expected = Counter[str]()
    for e in last_attempts(events):
        if e["outcome"] == "sent":
            expected[e["recipient"].lower()] += sizes.get(e["queue_id"], 0)
    found = cells(listings_of(log, "sizes")["sizes.recipients"])
    assert {name: size for size, _, name in found} == expected
    assert sum(expected.values()) > 10_000


def refused_at(*times: str) -> list[str]:
    refusal = next(line for line in LOG if "Relay access denied" in line)
    return [refusal.replace("2026-11-23T13:41:47", time) for time in times]


MIDNIGHT = refused_at("2026-11-23T22:50:00", "2026-11-24T00:30:00", "2026-11-24T00:40:00")


@pytest.mark.parametrize(
    ("zone", "days", "hours"),
    [
        ("UTC", {"2026-11-23": 1, "2026-11-24": 2}, {"22:00": 0.5, "00:00": 1.0}),
        ("Europe/Berlin", {"2026-11-23": 1, "2026-11-24": 2}, {"23:00": 0.5, "01:00": 1.0}),
        ("Asia/Tokyo", {"2026-11-24": 3}, {"07:00": 1, "09:00": 2}),
        ("America/New_York", {"2026-11-23": 3}, {"17:00": 1, "19:00": 2}),
    ],
)
def test_days_and_hours_are_those_of_the_zone(
    zone: str, days: dict[str, int], hours: dict[str, float]
) -> None:
    tables = summary_of(MIDNIGHT, "days").tables
    [section] = Chosen(("days",)).sections
    by_day, by_hour = section.show(tables, Shown(zone, None))
    rejected = [c.name for c in by_day.columns].index("rejected")
    assert {row.cells[0]: row.cells[rejected] for row in by_day.rows} == days
    assert {row.cells[0]: row.cells[rejected] for row in by_hour.rows} == hours
    assert ("average of 2 days" in by_hour.title) == (len(days) == 2)
    assert by_day.note == ""


def test_a_zone_of_half_hours_says_so() -> None:
    tables = summary_of(MIDNIGHT, "days").tables
    [section] = Chosen(("days",)).sections
    assert "Asia/Kolkata" in section.show(tables, Shown("Asia/Kolkata", None))[0].note


@given(logs(25), st.integers(200, 6000))
@settings(max_examples=15, deadline=None)
def test_any_cut_gives_the_same(log: list[str], size: int) -> None:
    assert listings_of(log, *NAMES, size=size) == listings_of(log, *NAMES)


@pytest.mark.parametrize("size", [700, 3000, 20000])
@pytest.mark.parametrize("name", LOGS)
def test_any_cut_of_a_real_log_gives_the_same(name: str, size: int) -> None:
    log = path_of(name)
    assert listings_of(log, *NAMES, size=size) == listings_of(log, *NAMES)


@given(st.lists(bent_samples(), max_size=30))
@settings(max_examples=15, deadline=None)
def test_whatever_a_log_says_is_survived(lines: list[str]) -> None:
    for listing in listings_of(lines, *NAMES, top=3).values():
        cells(listing)


def test_empty_log() -> None:
    assert all(not listing.rows for listing in listings_of([], *NAMES).values())
