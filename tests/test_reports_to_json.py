"""The JSON report: stable keys, whole values, safe to print."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, busy_day, empty, hostile, several_days

from reports.model import Report
from reports.to_json import render, to_dict

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)


def test_busy_day(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day.json", render(busy_day()))


def test_the_keys_and_their_order() -> None:
    report = to_dict(busy_day())
    assert list(report) == [
        "schema_version", "language", "hosts", "mtas", "period", "filters", "inputs", "lines", "notes",
        "totals", "codes", "findings", "spikes_state", "spikes", "gaps", "hours", "tops",
        "sections",
    ]  # fmt: skip
    assert report["schema_version"] == 1
    assert list(report["period"]) == ["start", "end", "timezone"]
    assert list(report["lines"]) == ["total", "parsed", "ignored", "foreign", "unrecognised"]
    for row in report["codes"]:
        assert list(row) == [
            "direction", "code", "enhanced", "cause", "count", "implied", "implied_reasons",
            "share", "peers", "recipients", "first_seen", "last_seen", "title", "description",
            "when_seen", "how_to_fix", "who_acts", "severity", "needs_action", "source",
            "examples",
        ]  # fmt: skip
    for row in report["findings"]:
        assert list(row) == [
            "direction", "cause", "place", "count", "implied", "share", "peers", "codes",
            "implied_reasons", "rule", "title", "description", "when_seen", "how_to_fix",
            "who_acts", "severity", "needs_action", "examples",
        ]  # fmt: skip


def test_an_empty_report_has_all_the_keys() -> None:
    assert list(to_dict(empty())) == list(to_dict(busy_day()))
    assert to_dict(empty())["period"] == {"start": None, "end": None, "timezone": "UTC"}


def test_values_are_whole() -> None:
    report = busy_day()
    shown = to_dict(report)
    assert shown["lines"]["total"] == 1_217_543
    assert shown["period"]["start"] == "2026-11-22T00:00:12+01:00"
    assert shown["hours"][3]["start"] == "2026-11-22T03:00:00+01:00"
    assert shown["hours"][3]["bounced"] == 120
    assert [row["count"] for row in shown["codes"]] == [row.count for row in report.codes]
    assert [row["share"] for row in shown["codes"]] == [row.share for row in report.codes]
    assert shown["codes"][7]["code"] is None
    assert len(shown["codes"][5]["examples"]) == 4
    assert shown["codes"][1]["examples"] == [
        {"file": "/var/log/mail.log", "line": 2101, "text": report.codes[1].examples[0].text}
    ]
    assert shown["tops"][1]["rows"][0] == {
        "name": "gmail-smtp-in.l.google.example",
        "counts": [701, 0, 120],
    }
    assert shown["totals"]["received_bytes"] == 59_492_374


@pytest.mark.parametrize("make", [busy_day, empty, several_days, hostile])
def test_round_trip(make: Callable[[], Report]) -> None:
    assert json.loads(render(make())) == to_dict(make())


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT | st.sampled_from(HOSTILE))
def test_any_text_comes_back_and_nothing_unseen_is_printed(text: str) -> None:
    shown = render(replace(busy_day(), notes=(text,)))
    assert shown.replace("\n", "").isprintable()
    raw = json.loads(shown.encode())["notes"][0]
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert raw == text
    raw.encode()


def test_half_characters_become_visible() -> None:
    shown = json.loads(render(replace(busy_day(), hosts=("a\udcff\ud83d",))))
    assert shown["hosts"] == [r"a\xff\ud83d"]


def test_text_is_utf8_not_escapes() -> None:
    assert "日本語" in render(replace(busy_day(), notes=("日本語",)))
