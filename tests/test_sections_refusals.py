"""Rejection reasons, rejected clients, errors, and accepted and rejected mail as shares."""

from collections import Counter

import pytest
from section_reader import SAMPLE_LOGS, cells, events_of, listings_of, summary_of

from analyzer.build import build

NAMES = ("rejections", "errors", "percentages")
STAMP = "2026-11-23 13:47:27 "
EXIM = [
    "1xVUOB-00001P-20 <= f0@sender.test H=(client-20.isp.test) [203.0.113.21] P=esmtp S=334"
    " id=1@client.test",
    "1xVUOB-00001P-20 ** no@d2.test R=dnslookup T=remote_smtp H=mx.d2.test [198.51.100.11]: SMTP"
    " error from remote mail server after RCPT TO:<no@d2.test>: 550 5.1.1 <no@d2.test>: unknown",
    "1xVUOB-00001P-20 ** na@d2.test R=dnslookup T=remote_smtp H=mx.d2.test [198.51.100.11]: SMTP"
    " error from remote mail server after RCPT TO:<na@d2.test>: 550 5.1.1 <na@d2.test>: unknown",
    "1xVUOB-00001P-20 ** old@d3.test: retry timeout exceeded",
    "H=client-20.isp.test [203.0.113.20] F=<f@sender.test> rejected RCPT <n0@lab.test>: Unknown user",
    "H=client-20.isp.test [203.0.113.20] F=<f@sender.test> rejected RCPT <n1@lab.test>: Unknown user",
    "H=(client-20.isp.test) [203.0.113.21] F=<f@sender.test> temporarily rejected RCPT"
    " <a@lab.test>: 450 4.7.1 Greylisted, try again in 5 minutes",
    "rejected MAIL from client-20.isp.test [203.0.113.20]: no HELO/EHLO given",
]
LOG = [STAMP + line for line in EXIM]
POSTFIX = "Nov 23 13:41:{:02} mx1 postfix/smtpd[251]: "
REJECT = (
    "NOQUEUE: reject: RCPT from client-20.isp.test[203.0.113.20]: 554 5.7.1 <{}@d1.test>: Relay"
    " access denied; from=<f@sender.test> to=<{}@d1.test> proto=ESMTP helo=<client-20.isp.test>"
)


def test_reasons_are_told_for_good_and_for_now() -> None:
    found = listings_of(LOG, *NAMES)
    permanent = cells(found["rejections.permanent"])
    assert [(row[0], row[2], row[4]) for row in permanent] == [
        (2, "550", "Unknown user"),
        (1, "503", "no HELO/EHLO given"),
    ]
    assert permanent[0][1] == pytest.approx(2 / 3)
    assert permanent[0][3] == "No such recipient"
    assert [(row[0], row[1], row[2], row[4]) for row in cells(found["rejections.temporary"])] == [
        (1, 1.0, "450 4.7.1", "Greylisted, try again in 5 minutes")
    ]


def test_clients_are_named_with_what_they_were_refused() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["rejections.clients_permanent"]) == [
        (3, "client-20.isp.test [203.0.113.20]")
    ]
    assert cells(found["rejections.clients_temporary"]) == [(1, "203.0.113.21")]


def test_addresses_in_texts_are_masked_so_that_one_reason_is_one_row() -> None:
    log = [POSTFIX.format(n) + REJECT.format(f"v{n}", f"v{n}") for n in range(5)]
    (row,) = cells(listings_of(log, *NAMES)["rejections.permanent"])
    assert (row[0], row[2], row[4]) == (5, "554 5.7.1", "<user@example.org>: Relay access denied")


def test_repeated_lines_count_as_often_as_they_came() -> None:
    log = [
        POSTFIX.format(1) + REJECT.format("v", "v"),
        "Nov 23 13:41:02 mx1 postfix/smtpd[251]: message repeated 4 times: ["
        f" {REJECT.format('v', 'v')}]",
    ]
    found = listings_of(log, *NAMES)
    assert cells(found["rejections.permanent"])[0][0] == 5
    assert cells(found["rejections.clients_permanent"])[0][0] == 5
    assert cells(found["percentages.balance"])[1] == ("rejected", 5, 1.0)


