"""Two periods side by side: the tests hold what they promise, and the command what it says."""

import json
import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from diff_worlds import World
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import START, Message, log_of

from analyzer.cli import main
from analyzer.diff_stats import (
    Gates,
    assess,
    beta_share,
    conditional,
    t_quantile,
    t_tail,
)
from reports.diff import CHANGED, VERDICTS


def series(*values: float) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)


def mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).sum()) / len(values)


# --- The tests themselves


def exact(y: int, n: int, share: float) -> float:
    """Twice the smaller tail of a binomial count, term by term."""
    terms = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    return min(1.0, 2 * min(math.fsum(terms[y:]), math.fsum(terms[: y + 1])))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 200), st.floats(0.02, 0.98), st.data())
def test_conditional_test_is_the_exact_one(n: int, share: float, data: st.DataObject) -> None:
    y = data.draw(st.integers(0, n))
    found = conditional(series(y), series(n), series(share)).item()
    assert found == pytest.approx(exact(y, n, share), rel=1e-8, abs=1e-14)


def test_incomplete_beta_below_one_half() -> None:
    # I_x(a, 2) = x^a (1 + a (1 - x)), and I_x(1/2, 1/2) = 2/pi asin(sqrt x).
    for a, x in ((0.1, 0.3), (0.4, 0.9), (0.01, 0.5)):
        found = beta_share(series(a), series(2), series(x)).item()
        assert found == pytest.approx(x**a * (1 + a * (1 - x)), rel=1e-9)
    found = beta_share(series(0.5), series(0.5), series(0.3)).item()
    assert found == pytest.approx(2 / math.pi * math.asin(math.sqrt(0.3)), rel=1e-9)


@pytest.mark.parametrize("t", [0.1, 1.0, 4.0, 30.0])
def test_t_has_the_closed_forms_of_one_and_two_degrees(t: float) -> None:
    one, two = t_tail(series(t * t, t * t), series(1, 2))
    assert one == pytest.approx(1 - 2 / math.pi * math.atan(t), rel=1e-6)
    assert two == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-6)


def test_t_quantile_is_where_the_tail_is_a_fortieth() -> None:
    degrees = series(4, 6, 10, 30, 1000)
    tails = t_tail(t_quantile(degrees) ** 2, degrees)
    assert tails.to_list() == pytest.approx([0.05] * 5, rel=0.01)


def test_without_unrest_the_row_has_the_exact_p() -> None:
    """One hour on each side, nothing to see a dispersion in, days that do not differ."""
    counts, rows, exposure = World(days=(1, 1), rows=1, per_day=1).made(1)
    exposure = exposure.filter(pl.col("hour").dt.hour() == 0).with_columns(
        e=pl.when(pl.col("side") == 0).then(3.0).otherwise(1.0)
    )
    counts = exposure.select(
        pl.lit(0, pl.UInt32).alias("row"), "side", "hour",
        pl.when(pl.col("side") == 0).then(12).otherwise(14).cast(pl.UInt64).alias("n"),
    )  # fmt: skip
    found = assess(counts, rows, exposure, Gates(between_days=0)).row(0, named=True)
    assert found["p_single"] == pytest.approx(exact(14, 26, 1 / 4), rel=1e-9)
    assert found["p"] >= found["p_single"]
    assert found["ratio"] == pytest.approx(14 / (12 / 3))
    assert found["low"] < found["ratio"] < found["high"]


NULL_WORLDS = {
    "one by one": World(rows=60),
    "one by one, a week and a day": World(days=(7, 1), rows=60),
    "hours that differ": World(hourly=0.5, rows=60),
    "what lasts some hours": World(lasting=0.5, rows=60),
    "days that differ, a day each": World(days=(1, 1), daily=0.2, rows=60),
}


@pytest.mark.parametrize("name", NULL_WORLDS)
def test_nothing_is_told_where_nothing_has_changed(name: str) -> None:
    found = pl.concat([NULL_WORLDS[name].told(seed) for seed in range(3)])
    p = found["p"].drop_nulls()
    assert len(p) > 150
    # 5 % of 180 are 9; 18 have a probability of about 1 : 500.
    assert (p < 0.05).sum() <= 18
    assert found["verdict"].is_in(CHANGED).sum() <= 3


