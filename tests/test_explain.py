"""What is explained, how it was chosen, and that nothing makes it fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analyzer import cli
from analyzer.exits import Refused
from analyzer.explain import pasted
from analyzer.explain.answer import explain
from analyzer.explain.wording import Wording
from analyzer.knowledge import entries, languages
from reports import safe
from reports.pages import render

ROOT = Path(__file__).parent.parent
SAID = (
    "Nov 22 03:10:01 mx1 postfix/smtp[12]: ABC: to=<a@b.c>, relay=gmail-smtp-in.l.google.com"
    "[192.0.2.1]:25, delay=1, dsn=5.7.26, status=bounced (host gmail-smtp-in.l.google.com"
    "[192.0.2.1] said: 550-5.7.26 This mail has been blocked because the sender is"
    " unauthenticated. 550-5.7.26 Gmail requires all senders to authenticate"
    " (in reply to end of DATA command))"
)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli.main, ["explain", *arguments], input=stdin)


# Form, code, enhanced code, direction, stage, host and the beginning of the reply.
@pytest.mark.parametrize(
    ("text", "how", "code", "enhanced", "direction", "stage", "host", "reply"),
    [
        ("550", "digits", 550, None, None, "", None, ""),
        ("5.7.26", "digits", None, "5.7.26", None, "", None, ""),
        ("550 5.7.26", "digits", 550, "5.7.26", None, "", None, ""),
        ("550-5.7.26", "digits", 550, "5.7.26", None, "", None, ""),
        ("550 #5.1.0", "digits", 550, "5.1.0", None, "", None, ""),
        ("(#5.1.1)", "digits", None, "5.1.1", None, "", None, ""),
        ("x.7.1", "digits", None, "X.7.1", None, "", None, ""),
        ("5xx", "class", None, None, None, "", None, ""),
        (
            "550-5.7.26 This mail\n550-5.7.26 has been\n550 5.7.26 blocked",
            *("reply", 550, "5.7.26", None, "", None, "550 5.7.26 This mail has been blocked"),
        ),
        (
            SAID,
            *("postfix-said", 550, "5.7.26", "outbound", "EOD", "gmail-smtp-in.l.google.com"),
            "550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail",
        ),
        (
            "host mx.x.test[192.0.2.1] refused to talk to me: 554 5.7.1 no",
            *("postfix-said", 554, "5.7.1", "outbound", "CONNECT", "mx.x.test", "554 5.7.1 no"),
        ),
        (
            "smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 5.7.1 <a@b.c>: Relay access"
            " denied; from=<x> to=<a@b.c> proto=ESMTP helo=<h>",
            *("postfix-reject", 554, "5.7.1", "inbound", "RCPT", None),
            "554 5.7.1 <a@b.c>: Relay access denied",
        ),
        (
            "cleanup[1]: A: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 spam; from=<x>",
            *("postfix-reject", None, "5.7.1", "inbound", "EOD", None, "5.7.1 spam"),
        ),
        (
            "smtp[1]: A: to=<a@b>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to"
            " mx.x[192.0.2.1]:25: Connection timed out)",
            *("postfix-own", None, "4.4.1", "local", "", None, "4.4.1 connect to mx.x"),
        ),
        (
            "2026-11-23 13:51:48 1xVUSS-00001Q-1W ** r@d1.test R=dnslookup T=remote_smtp"
            " H=mx.d1.test [192.0.2.1]: SMTP error from remote mail server after RCPT"
            " TO:<r@d1.test>: 550 5.1.1 No such user here",
            *("exim-remote", 550, "5.1.1", "outbound", "RCPT", "mx.d1.test", "550 5.1.1 No such"),
        ),
        (
            "  a@b.c\n    host mx.d1.test [192.0.2.1]\n    SMTP error from remote mail server"
            " after RCPT TO:<a@b.c>:\n    550 5.1.1 No such\n    user",
            *("exim-remote", 550, "5.1.1", "outbound", "RCPT", "mx.d1.test"),
            "550 5.1.1 No such user",
        ),
        (
            "2026-11-23 13:47:41 H=c (h) [192.0.2.1] F=<a@b> rejected RCPT <x@y>: relay not permitted",
            *("exim-reject", 550, None, "inbound", "RCPT", None, "550 relay not permitted"),
        ),
        (
            "2026-11-23 13:47:41 H=c [192.0.2.1] F=<a@b> temporarily rejected RCPT <x@y>: later",
            *("exim-reject", 451, None, "inbound", "RCPT", None, "451 later"),
        ),
        (
            "2026-11-23 13:47:41 H=c (h) [192.0.2.1] rejected EHLO or HELO h: 554 5.7.1 not me",
            *("exim-reject", 554, "5.7.1", "inbound", "HELO", None, "554 5.7.1 not me"),
        ),
        (
            "2026-11-23 13:47:41 1xVUSS-00001Q-1W ** a@b: Unrouteable address",
            *("exim-own", None, None, "local", "", None, "Unrouteable address"),
        ),
        (
            "6A: ruleset=check_rcpt, arg1=<x@d1.test>, relay=[192.0.2.1], reject=550 5.7.1"
            " <x@d1.test>... Relaying denied",
            *("sendmail-ruleset", 550, "5.7.1", "inbound", "RCPT", None, "550 5.7.1 <x@d1.test>"),
        ),
        (
            "6A: to=<x>, relay=mx.d1.test. [192.0.2.1], dsn=5.1.1, reply=550 5.1.1 No such user"
            " here, stat=User unknown",
            *("sendmail-reply", 550, "5.1.1", "outbound", "", "mx.d1.test"),
            "550 5.1.1 No such user here",
        ),
        (
            "6A: to=<x>, relay=mx.d1.test. [192.0.2.1], dsn=4.7.1, stat=Deferred: 451 4.7.1 Grey",
            *("sendmail-stat", 451, "4.7.1", "outbound", "", "mx.d1.test", "451 4.7.1 Grey"),
        ),
        (
            "6A: to=<x>, relay=mx.d1.test., dsn=4.0.0, stat=Deferred: Connection refused by mx.",
            *("sendmail-own", None, "4.0.0", "local", "", None, "4.0.0 Connection refused"),
        ),
        (
            "Final-Recipient: rfc822; a@b\nStatus: 5.1.1\nRemote-MTA: dns; mx.google.com\n"
            "Diagnostic-Code: smtp; 550-5.1.1 The email account\n 550 5.1.1 that you tried",
            *("dsn", 550, "5.1.1", "outbound", "", "mx.google.com"),
            "550 5.1.1 The email account that you tried",
        ),
        ("Status: 5.1.1", "dsn", None, "5.1.1", None, "", None, "5.1.1"),
        (
            "Diagnostic-Code: X-Postfix; host mx.x[192.0.2.1] said: 550 5.1.1 no (in reply\n"
            "    to RCPT TO command)",
            *("postfix-said", 550, "5.1.1", "outbound", "RCPT", "mx.x", "550 5.1.1 no"),
        ),
        (
            "... while talking to mx.x.test.:\n>>> RCPT To:<a@b>\n<<< 550-5.1.1 a\n<<< 550 5.1.1 b",
            *("reply", 550, "5.1.1", "outbound", "", "mx.x.test", "550 5.1.1 a b"),
        ),
        (
            "Remote Server returned '550 5.7.1 Unable to relay'",
            *("said", 550, "5.7.1", "outbound", "", None, "550 5.7.1 Unable to relay"),
        ),
        (
            "Sorry, no mailbox here by that name. (#5.1.1)",
            *("text", None, "5.1.1", None, "", None, "Sorry"),
        ),
        # Digits in prose are no code.
        ("rate limit exceeded: 334", "text", None, None, None, "", None, "rate limit"),
    ],
)
def test_what_is_pasted_is_read(
    text: str, how: str, code: int | None, enhanced: str | None, direction: str | None,
    stage: str, host: str | None, reply: str,
) -> None:  # fmt: skip
    asked = pasted.read(text)
    told = (asked.how, asked.code, asked.enhanced, asked.direction, asked.stage, asked.host)
    assert told == (how, code, enhanced, direction, stage, host)
    assert asked.reply.startswith(reply)
    assert asked.implied == (how == "exim-reject" and "554" not in text)


@pytest.mark.parametrize(
    ("query", "kind", "key", "title"),
    [
        ("550", "reply", "550", "Refused: mailbox unavailable or policy"),
        ("550 5.1.1", "enhanced", "X.1.1", "No such mailbox"),
        ("503 5.0.0", "reply", "503", "Commands in the wrong order"),
        ("4.1.1", "enhanced", "X.1.1", "Mailbox not confirmed yet"),
        ("5.7.99", "enhanced", "X.7", "Unregistered code"),
        ("577", "class", "5yz", "Unassigned permanent refusal 577"),
        ("199", "class", "1yz", "199 cannot occur in SMTP"),
        ("777", "class", "other", "777 is no SMTP reply code"),
        ("4xx", "class", "4yz", "4yz"),
        ("greylist", "cause", "greylist", "Greylisted"),
        ("google.unauthenticated", "rule", "google.unauthenticated", ""),
        (SAID, "rule", "google.unauthenticated", ""),
        ("554 5.7.1 <a@b.c>: Relay access denied", "rule", "postfix.relay-denied", "Relay"),
        ("550 5.1.1 qwertz uiop", "enhanced", "X.1.1", "No such mailbox"),
        ("250 2.0.0 Ok: queued, greylisted before", "reply", "250", "Done"),
    ],
)
def test_the_most_specific_entry_speaks(query: str, kind: str, key: str, title: str) -> None:
    article = explain(query)
    assert (article.kind, article.key) == (kind, key)
    assert article.title.startswith(title)
    assert article.description
    assert article.chosen
    assert article.sides


@pytest.mark.parametrize(
    ("query", "retry"),
    [
        ("250", "not-needed"),
        ("354", "not-needed"),
        ("450", "yes"),
        ("550", "no"),
        ("4.1.2", "in-vain"),
        ("5.4.1 ", "no"),
        ("552 5.2.2", "later-anew"),
        ("452 4.2.2", "days"),
    ],
)
def test_the_class_overrules_what_the_cause_says_of_a_retry(query: str, retry: str) -> None:
    assert explain(query).retry == retry


def test_the_direction_is_taken_from_the_line_or_the_option() -> None:
    assert [s.direction for s in explain("550").sides] == ["inbound", "outbound"]
    assert [s.direction for s in explain("5.4.4").sides] == ["inbound", "outbound", "local"]
    assert [s.direction for s in explain(SAID).sides] == ["outbound"]
    assert [s.direction for s in explain("550", direction="inbound").sides] == ["inbound"]


def test_a_contradiction_is_flagged() -> None:
    assert "disagree" in explain("250 5.1.1").notes[0]
    assert "disagree" in explain("450 5.1.1 no").notes[0]
    assert explain("450 4.1.1").notes == ()


def test_the_stage_says_whether_the_whole_message_is_refused() -> None:
    assert explain("550 5.1.1 no").flow == "recipient-refused"
    assert explain(SAID).flow == "message-refused"


def test_how_it_was_chosen_is_told() -> None:
    told = " ".join(explain("550 5.7.26 sender is unauthenticated, says the gateway").chosen)
    assert "rules of all providers were tried" in told
    told = " ".join(explain(SAID).chosen)
    assert "google.unauthenticated" in told
    assert "outbound" in told
    assert "all providers" not in told
    assert "550 does not stand in the line" in " ".join(
        explain("2026-11-23 13:47:41 H=c [192.0.2.1] F=<> rejected RCPT <x@y>: no").notes
    )


@pytest.mark.parametrize("query", ["hello", "", "  ", "12345", "0.1.2", "9.9.9", "good morning"])
def test_what_is_not_known_is_refused(query: str) -> None:
    with pytest.raises(Refused):
        explain(query)


def test_every_code_and_cause_is_explained_in_every_format() -> None:
    enhanced = [key.replace("X", d, 1).split("-")[0] for key in entries.data("enhanced")
                if key.count(".") == 2 for d in "245"]  # fmt: skip
    labels = Wording().labels()
    for query in (*map(str, range(100, 700)), *enhanced, *entries.data("causes")):
        article = explain(query)
        for text in (article.title, article.retry_name, article.permanence_name, *article.chosen):
            assert text, query
            assert "{" not in text, query
        lines = render(article, "text", labels).splitlines()
        assert max(map(safe.width, lines)) <= 80, query
        assert json.loads(render(article, "json", labels))["query"] == query


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    try:
        article = explain(text)
    except Refused:
        return
    for form in ("text", "json", "markdown"):
        assert render(article, form, Wording().labels())


@given(st.text("0123456789.-# <>:;()=*\n\tabcdeSAID smtpREJhost", max_size=80))
def test_no_near_code_makes_it_fail(text: str) -> None:
    pasted.read(text)
    try:
        explain(text)
    except Refused:
        return


EVIL = "550 5.1.1 \x1b]0;x\x07\x1b[31mred [bold]x[/bold] \u202e<script>|`a`\x9b5m"


def test_a_pasted_text_drives_no_terminal_and_is_no_markup() -> None:
    article, labels = explain(EVIL), Wording().labels()
    for look in ({}, {"colour": True}, {"ascii_only": True}):
        shown = render(article, "text", labels, **look)
        assert "[bold]x[/bold]" in shown
        assert not set(shown) & {"\x07", "\x9b", "\u202e"}
        assert shown.count("\x1b") == shown.count("\x1b[") if look == {"colour": True} else True
        assert "\x1b]" not in shown
        assert "\x1b[31mred" not in shown
    page = MarkdownIt().render(render(article, "markdown", labels))
    assert "<script>" not in page
    assert "\x1b" not in render(article, "json", labels)


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 " + "a" * 1_000_000,
        "550-" * 250_000,
        "reject: RCPT from " + "x" * 1_000_000,
        "dsn=5.1.1, status=bounced (" * 40_000,
        " ** a" * 200_000,
        "rejected RCPT" * 80_000,
        "<" * 1_000_000,
        "a@" * 500_000,
        "1:" * 500_000,
        "\n" * 1_000_000,
        "550 " + " " * 1_000_000 + "x",
    ],
)
def test_a_very_long_text_is_answered_soon(text: str) -> None:
    done = run("-", stdin=text)
    assert done.exit_code in (0, 2)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert len(done.output) < 20_000


def test_commands_on_standard_input_and_arguments() -> None:
    assert run("-", stdin=SAID).output == run(SAID).output
    assert run("550", "5.7.26").output == run("550 5.7.26").output
    assert run("550").exit_code == 0
    done = run("no such thing")
    assert done.exit_code == 2
    assert "no reply code" in done.output
    assert run("-", stdin="").exit_code == 2
    assert json.loads(run("--format", "json", "550").output)["page"] == "article"
    assert run("--format", "markdown", "550").output.startswith("# `550` ")
    assert run("--lang", "xx", "550").exit_code == 2


def test_the_peer_can_be_named() -> None:
    text = "550 5.7.1 the sender is unauthenticated"
    assert "google.unauthenticated" in run("--host", "mx.google.com", text).output
    assert "google.unauthenticated" not in run("--host", "mx.example.net", text).output


def test_a_log_is_counted() -> None:
    log = str(ROOT / "sample_logs/postfix-rfc3164.log")
    told = json.loads(run("550", "--format", "json", "--log", log).output)
    assert sum(row["count"] for row in told["seen"]) == 9
    assert told["seen"][0]["examples"][0]["line"] == 108
    assert "Not in this log." in run("556", "--log", log).output
    assert run("550", "--log", "no-such.log").exit_code == 3


COMMANDS = (
    ["explain", "550"], ["explain", SAID], ["explain", "hello"], ["compare", "251", "502"],
    ["codes", "vrfy"], ["rules", "list"], ["rules", "--help"], ["explain", "--help"],
)  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_knowledge_base_answers_without_polars(arguments: list[str]) -> None:
    code = (
        "import os, sys\n"
        "from analyzer import cli\n"
        "os._exit = lambda status: None\n"
        f"cli.run({arguments!r})\n"
        "sys.stderr.write('\\n' + ' '.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    loaded = {name.split(".")[0] for name in done.stderr.splitlines()[-1].split()}
    assert "click" in loaded
    assert loaded & {"polars", "jinja2"} == set()


def test_the_language_comes_from_the_locale() -> None:
    assert languages.preferred({"LC_ALL": "C.UTF-8", "LANG": "hi_IN.UTF-8"}) == "en"
    assert languages.preferred({"LANG": "xx_YY"}) == "en"
    assert languages.preferred({}) == "en"


def test_this_servers_admin_is_called_so() -> None:
    for cause in entries.data("causes"):
        for side in explain(cause).sides:
            here = {"outbound": "sending-admin", "inbound": "recipient-admin"}.get(side.direction)
            assert side.who_acts != here, cause
