"""The knowledge base: complete for what real logs hold, well formed, and safe for any digits."""

import copy
import re
import subprocess
import sys
from itertools import product
from typing import Any

import pytest

from analyzer.knowledge import entries
from analyzer.knowledge.entries import Entry, advise, cause_for, enhanced_entry, reply_entry

# Codes seen in lab logs of Postfix 3.7, Exim 4.96 and Sendmail 8.17, by who gave the reply.
INBOUND = (
    "214 220 221 235 250 252 334 354 421 435 450 451 452 454 458 459 500 501 502 503 504 521 530 "
    "535 541 550 551 552 553 554 555 556 571"
)
OUTBOUND = (
    "220 221 235 250 251 252 334 354 421 432 450 451 452 454 455 458 471 500 501 502 503 504 511 "
    "521 523 530 531 534 535 538 541 542 550 551 552 553 554 555 556 571"
)
UNASSIGNED = (199, 299, 350, 577, 599, 650)
ENHANCED_INBOUND = (
    "2.0.0 2.1.5 2.5.2 2.7.0 4.1.8 4.2.2 4.3.0 4.3.2 4.3.3 4.4.1 4.4.2 4.5.0 4.5.3 4.7.0 4.7.1 "
    "5.0.0 5.1.0 5.1.1 5.1.10 5.1.2 5.1.3 5.1.6 5.1.7 5.1.8 5.2.1 5.2.2 5.2.3 5.3.0 5.3.2 5.3.3 "
    "5.3.4 5.3.5 5.4.0 5.5.0 5.5.1 5.5.2 5.5.4 5.7.0 5.7.1 5.7.27 5.7.8"
)
ENHANCED_OUTBOUND = (
    "2.0.0 2.1.5 2.6.0 2.7.0 4.0.0 4.1.8 4.2.0 4.2.1 4.2.2 4.3.0 4.3.1 4.3.2 4.4.0 4.4.2 4.5.3 "
    "4.5.4 4.7.0 4.7.1 4.7.12 4.7.28 4.7.500 5.0.0 5.1.1 5.1.10 5.1.3 5.1.6 5.1.7 5.1.8 5.2.1 "
    "5.2.2 5.2.3 5.3.1 5.3.2 5.3.4 5.4.1 5.4.4 5.5.1 5.5.2 5.5.3 5.5.4 5.6.0 5.7.0 5.7.1 5.7.11 "
    "5.7.26 5.7.8 5.7.9"
)
ENHANCED_LOCAL = (  # the dsn= field where no server replied
    "4.0.0 4.1.10 4.2.0 4.4.1 4.4.2 4.4.3 4.7.0 4.7.5 5.0.0 5.1.0 5.1.1 5.1.10 5.1.2 5.2.0 5.2.2 "
    "5.3.0 5.3.4 5.3.5 5.4.4 5.4.6 5.6.0 5.7.1"
)
CAUSES = (
    "ok moved bad-recipient recipient-domain no-mail-service recipient-inactive mailbox-full "
    "mailbox-unavailable recipient-restricted bad-sender sender-dns sender-auth rdns reputation "
    "blocklist dnsbl-lookup-error spam-content virus-content content-format smtputf8 policy "
    "greylist rate-limit too-many-recipients relay-denied smtp-auth-required smtp-auth "
    "tls-required tls-failure protocol size dns network loop expired remote-system local-system "
    "system-full config suppressed undefined"
)
FILES = ("replies", "enhanced", "causes")


def every_entry() -> list[Entry]:
    data = entries._data
    replies = [reply_entry(int(key)) for key in data("replies") if key.isdigit()]
    codes = [key.replace("X", digit, 1) for key in data("enhanced") for digit in "245X"]
    enhanced = [enhanced_entry(re.sub(r"-\d+$", "", code)) for code in codes]
    return [e for e in (*replies, *enhanced, *map(entries._cause, data("causes"))) if e]


def test_the_data_has_no_problems() -> None:
    assert entries.problems() == []


@pytest.mark.parametrize(
    ("file", "key", "change", "named"),
    [
        ("replies", "550", {"cause": "bad-luck"}, "bad-luck"),
        ("replies", "550", {"cause_by_stage": {"LUNCH": "policy"}}, "LUNCH"),
        ("replies", "550", {"title": ""}, "title"),
        ("replies", "550", {"severty": 2}, "severty"),
        ("replies", "550", {"examples": ["554 5.7.1 no"]}, "554 5.7.1 no"),
        ("replies", "550", {"inbound": {"when_seen": "often"}}, "how_to_fix"),
        ("enhanced", "X.1.1", {"examples": ["550 5.1.2 no"]}, "550 5.1.2 no"),
        ("causes", "policy", {"retry": "perhaps"}, "perhaps"),
    ],
)
def test_a_mistake_in_the_data_is_named(
    monkeypatch: pytest.MonkeyPatch, file: str, key: str, change: dict[str, object], named: str
) -> None:
    data: dict[str, dict[str, Any]] = {
        name: copy.deepcopy(dict(entries._data(name))) for name in (*FILES, "labels")
    }
    data[file][key] |= change
    monkeypatch.setattr(entries, "_data", data.__getitem__)
    assert [text for text in entries.problems() if key in text and named in text]


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_every_reply_code_of_real_logs_has_its_own_texts(direction: str) -> None:
    for code in map(int, (INBOUND if direction == "inbound" else OUTBOUND).split()):
        entry = reply_entry(code)
        assert entry, code
        assert getattr(entry, direction), code
        assert entry.verified, code
        assert entry.commands, code
        assert entry.examples, code
        told = advise(direction, code, None)
        assert told.source == str(code)
        assert told.when_seen == getattr(entry, direction).when_seen