def test_if_events_came_one_by_one_were_believed_alarms_would_be_many() -> None:
    """What the dispersion is for: without it, half of what lasts some hours would be told."""
    found = NULL_WORLDS["what lasts some hours"].told(1)
    assert mean(found["p_single"] < 0.05) > 0.3


@pytest.mark.parametrize(("factor", "verdict"), [(2.0, "rose"), (0.5, "fell")])
def test_change_is_told_with_its_size(factor: float, verdict: str) -> None:
    world = World(changed=factor, per_day=400, hourly=0.3)
    found = world.told(5)
    assert mean(found["verdict"] == verdict) > 0.95
    inside = (found["low"] <= factor) & (factor <= found["high"])
    assert mean(inside) > 0.9


def test_week_and_day_of_the_same_rate_differ_in_number_only() -> None:
    found = World(days=(7, 1), per_day=1000).told(2)
    assert mean(found["a"] / found["b"]) == pytest.approx(7, rel=0.02)
    assert mean(found["ratio"]) == pytest.approx(1, rel=0.02)
    assert mean(found["verdict"] == "unchanged") > 0.9


def test_working_hours_are_compared_with_working_hours() -> None:
    """B covers the busy morning only: per hour it has far more, hour by hour it has not."""
    counts, rows, exposure = World(days=(7, 7), per_day=1000, hours=(2, 10)).made(4)
    found = assess(counts, rows, exposure.with_columns(e=pl.lit(1.0)), Gates())
    per_hour = (found["b"] / found["eb"]) / (found["a"] / found["ea"])
    assert mean(per_hour) > 1.4
    assert mean(found["ratio"]) == pytest.approx(1, rel=0.02)
    assert not found["verdict"].is_in(CHANGED).any()


def test_few_events_are_said_to_be_few() -> None:
    found = World(days=(1, 1), per_day=2).told(1)
    few = found.filter(pl.max_horizontal("a", "b") < 10)
    assert few.height > 30
    assert set(few["verdict"]) == {"too few to tell"}


def test_adjusted_p_is_benjamini_and_hochbergs() -> None:
    found = World(days=(2, 2), rows=30, changed=1.3).told(9).filter(pl.col("q").is_not_null())
    ordered = found.sort("p")
    p, m = ordered["p"].to_list(), ordered.height
    expected = [min(min(1.0, p[j] * m / (j + 1)) for j in range(i, m)) for i in range(m)]
    assert ordered["q"].to_list() == pytest.approx(expected, rel=1e-12)
    assert m > 20


# --- The command


