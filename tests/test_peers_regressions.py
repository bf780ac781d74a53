"""Where tools of this kind go wrong: the same small logs, and what is true of them."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import main

FILTER = "127.0.0.1[127.0.0.1]:10024"
PEER = "unknown[198.51.100.77]"
REFUSED = (
    f"postfix/smtpd[501]: NOQUEUE: reject: RCPT from {PEER}: 554 5.7.1 <x@far.test>: Relay access"
    " denied; from=<spam@bulk.test> to=<x@far.test> proto=ESMTP helo=<status=sent (250 ok)>"
)
# Two messages: the first passes a content filter on the host itself and has three recipients, the
# second is local. Then five refusals (one, and "repeated 4 times") and a failed login, over New Year.
LOG = f"""\
Dec 31 23:58:01 mx1 postfix/smtpd[500]: connect from mail.alpha.test[203.0.113.11]
Dec 31 23:58:01 mx1 postfix/smtpd[500]: 4gk9Yx0S1qz4wJ1: client=mail.alpha.test[203.0.113.11]
Dec 31 23:58:02 mx1 postfix/cleanup[510]: 4gk9Yx0S1qz4wJ1: message-id=<one@alpha.test>
Dec 31 23:58:02 mx1 postfix/qmgr[490]: 4gk9Yx0S1qz4wJ1: from=<ann@alpha.test>, size=4100, nrcpt=3 (queue active)
Dec 31 23:58:03 mx1 postfix/smtpd[520]: connect from localhost[127.0.0.1]
Dec 31 23:58:03 mx1 postfix/smtpd[520]: 4gk9Yz2kPbz4wJ2: client=localhost[127.0.0.1]
Dec 31 23:58:03 mx1 postfix/cleanup[510]: 4gk9Yz2kPbz4wJ2: message-id=<one@alpha.test>
Dec 31 23:58:03 mx1 postfix/qmgr[490]: 4gk9Yz2kPbz4wJ2: from=<ann@alpha.test>, size=4600, nrcpt=3 (queue active)
Dec 31 23:58:03 mx1 postfix/smtpd[520]: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=3 data=1 quit=1 commands=7
Dec 31 23:58:03 mx1 postfix/smtp[530]: 4gk9Yx0S1qz4wJ1: to=<bob@beta.test>, relay={FILTER}, delay=2, delays=0.5/0/0/1.5, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4gk9Yz2kPbz4wJ2)
Dec 31 23:58:03 mx1 postfix/smtp[530]: 4gk9Yx0S1qz4wJ1: to=<gone@beta.test>, relay={FILTER}, delay=2, delays=0.5/0/0/1.5, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4gk9Yz2kPbz4wJ2)
Dec 31 23:58:03 mx1 postfix/smtp[530]: 4gk9Yx0S1qz4wJ1: to=<full@gamma.test>, relay={FILTER}, delay=2, delays=0.5/0/0/1.5, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4gk9Yz2kPbz4wJ2)
Dec 31 23:58:03 mx1 postfix/qmgr[490]: 4gk9Yx0S1qz4wJ1: removed
Dec 31 23:58:04 mx1 postfix/smtp[531]: 4gk9Yz2kPbz4wJ2: to=<bob@beta.test>, relay=mx.beta.test[198.51.100.7]:25, delay=1, delays=0/0/0.5/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77A1)
Dec 31 23:58:04 mx1 postfix/smtp[531]: 4gk9Yz2kPbz4wJ2: to=<gone@beta.test>, relay=mx.beta.test[198.51.100.7]:25, delay=1, delays=0/0/0.5/0.5, dsn=5.1.1, status=bounced (host mx.beta.test[198.51.100.7] said: 550 5.1.1 <gone@beta.test>: User unknown (in reply to RCPT TO command))
Dec 31 23:58:05 mx1 postfix/smtp[531]: 4gk9Yz2kPbz4wJ2: to=<full@gamma.test>, relay=mx.gamma.test[198.51.100.8]:25, delay=2, delays=0/0/1/1, dsn=4.2.2, status=deferred (host mx.gamma.test[198.51.100.8] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command))
Dec 31 23:58:06 mx1 postfix/smtpd[500]: disconnect from mail.alpha.test[203.0.113.11] ehlo=1 mail=1 rcpt=3 data=1 quit=1 commands=7
Jan  1 00:02:00 mx1 postfix/smtpd[501]: connect from {PEER}
Jan  1 00:02:00 mx1 {REFUSED}
Jan  1 00:02:07 mx1 postfix/smtpd[501]: message repeated 4 times: [ {REFUSED.partition("]: ")[2]}]
Jan  1 00:02:08 mx1 postfix/smtpd[501]: disconnect from {PEER} ehlo=1 mail=1 rcpt=0/5 quit=1 commands=3/8
Jan  1 00:03:00 mx1 postfix/smtpd[502]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: UGFzc3dvcmQ6
Jan  1 00:04:00 mx1 postfix/pickup[480]: 8A1B2C3D4E: uid=0 from=<root>
Jan  1 00:04:00 mx1 postfix/cleanup[510]: 8A1B2C3D4E: message-id=<two@mx1>
Jan  1 00:04:00 mx1 postfix/qmgr[490]: 8A1B2C3D4E: from=<root@lab.test>, size=600, nrcpt=1 (queue active)
Jan  1 00:04:01 mx1 postfix/local[540]: 8A1B2C3D4E: to=<root@lab.test>, relay=local, delay=1, delays=0.5/0/0/0.5, dsn=2.0.0, status=sent (delivered to mailbox)
Jan  1 00:04:01 mx1 postfix/qmgr[490]: 8A1B2C3D4E: removed
"""
# A Sendmail of the same night, whose sender names three recipients.
SENDMAIL = """\
Dec 31 23:59:50 mx2 sendmail[600]: 5BVNxo8P000600: from=<ann@alpha.test>, size=900, class=0, nrcpts=3, msgid=<three@alpha.test>, proto=ESMTP, daemon=MTA, relay=mail.alpha.test [203.0.113.11]
Dec 31 23:59:55 mx2 sendmail[602]: 5BVNxo8P000600: to=<bob@beta.test>,<eve@beta.test>, delay=00:00:05, xdelay=00:00:04, mailer=esmtp, pri=60900, relay=mx.beta.test. [198.51.100.7], dsn=2.0.0, stat=Sent (Ok: queued as 88B2)
Jan  1 00:00:02 mx2 sendmail[602]: 5BVNxo8P000600: to=<joe@gamma.test>, delay=00:00:12, xdelay=00:00:07, mailer=esmtp, pri=60900, relay=mx.gamma.test. [198.51.100.8], dsn=2.0.0, stat=Sent (OK)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(LOG)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="smtplens")