@pytest.mark.parametrize(
    ("direction", "codes"),
    [("inbound", ENHANCED_INBOUND), ("outbound", ENHANCED_OUTBOUND), ("local", ENHANCED_LOCAL)],
)
def test_every_enhanced_code_of_real_logs_is_explained(direction: str, codes: str) -> None:
    for code in codes.split():
        entry = enhanced_entry(code)
        assert entry, code
        assert entry.verified, code
        told = advise(direction, None, code)
        assert told.source.startswith(entry.key), code
        assert all((told.title, told.description, told.when_seen, told.how_to_fix)), code


def test_the_causes_are_the_ones_agreed_on() -> None:
    assert sorted(entries._data("causes")) == sorted(CAUSES.split())
    for cause in CAUSES.split():
        assert entries.cause_title(cause)
        for direction in ("inbound", "outbound"):
            assert getattr(entries._cause(cause), direction), (cause, direction)


def test_texts_say_more_than_the_title() -> None:
    for entry in every_entry():
        title = set(re.findall(r"\w+", entry.title.lower()))
        more = set(re.findall(r"\w+", entry.description.lower())) - title
        assert len(more) >= 5, entry.key
        for side in filter(None, (entry.inbound, entry.outbound, entry.local)):
            assert side.when_seen.rstrip('")`').endswith((".", "!")), (entry.key, side.when_seen)
            assert side.how_to_fix.endswith("."), (entry.key, side.how_to_fix)


def test_nobody_is_never_told_to_act() -> None:
    for entry, direction in product(every_entry(), entries.DIRECTIONS):
        key = entry.key
        code = int(key) if key.isdigit() else None
        enhanced = key.replace("X", "5").split("-")[0] if key.startswith("X") else None
        told = advise(direction, code, enhanced, None if code or enhanced else key)
        if told.who_acts == "nobody" or told.severity == 0:
            assert not told.needs_action, (direction, told)
        if told.severity == 4:
            assert told.needs_action, (direction, told)


@pytest.mark.parametrize("code", UNASSIGNED)
def test_an_unassigned_code_is_explained_from_its_digits(code: int) -> None:
    assert reply_entry(code) is None
    told = advise("outbound", code, None)
    assert str(code) in told.title
    assert str(code) in told.description
    assert "{" not in told.title + told.description


def test_the_classes_say_what_they_mean() -> None:
    assert "cannot occur in SMTP" in advise("outbound", 199, None).title
    assert "no SMTP reply code" in advise("inbound", 666, None).title
    assert "trying again later" in advise("outbound", 499, None).description
    assert "Unassigned" in advise("outbound", 577, None).title
    assert "outside the range" in advise("outbound", 577, None).description
    assert advise("outbound", 299, None).cause == "ok"


def test_no_digits_make_it_fail() -> None:
    odd = (None, "", "5.7.1", "4.9.9", "5.100.999", "2.1.5", "9.9.9", "5.7", "banana", "5.7.1\n")
    codes = (None, -1, 0, 25, 99, 199, 250, 354, 421, 550, 577, 666, 999, 1000, 55000)
    pairs = [*product(codes, odd), *product(range(1000), (None, "5.7.1"))]
    for direction, (code, enhanced) in product(entries.DIRECTIONS, pairs):
        told = advise(direction, code, enhanced)
        assert told.how_to_fix
        assert told.cause in CAUSES.split()
        assert cause_for(direction, code, enhanced, "RCPT") in CAUSES.split()
    assert advise("outbound", 550, "5.1.1", "no such cause").cause == "undefined"


def test_the_direction_decides_who_acts() -> None:
    for code, enhanced, inbound, outbound in (
        (550, "5.1.1", "nobody", "user"),
        (452, "4.3.1", "own-admin", "recipient-admin"),
        (451, "4.3.0", "own-admin", "nobody"),
        (550, "5.7.26", "nobody", "sender-domain-owner"),
        (535, "5.7.8", "own-admin", "own-admin"),
    ):
        assert advise("inbound", code, enhanced).who_acts == inbound, code
        assert advise("outbound", code, enhanced).who_acts == outbound, code
    assert entries.who_acts_label("own-admin") == "your own admin"
    assert advise("inbound", 452, "4.3.1").severity == 4


