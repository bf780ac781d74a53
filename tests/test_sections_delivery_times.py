"""Time on the queue, delivery times and mailbox providers."""

from collections import Counter, defaultdict
from datetime import datetime
from math import ceil

import pytest
from section_reader import (
    SAMPLE_LOGS,
    Log,
    cells,
    events_of,
    last_attempts,
    listings_of,
    summary_of,
)

from analyzer.histograms import ERROR
from analyzer.sections.queue_times import LONGER, STAGES

HEAD = "2026-11-23T{}+00:00 mx1 postfix/"
LINES = [
    HEAD.format("10:00:00") + "smtpd[1]: A1B2C3D4E5: client=client.isp.test[203.0.113.7]",
    HEAD.format("10:00:00")
    + "qmgr[2]: A1B2C3D4E5: from=<a@sender.test>, size=1500, nrcpt=3 (queue active)",
    HEAD.format("10:00:02")
    + "smtp[3]: A1B2C3D4E5: to=<x@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.26]:25,"
    " delay=2, delays=0.1/0/0.4/1.5, dsn=2.0.0, status=sent (250 2.0.0 OK  1 - gsmtp)",
    HEAD.format("10:00:03")
    + "smtp[3]: A1B2C3D4E5: to=<y@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.26]:25,"
    " delay=3, delays=0.1/0/0.4/2.5, dsn=4.2.2, status=deferred (host"
    " gmail-smtp-in.l.google.com[192.0.2.26] said: 452-4.2.2 The recipient's inbox is out of"
    " storage space. (in reply to RCPT TO command))",
    HEAD.format("10:00:04") + "local[4]: A1B2C3D4E5: to=<z@lab.test>, relay=local, delay=4,"
    " delays=3.9/0/0/0.1, dsn=2.0.0, status=sent (delivered to mailbox)",
    HEAD.format("10:10:00")
    + "smtp[3]: A1B2C3D4E5: to=<y@gmail.com>, relay=gmail-smtp-in.l.google.com[192.0.2.26]:25,"
    " delay=600, delays=599/0/0.4/0.6, dsn=2.0.0, status=sent (250 2.0.0 OK  2 - gsmtp)",
    HEAD.format("10:10:00") + "qmgr[2]: A1B2C3D4E5: removed",
    HEAD.format("10:20:00") + "smtpd[1]: B1B2C3D4E5: client=client.isp.test[203.0.113.7]",
    HEAD.format("10:20:00")
    + "qmgr[2]: B1B2C3D4E5: from=<a@sender.test>, size=900, nrcpt=1 (queue active)",
    HEAD.format("10:20:09")
    + "smtp[3]: B1B2C3D4E5: to=<q@d1.test>, relay=mx.d1.test[198.51.100.10]:25, delay=9,"
    " delays=0/0/1/8, dsn=5.1.1, status=bounced (host mx.d1.test[198.51.100.10] said: 550 5.1.1"
    " No such user here (in reply to RCPT TO command))",
    HEAD.format("10:20:09") + "qmgr[2]: B1B2C3D4E5: removed",
    HEAD.format("10:30:00") + "smtpd[1]: C1B2C3D4E5: client=client.isp.test[203.0.113.7]",
    HEAD.format("10:30:00")
    + "qmgr[2]: C1B2C3D4E5: from=<a@sender.test>, size=900, nrcpt=1 (queue active)",
    HEAD.format("10:30:01")
    + "smtp[3]: C1B2C3D4E5: to=<w@d1.test>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1,"
    " status=deferred (connect to mx.d1.test[198.51.100.10]:25: Connection refused)",
]


def near(value: float) -> object:
    return pytest.approx(value, rel=ERROR * 1.001, abs=1e-9)


def test_time_on_the_queue_is_of_messages_that_are_over() -> None:
    found = listings_of(LINES, "queue_times")
    # The first stayed ten minutes and went out; the second nine seconds; the third still waits.
    assert cells(found["queue_times.queue"]) == [
        ("under 1 minute", 1, 0.5, 0, 0.0),
        ("under 15 minutes", 1, 1.0, 1, 1.0),
    ]


def test_percentiles_of_everything() -> None:
    rows = {
        row[0]: row[1:]
        for row in cells(listings_of(LINES, "queue_times")["queue_times.percentiles"])
    }
    assert rows["messages, on the queue"] == (2, near(9), *[near(600)] * 3, 600)
    assert rows["messages with remote delivery, on the queue"] == (1, *[near(600)] * 4, 600)
    assert rows["recipients, until delivery"] == (3, near(4), *[near(600)] * 3, 600)
    assert rows["recipients on other hosts, until delivery"] == (2, near(2), *[near(600)] * 3, 600)


def test_stages_are_those_of_postfix_by_ending() -> None:
    rows = {
        row[:2]: row[2:] for row in cells(listings_of(LINES, "queue_times")["queue_times.stages"])
    }
    assert rows["sent", STAGES[0]] == (3, near(3.9), *[near(599)] * 3, 599)
    assert rows["sent", STAGES[1]] == (3, 0, 0, 0, 0, 0)
    assert rows["sent", STAGES[3]] == (3, near(0.6), *[near(1.5)] * 3, 1.5)
    assert rows["deferred", STAGES[2]] == (2, 0, *[near(0.4)] * 3, 0.4)
    assert rows["bounced", STAGES[3]] == (1, *[near(8)] * 4, 8)