def report(*arguments: str | Path) -> dict[str, Any]:
    done = run(
        *("report", "--format", "json", "--section", "all", "--top", "all", "--tz", "UTC"),
        *("--lang", "en", *arguments),
    )
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rows(told: dict[str, Any], key: str) -> list[list[Any]]:
    [section] = [s for s in told["sections"] if s["key"] == key]
    return [row["cells"] for row in section["rows"]]


def test_messages_received_are_two(log: Path) -> None:
    """The one that passes the content filter is one message."""
    assert report(log)["totals"]["received"] == 2


def test_both_sides_of_the_filter_are_there_when_asked(log: Path) -> None:
    told = report(log, "--raw")["totals"]
    assert (told["received"], told["sent"]) == (3, 5)


def test_three_recipients_have_three_ends(log: Path) -> None:
    """pflogsumm counts the copies given to the filter as delivered."""
    told = report(log)["totals"]
    assert (told["sent"], told["bounced"], told["deferrals"]) == (2, 1, 1)
    assert told["deferred_messages"] == 1


def test_repeated_lines_are_five_refusals(log: Path) -> None:
    told = report(log)
    assert told["totals"]["rejected"] == 5
    [row] = [r for r in rows(told, "rejections.permanent") if str(r[2]).startswith("554")]
    assert row[0] == 5


