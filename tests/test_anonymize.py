"""Pseudonyms: no name of the log is left in any output, nothing else is changed."""

import html
import io
import ipaddress
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_samples import MAIL_LIKE, day_of, logs

from analyzer.anonymize.pseudonyms import KEPT, Pseudonyms
from analyzer.anonymize.text import replace_names
from analyzer.cli import main
from reports.model import Gap, Report, Spike
from reports.story import Story, Trace

NAMES = Pseudonyms(b"one key")
SAMPLES = Path(__file__).parent.parent / "sample_logs"
LABEL = st.text("abcxyz019-", min_size=1, max_size=8)
HOST = st.lists(LABEL, min_size=1, max_size=8).map(".".join)
IPV4 = st.ip_addresses(v=4)
NAMED = ("host", "sender", "recipient", "orig_recipient", "client_name", "client_ip", "helo",
         "sasl_user", "relay_name", "relay_ip", "message_id")  # fmt: skip
TEXTS = ("reply_text", "command")
FREE = {"text", "name", "place", "host"}
"""Keys of the JSON report whose strings come from the log; `hosts` and `cells` are lists."""


MAIL = "Nov 23 14:09:10 mx1 postfix/qmgr[7]: 3F1A2B4C5D: removed"
"""A line of a mail server without any name but the host's: a log of unknown lines is refused."""


def smtplens(*arguments: str | Path) -> Result:
    words = [*map(str, arguments), "--tz", "UTC", "--year", "2026"]
    return CliRunner().invoke(main, words, prog_name="smtplens")


