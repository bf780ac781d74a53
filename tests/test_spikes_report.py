"""Spikes from log lines to the report: found with onset and culprit, and nowhere else."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import comb, isclose, prod
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from report_samples import spike as sample
from report_samples import spiky
from spike_logs import HOUR, MONDAY, SPIKE_NET, Line, month, refusal, spike, without_zone, written

from analyzer.build import build
from analyzer.cli import main
from analyzer.pipeline import Task, summarise_tasks
from analyzer.sections import Chosen
from analyzer.spikes.report import Asked, find_spikes
from analyzer.spikes.series import counted, joined, levels
from analyzer.summary import Summary, finish, merge
from parsers.clock import Clock
from parsers.lines import CHUNK_BYTES, Source
from reports import spikes, spikes_page, spikes_why
from reports.model import Report, Spike
from reports.words import ENGLISH

DAYS = 29
LAST = MONDAY + timedelta(days=DAYS - 1)
BEGAN = LAST.replace(hour=11, minute=12)
FIVE_TIMES = 32
"""Four more times the 6.4 an hour that there are at eleven, and a little."""


@pytest.fixture(scope="module")
def quiet() -> list[Line]:
    return month(DAYS * 24)


@pytest.fixture(scope="module")
def logs(quiet: list[Line], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The month, with and without a spike in its last day; the last two days of it."""
    folder = tmp_path_factory.mktemp("logs")
    late = [line for line in quiet if line[0] >= LAST - timedelta(days=1)]
    bad = spike(BEGAN, FIVE_TIMES)
    texts = {
        "quiet": written(quiet),
        "spiked": written([*quiet, *bad]),
        "short": written([*late, *bad]),
        "short quiet": written(late),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in texts}


def smtplens(*arguments: str | Path, zone: str = "UTC") -> Result:
    words = [*map(str, arguments), "--tz", zone]
    return CliRunner().invoke(main, words, prog_name="smtplens")


def found(log: Path, *options: str, zone: str = "UTC") -> dict[str, Any]:
    """What the command says as JSON."""
    done = smtplens("spikes", log, "--format", "json", *options, zone=zone)
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def summary_of(path: Path, size: int = CHUNK_BYTES, zone: str = "UTC") -> Summary:
    task = Task(Source(str(path)), Clock(zone))
    return finish(summarise_tasks([task], chosen=Chosen(("spikes",)), size=size, workers=2))


def report_of(path: Path, asked: Asked = Asked()) -> Report:  # noqa: B008 - it cannot change
    return build(summary_of(path), [], zone="UTC", spikes=asked)


# Found, and nothing else


@pytest.mark.parametrize(("name", "baseline"), [("spiked", "history"), ("short", "log")])
def test_a_planted_spike_is_found_with_its_minute_and_its_network(
    logs: dict[str, Path], name: str, baseline: str
) -> None:
    said = found(logs[name])
    alone = [s for s in said["spikes"] if s["part_of"] is None]
    assert [(s["direction"], s["code"]) for s in alone] == [("inbound", 502)]
    one = alone[0]
    onset = datetime.fromisoformat(one["onset"])
    assert one["onset_is_minute"]
    assert abs(onset - BEGAN) <= timedelta(minutes=2)
    assert one["began"] == f"{BEGAN.replace(minute=0).isoformat()}"
    assert one["baseline"] == baseline
    parts = {p["kind"]: p for p in one["parts"]}
    network = parts["networks"]["rows"][0]
    assert (network["name"], network["count"]) == (SPIKE_NET, FIVE_TIMES)
    assert network["share"] > 0.8
    assert parts["clients"]["rows"][0]["name"] == "203.0.113.50"
    assert parts["sender_domains"]["rows"][0]["name"] == "spam.test"
    assert one["commonest"] == {"code": 502, "enhanced": "5.5.1", "count": one["observed"]}
    assert one["how_to_fix"]
    assert one["fired"] == 0


@pytest.mark.parametrize("name", ["quiet", "short quiet"])
def test_without_it_nothing_stands_out(logs: dict[str, Path], name: str) -> None:
    said = found(logs[name])
    assert said["spikes"] == []
    assert said["spikes_state"] == "looked"
    text = smtplens("spikes", logs[name]).stdout
    assert "Nothing stands out." in text


