"""The message itself: what any mail program reads back, and what no log can put into it."""

import email
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from report_samples import busy_day, code_row, empty, hostile, quiet, several_days
from test_verdict import ADVICE, PROBLEM, spiky

from analyzer.report_words import table_words
from reports import mail
from reports.mail import MOST_BYTES, Envelope, assemble, render
from reports.model import Example, Input, ListColumn, Listing, ListRow, Report, Top, TopRow
from reports.words import MARK

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
ENVELOPE = Envelope("smtplens@mx1.example", ("a@b.example", "root"), NOW, "<1.x@mx1.example>")
OURS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
        "Content-Type"]  # fmt: skip
ATTACK = "x\r\nBcc: victim@b.example\r\n\r\n.\r\nSubject: other\n--===============1==\n"
REPORTS: list[Callable[[], Report]] = [busy_day, empty, quiet, several_days, hostile, spiky]


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=default)


def parts(message: EmailMessage) -> tuple[str, str]:
    """Text and HTML as a mail program shows them."""
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


def is_safe_on_the_wire(raw: bytes) -> None:
    """RFC 5322, section 2.1.1, and what every server takes: ASCII, CRLF alone, short lines."""
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(re.fullmatch(rb"[\t -~]*", line) for line in lines)


@pytest.mark.parametrize("make", REPORTS)
def test_report_reads_back_as_text_and_page(make: Callable[[], Report]) -> None:
    raw = render(make(), "mx1: 3 problems", ENVELOPE).as_bytes()
    is_safe_on_the_wire(raw)
    message = read(raw)
    assert message.keys() == OURS
    assert message.defects == []
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["Subject"] == "mx1: 3 problems"
    assert [a.addr_spec for a in message["To"].addresses] == list(ENVELOPE.to)
    assert message["From"].addresses[0].addr_spec == ENVELOPE.sender
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == ENVELOPE.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    text, page = parts(message)
    assert text.startswith("Mail report for ")
    assert max(map(len, text.splitlines())) <= mail.WIDTH
    assert page.startswith("<!DOCTYPE html>")


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.text())
@example(ATTACK, ATTACK, ATTACK)
@example("=?utf-8?q?=0D=0ABcc:?=", "\ud800.\n.\n", "x" * 5000)
@example("é" * 400, "…\x85\u2028\x0c" * 90, "\x00\x1b[31m\r")
@example("a" * 900, "From me\n" + "=3D" * 400, "b " * 2000)
def test_any_text_is_a_body_and_never_a_field(subject: str, text: str, page: str) -> None:
    raw = assemble(subject, text, page, ENVELOPE).as_bytes()
    is_safe_on_the_wire(raw)
    message = read(raw)
    assert message.keys() == OURS
    assert message.defects == []
    for sent, got in zip((text, page), parts(message), strict=True):
        ends = re.sub("\r\n|\r", "\n", sent.encode("utf-8", "backslashreplace").decode())
        # A part ends with a line end, whether its text does or not.
        assert got.replace("\r\n", "\n").removesuffix("\n") == ends.removesuffix("\n")
        assert [p.keys() for p in message.iter_parts()] == [
            ["Content-Type", "Content-Transfer-Encoding", *more] for more in ([], ["MIME-Version"])
        ]


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), max_size=150))
@example("=?=?")
@example("mx1: " + "समस्या" * 20)
def test_subject_comes_back_as_it_was(subject: str) -> None:
    message = read(assemble(subject, "x", None, ENVELOPE).as_bytes())
    assert message["Subject"] == subject.replace("=?", "= ?")


def test_attacker_s_line_stays_text() -> None:
    example = Example("/var/log/mail.log", 7, f"Nov 22 03:12:44 mx1 postfix/smtpd[1]: {ATTACK}")
    finding = replace(PROBLEM, place=ATTACK, examples=(example,))
    report = replace(empty(), hosts=(ATTACK,), findings=(finding,), codes=busy_day().codes)
    message = read(render(report, "x", ENVELOPE).as_bytes())
    assert message.keys() == OURS
    for body in parts(message):
        assert r"x\r\nBcc: victim@b.example\r\n\r\n." in body.replace("\n" + " " * 14, "")


def test_very_long_line_and_eight_bits() -> None:
    long = "Grüße-" * 30_000
    listing = Listing("x", "Long", (ListColumn("name", "name"),), (ListRow((long,)),))
    message = render(replace(busy_day(), listings=(listing,)), "x", ENVELOPE)
    is_safe_on_the_wire(message.as_bytes())
    assert len(message.as_bytes()) <= MOST_BYTES
    assert "Grüße-" in parts(read(message.as_bytes()))[0]


