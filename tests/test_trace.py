"""The story of one message: what is found, what is joined, what is kept apart, how it is told."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import main
from reports.story import duration

DATA = Path(__file__).parent / "data" / "trace"
SAMPLES = Path(__file__).parent.parent / "sample_logs"
FILTER, ALIAS = DATA / "postfix-filter.log", DATA / "postfix-alias.log"
EXIM, MSP = DATA / "exim-expired.log", DATA / "sendmail-msp.log"


def trace(*arguments: str | Path, given: bytes | None = None) -> Result:
    words = ["trace", *map(str, arguments), "--tz", "UTC", "--year", "2026"]
    return CliRunner().invoke(main, words, input=given, prog_name="smtplens")


def found(*arguments: str | Path, given: bytes | None = None) -> dict[str, Any]:
    result = trace(*arguments, "--all", "--format", "json", given=given)
    assert result.exit_code == 0, result.output
    whole: dict[str, Any] = json.loads(result.stdout)
    return whole


def stories(*arguments: str | Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = found(*arguments)["stories"]
    return told


def story(*arguments: str | Path) -> dict[str, Any]:
    (only,) = stories(*arguments)
    return only


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {r["address"]: r["outcome"] for r in told["recipients"]}


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def postfix(
    queue_id: str,
    minute: int = 10,
    *,
    host: str = "mx1",
    sender: str = "a@lab.test",
    to: str = "b@far.test",
    message_id: str = "",
    client: str = "client.test[192.0.2.9]",
    relay: str = "mx.far.test[198.51.100.7]:25",
    status: str = "sent (250 2.0.0 Ok)",
    removed: bool = True,
) -> list[str]:
    """The lines of one message."""
    at = f"Nov 22 03:{minute:02}:01 {host} postfix"
    lines = [
        f"{at}/smtpd[11]: {queue_id}: client={client}",
        f"{at}/cleanup[12]: {queue_id}: message-id=<{message_id or f'{queue_id}@lab.test'}>",
        f"{at}/qmgr[13]: {queue_id}: from=<{sender}>, size=512, nrcpt=1 (queue active)",
        f"{at}/smtp[14]: {queue_id}: to=<{to}>, relay={relay}, delay=0.5, delays=0.1/0.1/0.1/0.2,"
        f" dsn=2.0.0, status={status}",
    ]
    return [*lines, *([f"{at}/qmgr[13]: {queue_id}: removed"] if removed else [])]


# What is joined


@pytest.mark.parametrize("queue_id", ["157B419693C", "22173196956", "242DF196A3C"])
def test_any_queue_id_of_a_filter_loop_leads_to_the_whole_story(queue_id: str) -> None:
    told = story(queue_id, FILTER)
    assert [(h["queue_id"], h["role"], h["parent"]) for h in told["hops"]] == [
        ("157B419693C", "received", None),
        ("22173196956", "filtered", 0),
        ("242DF196A3C", "notice", 1),
    ]
    assert told["hops"][2]["recipients"] == [["sender@sender.test", "delivered"]]
    assert outcomes(told) == {"rcpt-550-5.1.1_1@d1.test": "bounced"}
    assert told["client_ip"] == "203.0.113.10"
    assert told["size"] == 326
    assert not told["open"]
    assert told["verdict"].startswith("Refused by mx.d1.test: no such user; the person who wrote")
    assert {h["place"]["line"] for h in told["happenings"]} <= set(range(1, 26))


def test_each_happening_is_told_in_time_order_with_its_line() -> None:
    told = story("157B419693C", FILTER)
    times = [h["time"] for h in told["happenings"]]
    assert times == sorted(times)
    lines = FILTER.read_text().splitlines()
    refused = [h for h in told["happenings"] if h["outcome"] == "bad"]
    assert [h["code"] for h in refused] == [550]
    assert "status=bounced" in lines[refused[0]["place"]["line"] - 1]
    assert told["explained"][refused[0]["explained"]]["title"] == "No such user"


def test_an_alias_that_leads_out_is_one_story_with_its_own_name_kept() -> None:
    told = story("many@lab.test", ALIAS)
    assert [h["role"] for h in told["hops"]] == ["received", "forwarded", "notice"]
    assert outcomes(told) == {
        "alice@lab.test": "delivered",
        "bob@lab.test": "delivered",
        "rcpt-550-5.1.1_al@d1.test": "bounced",
        "ok_al@d1.test": "delivered",
    }
    assert {r["original"] for r in told["recipients"]} == {"many@lab.test"}
    assert told["outcome"] == "partly delivered"
    assert told["verdict"].startswith(
        "Delivered to 3 of 4 recipients, 1 refused: rcpt-550-5.1.1_al"
    )


def test_exim_gives_up_and_its_notices_belong_to_the_story() -> None:
    told = story("rcpt-451-4.7.1_exp1@h5.test", EXIM)
    assert [h["role"] for h in told["hops"]] == ["received", "notice", "notice", "notice"]
    (recipient,) = told["recipients"]
    assert recipient["outcome"] == "expired"
    # Seven lines say that it was put off; two of nine only that it was not yet time again.
    assert recipient["tries"] == 7
    assert recipient["after"] == 21
    assert (recipient["code"], recipient["enhanced"]) == (451, "4.7.1")
    assert told["verdict"].startswith("Given up after 21 s and 7 tries: mx.h5.test kept")
    waiting = [h for h in told["happenings"] if h["what"] == "not tried again yet"]
    assert len(waiting) == 2
    assert all(h["explained"] is None for h in waiting)


def test_sendmail_msp_is_followed_to_the_daemon() -> None:
    told = story("6ANDvYuE000238", MSP)
    assert [(h["queue_id"], h["role"]) for h in told["hops"]] == [
        ("6ANDvYci000237", "received"),
        ("6ANDvYuE000238", "submitted"),
    ]
    assert outcomes(told) == {"ok_loc@d1.test": "delivered"}


def test_sendmail_names_its_notice() -> None:
    told = story("6ANDvYci000246", MSP)
    assert [(h["queue_id"], h["role"], h["parent"]) for h in told["hops"]] == [
        ("6ANDvYci000246", "received", None),
        ("6ANDvYcj000246", "notice", 0),
        ("6ANDvYau000247", "submitted", 1),
    ]
    assert outcomes(told) == {"nosuch@lab.test": "bounced"}


def test_two_hosts_and_two_mail_servers_are_one_story(tmp_path: Path) -> None:
    reply = "sent (250 OK id=1xVURW-00001P-0e)"
    first = write(tmp_path / "a.log", *postfix("4A5B6C7D8E", message_id="m@lab.test", status=reply))
    second = write(
        tmp_path / "b.log",
        "2026-11-22T03:10:01.5+00:00 mx2 exim[9]: 1xVURW-00001P-0e <= a@lab.test H=mx1.lab.test"
        " [192.0.2.25] P=esmtp S=600 id=m@lab.test",
        "2026-11-22T03:10:02.5+00:00 mx2 exim[9]: 1xVURW-00001P-0e => b@far.test R=r T=smtp"
        ' H=mx.far.test [198.51.100.7] C="250 2.0.0 Ok: queued as 77AABBCC"',
        "2026-11-22T03:10:02.5+00:00 mx2 exim[9]: 1xVURW-00001P-0e Completed",
    )
    told = story("m@lab.test", second, first)
    assert [(h["host"], h["role"]) for h in told["hops"]] == [
        ("mx1", "received"),
        ("mx2", "passed on"),
    ]
    assert outcomes(told) == {"b@far.test": "delivered"}
    assert told["recipients"][0]["hop"] == 1
    assert told["in_queue"] == pytest.approx(1.5)


# What is kept apart


def test_a_queue_id_used_again_is_another_message(tmp_path: Path) -> None:
    log = write(
        tmp_path / "mail.log",
        *postfix("4A5B6C7D8E", 10, to="first@far.test"),
        *postfix("4A5B6C7D8E", 40, to="second@far.test"),
    )
    assert [outcomes(s) for s in stories("4A5B6C7D8E", log)] == [
        {"first@far.test": "delivered"},
        {"second@far.test": "delivered"},
    ]
    assert outcomes(story("second@far.test", log)) == {"second@far.test": "delivered"}


def test_a_queue_id_may_be_used_again_within_the_second(tmp_path: Path) -> None:
    log = write(
        tmp_path / "mail.log",
        *postfix("4A5B6C7D8E", to="never@far.test")[:3],
        "Nov 22 03:10:01 mx1 postfix/postsuper[15]: 4A5B6C7D8E: removed",
        *postfix("4A5B6C7D8E", to="second@far.test"),
        # A notice: no client brought it.
        *postfix("4A5B6C7D8E", sender="", to="told@far.test")[1:],
    )
    told = stories("4A5B6C7D8E", log)
    assert [s["outcome"] for s in told] == ["deleted", "delivered", "delivered"]
    assert [outcomes(s) for s in told] == [
        {},
        {"second@far.test": "delivered"},
        {"told@far.test": "delivered"},
    ]
    assert [s["client_ip"] for s in told] == ["192.0.2.9", "192.0.2.9", ""]


def test_the_same_queue_id_on_another_host_is_another_message(tmp_path: Path) -> None:
    log = write(
        tmp_path / "mail.log",
        *postfix("4A5B6C7D8E", to="first@far.test", host="mx1"),
        *postfix("4A5B6C7D8E", to="second@far.test", host="mx2"),
    )
    assert len(stories("4A5B6C7D8E", log)) == 2
    assert outcomes(story("first@far.test", log)) == {"first@far.test": "delivered"}


def test_a_planted_queue_id_joins_nothing(tmp_path: Path) -> None:
    victim = postfix("4A5B6C7D8E", 10, to="victim@far.test")
    log = write(
        tmp_path / "mail.log",
        *victim,
        # In a Message-ID, in a HELO, and as the name of somebody who fails to log in.
        *postfix("4B00000001", 11, message_id="queued as 4A5B6C7D8E"),
        "Nov 22 03:11:01 mx1 postfix/smtpd[11]: NOQUEUE: reject: RCPT from x.test[192.0.2.66]: 550"
        " 5.1.1 <q@lab.test>: no; from=<z@x.test> to=<q@lab.test> proto=ESMTP helo=<4A5B6C7D8E>",
        "Nov 22 03:11:02 mx1 postfix/smtpd[11]: warning: x.test[192.0.2.66]: SASL LOGIN"
        " authentication failed: no, sasl_username=4A5B6C7D8E",
    )
    told = story("4A5B6C7D8E", log)
    assert outcomes(told) == {"victim@far.test": "delivered"}
    assert len(told["hops"]) == 1
    assert len(told["happenings"]) == 4


@pytest.mark.parametrize(
    ("minute", "client"),
    [
        pytest.param(10, "localhost[127.0.0.1]", id="another Message-ID"),
        pytest.param(40, "localhost[127.0.0.1]", id="another time"),
    ],
)
def test_a_remote_server_cannot_name_its_way_into_another_story(
    tmp_path: Path, minute: int, client: str
) -> None:
    same = "m@lab.test" if minute == 40 else "other@lab.test"
    log = write(
        tmp_path / "mail.log",
        *postfix(
            "4A5B6C7D8E", 10, message_id="m@lab.test", status="sent (250 Ok: queued as 4C0000000F)"
        ),
        *postfix("4C0000000F", minute, message_id=same, client=client, to="victim@far.test"),
    )
    assert outcomes(story("4A5B6C7D8E", log)) == {"b@far.test": "delivered"}


def test_a_message_id_said_by_a_stranger_of_the_same_name_needs_our_own_hands(
    tmp_path: Path,
) -> None:
    # Time and Message-ID fit, but it came in from somebody else than where it was handed to.
    log = write(
        tmp_path / "mail.log",
        *postfix(
            "4A5B6C7D8E", message_id="m@lab.test", status="sent (250 Ok: queued as 4C0000000F)"
        ),
        *postfix(
            "4C0000000F", message_id="m@lab.test", client="evil.test[203.0.113.66]", to="v@far.test"
        ),
    )
    assert outcomes(story("4A5B6C7D8E", log)) == {"b@far.test": "delivered"}


def test_an_address_in_somebody_elses_words_is_not_found(tmp_path: Path) -> None:
    status = "bounced (host mx.far.test[198.51.100.7] said: 550 5.1.1 write to x@bait.test (in reply to RCPT TO command))"
    log = write(
        tmp_path / "mail.log", *postfix("4A5B6C7D8E", status=status, message_id="x@bait.test.more")
    )
    assert trace("x@bait.test", log).exit_code == 1
    assert trace("192.0.2.90", log).exit_code == 1
    assert trace("192.0.2.9", log).exit_code == 0


# How it is found


@pytest.mark.parametrize(
    "asked",
    [
        "157B419693C",
        "<1795441517088196193.1@client.test>",
        "RCPT-550-5.1.1_1@d1.test",
        "<rcpt-550-5.1.1_1@D1.test>",
    ],
)
def test_brackets_and_the_case_of_addresses_do_not_matter(asked: str) -> None:
    assert story(asked, FILTER)["queue_id"] == "157B419693C"


@pytest.mark.parametrize("asked", ["2001:db8::9", "[IPv6:2001:DB8:0:0:0:0:0:9]", "2001:0db8::0009"])
def test_an_ipv6_address_is_found_however_it_is_spelt(tmp_path: Path, asked: str) -> None:
    log = write(
        tmp_path / "mail.log",
        *postfix("4A5B6C7D8E", client="six.test[2001:db8::9]"),
        *postfix("4B00000001", client="six.test[2001:db8::90]"),
        "Nov 22 03:11:01 mx1 sendmail[11]: 6AMBA1Xq000011: from=<s@lab.test>, size=19, class=0, nrcpts=1,"
        " msgid=<q@lab.test>, proto=ESMTP, daemon=MTA, relay=six.test [IPv6:2001:db8:0:0:0:0:0:9]",
    )
    assert {s["queue_id"] for s in stories(asked, log)} == {"4A5B6C7D8E", "6AMBA1Xq000011"}


def test_refusals_are_grouped_by_client_and_kind(tmp_path: Path) -> None:
    refused = (
        "Nov 22 03:{:02}:01 mx1 postfix/smtpd[11]: NOQUEUE: reject: RCPT from x.test[192.0.2.66]: {};"
        " from=<z@x.test> to=<{}@lab.test> proto=ESMTP helo=<x>"
    )
    log = write(
        tmp_path / "mail.log",
        *(
            refused.format(n, "550 5.1.1 <u>: Recipient address rejected: User unknown", f"u{n}")
            for n in range(7)
        ),
        refused.format(8, "450 4.7.1 <u>: Recipient address rejected: Greylisted", "u1"),
        refused.format(9, "550 5.1.1 <u>: Recipient address rejected: User unknown", "u1").replace(
            "66]", "67]"
        ),
    )
    told = story("192.0.2.66", log)
    assert told["kind"] == "refusals"
    assert [(r["code"], r["count"], r["more_pairs"]) for r in told["refusals"]] == [
        (550, 7, 2),
        (450, 1, 0),
    ]
    assert told["refusals"][0]["first"].endswith("03:00:01+00:00")
    assert told["refusals"][0]["last"].endswith("03:06:01+00:00")
    assert told["verdict"].startswith("Rejected 8 times before queueing: mostly no such user")
    by_address = stories("u1@lab.test", log)
    assert [(s["client_ip"], sum(r["count"] for r in s["refusals"])) for s in by_address] == [
        ("192.0.2.66", 2),
        ("192.0.2.67", 1),
    ]


def test_sendmails_refusals_are_found_by_the_client_that_a_later_line_names() -> None:
    log = SAMPLES / "sendmail-rfc3164.log"
    (told,) = [s for s in stories("203.0.113.20", log) if s["kind"] == "refusals"]
    assert all(r["code"] in range(400, 600) for r in told["refusals"])
    assert any("User unknown" in r["reply"] for r in told["refusals"])


def test_who_fails_to_log_in_is_found_by_name_and_by_address() -> None:
    log = SAMPLES / "postfix-rfc5424-slashes.log"
    assert any(s["kind"] == "refusals" for s in stories("nosuchuser@lab.test", log))
    logins = [s for s in stories("alice@lab.test", log) if s["user"] == "alice@lab.test"]
    assert logins
    assert all(s["kind"] == "message" for s in logins)


def test_a_message_refused_at_its_end_was_never_queued() -> None:
    told = [
        s for s in stories("203.0.113.40", DATA / "postfix-content.log") if s["kind"] == "message"
    ]
    refused = [s for s in told if s["outcome"] == "refused"]
    assert refused
    assert all(s["verdict"].startswith("Rejected before it was queued: ") for s in refused)
    assert {s["outcome"] for s in told} >= {"refused", "held", "discarded"}


def test_what_is_still_queued_is_said_with_the_time_the_log_ends(tmp_path: Path) -> None:
    status = "deferred (host mx.far.test[198.51.100.7] said: 451 4.3.0 later (in reply to RCPT TO command))"
    log = write(
        tmp_path / "mail.log",
        *postfix("4A5B6C7D8E", 10, status=status, removed=False),
        "Nov 22 04:00:00 mx1 postfix/anvil[9]: statistics: max cache size 1 at Nov 22 03:50:00",
    )
    told = story("4A5B6C7D8E", log)
    assert told["open"]
    assert outcomes(told) == {"b@far.test": "deferred"}
    assert "still queued when the log ends (2026-11-22 04:00:00)" in told["verdict"]
    assert told["in_queue"] == 49 * 60 + 59


def test_a_story_without_its_beginning_says_so(tmp_path: Path) -> None:
    log = write(tmp_path / "mail.log", *postfix("4A5B6C7D8E")[3:])
    told = story("4A5B6C7D8E", log)
    assert told["in_queue"] is None
    assert any("its arrival is not in these logs" in note for note in told["notes"])


# Several, many, none


def test_several_are_listed_the_newest_last(tmp_path: Path) -> None:
    lines = [line for n in range(30) for line in postfix(f"4A5B6C7D{n:02}", n)]
    log = write(tmp_path / "mail.log", *lines)
    result = trace("a@lab.test", log)
    listed = [line.split()[1] for line in result.stdout.splitlines() if re.match("  [0-9]", line)]
    assert listed == [f"4A5B6C7D{n:02}" for n in range(10, 30)]
    assert "30 stories, the newest 20" in result.stdout
    short = json.loads(trace("a@lab.test", log, "--limit", "3", "--format", "json").stdout)
    assert (short["total"], short["told"]) == (30, False)
    assert [s["queue_id"] for s in short["stories"]] == [f"4A5B6C7D{n}" for n in (27, 28, 29)]
    assert found("a@lab.test", log)["told"]
    assert len(stories("a@lab.test", log)) == 30


def test_more_than_are_followed_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.trace.run.FOLLOWED", 4)
    lines = [line for n in range(9) for line in postfix(f"4A5B6C7D{n:02}", n)]
    log = write(tmp_path / "mail.log", *lines)
    short = json.loads(trace("a@lab.test", log, "--limit", "1", "--format", "json").stdout)
    assert short["total"] == 9
    assert short["stories"][0]["queue_id"] == "4A5B6C7D08"
    assert "9 queue ids match" in short["notes"][0]


def test_statuses(tmp_path: Path) -> None:
    assert trace("157B419693C", FILTER).exit_code == 0
    nothing = trace("nobody@nowhere.test", FILTER)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "nobody@nowhere.test: not found" in nothing.stderr
    assert trace("157B419693C", tmp_path / "missing.log").exit_code == 3
    beside = trace("157B419693C", FILTER, tmp_path / "missing.log")
    assert beside.exit_code == 3
    assert "Refused by mx.d1.test" in beside.stdout
    web = write(
        tmp_path / "web.log", '192.0.2.1 - - [23/Nov/2026:14:09:10 +0000] "GET / HTTP/1.1" 200 6'
    )
    assert trace("157B419693C", web).exit_code == 4
    assert trace(" ", FILTER).exit_code == 2


# Sources


def without_places(whole: dict[str, Any]) -> dict[str, Any]:
    for told in whole["stories"]:
        for item in (*told["happenings"], *told["refusals"]):
            del item["place"]
    return whole


def test_a_pipe_and_a_packed_file_tell_the_same_as_the_file(tmp_path: Path) -> None:
    data = EXIM.read_bytes()
    packed = tmp_path / "mainlog.gz"
    packed.write_bytes(gzip.compress(data))
    plain = without_places(found("sender@sender.test", EXIM))
    assert without_places(found("sender@sender.test", packed)) == plain
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "analyzer",
            "trace",
            "sender@sender.test",
            "--all",
            "--format",
            "json",
            "--tz",
            "UTC",
        ],
        input=data,
        capture_output=True,
        timeout=60,
        cwd=SAMPLES.parent,
    )
    assert without_places(json.loads(run.stdout)) == plain


LINES = FILTER.read_text().splitlines(keepends=True)


@pytest.mark.parametrize("cut", range(1, len(LINES), 3))
def test_where_files_are_cut_does_not_matter(tmp_path: Path, cut: int) -> None:
    first, second = tmp_path / "1.log", tmp_path / "2.log"
    first.write_text("".join(LINES[:cut]))
    second.write_text("".join(LINES[cut:]))
    parts = without_places(found("sender@sender.test", second, first))
    assert parts == without_places(found("sender@sender.test", FILTER))


def test_a_line_that_syslog_split_is_found_by_its_second_part(tmp_path: Path) -> None:
    head = "Nov 22 03:10:01 mx2 exim[9]: "
    log = write(
        tmp_path / "mail.log",
        f"{head}[1/2] 1xVURW-00001P-0e <= a@lab.test H=mx1.lab.test [192.0.2.25] P=esmtp S=600",
        f"{head}[2/2]  id=very-long@lab.test",
        f"{head}1xVURW-00001P-0e Completed",
    )
    told = story("very-long@lab.test", log)
    assert told["queue_id"] == "1xVURW-00001P-0e"
    assert told["message_id"] == "very-long@lab.test"


def test_a_note_of_repeated_lines_counts_for_its_own_line_only(tmp_path: Path) -> None:
    line = (
        "Nov 22 03:10:01 mx1 postfix/smtpd[11]: NOQUEUE: reject: RCPT from x.test[192.0.2.{}]: 550"
        " 5.1.1 <u>: User unknown; from=<z@x.test> to=<u@lab.test> proto=ESMTP helo=<x>"
    )
    again = "Nov 22 03:10:05 mx1 last message repeated 4 times"
    log = write(tmp_path / "mail.log", line.format(66), again, line.format(67), line.format(66))
    assert [r["count"] for r in story("192.0.2.66", log)["refusals"]] == [6]
    assert [r["count"] for r in story("192.0.2.67", log)["refusals"]] == [1]


def test_what_exim_writes_twice_is_told_once() -> None:
    main, reject = SAMPLES / "exim-mainlog.log", SAMPLES / "exim-rejectlog.log"

    def refused(*logs: Path) -> list[tuple[str, int]]:
        return [
            (r["reply"], r["count"])
            for s in stories("203.0.113.20", *logs)
            for r in s["refusals"]
            # One line stands in the reject log alone.
            if r["reply"] != "unqualified sender rejected"
        ]

    assert len(refused(reject)) > 10
    assert refused(main, reject) == refused(main)


def test_no_log_of_the_sources_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert trace("157B419693C", "-", given=FILTER.read_bytes()).exit_code == 0
    assert list(tmp_path.iterdir()) == []


# How it is told


def test_what_is_in_a_log_does_not_drive_the_terminal(tmp_path: Path) -> None:
    evil = "x\x1b]0;pwned\x07\u202eevil"
    status = f"bounced (host mx.far.test[198.51.100.7] said: 550 5.1.1 {evil} (in reply to RCPT TO command))"
    lines = postfix("4A5B6C7D8E", status=status, to=f"b{evil}@far.test", sender=f"a{evil}@lab.test")
    log = write(tmp_path / "mail.log", *lines, *postfix("4B00000001", 11))
    for arguments in (["4A5B6C7D8E"], ["192.0.2.9"], ["192.0.2.9", "--all"]):
        text = trace(*arguments, log).stdout
        assert "\\x1b" in text
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "\x1b" not in trace("4A5B6C7D8E", log, "--format", "json").stdout


@pytest.mark.parametrize("log", [FILTER, ALIAS, EXIM, MSP, SAMPLES / "postfix-rfc3164.log"])
@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_the_page(log: Path, width: int) -> None:
    for more in ([], ["--all"]):
        text = trace("sender@sender.test", log, "--width", str(width), *more)
        if text.exit_code == 0:
            assert max(map(len, text.stdout.splitlines())) <= width
            assert "\x1b" not in text.stdout
    assert "\x1b[1m" in trace("157B419693C", FILTER, "--color", "always").stdout


def test_the_text_names_what_the_story_is_about() -> None:
    text = trace("157B419693C", FILTER).stdout
    for part in ("Refused by mx.d1.test", "back from the content filter", "notice to the sender",
                 "handed to [127.0.0.1]:10027", "[1] No such user", "Who acts"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "under 1 s"), (0.08, "0.08 s"), (9.996, "10 s"), (59.7, "1 min"), (725, "12 min 5 s"),
     (12_000, "3 h 20 min"), (86_400 * 4 + 7 * 3600 + 5, "4 d 7 h")],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import os, sys\nfrom analyzer import cli\nos._exit = lambda status: None\n"
        "cli.run(['trace', '--help'])\nsys.stderr.write(' '.join(sys.modules))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=SAMPLES.parent, capture_output=True, text=True,
        timeout=60, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    assert "QUEUE_ID|ADDRESS|MESSAGE-ID|IP" in run.stdout
    assert not {"polars", "rich", "jinja2"} & {m.split(".")[0] for m in run.stderr.split()}