def test_every_code_is_shown_with_its_direction(log: Path) -> None:
    codes = {(c["direction"], c["code"], c["enhanced"]): c["count"] for c in report(log)["codes"]}
    assert codes["inbound", 554, "5.7.1"] == 5
    assert codes["outbound", 550, "5.1.1"] == 1
    assert codes["outbound", 452, "4.2.2"] == 1
    # The filter's own replies are replies, too.
    assert codes["outbound", 250, "2.0.0"] == 4
    assert {code for _, code, _ in codes} == {554, 550, 452, 250, 535}


def test_a_failed_login_has_its_address(log: Path) -> None:
    [row] = [r for r in rows(report(log), "logins.clients") if r[0]]
    assert (row[0], row[-1]) == (1, "192.0.2.9")


def test_what_a_client_calls_itself_says_nothing_of_a_delivery(log: Path) -> None:
    """HELO was `status=sent (250 ok)`, five times; without these lines the same is sent."""
    without = log.with_name("without.log")
    without.write_text("".join(x for x in LOG.splitlines(True) if "helo=<" not in x))
    told, other = report(log), report(without)
    assert told["totals"] | {"rejected": 0} == other["totals"]
    replies = [[c for c in t["codes"] if c["direction"] == "outbound"] for t in (told, other)]
    assert [(c["code"], c["count"]) for c in replies[0]] == [
        (c["code"], c["count"]) for c in replies[1]
    ]


def test_long_queue_ids_are_queue_ids(log: Path) -> None:
    told = report(log)
    assert told["lines"]["unrecognised"] == 0
    short = log.with_name("short.log")
    short.write_text(LOG.replace("4gk9Yx0S1qz4wJ1", "1A2B3C4D5E").replace("4gk9Yz2kPbz4wJ2", "F0"))
    short.write_text(short.read_text().replace(" F0", " 2B3C4D5E6F"))
    assert report(short)["totals"] == told["totals"]


def test_new_year_is_two_years(log: Path) -> None:
    told = report(log, "--year", "2025")
    assert told["period"]["start"].startswith("2025-12-31T23:58:01")
    assert told["period"]["end"].startswith("2026-01-01T00:04:01")
    assert [r[0] for r in rows(told, "days.days")] == ["2025-12-31", "2026-01-01"]


def test_new_year_without_a_year_given(log: Path) -> None:
    """By the file's own time: written in 2026, it began in 2025, however old it is now."""
    written = datetime(2026, 1, 1, 0, 5, tzinfo=UTC).timestamp()
    os.utime(log, (written, written))
    assert report(log)["period"]["start"].startswith("2025-12-31")


def test_a_packed_log_is_read(log: Path) -> None:
    packed = log.with_name("mail.log.1.gz")
    packed.write_bytes(gzip.compress(LOG.encode()))
    assert report(packed)["totals"] == report(log)["totals"]


def test_a_packed_log_that_is_cut_is_an_error(log: Path) -> None:
    packed = log.with_name("mail.log.1.gz")
    packed.write_bytes(gzip.compress(LOG.encode())[:-40])
    done = run("report", packed)
    assert done.exit_code == 3
    assert packed.name in done.stderr


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    done = run("report", tmp_path / "none.log")
    assert done.exit_code == 3
    assert "none.log" in done.stderr


def test_three_recipients_of_a_sendmail_message_are_three(tmp_path: Path) -> None:
    """One line may speak for several; the first entry is that of the old year."""
    path = tmp_path / "maillog"
    path.write_text(SENDMAIL)
    told = report(path, "--year", "2025")
    assert (told["totals"]["received"], told["totals"]["sent"]) == (1, 3)
    assert told["period"]["start"].startswith("2025-12-31")
    assert told["period"]["end"].startswith("2026-01-01")
