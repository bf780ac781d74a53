"""Transports, relayed mail, message sizes, hosts and e-mail domains."""

import re
from collections import Counter, defaultdict

import pytest
from section_reader import SAMPLE_LOGS, cells, events_of, last_attempts, listings_of

from analyzer.peers import NULL_SENDER
from analyzer.sections.hosts import THIS_HOST
from analyzer.sections.transports import NONE, SEVERAL

NAMES = ("transports", "relayed", "message_sizes", "hosts", "edomains")
STAMP = "2026-11-23 13:51:48 "
EXIM = [
    # One message to two recipients of one host, one at home, one refused.
    "1xVUSS-00001Q-1W <= alice@Sender.test H=client-50.isp.test [203.0.113.50] P=esmtp S=440"
    " id=1@client.test",
    "1xVUSS-00001Q-1W => ok_s0@d1.test R=dnslookup T=remote_smtp H=mx.d1.test [198.51.100.10]"
    ' C="250 2.0.0 Ok: queued as B64885"',
    "1xVUSS-00001Q-1W -> ok_s1@D1.test R=dnslookup T=remote_smtp H=mx.d1.test [198.51.100.10]"
    ' C="250 2.0.0 Ok: queued as B64885"',
    "1xVUSS-00001Q-1W => alice <alice@lab.test> R=localuser T=local_delivery",
    "1xVUSS-00001Q-1W ** no@d2.test R=dnslookup T=remote_smtp H=mx.d2.test [198.51.100.11]: SMTP"
    " error from remote mail server after RCPT TO:<no@d2.test>: 550 5.1.1 No such user here",
    "1xVUSS-00001V-1b <= <> R=1xVUSS-00001Q-1W U=Debian-exim P=local S=1904",
    "1xVUSS-00001Q-1W Completed",
    "1xVUSS-00001V-1b => alice <alice@mx1.lab.test> R=localuser T=local_delivery",
    "1xVUSS-00001V-1b Completed",
    # bob has a copy kept and one thrown away: two transports for one address.
    "1xVUSS-00001X-1c <= z@sender.test H=[203.0.113.9] P=esmtp S=5000 id=2@client.test",
    "1xVUSS-00001X-1c => bob <bob@lab.test> R=localuser T=local_delivery",
    "1xVUSS-00001X-1c => :blackhole: <bob@lab.test> R=system_aliases",
    "1xVUSS-00001X-1c Completed",
]
LOG = [STAMP + line for line in EXIM]


def test_transports_count_recipients_and_their_bytes() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["transports.deliveries"]) == [
        (3, 0, 0, 440 + 1904, "exim", "local_delivery"),
        (2, 0, 1, 2 * 440, "exim", "remote_smtp"),
        (1, 0, 0, 0, "exim", NONE),
        # bob's 5000 bytes went either way: nobody knows which.
        (0, 0, 0, 5000, "exim", SEVERAL),
    ]


def test_local_destinations_are_mailboxes_here() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["transports.local"]) == [
        (2, 5000, "bob@lab.test"),
        (1, 440, "alice@lab.test"),
        (1, 1904, "alice@mx1.lab.test"),
    ]
    assert [row[-1] for row in cells(found["transports.local_by_volume"])] == [
        "bob@lab.test",
        "alice@mx1.lab.test",
        "alice@lab.test",
    ]


def test_relayed_is_what_came_from_afar_and_went_afar() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["relayed.clients"]) == [
        (2, 880, "client-50.isp.test [203.0.113.50]", "d1.test")
    ]
    assert cells(found["relayed.domains"]) == [(2, 880, "sender.test", "d1.test")]


def test_hand_overs_within_the_host_are_not_relayed() -> None:
    head = "Nov 23 10:00:00 mx1 postfix/"
    log = [
        # To the content filter, back from it, and to Dovecot over its socket.
        head + "smtpd[1]: A1B2C3D4E5: client=client.isp.test[203.0.113.7]",
        head + "qmgr[2]: A1B2C3D4E5: from=<a@sender.test>, size=100, nrcpt=1 (queue active)",
        head + "smtp[3]: A1B2C3D4E5: to=<u@lab.test>, relay=127.0.0.1[127.0.0.1]:10024, delay=1,"
        " delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA: 250 Ok)",
        head + "qmgr[2]: A1B2C3D4E5: removed",
        head + "smtpd[1]: B1B2C3D4E5: client=localhost[127.0.0.1]",
        head + "qmgr[2]: B1B2C3D4E5: from=<a@sender.test>, size=100, nrcpt=1 (queue active)",
        head + "lmtp[3]: B1B2C3D4E5: to=<u@lab.test>, relay=mx1.lab.test[private/dovecot-lmtp],"
        " delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 <u@lab.test> Saved)",
        head + "qmgr[2]: B1B2C3D4E5: removed",
    ]
    found = listings_of(log, *NAMES)
    assert cells(found["relayed.clients"]) == []
    assert [row[-1] for row in cells(found["hosts.destinations"])] == [THIS_HOST]
    assert cells(found["transports.local"]) == [(1, 100, "u@lab.test")]