def test_what_came_before_since_is_history(logs: dict[str, Path]) -> None:
    day = f"{LAST:%Y-%m-%d}"
    one = found(logs["spiked"], "-d", day)["spikes"][0]
    assert one["baseline"] == "history"
    before = f"{LAST - timedelta(days=1):%Y-%m-%d}"
    assert found(logs["spiked"], "-d", before)["spikes"] == []


def test_codes_choose_series_and_keep_what_they_are_compared_with(logs: dict[str, Path]) -> None:
    whole = found(logs["spiked"])["spikes"][0]
    for code in ("502", "5xx"):
        one = found(logs["spiked"], "--code", code)["spikes"][0]
        assert (one["observed"], one["expected"]) == (whole["observed"], whole["expected"])
    kind = found(logs["spiked"], "--code", "5.5.1")["spikes"][0]
    assert (kind["enhanced"], kind["observed"]) == ("5.5.1", whole["observed"])
    assert found(logs["spiked"], "--code", "550")["spikes"] == []


def test_by_a_name_finds_its_own_and_hangs_it_under_the_code(logs: dict[str, Path]) -> None:
    said = found(logs["short"], "--by", "client-net")["spikes"]
    part = next(s for s in said if s["name"])
    assert (part["name"], part["by"], part["part_of"]) == (SPIKE_NET, "client-net", said[0]["id"])
    assert part["observed"] == FIVE_TIMES
    assert [p["kind"] for p in part["parts"]] == ["clients"]
    assert smtplens("spikes", logs["short"], "--by", "client", "--code", "5.5.1").exit_code == 2


# Counting


def test_the_tables_are_what_the_lines_say(logs: dict[str, Path]) -> None:
    clients: Counter[tuple[str, str, datetime]] = Counter()
    minutes: Counter[tuple[str, datetime]] = Counter()
    for line in logs["short"].read_text().splitlines():
        if hit := re.match(r"(\S+) .* RCPT from \S+\[(\S+)\]: (\d+) ", line):
            at = datetime.fromisoformat(hit[1])
            clients[hit[3], hit[2], at.replace(minute=0, second=0, microsecond=0)] += 1
            minutes[hit[3], at.replace(second=0, microsecond=0)] += 1
    what = counted(summary_of(logs["short"]).tables)
    who = what.who.filter(dim="client")
    assert {(str(r["code"]), r["name"], r["bucket"]): r["n"] for r in who.to_dicts()} == clients
    told = {(str(r["code"]), r["minute"]): r["n"] for r in what.minutes.to_dicts()}
    assert told == minutes
    whole = levels(what).filter(code=502)
    assert whole["n"].sum() == sum(n for (code, *_), n in clients.items() if code == "502")


@pytest.fixture(scope="module")
def whole_report(logs: dict[str, Path]) -> Report:
    return report_of(logs["short"])


@pytest.mark.parametrize("size", [3_001, 17_203, 90_007])
def test_any_cut_of_the_log_gives_the_same(
    logs: dict[str, Path], whole_report: Report, size: int
) -> None:
    cut = build(summary_of(logs["short"], size), [], zone="UTC", spikes=Asked())
    assert whole_report.spikes
    assert cut.spikes == whole_report.spikes
    assert cut.gaps == whole_report.gaps


def test_days_kept_and_put_together_give_the_same(logs: dict[str, Path], tmp_path: Path) -> None:
    lines = logs["spiked"].read_text().splitlines(keepends=True)
    cut = f"{LAST:%Y-%m-%d}"
    parts = []
    for name, mine in (
        ("past", [x for x in lines if x < cut]),
        ("day", [x for x in lines if x >= cut]),
    ):
        (tmp_path / name).write_text("".join(mine))
        parts.append(summary_of(tmp_path / name))
    past = counted(parts[0].tables)
    together = find_spikes(parts[1].tables, "UTC", Asked(tested=LAST), past=past).spikes
    whole = find_spikes(summary_of(logs["spiked"]).tables, "UTC", Asked(tested=LAST)).spikes
    assert len(together) == len(whole) == 1
    for name in ("observed", "onset", "baseline", "hours", "commonest"):
        assert getattr(together[0], name) == getattr(whole[0], name)
    names = [[(r.name, r.count) for p in s.parts for r in p.rows] for s in (together[0], whole[0])]
    assert names[0] == names[1]
    assert together[0].expected == pytest.approx(whole[0].expected, rel=0.02)
    days = joined([past, counted(parts[1].tables)])
    assert days.counts["n"].sum() == counted(summary_of(logs["spiked"]).tables).counts["n"].sum()


# Time


