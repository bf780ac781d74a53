"""One sentence that says how it stands: the subject of a mail."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import at, busy_day, empty, hostile, quiet, several_days

from analyzer.report_words import table_words
from reports.model import Advice, CodeCount, Finding, Flow, Gap, Input, Report, Spike, Workings
from reports.verdict import verdict
from reports.words import MARK

ADVICE = Advice("Title", "", "", "", "your own admin", 3, needs_action=True)
PROBLEM = Finding("outbound", "spf-dkim", "Gmail", 3, 0, 0.1, 1, (), ADVICE)
NOTICE = replace(PROBLEM, advice=replace(ADVICE, needs_action=False))
WORKINGS = Workings((), 10, 20, 30, 1.0, 2.0, 1.0)
SPIKE = Spike(
    id=1, part_of=None, host="mx1", direction="inbound", code=502, enhanced=None, cause=None,
    by="", name="", start=at(3), end=at(4), onset=at(3, 10), onset_is_minute=True, began=at(3),
    ended=at(4), observed=412, expected=3.5, low=0, high=9, ratio=117.7, p=1e-30, p_day=1e-28,
    q=1e-27, baseline="log", comparable=20.0, factor=1.0, expected_error=0.1, dispersion=1.2,
    variance=4.0, windows=40, after_gap=False, fired=0, fired_days=0, share=0.9, hours=(),
    parts=(), commonest=CodeCount(502, "5.5.1", 400), commonest_cause="protocol", advice=ADVICE,
    workings=WORKINGS,
)  # fmt: skip


def spiky() -> Report:
    """A busy day with two spikes, one of them with a part, and a gap."""
    gap = Gap("mx1", SPIKE.start, SPIKE.end, 30)
    spikes = (SPIKE, replace(SPIKE, id=2, start=SPIKE.end), replace(SPIKE, id=3, part_of=1))
    return replace(busy_day(), spikes=spikes, gaps=(gap,), spikes_state="looked")


def plain(**more: Any) -> Report:
    return replace(
        empty(), hosts=("mx1",), totals=Flow(received=5, sent=5), start=at(0), end=at(23), **more
    )


def test_nothing_unusual() -> None:
    assert verdict(plain(findings=(NOTICE,))) == "mx1: nothing unusual"


def test_problems_are_what_someone_has_to_act_on() -> None:
    assert verdict(plain(findings=(PROBLEM, NOTICE))) == "mx1: 1 problem"
    assert verdict(plain(findings=(PROBLEM,) * 1234)) == "mx1: 1,234 problems"


def test_spike_is_named_with_its_onset() -> None:
    report = plain(findings=(PROBLEM,) * 3, spikes=(SPIKE,))
    assert verdict(report) == "mx1: 3 problems, 502 spiked at 03:10"


def test_spikes_that_are_part_of_another_do_not_count() -> None:
    part = replace(SPIKE, id=2, part_of=1, enhanced="5.5.1")
    other = replace(SPIKE, id=3, direction="local", code=None)
    assert verdict(plain(spikes=(SPIKE, part))) == "mx1: 502 spiked at 03:10"
    assert verdict(plain(spikes=(SPIKE, other, part))) == "mx1: 502 spiked at 03:10, 1 more spike"
    report = plain(spikes=(other, SPIKE, replace(SPIKE, id=4), part))
    assert verdict(report) == "mx1: refusals spiked at 03:10, 2 more spikes"


def test_onset_is_as_exact_as_it_is_known() -> None:
    hour = replace(SPIKE, onset=at(3), onset_is_minute=False, enhanced="5.5.1")
    assert verdict(plain(spikes=(hour,))) == "mx1: 502 5.5.1 spiked after 03:00"
    days = replace(plain(spikes=(SPIKE,)), end=at(3, day=2))
    assert verdict(days) == "mx1: 502 spiked at 2026-11-22 03:10"


def test_what_is_missing_is_never_called_usual() -> None:
    gap = Gap("mx1", at(2), at(4), 900)
    assert verdict(plain(gaps=(gap,))) == "mx1: 1 gap in the log"
    assert verdict(plain(gaps=(gap, gap))) == "mx1: 2 gaps in the log"
    assert verdict(plain(), complete=False) == "mx1: input incomplete"
    assert verdict(plain(inputs=(Input("a.gz", 3, problem="ends early"),))).endswith("incomplete")
    assert verdict(replace(plain(), totals=Flow())) == "mx1: no mail seen"


def test_hosts() -> None:
    assert verdict(replace(plain(), hosts=("a", "b"))) == "a, b: nothing unusual"
    assert verdict(replace(plain(), hosts=tuple("abcde"))) == "a, b, 3 more: nothing unusual"
    assert verdict(replace(plain(), hosts=())) == "unknown host: nothing unusual"
    assert verdict(replace(plain(), hosts=("x" * 300,))) == f"{'x' * 64}: nothing unusual"


@settings(deadline=None)
@given(st.text(min_size=1))
def test_no_host_name_brings_marks_or_line_ends_along(name: str) -> None:
    said = verdict(replace(plain(), hosts=(name,)))
    head = said.removesuffix(": nothing unusual")
    assert head != said
    assert all(c.isalnum() or c in "._:-" for c in head)
    assert said.isprintable()


def test_host_that_writes_a_header() -> None:
    report = replace(plain(), hosts=("mx1\r\nBcc: a@b.example", "=?utf-8?q?=0d?="))
    assert verdict(report).startswith("mx1_r_nBcc:_a_b.example, __utf-8_q__0d__: ")


@pytest.mark.parametrize("make", [busy_day, empty, quiet, several_days, hostile])
def test_of_any_report_it_is_one_printable_line(make: Callable[[], Report]) -> None:
    assert verdict(make()).isprintable()


def test_hindi_is_whole() -> None:
    gap = Gap("mx1", at(2), at(4), 900)
    hour = replace(SPIKE, onset_is_minute=False, code=None)
    for spikes in ((SPIKE, hour), (hour, SPIKE, SPIKE)):
        for problems in ((PROBLEM,), (PROBLEM,) * 3, ()):
            report = plain(
                spikes=spikes, gaps=(gap,) * len(spikes), findings=problems, lang="hi",
                words=table_words("hi"),
            )  # fmt: skip
            assert MARK not in verdict(report, complete=False)
    bare = plain(lang="hi", words=table_words("hi"))
    assert verdict(bare) == "mx1: कुछ असामान्य नहीं"
    assert MARK not in verdict(replace(bare, totals=Flow(), hosts=()))