def test_delivery_times_by_domain_and_provider() -> None:
    found = listings_of(LINES, "queue_times")
    assert cells(found["queue_times.domains"]) == [
        (2, near(2), *[near(600)] * 3, 600, "gmail.com"),
        (1, *[near(4)] * 4, 4, "lab.test"),
    ]
    (provider,) = cells(found["queue_times.providers"])
    assert provider[0] == 2
    assert "Google" in str(provider[-1])


def test_providers_have_their_outcomes_and_codes() -> None:
    found = listings_of(LINES, "providers")
    google, others = cells(found["providers.outcomes"])
    assert google[:6] == (2, 1, 0, near(1 / 3), near(2), near(600))
    # relay=none is nobody's host.
    assert others == (0, 0, 1, 1.0, None, None, "(other hosts)")
    tree = [(row.level, *row.cells[:3]) for row in found["providers.codes"].rows]
    assert tree == [
        (0, 3, None, None),
        (1, 2, near(2 / 3), "250 2.0.0"),
        (1, 1, near(1 / 3), "452 4.2.2"),
        (0, 1, None, None),
        (1, 1, 1.0, "550 5.1.1"),
    ]
    stages = {row[4]: row[:4] for row in cells(found["providers.stages"])}
    assert stages["connection setup"] == (2, near(0.4), near(0.4), 0.4)


def test_mail_older_than_all_limits_is_told() -> None:
    line = "{} mx2 exim[1]: 1xVUcd-000001-1m {}"
    log = [
        line.format(
            "2026-11-01T00:00:00+00:00",
            "<= s@sender.test H=client.isp.test [203.0.113.1] P=esmtp S=300 id=1@client.test",
        ),
        line.format(
            "2026-11-08T00:00:00+00:00",
            "=> bob@d1.test R=dnslookup T=remote_smtp H=mx.d1.test [198.51.100.10]"
            ' C="250 2.0.0 Ok"',
        ),
        line.format("2026-11-08T00:00:00+00:00", "Completed"),
    ]
    found = listings_of(log, "queue_times")
    assert cells(found["queue_times.queue"]) == [(LONGER, 1, 1.0, 1, 1.0)]
    # Exim's usual lines have no delay: the time since arrival stands in for it.
    assert cells(found["queue_times.domains"]) == [(1, *[near(604800)] * 4, 604800, "d1.test")]


def nearest_rank(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[max(ceil(percent * len(ordered) / 100), 1) - 1]


@pytest.mark.parametrize(
    "name", ["postfix-rfc3164.log", "postfix-rfc5424.log", "sendmail-auth.log"]
)
def test_delivery_times_are_those_of_the_events(name: str) -> None:
    """Every delivered recipient's own delay=, counted in plain Python."""
    log: Log = SAMPLE_LOGS / name
    took: dict[str, list[float]] = defaultdict(list)
    for event in last_attempts(events_of(log, "queue_times")):
        if event["outcome"] == "sent":
            recipient = event["recipient"].lower()
            domain = recipient.rpartition("@")[2] if "@" in recipient else "(local)"
            took[domain].append(event["delay"])
    rows = cells(listings_of(log, "queue_times")["queue_times.domains"])
    assert {row[-1]: (row[0], row[5]) for row in rows} == {
        domain: (len(values), max(values)) for domain, values in took.items()
    }
    for row in rows:
        values = took[str(row[-1])]
        assert row[1:5] == tuple(near(nearest_rank(values, p)) for p in (50, 90, 95, 99))


def test_queue_times_are_those_of_the_lines() -> None:
    """Exim writes arrival and completion of every message: their difference, in plain Python."""
    log = SAMPLE_LOGS / "exim-mainlog.log"
    arrived: dict[str, datetime] = {}
    waited = []
    delivered = set()
    for line in log.read_text().splitlines():
        stamp, queue_id, mark = line[:19], line[20:36], line[37:].split(" ")[0]
        if mark in ("<=", "(="):
            arrived[queue_id] = datetime.fromisoformat(stamp)
        if mark in ("=>", "->", "**") and "ACL discarded recipients" not in line:
            delivered.add(queue_id)
        if mark == "Completed" and queue_id in delivered:
            waited.append((datetime.fromisoformat(stamp) - arrived[queue_id]).total_seconds())
    rows = cells(listings_of(log, "queue_times")["queue_times.percentiles"])
    assert len(waited) == 21
    assert rows[0] == (
        "messages, on the queue",
        len(waited),
        *(near(nearest_rank(waited, p)) for p in (50, 90, 95, 99)),
        max(waited),
    )


def test_provider_outcomes_are_those_of_the_events() -> None:
    log = SAMPLE_LOGS / "postfix-rfc3164.log"
    tried = [
        e
        for e in events_of(log, "providers")
        if e["kind"] == "delivery" and e["relay_ip"] and not e["relay_ip"].startswith("127.")
    ]
    expected = Counter(e["outcome"] for e in tried)
    rows = cells(listings_of(log, "providers")["providers.outcomes"])
    told = Counter(
        {
            end: sum(int(str(r[i])) for r in rows)
            for i, end in enumerate(("sent", "deferred", "bounced"))
        }
    )
    assert +told == expected
    assert sum(expected.values()) > 0


def test_nothing_read_gives_empty_listings() -> None:
    for log in ([], ["Nov 23 10:00:00 mx1 cron[1]: nothing of mail"]):
        for listing in listings_of(log, "queue_times", "providers").values():
            assert listing.rows == ()
    assert summary_of([], "queue_times").tables
