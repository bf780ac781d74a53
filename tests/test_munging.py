"""Addresses folded in lists: what the forms' definitions say, and nothing an attacker can add."""

import ipaddress
import json
import unicodedata
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from section_reader import cells, summary_of

from analyzer.build import build
from analyzer.cli import main
from analyzer.munging import KINDS, PLAIN, Munging, munging_of, plain_clients, plain_ip
from analyzer.munging import sender_origin as origin_of
from analyzer.sections import Chosen, Shown, section_tables
from analyzer.summary import TABLES
from reports.model import Report

ALL = Munging(frozenset(KINDS) - {"verp-id"}, "+")


def folded(address: str, *kinds: str, delimiter: str = "+") -> str:
    how = Munging(frozenset(kinds), delimiter) if kinds else Munging()
    return str(how.fold(pl.Series([address], dtype=pl.String))[0])


# What the definitions say

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
LABEL = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6)
DOMAIN = st.builds(lambda a, b: f"{a}.{b}", LABEL, LABEL)
LOCAL = st.builds(lambda parts: ".".join(parts), st.lists(WORD, min_size=1, max_size=2))
HASH = st.text("ABCDEFGHIJKLMNOPabcdefghijk0123456789+/", min_size=4, max_size=4)
DAY = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=2, max_size=2)
SEPARATOR = st.sampled_from("=+-")


@given(SEPARATOR, HASH, DAY, DOMAIN, LOCAL, DOMAIN)
def test_srs0_is_the_address_it_was_made_from(
    sep: str, hash_: str, day: str, domain: str, local: str, forwarder: str
) -> None:
    rewritten = f"SRS0{sep}{hash_}={day}={domain}={local}@{forwarder}"
    assert folded(rewritten) == f"{local}@{domain}"
    assert folded(rewritten.lower()) == f"{local}@{domain}"
    assert folded(rewritten, "batv", "verp") != f"{local}@{domain}"


@given(SEPARATOR, SEPARATOR, HASH, HASH, DAY, DOMAIN, LOCAL, DOMAIN, DOMAIN)
def test_srs1_is_the_address_before_the_first_forwarder(
    sep: str, inner: str, a: str, b: str, day: str, domain: str, local: str, one: str, two: str
) -> None:
    rewritten = f"SRS1{sep}{a}={one}={inner}{b}={day}={domain}={local}@{two}"
    assert folded(rewritten) == f"{local}@{domain}"
    origin = pl.DataFrame({"s": [rewritten]}).select(origin_of(pl.col("s"))).item()
    assert origin == domain


@given(st.integers(0, 9999), st.integers(0, 0xFFFFFF), LOCAL, DOMAIN)
def test_batv_is_the_address_without_its_tag(day: int, mac: int, local: str, domain: str) -> None:
    plain = f"{local}@{domain}"
    assert folded(f"prvs={day:04}{mac:06x}={plain}") == plain
    assert folded(f"prvs={local}/{day:04}{mac:06X}@{domain}") == plain
    assert folded(f"btv1=={day:04}{mac:06x}f=={plain}") == plain
    assert folded(f"prvs={day:04}{mac:06x}={plain}", "srs", "verp") != plain


@given(WORD, st.integers(0, 99999), WORD, DOMAIN, DOMAIN)
def test_a_mailing_list_is_one_sender(
    name: str, number: int, user: str, host: str, domain: str
) -> None:
    assert folded(f"{name}-return-{number}-{user}={host}@{domain}") == f"{name}-return@{domain}"
    assert folded(f"{name}-bounces+{user}={host}@{domain}") == f"{name}-bounces@{domain}"
    assert folded(f"owner-{name}+{user}={host}@{domain}") == f"owner-{name}@{domain}"
    assert folded(f"{name}-return-{number}-@{domain}") == f"{name}-return@{domain}"
    numbered = f"{name}-return-{number}-{user}={host}@{domain}"
    kept = f"{name}-return-ID-{user}={host}@{domain}"
    assert folded(numbered, "verp-id") == kept


