"""Metrics for the textfile collector: read back with a parser, checked with promtool."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as families
from report_samples import HOSTILE, busy_day, code_row, empty, hostile, quiet, several_days
from test_verdict import PROBLEM, SPIKE, spiky

from reports.model import Report
from reports.prometheus import LONGEST_LABEL, MOST_FINDINGS, MOST_REPLIES, render

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
Series = dict[tuple[str, ...], float]


def read(text: str) -> dict[str, tuple[str, Series]]:
    """Metric -> type and series by label values, in the order of label names."""
    found: dict[str, tuple[str, Series]] = {}
    for family in families(text):
        for sample in family.samples:
            _, series = found.setdefault(sample.name, (family.type, {}))
            key = tuple(value for _, value in sorted(sample.labels.items()))
            assert key not in series, (sample.name, key)
            series[key] = sample.value
    return found


def value(text: str, name: str, *labels: str) -> float:
    return read(text)[f"smtplens_{name}"][1][labels]


REPORTS: list[Callable[[], Report]] = [busy_day, empty, quiet, several_days, hostile, spiky]


def test_figures_are_the_report_s() -> None:
    report = busy_day()
    text = render(report, NOW)
    assert report.start is not None
    assert report.end is not None
    assert value(text, "last_run_timestamp_seconds") == NOW.timestamp()
    assert value(text, "period_start_timestamp_seconds") == report.start.timestamp()
    assert value(text, "period_end_timestamp_seconds") == report.end.timestamp()
    assert value(text, "received_bytes") == report.totals.received_bytes
    assert value(text, "outcomes", "bounced") == report.totals.bounced
    assert value(text, "outcomes", "deferred") == report.totals.deferrals
    assert value(text, "deferred_messages") == report.totals.deferred_messages
    assert value(text, "lines", "unrecognised") == report.lines.unrecognised
    replies = read(text)["smtplens_replies"][1]
    assert sum(replies.values()) == sum(row.count for row in report.codes)
    row = next(r for r in report.codes if r.code == 550 and r.direction == "inbound")
    same = [r.count for r in report.codes
            if (r.direction, r.code, r.enhanced) == ("inbound", 550, row.enhanced)]  # fmt: skip
    assert replies["550", "inbound", row.enhanced or ""] == sum(same)
    problems = [f for f in report.findings if f.advice.needs_action]
    assert sum(read(text)["smtplens_problems"][1].values()) == len(problems)
    assert sum(read(text)["smtplens_problem_replies"][1].values()) == sum(f.count for f in problems)


def test_spikes_are_told_only_where_they_were_looked_for() -> None:
    text = render(spiky(), NOW)
    assert value(text, "spikes") == 2
    assert value(text, "gaps") == 1
    key = ("", "", "502", "inbound", "", "mx1", "")
    assert value(text, "spike_replies", *key) == 2 * SPIKE.observed
    assert value(text, "spike_expected_replies", *key) == 2 * SPIKE.expected
    assert "spike" not in render(replace(spiky(), spikes_state="short"), NOW)


def test_a_period_gives_gauges_and_only_a_whole_life_gives_counters() -> None:
    assert {kind for kind, _ in read(render(spiky(), NOW)).values()} == {"gauge"}
    both = read(render(busy_day(), NOW, lifetime=several_days()))
    counters = {name: series for name, (kind, series) in both.items() if kind == "counter"}
    assert counters
    assert all(name.endswith("_total") for name in counters)
    assert not any(n.endswith("_total") for n, (kind, _) in both.items() if kind == "gauge")
    life = several_days()
    assert counters["smtplens_outcomes_total"]["sent",] == life.totals.sent
    assert sum(counters["smtplens_replies_total"].values()) == sum(r.count for r in life.codes)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(200, 599), st.integers(1, 99)), max_size=40))
def test_counters_never_go_back_when_the_period_grows(rows: list[tuple[int, int]]) -> None:
    advice = busy_day().codes[0].advice
    codes = tuple(
        code_row("outbound", code, f"{code // 100}.{n}.1", "policy", n, advice) for code, n in rows
    )
    before = read(render(empty(), NOW, replace(empty(), codes=codes[: len(codes) // 2])))
    after = read(render(empty(), NOW, replace(empty(), codes=codes)))
    for name, (kind, series) in before.items():
        if kind == "counter":
            assert all(after[name][1][key] >= count for key, count in series.items())


def test_strangers_cannot_make_series_without_end() -> None:
    advice = busy_day().codes[0].advice
    codes = tuple(
        code_row("outbound", 550, f"5.{a}.{b}", f"cause-{a}", 1 + a, advice)
        for a in range(99) for b in range(99)
    )  # fmt: skip
    findings = tuple(replace(PROBLEM, place=f"host{n}.example", count=n) for n in range(5000))
    hosts = tuple(f"h{n}" for n in range(5000))
    text = render(replace(empty(), codes=codes, findings=findings, hosts=hosts), NOW)
    replies = read(text)["smtplens_replies"][1]
    assert len(replies) == MOST_REPLIES + 1
    assert sum(replies.values()) == sum(c.count for c in codes)
    assert replies["other", "outbound", "other"] > 0
    named = read(text)["smtplens_problem_replies"][1]
    assert len(named) == MOST_FINDINGS + 1
    assert sum(named.values()) == sum(f.count for f in findings)
    assert text.count("\n") < 400
    many = {str(c.code) for c in codes}
    assert len(
        read(render(empty(), NOW, replace(empty(), codes=codes)))["smtplens_replies_total"][1]
    ) == len(many)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_one_label_value(text: str) -> None:
    report = replace(empty(), hosts=(text,), findings=(replace(PROBLEM, place=text, cause=text),))
    written = render(report, NOW)
    [(host,)] = read(written)["smtplens_host_info"][1]
    [(cause, direction, place)] = read(written)["smtplens_problem_replies"][1]
    assert cause == place == host
    assert direction == "outbound"
    assert len(host) <= LONGEST_LABEL
    if re.fullmatch(r"[ -~]{0,120}", text):
        assert host == text
    # Whoever splits lines otherwise than Prometheus finds no others.
    assert all(re.match(r"# |smtplens_", line) for line in written.splitlines())


def promtool() -> str | None:
    """Debian's `prometheus` has it; .ci/run puts it beside this environment's programs."""
    return shutil.which("promtool") or shutil.which("promtool", path=Path(sys.executable).parent)


@pytest.mark.parametrize("make", REPORTS)
def test_promtool_finds_nothing_wrong(make: Callable[[], Report]) -> None:
    program = promtool()
    # In CI it has to be there; a clone on a laptop has the parser above and these rules of its own.
    assert program or "CI" not in os.environ, "no promtool: see .ci/run"
    for text in (render(make(), NOW), render(make(), NOW, lifetime=make())):
        if program is not None:
            done = subprocess.run(
                [program, "check", "metrics"], input=text, capture_output=True, text=True
            )
            assert (done.returncode, done.stdout + done.stderr) == (0, "")
        names = re.findall("^# TYPE (\\S+)", text, re.M)
        assert len(names) == len(set(names))
        assert re.findall("^# HELP (\\S+) \\S", text, re.M) == names
        assert text.endswith("\n")
        # The textfile collector takes no time stamps.
        assert all(re.fullmatch(r"smtplens_[a-z_]+(\{.*\})? [0-9.e+-]+", line)
                   for line in text.splitlines() if not line.startswith("#"))  # fmt: skip


def test_every_metric_is_documented_with_its_labels() -> None:
    page = (Path(__file__).parent.parent / "docs/alerts.md").read_text("utf-8")
    told: dict[str, set[str]] = {}
    for metrics, labels in re.findall(r"^\| (`smtplens_[^|]*)\|([^|]*)\|", page, re.M):
        for name in re.findall(r"`(\w+)`", metrics):
            told[name] = set(re.findall(r"`(\w+)`", labels))
    written: dict[str, set[str]] = {}
    for family in families(render(spiky(), NOW)):
        for sample in family.samples:
            written[sample.name] = set(sample.labels)
    assert told == written


def test_hostile_names_stay_inside_their_labels() -> None:
    report = replace(empty(), hosts=tuple(HOSTILE))
    names = {host for (host,) in read(render(report, NOW))["smtplens_host_info"][1]}
    assert len(names) == len(set(HOSTILE))