def output(*arguments: str | Path) -> str:
    done = smtplens(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def events(*arguments: str | Path) -> pl.DataFrame:
    done = smtplens("events", *arguments, "--format", "parquet")
    assert done.exit_code == 0, done.output
    return pl.read_parquet(io.BytesIO(done.stdout_bytes))


def left_over(text: str, originals: set[str]) -> set[str]:
    """Names that stand in a text as words of their own."""
    text = html.unescape(text).replace("\u200b", "")
    there = (n for n in originals if n in text)
    return {n for n in there if re.search(rf"(?<![\w.-]){re.escape(n)}(?![\w@-])", text)}


def names_in(lines: list[str]) -> set[str]:
    """Addresses, hosts and IPs of a log whose names all end in .test."""
    text = "\n".join(lines)
    found = set(re.findall(r"(?<![\w.+-])[\w.+-]+@[\w.-]+\.test|(?<![\w.-])[\w.-]+\.test", text))
    return found | set(re.findall(r"(?:203\.0\.113|198\.51\.100)\.[0-9]+", text))


# Names


@given(HOST, LABEL)
def test_a_name_has_one_pseudonym_per_key_and_keeps_it(host: str, user: str) -> None:
    again, other = Pseudonyms(b"one key"), Pseudonyms(b"another key")
    address = f"{user}@{host}"
    shown = NAMES.address(address)
    assert shown == again.address(address) == NAMES.address(address.upper())
    assert NAMES.address(shown) == shown
    assert NAMES.host(NAMES.host(host)) == NAMES.host(host)
    assert shown.split("@") == [NAMES.user(user), NAMES.host(host)]
    if ipaddress_or_none(host) is None and host.strip(".") not in KEPT:
        assert NAMES.host(host) not in (host, other.host(host))
    assert NAMES.user(user) not in (user, other.user(user))


def ipaddress_or_none(text: str) -> object:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@pytest.mark.parametrize("domain", ["lab.test", "example.co.uk"])
def test_a_subdomain_stays_below_its_domain(domain: str) -> None:
    top = NAMES.host(domain)
    assert re.fullmatch(r"domain-[0-9a-z]{8}\.example", top)
    mx, deep = NAMES.host(f"mx.{domain}"), NAMES.host(f"a.b.mx.{domain}")
    assert mx.endswith(f".{top}")
    assert deep.endswith(f".{mx}")
    assert NAMES.host(f"mx2.{domain}") != mx
    assert NAMES.host(f"mx.{domain}.") == mx
    assert len(NAMES.host(f"{'x.' * 100}{domain}")) < 100


@given(IPV4, st.integers(0, 255))
def test_ipv4_stays_one_that_nobody_has_and_networks_stay_together(
    ip: ipaddress.IPv4Address, host: int
) -> None:
    if ip.is_loopback or ip.is_unspecified or ip in ipaddress.ip_network("240.0.0.0/4"):
        assert NAMES.ip(str(ip)) == str(ip)
        return
    shown = ipaddress.IPv4Address(NAMES.ip(str(ip)))
    assert shown in ipaddress.ip_network("240.0.0.0/4")
    neighbour = ipaddress.IPv4Address(int(ip) & ~255 | host)
    if neighbour.is_unspecified:
        return
    theirs = ipaddress.IPv4Address(NAMES.ip(str(neighbour)))
    assert int(theirs) >> 8 == int(shown) >> 8
    assert (theirs == shown) == (neighbour == ip)
    assert NAMES.ip(str(shown)) == str(shown)


def test_all_hosts_of_a_network_stay_apart() -> None:
    assert len({NAMES.ip(f"192.0.2.{n}") for n in range(256)}) == 256


@given(st.ip_addresses(v=6))
def test_ipv6_stays_one_for_documentation_however_it_is_spelt(ip: ipaddress.IPv6Address) -> None:
    shown = NAMES.ip(str(ip))
    assert NAMES.ip(shown) == shown
    if ip.is_loopback or ip.is_unspecified:
        assert shown == str(ip)
        return
    assert NAMES.ip(ip.exploded) == shown
    if ip.ipv4_mapped is None:
        assert ipaddress.ip_address(shown) in ipaddress.ip_network("2001:db8::/32")
        assert shown != str(ip)


@pytest.mark.parametrize("name", ["", "unknown", "localhost", "127.0.0.4", "::1", "local"])
def test_what_names_nobody_stays(name: str) -> None:
    assert NAMES.host(name) == name
    assert NAMES.address("<>") == "<>"
    assert NAMES.address("") == ""


def test_many_names_stay_apart() -> None:
    assert len({NAMES.user(f"user{n}") for n in range(20_000)}) == 20_000
    assert len({NAMES.host(f"10.{n >> 8}.{n & 255}.7") for n in range(5_000)}) == 5_000


# Texts


@pytest.mark.parametrize(
    "text",
    [
        "250 2.0.0 Ok: queued as B64885",
        "550 5.7.1 see RFC 5321 section 4.5.3.1.8 and section 4.2.4.1",
        "RFC 7505, 5.1.10 and 4.16.55",
        "starting daemon (8.17.1.9): SMTP+queueing@01:00:00",
        "Sendmail 8.17.1.9/8.17.1.9; version 3.7.11, configuration /etc/postfix/main.cf",
        "deferred due to user complaints - 4.16.55.1; see the page",
        "Nov 23 13:41:47 <mail.info> x postfix/smtpd[259]: connect at 14:09:10",
        "error:0A00010B:SSL routines::wrong version number:../ssl/record/ssl3_record.c:350:",
        "X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no",
        "delays=0.05/0.01/0/0, dsn=4.4.1, size=300, e.g. at 10 a.m.",
        "SASL LOGIN authentication failed: authentication failure, sasl_username=(unavailable)",
        "AUTH LOGIN mechanism is not supported; <CRLF>.<CRLF> expected, <> is the null sender",
        "listening for SMTP on [127.0.0.1]:25 [::1]:25",
        "blocked using zen.spamhaus.org; https://support.google.com/mail/answer/81126",
        "Access denied.See the page.",
        "relay=local, relay=none, unknown[unknown]",
    ],
)
def test_what_is_no_name_is_kept(text: str) -> None:
    assert replace_names(text, NAMES) == text


USER, HOST_OF, IP = NAMES.user, NAMES.host, NAMES.ip
AT_LAB = f"{USER('alice')}@{HOST_OF('lab.test')}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 5.1.1 <alice@lab.test>: no", f"550 5.1.1 <{AT_LAB}>: no"),
        ("to=<alice@lab.test>, orig_to=<alice>", f"to=<{AT_LAB}>, orig_to=<{USER('alice')}>"),
        ("user=alice@lab.test, x", f"user={AT_LAB}, x"),
        ("?s=mfrom;id=alice%40lab.test;ip=192.0.2.7;r=x",
         f"?s=mfrom;id={AT_LAB.replace('@', '%40')};ip={IP('192.0.2.7')};r=x"),
        ("<= bounces-bob=far.test@lab.test H=mx.far.test [192.0.2.7]:25 P=esmtp",
         f"<= {USER('bounces-bob=far.test')}@{HOST_OF('lab.test')}"
         f" H={HOST_OF('mx.far.test')} [{IP('192.0.2.7')}]:25 P=esmtp"),
        ("=> alice <alice@lab.test> R=local", f"=> {USER('alice')} <{AT_LAB}> R=local"),
        ("A=plain:alice H=(laptop) [192.0.2.7]",
         f"A=plain:{USER('alice')} H=({HOST_OF('laptop')}) [{IP('192.0.2.7')}]"),
        ("relay=store[192.0.2.7]:24, helo=<[192.0.2.7]>",
         f"relay={HOST_OF('store')}[{IP('192.0.2.7')}]:24, helo=<[{IP('192.0.2.7')}]>"),
        ("[IPv6:2001:db8:0:0:0:0:0:7] 192.0.2.7.", f"[IPv6:{IP('2001:db8::7')}] {IP('192.0.2.7')}."),
        ("listed: 7.2.0.192.zen.spamhaus.org", f"listed: {USER('7.2.0.192.zen')}.spamhaus.org"),
        ("not owned by user alice", f"not owned by user {USER('alice')}"),
        ("/home/alice/Maildir/new", f"/home/{USER('alice')}/Maildir/new"),
        ('in "AUTH PLAIN AGFsaWNlAHNlY3JldA==" H=x', 'in "AUTH PLAIN (masked)" H=x'),
        ("<postbox>... unknown sender address postbox",
         f"<{USER('postbox')}>... unknown sender address {USER('postbox')}"),
        ("550 <alice@lab.test>: to=<ali", f"550 <{AT_LAB}>: to=<{USER('ali')}"),
        ("(Mail.Lab.TEST 192.0.2.0/24)", f"({HOST_OF('mail.lab.test')} {IP('192.0.2.0')}/24)"),
    ],
)  # fmt: skip
def test_names_in_a_text_are_replaced_as_they_are_alone(text: str, shown: str) -> None:
    assert replace_names(text, NAMES) == shown
    assert replace_names(shown, NAMES) == shown