def test_forms_stand_inside_each_other() -> None:
    inside = "SRS0=HHHH=TT=lists.example=news-return-7-bob=example.org@fwd.example"
    assert folded(inside) == "news-return@lists.example"
    assert folded(f"prvs=0123abcdef={inside}") == "news-return@lists.example"
    assert folded("bounces+SRS=44ldt=IX@contoso.example") == "bounces+SRS@contoso.example"
    assert folded("tony+SRS=44ldt=IX=example.org=jim@contoso.example") == "jim@example.org"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bob@example.org",
        "bob+tag@example.org",
        "noreply@example.org",
        "errors@example.org",
        "SRS0@example.org",
        "SRS0=HHHH=TT=@example.org",
        "SRS0=HHHH=TT==bob@example.org",
        "SRS0=HHHH=TTT=example.net=bob@example.org",
        "prvs=bob@example.org",
        '"SRS0=HHHH=TT=example.net=bob"@example.org',
        "SRS0=HHHH=TT=bank.example=a@b@example.org",
        "a=b@example.org",
    ],
)
def test_what_only_looks_like_a_form_stays(address: str) -> None:
    assert folded(address) == address


def test_an_extension_goes_only_where_asked() -> None:
    def plus(address: str, delimiter: str = "+") -> str:
        return folded(address, "plus", delimiter=delimiter)

    assert plus("bob+a+b@example.org") == "bob@example.org"
    assert plus("+bob@example.org") == "+bob@example.org"
    assert plus("bob@ex+ample.org") == "bob@ex+ample.org"
    assert plus("bob-a@example.org") == "bob-a@example.org"
    assert plus("bob-a@ex-ample.org", "+-") == "bob@ex-ample.org"
    assert plus("owner-a@example.org", "-") == "owner-a@example.org"
    assert plus("list-request@example.org", "-") == "list-request@example.org"


# What an attacker can write

NASTY = st.text(
    st.sampled_from([*'SRS01=+-prvsbtvreturnbounces@ab."<>[]:() ', "\x1b", "\x00", "\u202e", "é"]),
    max_size=60,
)
MARKED = st.builds(
    lambda head, body, tail: head + body + tail,
    st.sampled_from(["SRS0=aaaa=bb=", "SRS1=a=b.c==dddd=ee=", "prvs=0123abcdef=", "x-return-1-"]),
    NASTY,
    st.sampled_from(["@evil.example", "=bank.example=ceo@evil.example", "a=b.c@evil.example", ""]),
)


@given(st.one_of(NASTY, MARKED))
def test_folding_adds_nothing_and_moves_no_domain(address: str) -> None:
    for how in (Munging(), ALL):
        shown = str(how.fold(pl.Series([address], dtype=pl.String))[0])
        if "[ipv6:" in address.lower():
            continue
        assert not Counter(shown) - Counter(address + "@")
        controls = {c for c in shown if unicodedata.category(c).startswith("C")}
        assert controls <= set(address)
        if shown == address:
            continue
        domain = shown.rpartition("@")[2]
        if "srs" in address.lower() and domain != address.rpartition("@")[2]:
            # By the rule of SRS: the domain that stands between its equal signs.
            assert f"={domain}=" in address
            assert not set(domain) & set(' "<>()[]\x00\x1b')
        else:
            assert domain == address.rpartition("@")[2]


@given(st.lists(st.one_of(NASTY, MARKED, st.none()), max_size=20))
def test_each_address_is_folded_by_itself(addresses: list[str | None]) -> None:
    together = Munging().fold(pl.Series(addresses, dtype=pl.String)).to_list()
    alone = [None if a is None else folded(a) for a in addresses]
    assert together == alone
    assert PLAIN.fold(pl.Series(addresses, dtype=pl.String)).len() == len(addresses)