class Tags(HTMLParser):
    """Elements with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("make", REPORTS)
def test_page_needs_nothing_that_mail_programs_take_away(make: Callable[[], Report]) -> None:
    page = parts(render(make(), "x", ENVELOPE))[1]
    tags = Tags(page).found
    assert not {t for t, _ in tags} & {"script", "link", "img", "iframe", "form", "svg", "object"}
    for _, attributes in tags:
        assert not any(
            name.startswith("on") or name in ("src", "background") for name in attributes
        )
        assert (attributes.get("href") or "#").startswith("#")
    [style] = re.findall("<style>(.*?)</style>", page, re.S)
    assert not re.search(r"var\(|--\w|grid|flex|url\(|@import|\drem", style)
    # Both looks are there, and every colour of the light one has its dark twin.
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in (".s2", ".s3, .s4", "article.a2", "article.a3, article.a4", "body"):
        assert f"{name} {{" in light
        assert f"{name} {{" in dark
    used = {c for _, a in tags for c in (a.get("class") or "").split()}
    styled = set(re.findall(r"\.([a-z]\w*)", style))
    # Severities below 2 look like everything else.
    assert used - styled <= {"s0", "s1", "a0", "a1", "wide", "lines", "seen", "scroll"}


def test_both_parts_say_the_same() -> None:
    text, page = parts(render(busy_day(), "x", ENVELOPE))
    for finding in busy_day().findings:
        if finding.advice.needs_action:
            assert finding.advice.title in text
            assert finding.advice.title in page


# --- Size


def crowded(rows: int, name: str = "someone@example.org") -> Report:
    """Lists without end of everything a report has."""
    names = tuple(TopRow(f"{n}.{name}", (n,)) for n in range(rows))
    codes = tuple(
        code_row("outbound", 550, f"5.{n // 999}.{n % 999}", "policy", n + 1, ADVICE)
        for n in range(rows)
    )
    cells = tuple(ListRow((name, n)) for n in range(rows))
    columns = (ListColumn("name", "name"), ListColumn("count"))
    return replace(
        busy_day(),
        codes=codes,
        tops=(Top("senders", "Senders", ("messages",), names, rows),),
        listings=(Listing("x.y", "Everything", columns, cells),),
        inputs=(*(Input(f"log.{n}", 1) for n in range(rows)), Input("torn.gz", 1, problem="torn")),
        findings=(PROBLEM,) * rows,
        hosts=tuple(f"mx{n}" for n in range(rows)),
    )


@pytest.mark.parametrize("rows", [400, 5000, 100_000])
def test_long_report_is_cut_and_says_so(rows: int) -> None:
    report = crowded(rows)
    message = render(report, "x", ENVELOPE)
    assert len(message.as_bytes()) <= MOST_BYTES
    for body in parts(message):
        kept = re.search(r"Lists end\s+after (\d+) rows\s+here, to keep this mail\s+short", body)
        assert kept is not None
        assert f"top {kept[1]} of {rows:,}" in body
        assert "torn.gz" in body
        # Sums are those of the whole report.
        assert f"{sum(c.count for c in report.codes):,} replies" in body
        assert "All other replies" in body


def test_short_report_is_whole() -> None:
    text, page = parts(render(crowded(30), "x", ENVELOPE))
    assert "Lists end" not in text + page
    assert "mx29" in text + page


def test_as_much_as_possible_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    for limit in (300_000, 100_000, 30_000):
        monkeypatch.setattr(mail, "MOST_BYTES", limit)
        sizes.append(len(render(crowded(400), "x", ENVELOPE).as_bytes()))
        assert sizes[-1] <= limit
    assert sizes == sorted(set(sizes), reverse=True)


@pytest.mark.parametrize("lang", ["en", "hi"])
def test_cells_without_end_leave_the_text_alone(lang: str) -> None:
    report = replace(crowded(4, "n" * 400_000), lang=lang, words=table_words(lang))
    message = render(report, "x", ENVELOPE)
    assert len(message.as_bytes()) <= MOST_BYTES
    assert message.get_content_type() == "text/plain"
    last = message.get_content().rstrip().splitlines()[-1]
    assert MARK not in last
    if lang == "en":
        assert last == "The rest was left out: the mail would have been too long."


def test_hindi_mail_is_whole_and_not_three_times_as_long() -> None:
    report = replace(crowded(2000), lang="hi", words=table_words("hi"))
    message = render(report, "mx1: कुछ असामान्य नहीं", ENVELOPE)
    is_safe_on_the_wire(message.as_bytes())
    assert read(message.as_bytes())["Subject"] == "mx1: कुछ असामान्य नहीं"
    text, _ = parts(message)
    assert "सूचियाँ" in text
    assert f"{MARK}Lists" not in text
    assert f"{MARK}All" not in text