@given(MAIL_LIKE)
@settings(max_examples=60)
def test_any_line_can_be_read(line: str) -> None:
    shown = replace_names(line, NAMES)
    assert shown == replace_names(line, Pseudonyms(b"one key"))
    assert not left_over(shown, names_in([line]))


def test_a_long_text_takes_no_long_time() -> None:
    for piece in ("x", "a.", "(", "<", "=", ":", "a@", "/home/", "user=", "0:"):
        assert replace_names(piece * 20_000, NAMES)


# Outputs

DECIDED = {
    # With names of the log in them: replaced.
    Report: {"hosts", "codes", "findings", "tops", "listings", "filters", "spikes", "gaps"}
    # Our own words, figures, and the names of input files.
    | {"start", "end", "timezone", "mtas", "inputs", "lines", "totals", "hours", "notes", "shown"}
    | {"lang", "words", "spikes_state", "spikes_asked", "changes"},
    Spike: {"host", "name", "parts"}
    | {"id", "part_of", "direction", "code", "enhanced", "cause", "by", "start", "end", "onset"}
    | {"onset_is_minute", "began", "ended", "observed", "expected", "low", "high", "ratio"}
    | {"p", "p_day", "q", "baseline", "comparable", "factor", "expected_error", "dispersion"}
    | {"variance", "windows", "after_gap", "fired", "fired_days", "share", "hours"}
    | {"commonest", "commonest_cause", "advice", "workings"},
    Gap: {"host"} | {"start", "end", "expected_lines"},
    Trace: {"query", "stories"} | {"timezone", "total", "told", "notes"},
    Story: {"summary", "verdict", "sender", "message_id", "client_name", "client_ip", "user"}
    | {"recipients", "hops", "happenings", "explained", "refusals", "notes"}
    | {"kind", "queue_id", "outcome", "start", "end", "size", "in_queue", "open"},
}


@pytest.mark.parametrize("kind", DECIDED)
def test_of_every_field_it_is_decided_whether_it_has_names(kind: type) -> None:
    """A new field: replace the names in it in analyzer/anonymize.py, then name it here."""
    assert {f.name for f in fields(kind)} == DECIDED[kind]