# IPv6


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_has_one_spelling(ip: ipaddress.IPv6Address) -> None:
    groups = [group.lstrip("0") or "0" for group in ip.exploded.split(":")]
    spelt = {ip.exploded.upper(), ":".join(groups), ip.compressed}
    assert len({plain_ip(s) for s in spelt}) == 1
    assert ipaddress.ip_address(plain_ip(ip.exploded)) in (ip, ip.ipv4_mapped)


def test_a_mapped_address_is_the_ipv4_one() -> None:
    assert plain_ip("::ffff:192.0.2.1") == "192.0.2.1"
    assert plain_ip("::FFFF:c000:0201") == "192.0.2.1"
    assert plain_ip("mail.example") == "mail.example"
    assert folded("a@[IPv6:2001:DB8:0::1]") == "a@[IPv6:2001:db8::1]"
    assert folded("a@[IPv6:::ffff:192.0.2.1]") == "a@[192.0.2.1]"


# Reports

SENDERS = (
    "SRS0=aaaa=TT=example.org=bob@fwd.example",
    "SRS0=bbbb=TU=example.org=bob@fwd.example",
    "bob@example.org",
    "news-return-7-ann=example.net@lists.example",
    "news-return-7-joe=example.net@lists.example",
    "prvs=0123abcdef=ann@example.net",
    "",
)
SECTIONS = ("domains", "edomains", "hosts", "relayed", "sizes")


def log() -> list[str]:
    lines = []
    clients = ("2001:DB8:0::1", "2001:db8::1", "::ffff:192.0.2.7", "192.0.2.7")
    for n, sender in enumerate(SENDERS * 3):
        head = f"2026-11-23T10:{n:02}:00+00:00 gate postfix"
        queue_id, client = f"4AAAAAA{n:04}", clients[n % 4]
        lines += [
            f"{head}/smtpd[1]: {queue_id}: client=a.example[{client}]",
            f"{head}/qmgr[1]: {queue_id}: from=<{sender}>, size={100 + n}, nrcpt=1 (queue active)",
            f"{head}/smtp[1]: {queue_id}: to=<x+{n}@y.example>, relay=mx.y.example[192.0.2.5]:25,"
            " delay=1, delays=0.1/0/0.4/0.5, dsn=2.0.0, status=sent (250 2.0.0 ok)",
            f"{head}/qmgr[1]: {queue_id}: removed",
        ]
    return lines


def report(munging: Munging, size: int | None = None, top: int | None = None) -> Report:
    whole = summary_of(log(), *SECTIONS, **({"size": size} if size else {}))
    return build(whole, [], zone="UTC", top=top, munging=munging)


def rows_of(found: Report, key: str) -> list[tuple[object, ...]]:
    listing = next(listing for listing in found.listings if listing.key == key)
    return list(cells(listing))


@pytest.mark.parametrize("munging", [Munging(), ALL, PLAIN])
def test_top_lists_are_those_of_the_folded_addresses(munging: Munging) -> None:
    sent: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for n, sender in enumerate(SENDERS * 3):
        name = str(munging.fold(pl.Series([sender]))[0]) or "<> (bounces and notices)"
        sent[name] += 1
        size[name] += 100 + n
    top = next(t for t in report(munging).tops if t.key == "senders")
    assert {r.name: r.counts for r in top.rows} == {n: (sent[n], size[n]) for n in sent}
    assert top.distinct == len(sent)
    by_bytes = rows_of(report(munging), "sizes.senders")
    assert {row[-1]: row[:2] for row in by_bytes} == {n: (size[n], sent[n]) for n in sent}
    short = next(t for t in report(munging, top=2).tops if t.key == "senders")
    assert short.rows == top.rows[:2]


@pytest.mark.parametrize("size", [300, 1000])
def test_any_cut_folds_to_the_same(size: int) -> None:
    whole, pieces = report(Munging()), report(Munging(), size=size)
    assert pieces.tops == whole.tops
    assert pieces.listings == whole.listings
    assert pieces.notes == whole.notes