def test_a_gap_is_a_finding_and_no_zero(quiet: list[Line], tmp_path: Path) -> None:
    day = MONDAY + timedelta(days=2)
    kept = [e for e in quiet if e[0] < day and not 8 <= (e[0] - MONDAY) / HOUR < 14]
    (tmp_path / "log").write_text(written(kept))
    said = found(tmp_path / "log")
    assert said["spikes"] == []
    (gap,) = said["gaps"]
    start, end = (datetime.fromisoformat(gap[n]) for n in ("start", "end"))
    assert MONDAY + 7.5 * HOUR < start <= MONDAY + 8 * HOUR + timedelta(minutes=10)
    assert MONDAY + 14 * HOUR - timedelta(minutes=10) <= end < MONDAY + 14.5 * HOUR
    text = smtplens("report", tmp_path / "log").stdout
    assert re.search(r"Gap · mx1: Nothing was logged from 2026-10-19 0", text)
    spiked = [*kept, *spike(MONDAY + 15 * HOUR, 60)]
    (tmp_path / "log").write_text(written(spiked))
    one = found(tmp_path / "log")["spikes"][0]
    assert one["after_gap"]
    assert [h["count"] for h in one["hours"]][9:13] == [None] * 4


@pytest.mark.parametrize(("minutes", "alarms"), [(10, 0), (50, 1)])
def test_an_hour_that_the_log_hardly_covers_is_not_judged(
    quiet: list[Line], tmp_path: Path, minutes: int, alarms: int
) -> None:
    last = MONDAY + timedelta(days=2)
    kept = [e for e in quiet if e[0] < last]
    (tmp_path / "log").write_text(written([*kept, *spike(last, 40, minutes)]))
    said = found(tmp_path / "log")["spikes"]
    assert len([s for s in said if s["part_of"] is None]) == alarms


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 10, 25), 25), (datetime(2027, 3, 28), 23)]
)
def test_the_night_the_clocks_change(day: datetime, hours: int, tmp_path: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = (day - timedelta(days=1)).replace(tzinfo=berlin).astimezone(UTC)
    lines = month(72, start)
    (tmp_path / "log").write_text(written(lines))
    assert found(tmp_path / "log", zone="Europe/Berlin")["spikes"] == []
    # 01:30 UTC: in autumn the second 02:30, in spring 03:30, as there is no 02:30.
    at = day.replace(hour=1, minute=15, tzinfo=UTC)
    (tmp_path / "log").write_text(written([*lines, *spike(at, 40, 30)]))
    one = found(tmp_path / "log", zone="Europe/Berlin")["spikes"][0]
    assert len(one["hours"]) == hours
    stamps = [h["start"] for h in one["hours"]]
    assert len(set(stamps)) == hours
    assert abs(datetime.fromisoformat(one["onset"]) - at) <= timedelta(minutes=2)
    assert (
        max(one["hours"], key=lambda h: h["count"] or 0)["start"] == stamps[3 if hours == 25 else 2]
    )


def test_a_clock_that_jumps_back_and_stamps_without_zone(
    quiet: list[Line], logs: dict[str, Path], tmp_path: Path
) -> None:
    late = [e for e in quiet if e[0] >= LAST - timedelta(days=1)]
    ordered = sorted([*late, *spike(BEGAN, FIVE_TIMES)])
    tangled = [*ordered[300:700], *ordered[:300], *ordered[700:]]
    (tmp_path / "log").write_text(
        "".join(f"{at.isoformat(timespec='microseconds')} mx1 {text}\n" for at, text in tangled)
    )
    keys = ("observed", "expected", "onset", "parts", "p")
    whole = found(logs["short"])["spikes"][0]
    assert {k: found(tmp_path / "log")["spikes"][0][k] for k in keys} == {k: whole[k] for k in keys}
    (tmp_path / "local").write_text(without_zone(ordered))
    local = found(tmp_path / "local", "--year", "2026")["spikes"][0]
    assert {k: local[k] for k in ("observed", "onset", "parts")} == {
        k: whole[k] for k in ("observed", "onset", "parts")
    }


def test_a_log_of_a_few_hours_and_one_without_refusals_say_so(tmp_path: Path) -> None:
    (tmp_path / "few").write_text(written([*month(3), *spike(MONDAY + HOUR, 60)]))
    assert found(tmp_path / "few")["spikes_state"] == "short"
    text = smtplens("report", tmp_path / "few", "--section", "spikes").stdout
    assert "too little time" in text
    assert "Spikes" not in smtplens("report", tmp_path / "few").stdout
    kept = [e for e in month(48) if "reject" not in e[1]]
    (tmp_path / "none").write_text(written(kept))
    assert found(tmp_path / "none")["spikes_state"] == "nothing"


def test_one_code_that_is_all_the_traffic_is_no_share_of_it(tmp_path: Path) -> None:
    lines = [refusal(MONDAY + n * HOUR / 5, "203.0.113.9") for n in range(240)]
    (tmp_path / "log").write_text(written([*lines, *spike(MONDAY + 30 * HOUR, 90)]))
    assert found(tmp_path / "log")["spikes"] == []


# What is printed


def test_the_report_shows_it_and_the_formats_agree(logs: dict[str, Path]) -> None:
    one = found(logs["short"])["spikes"][0]
    whole = json.loads(smtplens("report", logs["short"], "--format", "json").stdout)
    assert whole["spikes"][0] == one
    for form in ("text", "md", "html"):
        text = " ".join(smtplens("report", logs["short"], "--format", form).stdout.split())
        assert f"{BEGAN:%H}:{datetime.fromisoformat(one['onset']):%M}" in text
        numbers = [one["observed"], spikes.rounded(one["expected"]), spikes.rounded(one["ratio"])]
        numbers += [spikes.probability(one["p"]), spikes.probability(one["q"])]
        numbers += [spikes.rounded(one["dispersion"]), SPIKE_NET]
        for number in numbers:
            assert str(number) in re.sub(r"\\|&nbsp;", "", text), (form, number)


def test_a_selection_by_code_leaves_nothing_to_compare_with(logs: dict[str, Path]) -> None:
    done = smtplens("report", logs["short"], "--code", "502", "--section", "spikes")
    assert "Not looked for" in done.stdout
    assert "Spikes" not in smtplens("report", logs["short"], "--section", "mail").stdout


def test_pseudonyms_keep_figures_and_networks_together(logs: dict[str, Path]) -> None:
    plain = found(logs["short"], "--by", "client-net")["spikes"]
    hidden = found(logs["short"], "--by", "client-net", "--anonymize")["spikes"]
    assert "203.0.113" not in json.dumps(hidden)
    assert "spam.test" not in json.dumps(hidden)
    for mine, theirs in zip(plain, hidden, strict=True):
        assert mine["p"] == theirs["p"]
        for parts, others in zip(mine["parts"], theirs["parts"], strict=True):
            assert [r["count"] for r in parts["rows"]] == [r["count"] for r in others["rows"]]
    parts = {p["kind"]: p["rows"] for p in hidden[0]["parts"]}
    network = parts["networks"][0]["name"].removesuffix("0/24")
    assert all(r["name"].startswith(network) for r in parts["clients"])


def test_the_strip_shows_hours_gaps_and_nothing_beyond() -> None:
    drawn = spikes.strip(sample())
    assert (len(drawn), drawn[3], drawn[5], drawn[0]) == (24, "█", "?", "·")
    plain = spikes.strip(sample(), ascii_only=True)
    assert plain.isascii()
    assert (plain[3], plain[5], plain[0]) == ("@", "?", "_")


def test_paragraphs_of_a_remedy_stand_below_each_other() -> None:
    lines = spikes_page.text(spiky()).splitlines()
    first = next(line for line in lines if "Nothing, unless a client" in line)
    second = next(line for line in lines if "If one network asks" in line)
    assert first.index("Nothing") == second.index("If one")


@pytest.mark.parametrize("width", range(60, 141, 8))
def test_no_line_is_wider_than_the_page(width: int) -> None:
    text = spikes_page.text(spiky(), spikes_page.ALL, width=width, ascii_only=True)
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii()


# Why


def steps(one: Spike) -> str:
    return "\n".join(spikes_why.steps(one, ENGLISH))


def tail(y: int, mean: float, r: float) -> float:
    """P(Y >= y), summed term by term as the page says."""
    share = mean / (mean + r)
    rising = prod((r + k) / (k + 1) for k in range(y))
    term = rising * (r / (r + mean)) ** r * share**y
    total, k = 0.0, y
    while term > total * 1e-12:
        total, term, k = total + term, term * (k + r) / (k + 1) * share, k + 1
    return total


def numbers(text: str, pattern: str) -> list[float]:
    hit = re.search(pattern, text)
    assert hit, pattern
    return [float(g) for g in hit.groups()]


@pytest.mark.parametrize("name", ["short", "spiked"])
def test_the_printed_arithmetic_gives_the_printed_p(logs: dict[str, Path], name: str) -> None:
    one = report_of(logs[name]).spikes[0]
    text = steps(one)
    (y,) = numbers(text, r"y: observed .* = (\d+)")
    (m,) = numbers(text, r"(?m)^m: .* = (\S+)$")
    if name == "short":
        outside, traffic, inside = numbers(text, r"Y = (\d+) .* T = (\d+) .* t = (\d+)")
        assert isclose((outside + 0.5) * inside / traffic, m, rel_tol=1e-6)
    else:
        counts = re.findall(r"\d+", text.split("other weeks: ")[1].split("\n")[0])
        assert len(counts) == 4
        assert m == pytest.approx(sum(map(int, counts)) / 4, rel=0.6)
    (d,) = numbers(text, r"(?m)^d: .* = (\S+)$")
    (u,) = numbers(text, r"(?m)^u: .* = (\S+)$")
    e, v = numbers(text, r"e = (\S+) = (\S+)")
    assert isclose(d * u + (e * m) ** 2, v, rel_tol=1e-5)
    (r,) = numbers(text, r"(?m)^r: .* = (\S+)$")
    assert isclose(m * m / (v - m), r, rel_tol=1e-4)
    (ratio,) = numbers(text, r"y / m = ([0-9.]+)")
    assert isclose(y / m, ratio, rel_tol=1e-5)
    first, share, p = numbers(text, r"first term is (\S+), .* x (\S+) of the one before = (\S+)")
    assert isclose(share, m / (m + r), rel_tol=1e-5)
    assert tail(int(y), m, r) == pytest.approx(p, rel=1e-3)
    assert first < p < 3 * first
    windows, calibration, p_day = numbers(text, r"p x (\d+) windows x (\S+) .* = (\S+)")
    assert isclose(p * windows * calibration, p_day, rel_tol=1e-5)
    (q,) = numbers(text, r"q: .* = (\S+); an alarm")
    assert p_day <= q < 0.01
    low, high = numbers(text, r"lie from (\d+) to (\d+)")
    assert tail(int(high) + 1, m, r) <= 0.005 < tail(int(high), m, r)
    assert low == 0 or tail(int(low), m, r) >= 0.995


def test_the_page_about_poisson_is_right_too() -> None:
    one = replace(sample(), observed=4, expected=2.0, variance=2.0)
    one = replace(one, workings=replace(one.workings, shape=None), p=1 - 5.0 * 0.1353352832366127)
    (first, p) = numbers(steps(one), r"first term is (\S+) = (\S+)")
    assert isclose(first, 2.0**4 * 0.1353352832366127 / comb(4, 2) / 4, rel_tol=1e-5)
    assert p < 1


def test_explain_why_takes_a_number_or_none(logs: dict[str, Path]) -> None:
    log = logs["short"]
    every = smtplens("spikes", log, "--explain-why").stdout
    assert smtplens("spikes", "--explain-why", log).stdout == every
    assert smtplens("spikes", log, "--explain-why=1").stdout == every
    assert "How spike 1 was worked out" in every
    assert "How spike" not in smtplens("spikes", log).stdout
    done = smtplens("spikes", log, "--explain-why=7")
    assert done.exit_code == 2
    assert "no spike of that number" in done.stderr


# Judged


def test_status_and_silence(logs: dict[str, Path]) -> None:
    done = smtplens("spikes", logs["short"], "--fail-on", "spike:502")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "spike:502: inbound" in done.stderr
    assert "502" in done.stdout
    for condition in ("spike:550", "gap", "unrecognised>0"):
        done = smtplens("spikes", logs["short"], "--fail-on", condition)
        assert (done.exit_code, done.stderr) == (0, "")
    assert smtplens("spikes", logs["quiet"], "--only-if", "spikes").output == ""
    assert "Spikes" in smtplens("spikes", logs["short"], "--only-if", "spikes").stdout
    assert smtplens("spikes", logs["short"], "--fail-on", "spkie").exit_code == 2


def test_merging_keeps_what_a_section_counts(logs: dict[str, Path]) -> None:
    empty = Summary(chosen=Chosen(("spikes",)))
    one = finish(merge([empty, summary_of(logs["short"])]))
    assert (
        find_spikes(one.tables, "UTC").spikes
        == find_spikes(summary_of(logs["short"]).tables, "UTC").spikes
    )