def same_figures(one: Any, other: Any, key: str = "") -> None:
    """All but the names is equal."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            same_figures(one[name], other[name], name)
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same_figures(a, b, "name" if key in ("hosts", "cells") else key)
    elif not (isinstance(one, str) and key in FREE):
        assert one == other, key


@given(logs(most=12))
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_name_of_a_log_is_in_its_report_and_no_figure_changes(
    tmp_path: Path, lines: list[str]
) -> None:
    log = tmp_path / "mail.log"
    log.write_text("".join(f"{line}\n" for line in [MAIL, *lines]))
    originals = names_in(lines) | {"mx1", "mx2", "mx3"}
    for form in ("text", "json", "html", "md", "csv"):
        shown = output("report", log, "--top", "all", "--format", form, "--anonymize")
        assert left_over(shown.replace(str(tmp_path), ""), originals) == set(), form
    plain = output("report", log, "--top", "all", "--format", "json")
    assert left_over(plain, originals)
    hidden = output("report", log, "--top", "all", "--format", "json", "--anonymize")
    same_figures(json.loads(plain), json.loads(hidden))


@given(logs(most=12))
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_events_keep_all_but_their_names(tmp_path: Path, lines: list[str]) -> None:
    log = tmp_path / "mail.log"
    log.write_text("".join(f"{line}\n" for line in [MAIL, *lines]))
    originals = names_in(lines) | {"mx1", "mx2", "mx3"}
    for form in ("ndjson", "csv"):
        shown = output("events", log, "--format", form, "--anonymize")
        assert left_over(shown.replace(str(tmp_path), ""), originals) == set(), form
    plain, hidden = events(log), events(log, "--anonymize")
    assert plain.drop(*NAMED, *TEXTS).equals(hidden.drop(*NAMED, *TEXTS))
    assert plain.schema == hidden.schema
    for column in NAMED:
        pairs = pl.DataFrame({"a": plain[column], "b": hidden[column]}).unique()
        assert pairs["a"].n_unique() == pairs["b"].n_unique() == pairs.height, column
        assert plain[column].null_count() == hidden[column].null_count()
    everything = hidden.select(*NAMED, *TEXTS).write_ndjson()
    assert left_over(everything, originals) == set()
    domain = pl.col("sender").str.extract("@(.*)$")
    known = dict(zip(plain.select(domain)["sender"], hidden.select(domain)["sender"], strict=True))
    recipients = zip(plain["recipient"], hidden["recipient"], strict=True)
    for before, after in recipients:
        if before and before.rpartition("@")[2] in known:
            assert after.rpartition("@")[2] == known[before.rpartition("@")[2]]


@pytest.mark.parametrize("mta", ["postfix", "exim", "sendmail"])
def test_no_name_of_real_lines_is_in_any_section(mta: str) -> None:
    chosen = sorted(p for p in SAMPLES.glob(f"{mta}*") if "solaris" not in p.name)
    seen = events(*chosen)
    originals = {n for c in NAMED for n in seen[c].drop_nulls().unique()} - KEPT
    # As words of our own texts they would be found too.
    originals -= {"x", "client"}
    everything = ("--section", "all", "--top", "all", "--format", "json")
    shown = output("report", *chosen, *everything, "--anonymize")
    assert left_over(shown, originals) == set()
    plain = output("report", *chosen, *everything)
    assert len(left_over(plain, originals)) > 20
    same_figures(json.loads(plain), json.loads(shown))


def test_two_runs_agree_and_a_key_makes_names_of_its_own(tmp_path: Path) -> None:
    log, key, other = tmp_path / "mail.log", tmp_path / "key", tmp_path / "other"
    log.write_text("".join(f"{line}\n" for line in day_of(20)))
    key.write_text("secret\n")
    other.write_text("secret 2")
    weak = events(log, "--anonymize")
    assert weak.equals(events(log, "--anonymize"))
    mine = events(log, "--anonymize-key", key)
    assert mine.equals(events(log, "--anonymize", "--anonymize-key", key))
    key.write_text("secret")
    assert mine.equals(events(log, "--anonymize-key", key))
    senders = [set(f["sender"].drop_nulls()) for f in (weak, mine)]
    senders.append(set(events(log, "--anonymize-key", other)["sender"].drop_nulls()))
    assert not senders[0] & senders[1]
    assert not senders[1] & senders[2]


@pytest.mark.parametrize("command", ["report", "events", "trace"])
def test_an_empty_key_is_refused(tmp_path: Path, command: str) -> None:
    log, key = tmp_path / "mail.log", tmp_path / "key"
    log.write_text("".join(f"{line}\n" for line in day_of(5)))
    key.write_text("\n")
    what = ["bob1@d1.test"] if command == "trace" else []
    done = smtplens(command, *what, log, "--anonymize-key", key)
    assert done.exit_code == 2
    assert "empty" in done.stderr
    assert done.stdout == ""
    assert smtplens(command, *what, log, "--anonymize-key", tmp_path / "none").exit_code == 2


def test_lines_that_were_not_understood_are_not_written(tmp_path: Path) -> None:
    log, rest = tmp_path / "mail.log", tmp_path / "rest"
    log.write_text("".join(f"{line}\n" for line in day_of(20)))
    assert smtplens("report", log, "--anonymize", "--unrecognised", rest).exit_code == 2
    assert not rest.exists()


def test_filters_are_named_by_pseudonyms(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("".join(f"{line}\n" for line in day_of(20)))
    asked = ("--domain", "d1.test", "--host", "mx1", "--direction", "outbound", "--format", "json")
    report = json.loads(output("report", log, *asked, "--anonymize"))
    assert report["filters"][1:] == ["--direction outbound", report["filters"][2]]
    assert report["filters"][0].removeprefix("--host ") == report["hosts"][0]
    domains = next(t for t in report["tops"] if t["key"] == "destination_domains")
    assert report["filters"][2].removeprefix("--domain ") == domains["rows"][0]["name"]


def test_a_journal_message_in_bytes_is_read_too() -> None:
    log = SAMPLES / "postfix-journal-json.log"
    hidden = output("report", log, "--format", "json", "--anonymize")
    texts = [e["text"] for row in json.loads(hidden)["codes"] for e in row["examples"]]
    assert any('"MESSAGE": "NOQUEUE' in text for text in texts)
    assert not any(re.search(r'"MESSAGE": ?\[', text) for text in texts)
    assert left_over("\n".join(texts), {"mx1", "203.0.113.20", "203.0.113.21", "lab.test"}) == set()


# Stories


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("what", ["bob1@d1.test", "203.0.113.1", "s1@sender.test"])
def test_no_name_is_in_a_story(tmp_path: Path, form: str, what: str) -> None:
    log, lines = tmp_path / "mail.log", day_of(60)
    log.write_text("".join(f"{line}\n" for line in lines))
    for more in ([], ["--all"]):
        shown = output("trace", what, log, "--format", form, *more, "--anonymize")
        originals = names_in(lines) | {"mx1", "mx2", "mx3"}
        assert left_over(shown.replace(str(tmp_path), ""), originals) == set()
    plain = json.loads(output("trace", what, log, "--format", "json", "--all"))
    hidden = json.loads(output("trace", what, log, "--format", "json", "--all", "--anonymize"))
    assert [s["queue_id"] for s in plain["stories"]] == [s["queue_id"] for s in hidden["stories"]]
    assert [s["outcome"] for s in plain["stories"]] == [s["outcome"] for s in hidden["stories"]]
    kept = [[(h["time"], h["code"], h["place"]["line"]) for h in s["happenings"]]
            for told in (plain, hidden) for s in told["stories"]]  # fmt: skip
    assert kept[: len(kept) // 2] == kept[len(kept) // 2 :]


def test_a_story_keeps_the_provider_and_its_queue_id_and_hides_bare_names(tmp_path: Path) -> None:
    at, relay = "Nov 22 03:10:01 mail postfix", "gmail-smtp-in.l.google.com[142.250.1.27]:25"
    log = tmp_path / "mail.log"
    log.write_text(
        f"{at}/smtpd[11]: 157B419693C: client=printer[192.0.2.9], sasl_username=frieda\n"
        f"{at}/qmgr[13]: 157B419693C: from=<frieda>, size=512, nrcpt=2 (queue active)\n"
        f"{at}/smtp[14]: 157B419693C: to=<ann@gmail.com>, relay={relay}, delay=0.5,"
        " delays=0.1/0.1/0.1/0.2, dsn=5.1.1, status=bounced (host gmail-smtp-in.l.google.com"
        "[142.250.1.27] said: 550-5.1.1 The email account that you tried to reach does not exist."
        " (in reply to RCPT TO command))\n"
        f"{at}/local[15]: 157B419693C: to=<zacharias>, relay=local, delay=0.5,"
        " delays=0.1/0.1/0.1/0.2, dsn=2.0.0, status=sent (delivered to mailbox)\n"
        f"{at}/qmgr[13]: 157B419693C: removed\n"
    )
    for form in ("text", "json"):
        shown = output("trace", "157B419693C", log, "--format", form, "--anonymize")
        assert "157B419693C" in shown
        assert "Gmail / Google Workspace" in shown
        bare = {"frieda", "zacharias", "printer", "ann", "gmail.com", "google.com", "192.0.2.9"}
        assert left_over(shown.replace(str(tmp_path), ""), bare) == set()
    told = json.loads(output("trace", "frieda", log, "--format", "json", "--anonymize"))
    assert told["query"] == told["stories"][0]["user"]
    report = json.loads(output("report", log, "--format", "json", "--anonymize"))
    assert {f["place"] for f in report["findings"]} == {"Gmail / Google Workspace"}
    assert report["hosts"][0] in report["findings"][0]["examples"][0]["text"]
