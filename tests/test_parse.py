from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import MAIL_LIKE, SAMPLES, WRITERS, bent_samples, day_of

from analyzer.summarise import WANTED
from parsers.clock import Clock
from parsers.event import SCHEMA
from parsers.lines import RawChunk
from parsers.mta import parsers
from parsers.parse import Chunk, Parsed, parse

CLOCK = Clock("UTC")


def parsed(*lines: str) -> Parsed:
    return parse(Chunk(pl.Series(lines, dtype=pl.String), "mail.log", 1, CLOCK))


def assert_accounted(result: Parsed, count: int) -> None:
    assert result.fates.get_column("row").to_list() == list(range(count))
    known = result.fates.filter(pl.col("fate") == "parsed").get_column("row")
    events = result.events
    assert events.filter(~pl.col("row").is_in(known.implode())).is_empty()
    assert events.select(list(SCHEMA)).schema == SCHEMA
    assert events.filter(pl.col("count") < 0).is_empty()
    assert events.filter(pl.col("line") != pl.col("row") + 1).is_empty()
    assert events.filter(pl.col("mta").is_null() | pl.col("kind").is_null()).is_empty()


# --- Nothing raises, nothing is lost


@given(lines=st.lists(bent_samples() | MAIL_LIKE | st.text(max_size=60), max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_is_accounted_for_once(lines: list[str]) -> None:
    assert_accounted(parsed(*lines), len(lines))


@given(data=st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_any_bytes_are_accounted_for_once(data: bytes) -> None:
    data = b"Nov 23 14:09:10 mx1 postfix/smtpd[1]: " + data
    lines = RawChunk(data, 1).lines()
    assert_accounted(parse(Chunk(lines, clock=CLOCK)), lines.len())


@pytest.mark.parametrize("sample", ["", "\n", "\0\n", "\r\n"])
def test_files_without_content_are_accounted_for(sample: str) -> None:
    lines = RawChunk(sample.encode(), 1).lines()
    assert_accounted(parse(Chunk(lines, clock=CLOCK)), lines.len())


@given(
    lines=st.lists(bent_samples() | st.sampled_from(SAMPLES).map("Nov 23 14:09:10 mx1 {}".format))
)
@settings(deadline=None, max_examples=40)
def test_what_the_report_wants_changes_no_fate_and_no_figure(lines: list[str]) -> None:
    chunk = Chunk(pl.Series(lines, dtype=pl.String), clock=CLOCK)
    full, less = parse(chunk), parse(chunk, WANTED)
    assert full.fates.equals(less.fates)
    columns = sorted(WANTED.columns - {"reply_text", "enhanced_from"})
    counted = (
        ~pl.col("kind").is_in(list(WANTED.quiet))
        | pl.col("outcome").is_not_null()
        | pl.col("size").is_not_null()
        | pl.col("reply_code").is_not_null()
    )
    wanted, everything = (
        p.events.filter(counted).sort("row", maintain_order=True).select(columns)
        for p in (less, full)
    )
    assert wanted.equals(everything)


@pytest.mark.parametrize("mta", WRITERS)
def test_lines_mean_the_same_in_any_company(mta: str) -> None:
    lines = day_of(30, [mta])
    together = parsed(*lines)
    for row, line in enumerate(lines):
        alone = parsed(line)
        assert alone.fates.row(0)[1:] == together.fates.row(row)[1:], line
        mine = together.events.filter(pl.col("row") == row).drop("row", "line")
        assert alone.events.drop("row", "line").equals(mine), line


def test_every_kind_of_line_of_the_samples_is_understood() -> None:
    for mta in WRITERS:
        lines = [line for line in day_of(40, [mta]) if "no known kind" not in line]
        fates = parsed(*lines).fates
        strange = fates.filter(pl.col("fate").is_in(["unrecognised", "foreign"]))["row"]
        assert [lines[row] for row in strange] == []


def test_fates_of_what_is_no_mail_servers() -> None:
    lines = {
        "Nov 23 14:09:10 mx1 CRON[1]: (root) CMD (true)": "foreign",
        "Nov 23 14:09:10 mx1 dovecot: imap-login: Login": "foreign",
        "": "ignored",
        "   ": "ignored",
        "Traceback (most recent call last):": "unrecognised",
        "Nov 23 14:09:10 mx1 postfix/smtpd[1]: what is this?": "unrecognised",
    }
    assert parsed(*lines).fates.get_column("fate").to_list() == list(lines.values())


# --- "message repeated"

REJECT = (
    "NOQUEUE: reject: RCPT from client.test[192.0.2.1]: 554 5.7.1 <a@b.test>: Relay access denied;"
    " from=<x@y.test> to=<a@b.test> proto=ESMTP helo=<h>"
)
HEAD = "Nov 23 14:09:10 mx1 "
TAG = "postfix/smtpd[251]: "


def counts(*lines: str) -> list[Any]:
    result = parsed(*lines)
    assert_accounted(result, len(lines))
    return result.events.select("line", "reply_code", "count").rows()


@pytest.mark.parametrize("blank", ["", " "])
def test_message_repeated_counts_as_often(blank: str) -> None:
    assert counts(
        HEAD + TAG + REJECT, f"{HEAD}{TAG}message repeated 4 times: [{blank}{REJECT}]"
    ) == [
        (1, 554, 1),
        (2, 554, 4),
    ]


def test_message_repeated_alone_needs_no_line_before_it() -> None:
    assert counts(f"{HEAD}{TAG}message repeated 12 times: [ {REJECT}]") == [(1, 554, 12)]


@pytest.mark.parametrize(
    "note",
    ["last message repeated 3 times", "--- last message repeated 3 times ---"],
)
def test_last_message_repeated_counts_the_line_before_it(note: str) -> None:
    assert counts(HEAD + TAG + REJECT, HEAD + note) == [(1, 554, 1), (2, 554, 3)]


def test_last_message_repeated_once() -> None:
    assert counts(HEAD + TAG + REJECT, HEAD + "last message repeated 1 time") == [
        (1, 554, 1),
        (2, 554, 1),
    ]


def test_repeats_of_other_programs_are_theirs() -> None:
    result = parsed(f"{HEAD}CRON[1]: tick", f"{HEAD}last message repeated 3 times")
    assert result.fates.get_column("fate").to_list() == ["foreign", "foreign"]
    assert result.events.is_empty()


def test_note_without_a_line_before_it_is_no_event() -> None:
    result = parsed(f"{HEAD}last message repeated 3 times", HEAD + TAG + REJECT)
    assert_accounted(result, 2)
    assert result.events.get_column("line").to_list() == [2]


def test_note_speaks_of_its_own_hosts_line() -> None:
    other = "Nov 23 14:09:10 mx2 CRON[1]: tick"
    assert counts(HEAD + TAG + REJECT, other, HEAD + "last message repeated 3 times")[0] == (
        1,
        554,
        1,
    )
    result = parsed(HEAD + TAG + REJECT, "Nov 23 14:09:10 mx2 last message repeated 3 times")
    assert result.events.get_column("count").to_list() == [1]


def test_words_inside_a_message_repeat_nothing() -> None:
    helo = REJECT.replace("<h>", "<last message repeated 9 times>")
    assert counts(HEAD + TAG + helo) == [(1, 554, 1)]
    assert [c for *_, c in counts(HEAD + TAG + REJECT, HEAD + TAG + helo)] == [1, 1]


def test_absurd_repeat_counts_do_not_overflow() -> None:
    result = parsed(f"{HEAD}{TAG}message repeated 999999999 times: [ {REJECT}]")
    assert result.events.get_column("count").to_list() == [999_999_999]
    result = parsed(f"{HEAD}{TAG}message repeated 99999999999999999999 times: [ {REJECT}]")
    assert_accounted(result, 1)


def test_every_mta_has_a_parser_whose_tags_are_its_own() -> None:
    tags = {"postfix": "postfix/smtpd", "exim": "exim4", "sendmail": "sm-mta"}
    for mta in parsers():
        mine = [
            name
            for name, tag in tags.items()
            if pl.Series([tag]).str.contains(f"^(?:{mta.tags})$")[0]
        ]
        assert mine == [mta.name]