def test_data_after_refused_recipients_is_no_refusal_of_its_own() -> None:
    log = [
        POSTFIX.format(1) + REJECT.format("v", "v"),
        POSTFIX.format(2) + "disconnect from client-20.isp.test[203.0.113.20] ehlo=1 mail=1"
        " rcpt=0/1 data=0/1 quit=1 commands=3/5",
    ]
    # The standard table of replies has the DATA, too.
    assert any(e["implied"] == "postfix.no-valid-recipients" for e in events_of(log, *NAMES))
    found = listings_of(log, *NAMES)
    assert [row[0] for row in cells(found["rejections.permanent"])] == [1]
    assert [row[0] for row in cells(found["rejections.clients_permanent"])] == [1]


def test_errors_are_told_by_text() -> None:
    found = cells(listings_of(LOG, *NAMES)["errors.texts"])
    assert [(row[0], row[1], row[2], row[4]) for row in found] == [
        (2, "bounced", "550 5.1.1", "<user@example.org>: unknown"),
        (1, "bounced", None, "retry timeout exceeded"),
    ]


def test_expiries_are_errors_too() -> None:
    log = [
        "Nov 23 13:41:02 mx1 postfix/qmgr[251]: 1B8CC196956: from=<a@sender.test>,"
        " status=expired, returned to sender"
    ]
    assert cells(listings_of(log, *NAMES)["errors.texts"]) == [(1, "expired", None, None, None)]


def test_shares_of_accepted_and_rejected() -> None:
    found = listings_of(LOG, *NAMES)
    assert cells(found["percentages.balance"]) == [
        ("accepted", 1, 0.2),
        ("rejected", 4, 0.8),
        ("total", 5, 1.0),
        ("rejected of delivered, rejected, discarded", 4, 1.0),
    ]
    kinds = [(row.level, *row.cells) for row in found["percentages.kinds"].rows]
    assert kinds == [
        (0, "rejected for good (5xx)", 3, 1.0, 0.6),
        (1, "No such recipient", 2, pytest.approx(2 / 3), 0.4),
        (1, "Broken SMTP dialogue", 1, pytest.approx(1 / 3), 0.2),
        (0, "rejected for now (4xx)", 1, 1.0, 0.2),
        (1, "Greylisted, come back later", 1, 1.0, 0.2),
    ]


SAMPLES = sorted(p.name for p in SAMPLE_LOGS.glob("*.log") if "rejectlog" not in p.name)


@pytest.mark.parametrize("name", SAMPLES)
def test_percentages_have_the_totals_of_the_report(name: str) -> None:
    log = SAMPLE_LOGS / name
    totals = build(summary_of(log), [], zone="UTC").totals
    rows = {row[0]: row[1] for row in cells(listings_of(log, *NAMES)["percentages.balance"])}
    assert (rows.get("accepted", 0), rows.get("rejected", 0)) == (totals.received, totals.rejected)


@pytest.mark.parametrize("name", SAMPLES)
def test_refusals_and_errors_are_those_of_the_events(name: str) -> None:
    log = SAMPLE_LOGS / name
    events = events_of(log, *NAMES)
    refused: Counter[tuple[str, str | None]] = Counter()
    errors = 0
    follow_ups = ("postfix.no-valid-recipients", "postfix.postscreen-no-recipient")
    for event in events:
        digits = " ".join(str(d) for d in (event["reply_code"], event["enhanced_code"]) if d)
        if (
            event["kind"] == "reject"
            and event["outcome"] == "rejected"
            and event["implied"] not in follow_ups
        ):
            refused["now" if digits.startswith("4") else "good", digits or None] += event["count"]
        if event["kind"] in ("delivery", "queue") and event["outcome"] in ("bounced", "expired"):
            errors += event["count"]
    found = listings_of(log, *NAMES)
    told: Counter[tuple[str, str | None]] = Counter()
    for when, key in (("good", "permanent"), ("now", "temporary")):
        for row in cells(found[f"rejections.{key}"]):
            told[when, None if row[2] is None else str(row[2])] += int(str(row[0]))
    assert told == refused
    assert sum(int(str(row[0])) for row in cells(found["errors.texts"])) == errors


def test_nothing_read_gives_empty_listings() -> None:
    for log in ([], ["Nov 23 10:00:00 mx1 cron[1]: nothing of mail"]):
        for listing in listings_of(log, *NAMES).values():
            assert listing.rows == ()