def smtplens(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def traffic(fates: dict[str, int], hours: int = 24) -> list[Message]:
    """So many messages of each fate, spread evenly over the hours."""
    found: list[Message] = []
    for fate, count in fates.items():
        for n in range(count):
            at = (n + 0.5) * hours * 3600 / count
            found.append(Message("postfix", fate, at, len(found)))
    return found


BEFORE = {"sent": 480, "bounced": 24, "rejected": 240}
AFTER = {"sent": 480, "bounced": 240, "rejected": 240, "deferred": 96}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two days; on the second ten times as many bounces, and deferrals that are new."""
    folder = tmp_path_factory.mktemp("logs")
    begin = START.replace(hour=0, minute=0, second=0)
    for number, fates in enumerate((BEFORE, AFTER)):
        lines = log_of(traffic(fates), begin + timedelta(days=number))
        (folder / f"day{number}.log").write_text("".join(f"{line}\n" for line in lines))
    return folder / "day0.log", folder / "day1.log"


def compared(*arguments: object, status: int = 0) -> dict[str, Any]:
    done = smtplens("diff", *arguments, "--format", "json", "--tz", "UTC")
    assert done.exit_code == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    told = {t["what"]: t["verdict"] for t in found["totals"]}
    for code in found["codes"]:
        told[f"{code['direction']} {code['code']}"] = code["verdict"]
    return told


def test_what_rose_is_new_and_stayed_is_told(logs: tuple[Path, Path]) -> None:
    found = compared(*logs)
    told = verdicts(found)
    assert told["bounced"] == "rose"
    assert told["deferrals"] == "new"
    assert told["outbound 550"] == "rose"
    assert told["outbound 450"] == "new"
    assert told["sent"] == told["rejected"] == told["inbound 554"] == "unchanged"
    assert found["changed"] is True
    counts = {t["what"]: (t["a"], t["b"]) for t in found["totals"]}
    assert counts["bounced"] == (24, 240)
    assert counts["sent"] == (480, 480)
    (rose,) = (c for c in found["codes"] if c["verdict"] == "rose")
    assert rose["low"] < rose["ratio"] < rose["high"]
    assert rose["title"]
    assert rose["how_to_fix"]
    assert {f["verdict"] for f in found["findings"] if f["direction"] == "outbound"} >= {"rose"}
    (delay, *_) = found["delays"]
    assert delay["a"] > 0


def test_turned_round_what_rose_fell(logs: tuple[Path, Path]) -> None:
    told = verdicts(compared(logs[1], logs[0]))
    assert told["bounced"] == told["outbound 550"] == "fell"
    assert told["deferrals"] == told["outbound 450"] == "gone"


def test_log_beside_itself_has_not_changed(logs: tuple[Path, Path]) -> None:
    found = compared("--a", logs[1], "--b", logs[1])
    assert found["changed"] is False
    ratios = [c["ratio"] for c in (*found["totals"], *found["codes"])]
    assert ratios == pytest.approx([1.0] * len(ratios))


def without_names(found: dict[str, Any]) -> dict[str, Any]:
    for side in ("a", "b"):
        for key in ("inputs", "filters", "lines"):
            del found[side][key]
    return found


def test_summaries_and_periods_say_the_same_as_logs(
    logs: tuple[Path, Path], tmp_path: Path
) -> None:
    expected = without_names(compared(*logs))
    files = []
    for log in logs:
        files.append(tmp_path / f"{log.name}.summary")
        done = smtplens("report", log, "--no-report", "--summary-out", files[-1])
        assert done.exit_code == 0
    assert without_names(compared(*files)) == expected
    assert without_names(compared("--a", files[0], "--b", logs[1])) == expected
    both = tmp_path / "both.log"
    both.write_bytes(b"".join(log.read_bytes() for log in logs))
    days = [(START + timedelta(days=n)).date() for n in (0, 1)]
    found = compared("--a-date", days[0], "--b-date", days[1], both)
    assert found["a"]["filters"] == [f"--a-date {days[0]}"]
    # A message of the first day that ends on the second is cut there by a selection.
    for table in ("codes", "findings", "providers"):
        told, due = found[table], expected[table]
        assert [(c["a"], c["b"], c["verdict"]) for c in told] == [
            (c["a"], c["b"], c["verdict"]) for c in due
        ]
    since = ("--a-since", days[0], "--a-until", days[1], "--b-since", days[1])
    assert verdicts(compared(*since, both)) == verdicts(found)


def test_two_days_of_a_history_say_the_same_as_their_log(
    logs: tuple[Path, Path], tmp_path: Path
) -> None:
    both, history = tmp_path / "both.log", tmp_path / "history.db"
    both.write_bytes(b"".join(log.read_bytes() for log in logs))
    done = smtplens("cron", both, "--history", history, "--period", "none", "--tz", "UTC")
    assert done.exit_code == 0, done.stderr
    day = START.date()
    days = ("--a-date", day, "--b-date", day + timedelta(days=1))
    told, due = (verdicts(compared(*days, *where)) for where in (("--history", history), (both,)))
    assert told == due
    assert told["outbound 550"] == "rose"
    done = smtplens("diff", "--history", history, *days, "--code", "550")
    assert done.exit_code == 2
    done = smtplens("diff", "--history", history, "--a-date", "2001-01-01", "--b-date", day)
    assert done.exit_code == 3


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_condition_gives_its_status_and_every_form_the_same_rows(
    form: str, logs: tuple[Path, Path]
) -> None:
    done = smtplens("diff", *logs, "--format", form, "--fail-on", "change")
    assert done.exit_code == 1
    assert "550" in done.stdout
    done = smtplens("diff", logs[0], "--b", logs[0], "--fail-on", "change")
    assert done.exit_code == 2
    done = smtplens("diff", "--a", logs[0], "--b", logs[0], "--fail-on", "change", "--format", form)
    assert done.exit_code == 0


def test_text_fits_its_width_and_names_method_and_remedy(logs: tuple[Path, Path]) -> None:
    done = smtplens("diff", *logs, "--width", "100", "--color", "never")
    assert done.exit_code == 0
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    for word in ("Rose", "New: only in B", "Unchanged", "To fix", "Ranges are 95 %"):
        assert word in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x1b[" in smtplens("diff", *logs, "--color", "always").stdout


HOSTILE = "mx\x1b[31m|evil`<b>"


def test_text_of_the_log_stays_text(tmp_path: Path) -> None:
    begin = START.replace(hour=0)
    for number in (0, 1):
        lines = log_of(traffic({"sent": 50, "bounced": 20 + 200 * number}, 20), begin)
        text = "".join(f"{line}\n" for line in lines)
        (tmp_path / f"{number}.log").write_text(text.replace("mx.d1.test[", f"{HOSTILE}["))
    both = tmp_path / "0.log", tmp_path / "1.log"
    text = smtplens("diff", *both, "--color", "never").stdout
    assert "\x1b" not in text
    done = smtplens("diff", *both, "--format", "md")
    assert "\x1b" not in done.stdout
    for line in done.stdout.splitlines():
        if line.startswith("| ") and "outbound" in line:
            # What would end a cell is escaped.
            assert line.replace("\\|", "").count("|") == 8
    assert "<b>" not in done.stdout.replace("`<b>`", "").split("## ")[0]


def test_pseudonyms_stand_in_the_place_of_hosts(logs: tuple[Path, Path]) -> None:
    plain = compared(*logs)
    hidden = compared(*logs, "--anonymize")
    assert plain["a"]["hosts"] == ["mx1"]
    assert hidden["a"]["hosts"] != ["mx1"]
    places = {f["place"] for f in plain["findings"] if f["place"]}
    assert "mx.d1.test" in places
    assert "mx.d1.test" not in json.dumps(hidden)
    keys = ("a", "b", "p", "q", "verdict")
    assert [[f[k] for k in keys] for f in hidden["findings"]] == [
        [f[k] for k in keys] for f in plain["findings"]
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["one"],
        ["one", "two", "three"],
        ["--a", "one"],
        ["--a", "one", "--b", "two", "three"],
        ["--a-date", "today", "one"],
        ["--a-date", "today", "--b-date", "yesterday"],
        ["--a-date", "today", "--b-date", "yesterday", "-"],
        ["--a-date", "today", "--a-since", "today", "--b-date", "yesterday", "one"],
        ["--a-date", "whenever", "--b-date", "yesterday", "one"],
        ["one", "two", "--least-ratio", "1"],
    ],
)
def test_what_is_not_two_sides_is_wrong_usage(arguments: Sequence[str], logs: tuple[Path, Path],
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(logs[0].parent)
    named = [str(logs[0]) if a in ("one", "two", "three") else a for a in arguments]
    done = smtplens("diff", *named)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_lines_cannot_be_selected_from_a_summary(logs: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "a.summary"
    smtplens("report", logs[0], "--no-report", "--summary-out", file, "--section", "mail")
    for options in (["--code", "550"], ["--host", "mx1"]):
        done = smtplens("diff", file, logs[1], *options)
        assert done.exit_code == 2
        assert "holds counts and no lines" in done.stderr
    found = compared(file, logs[1])
    assert found["delays"] == []
    assert any("queue_times" in note for note in found["notes"])


def test_side_without_mail_ends_with_4(logs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("192.0.2.1 - - GET /\n" * 20)
    done = smtplens("diff", logs[0], tmp_path / "web.log")
    assert done.exit_code == 4
    done = smtplens("diff", logs[0], tmp_path / "none")
    assert done.exit_code == 3


def test_period_without_a_line_is_told_as_such(logs: tuple[Path, Path]) -> None:
    day = START.date()
    found = compared("--a-date", day, "--b-date", day + timedelta(days=9), logs[0])
    assert found["b"]["hours"] == 0
    assert found["changed"] is False
    assert any("covers no time" in note for note in found["notes"])


def test_every_verdict_has_its_words() -> None:
    found: set[str] = set()
    for world in (World(days=(1, 1), lasting=1.5), World(changed=3), World(changed=0.3, rows=20)):
        found |= set(world.told(1)["verdict"])
    assert found <= set(VERDICTS)
    assert {"rose", "fell", "uneven", "too few to tell"} <= found