def test_a_forwarded_sender_is_of_its_own_domain() -> None:
    folded_, plain = report(Munging()), report(PLAIN)
    for key in ("domains.senders", "edomains.senders"):
        names = {row[-1]: row[0] for row in rows_of(folded_, key)}
        assert names["example.org"] == 9
        assert "fwd.example" not in names
        assert {row[-1]: row[0] for row in rows_of(plain, key)}["fwd.example"] == 6
    pairs = {row[2]: row[0] for row in rows_of(folded_, "relayed.domains")}
    assert pairs["example.org"] == 9
    pairs = {row[2]: row[0] for row in rows_of(plain, "relayed.domains")}
    assert (pairs["fwd.example"], pairs["example.org"]) == (6, 3)
    # Where mail was handed to is a fact of the log.
    domains = next(t for t in folded_.tops if t.key == "destination_domains")
    assert {r.name for r in domains.rows} == {"y.example"}


def test_a_client_is_one_however_its_address_is_spelt() -> None:
    clients = next(t for t in report(PLAIN).tops if t.key == "clients")
    assert {r.name: r.counts[0] for r in clients.rows} == {
        "a.example [2001:db8::1]": 11,
        "a.example [192.0.2.7]": 10,
    }
    relayed = {row[2] for row in rows_of(report(PLAIN), "relayed.clients")}
    assert relayed == {"a.example [2001:db8::1]", "a.example [192.0.2.7]"}


def test_tables_keep_their_sums_when_clients_are_made_one() -> None:
    tables = summary_of(log(), *SECTIONS).tables
    shapes = TABLES | section_tables()
    plain = plain_clients(tables, shapes)
    for name, frame in plain.items():
        assert frame.schema == tables[name].schema
        for measure, (_, how) in shapes[name].measures.items():
            if how == "sum":
                assert frame[measure].sum() == tables[name][measure].sum()


def test_the_report_says_what_was_folded(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text("\n".join(log()) + "\n", "utf-8")

    def told(*options: str) -> dict[str, object]:
        asked = ["report", str(path), "--format", "json", "--tz", "UTC", *options]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert result.exit_code == 0
        return dict(json.loads(result.output))

    def folds(found: dict[str, object]) -> list[str]:
        notes = found["notes"]
        assert isinstance(notes, list)
        return [n for n in notes if "--munge" in n]

    assert folds(told()) == [
        "Addresses listed as the one they were made from (SRS, BATV, VERP): 5 (see --munge)."
    ]
    assert folds(told("--munge", "none")) == []
    assert "(PLUS): 21 " in folds(told("--munge", "plus"))[0]


def test_trace_finds_what_a_forwarder_rewrote(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text("\n".join(log()) + "\n", "utf-8")

    def found(what: str) -> set[str]:
        asked = ["trace", what, str(path), "--all", "--format", "json", "--tz", "UTC"]
        result = CliRunner().invoke(main, asked)
        told = json.loads(result.stdout) if result.exit_code == 0 else {"stories": []}
        return {story["queue_id"] for story in told["stories"]}

    def ids(*senders: int) -> set[str]:
        return {f"4AAAAAA{n:04}" for n in range(21) if n % 7 in senders}

    assert found("bob@example.org") == ids(0, 1, 2)
    assert found("BOB@Example.org") == ids(0, 1, 2)
    assert found("ann@example.net") == ids(5)
    assert found(SENDERS[0]) == ids(0)
    assert found("bob@fwd.example") == set()


def test_options_are_checked() -> None:
    assert munging_of({}) == Munging()
    assert munging_of({"munge": "none"}) == PLAIN
    assert munging_of({"munge": "srs, plus", "delimiter": "-"}).kinds == {"srs", "plus"}
    for options in (["--munge", "vrep"], ["--munge", "plus", "--delimiter", "@"]):
        result = CliRunner().invoke(main, ["report", "x.log", *options])
        assert result.exit_code == 2


def test_sections_fold_by_default() -> None:
    assert Shown("UTC", None).munging == Munging()
    assert Chosen(("sizes",)).sections