@pytest.mark.parametrize(
    ("direction", "code", "enhanced", "stage", "cause"),
    [
        ("outbound", 250, "2.1.5", "RCPT", "ok"),
        ("outbound", 250, "5.1.1", "RCPT", "ok"),  # the reply's digit decides
        ("inbound", 354, None, "DATA", "ok"),
        ("outbound", 450, "5.1.1", "RCPT", "bad-recipient"),  # the enhanced code wins
        ("outbound", 554, "5.2.2", "EOD", "mailbox-full"),
        ("outbound", 550, None, "RCPT", "bad-recipient"),
        ("outbound", 550, None, "EOD", "spam-content"),
        ("outbound", 550, "5.0.0", "RCPT", "bad-recipient"),  # yields to reply and stage
        ("outbound", 550, "5.7.1", "RCPT", "policy"),
        ("outbound", 550, "5.7.1", "CONNECT", "blocklist"),
        ("outbound", 550, "5.7.99", "RCPT", "policy"),  # not registered: its subject
        ("outbound", 550, "5.7.606", "CONNECT", "blocklist"),  # a range
        ("outbound", 550, "5.7.502", "MAIL", "reputation"),  # the narrower of two ranges
        ("outbound", 451, "4.7.500", "RCPT", "rate-limit"),
        ("outbound", 550, "5.1.10", "RCPT", "bad-recipient"),  # Exchange Online
        ("outbound", 556, "5.1.10", "RCPT", "no-mail-service"),
        ("outbound", 550, "5.4.1", "RCPT", "bad-recipient"),
        ("local", None, "4.4.1", "", "network"),
        ("outbound", 452, None, "RCPT", "too-many-recipients"),
        ("inbound", 452, None, "MAIL", "system-full"),
        ("inbound", 451, "4.3.0", "RCPT", "local-system"),
        ("outbound", 451, "4.3.0", "RCPT", "remote-system"),
        ("inbound", 530, "5.7.0", "MAIL", "smtp-auth-required"),
        ("inbound", 535, "5.7.0", "AUTH", "smtp-auth"),
        ("outbound", 535, "5.7.139", "AUTH", "smtp-auth"),
        ("inbound", 502, "5.5.1", "VRFY", "protocol"),
        ("outbound", 554, None, "CONNECT", "blocklist"),
        ("inbound", 454, "4.7.1", "RCPT", "relay-denied"),
        ("outbound", 577, None, "RCPT", "undefined"),
        ("outbound", 599, "5.9.9", "RCPT", "undefined"),
        ("outbound", None, None, "", "undefined"),
    ],
)
def test_the_digits_name_the_cause(
    direction: str, code: int | None, enhanced: str | None, stage: str, cause: str
) -> None:
    assert cause_for(direction, code, enhanced, stage) == cause


def test_the_more_telling_code_speaks() -> None:
    assert advise("outbound", 550, "5.1.1").title == "No such mailbox"
    assert advise("inbound", 503, "5.0.0").title == "Commands in the wrong order"
    assert advise("inbound", 530, "5.7.0").title == "Login or STARTTLS first"
    assert advise("outbound", 550, "5.7.1").title == "Refused by a rule"
    assert advise("outbound", 450, "4.7.1").title == "Put off by a rule"
    assert advise("outbound", 550, "5.7.1").source == "550 + X.7.1"


def test_a_known_cause_brings_its_own_remedy() -> None:
    plain = advise("outbound", 550, "5.7.1")
    listed = advise("outbound", 550, "5.7.1", "blocklist")
    assert (listed.cause, listed.source) == ("blocklist", "550 + X.7.1 + blocklist")
    assert listed.title == plain.title
    assert "removal" in listed.how_to_fix
    assert listed.severity > plain.severity
    assert not advise("outbound", 450, "4.7.1", "greylist").needs_action
    assert advise("local", None, None, "expired").title == "Gave up after retrying"


def test_a_vrfy_refusal_is_called_normal_and_a_unix_error_no_reply() -> None:
    told = advise("inbound", 502, "5.5.1")
    assert "disable_vrfy_command" in told.when_seen
    assert "252" in told.description
    assert not told.needs_action
    assert "no code of any mail server" in advise("outbound", 150, None).description


def test_a_code_is_told_for_its_class() -> None:
    temporary, permanent, either = (enhanced_entry(f"{digit}.7.1") for digit in "45X")
    assert temporary
    assert permanent
    assert temporary.title != permanent.title
    assert either == permanent
    assert enhanced_entry("5.7.99") is None
    assert enhanced_entry("banana") is None


def test_polars_is_not_loaded() -> None:
    code = "import sys, analyzer.knowledge.entries as k; k.advise('inbound', 550, '5.1.1'); "
    subprocess.run([sys.executable, "-c", code + "sys.exit('polars' in sys.modules)"], check=True)