def test_sizes_and_numbers_of_recipients() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["message_sizes.sizes"]) == [
        ("up to 1 kB", 1, 1 / 3, 440, 440),
        ("up to 5 kB", 2, 2 / 3, 6904, 5000),
        ("all", 3, 1.0, 7344, 5000),
    ]
    assert cells(found["message_sizes.recipients"]) == [
        ("1", 2, 2 / 3, 2, 1),
        ("3 to 5", 1, 1 / 3, 4, 4),
        ("all", 3, 1.0, 6, 4),
    ]


def test_hosts_and_domains_by_messages_and_volume() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["hosts.senders"]) == [
        (1, 5000, 5000, "203.0.113.9"),
        (1, 440, 440, "client-50.isp.test"),
    ]
    assert cells(found["hosts.local_senders"]) == [(1, 1904, 1904, NULL_SENDER)]
    assert cells(found["hosts.destinations"]) == [
        (3, 3, 7344, 2448, THIS_HOST),
        (1, 2, 880, 880, "mx.d1.test"),
    ]
    assert cells(found["edomains.senders"]) == [
        (2, 5440, 2720, "sender.test"),
        (1, 1904, 1904, NULL_SENDER),
    ]
    assert cells(found["edomains.destinations"]) == [
        (2, 2, 5440, 2720, "lab.test"),
        (1, 2, 880, 880, "d1.test"),
        (1, 1, 1904, 1904, "mx1.lab.test"),
    ]
    for key in ("hosts.senders", "hosts.destinations", "edomains.senders", "edomains.destinations"):
        volume = cells(found[f"{key}_by_volume"])
        assert sorted(volume, key=str) == sorted(cells(found[key]), key=str)
        assert [row[-3] for row in volume] == sorted(
            (int(str(r[-3])) for r in volume), reverse=True
        )


SAMPLES = ["exim-mainlog.log", "exim-pid.log", "postfix-rfc3164.log", "sendmail-auth.log"]


@pytest.mark.parametrize("name", SAMPLES)
def test_transports_are_those_of_the_lines(name: str) -> None:
    log = SAMPLE_LOGS / name
    expected: Counter[tuple[str, str]] = Counter()
    for event in events_of(log, *NAMES):
        if event["kind"] == "delivery" and event["outcome"] in ("sent", "deferred", "bounced"):
            expected[event["service"] or NONE, event["outcome"]] += event["count"]
    rows = cells(listings_of(log, *NAMES)["transports.deliveries"])
    told = Counter(
        {
            (str(row[-1]), outcome): int(str(row[i]))
            for row in rows
            for i, outcome in enumerate(("sent", "deferred", "bounced"))
        }
    )
    assert expected
    assert +told == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_and_messages_are_those_of_finished_recipients(name: str) -> None:
    """Sizes by queue id, then each delivered recipient's: in plain Python over the events."""
    log = SAMPLE_LOGS / name
    # What `postsuper -r` puts back is the same message under another id.
    again = re.findall(r": (\w+): uid=\d+ from=\S* orig_id=(\w+)\s", log.read_text("utf-8"))
    new_id = {old: new for new, old in again}
    events = [
        e | {"queue_id": new_id.get(e["queue_id"], e["queue_id"])} for e in events_of(log, *NAMES)
    ]
    sizes = {e["queue_id"]: e["size"] for e in events if e["queue_id"] and e["size"] is not None}
    bytes_of: Counter[str] = Counter()
    messages_of: dict[str, set[str]] = defaultdict(set)
    everyone: dict[str, set[str]] = defaultdict(set)
    for event in last_attempts(events):
        recipient = event["recipient"].lower()
        everyone[event["queue_id"]].add(recipient)
        if event["outcome"] == "sent":
            domain = recipient.rpartition("@")[2] if "@" in recipient else "(local)"
            bytes_of[domain] += sizes.get(event["queue_id"], 0)
            messages_of[domain].add(event["queue_id"])
    found = listings_of(log, *NAMES)
    rows = cells(found["edomains.destinations"])
    assert {row[-1]: row[2] for row in rows} == dict(bytes_of) | dict.fromkeys(
        set(messages_of) - set(bytes_of), 0
    )
    assert {row[-1]: row[0] for row in rows} == {d: len(q) for d, q in messages_of.items()}
    assert rows
    assert sum(int(str(r[3])) for r in cells(found["transports.deliveries"])) == bytes_of.total()
    assert sum(int(str(r[2])) for r in cells(found["hosts.destinations"])) == bytes_of.total()
    all_row = cells(found["message_sizes.recipients"])[-1]
    assert all_row[1] == len(everyone)
    assert all_row[3:] == (sum(map(len, everyone.values())), max(map(len, everyone.values())))
    known = [sizes[q] for q in everyone if q in sizes]
    assert cells(found["message_sizes.sizes"])[-1][3:] == (sum(known), max(known))


def test_received_bytes_by_host_are_those_of_the_lines() -> None:
    """Exim's arrivals, read with a pattern of the test's own."""
    log = SAMPLE_LOGS / "exim-mainlog.log"
    arrived = re.findall(r"[<(]= .*\[([0-9a-f.:]+)\] .* S=([0-9]+) ", log.read_text())
    found = cells(listings_of(log, *NAMES)["hosts.senders"])
    assert sum(int(str(row[0])) for row in found) == len(arrived)
    assert sum(int(str(row[1])) for row in found) == sum(int(size) for _, size in arrived)
