import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from log_samples import day_of

from analyzer.check import Gap, check_report, find_gaps
from analyzer.inputs import gather
from analyzer.pipeline import summarise_tasks
from analyzer.summary import TABLES, finish

NOW = datetime(2026, 11, 30, tzinfo=UTC)
DAY = datetime(2026, 11, 22, tzinfo=UTC)


def checked(*lines: str, folder: Path, year: int | None = None) -> tuple[dict[str, Any], bool]:
    path = folder / "mail.log"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    inputs = gather([str(path)], zone="UTC", year=year, now=NOW)
    summary = finish(summarise_tasks(inputs.tasks))
    text, trusted = check_report(summary, inputs, "UTC", "json")
    shown, same = check_report(summary, inputs, "UTC", "text")
    assert trusted == same
    assert ("No doubts" in shown) == trusted
    return json.loads(text), trusted


def activity(*busy: tuple[str | None, float, float, int]) -> pl.DataFrame:
    """Buckets of hosts that wrote `n` lines per ten minutes from one hour to another."""
    rows = [
        (host, DAY + timedelta(minutes=10 * bucket), n)
        for host, start, end, n in busy
        for bucket in range(round(start * 6), round(end * 6))
    ]
    return pl.DataFrame(rows, schema=TABLES["activity"].schema(), orient="row")


# --- Gaps


def test_silence_of_a_busy_host_is_a_gap() -> None:
    table = activity(("mx1", 0, 3, 60), ("mx1", 5, 24, 60))
    (gap,) = find_gaps(table)
    assert (gap.host, gap.start, gap.end) == (
        "mx1",
        DAY + timedelta(hours=3),
        DAY + timedelta(hours=5),
    )
    # Two hours at the usual rate, which the silence itself lowers a little.
    assert gap.expected == pytest.approx(720, rel=0.1)


def test_other_hosts_do_not_hide_a_gap() -> None:
    table = activity(("mx1", 0, 3, 60), ("mx1", 5, 24, 60), ("mx2", 0, 24, 600))
    assert [g.host for g in find_gaps(table)] == ["mx1"]


def test_hosts_that_begin_late_or_end_early_have_no_gap() -> None:
    assert find_gaps(activity(("mx1", 0, 3, 60), ("mx2", 9, 24, 60))) == []


@pytest.mark.parametrize(
    ("hours", "rate", "expected"),
    [
        (0.5, 600, 0),  # short
        (1, 60, 1),
        (3, 1, 0),  # a quiet host says nothing for hours
        (24, 4, 1),  # but not for a day
    ],
)
def test_gap_is_long_and_would_have_held_lines(hours: float, rate: int, expected: int) -> None:
    table = activity(("mx1", 0, 12, rate), ("mx1", 12 + hours, 60, rate))
    assert len(find_gaps(table)) == expected


def test_several_gaps_are_all_found_in_order() -> None:
    table = activity(("mx1", 0, 3, 60), ("mx1", 5, 9, 60), ("mx1", 12, 24, 60))
    assert [g.start.hour for g in find_gaps(table.sample(fraction=1, shuffle=True, seed=1))] == [
        3,
        9,
    ]


def test_lines_without_host_or_time_are_no_trouble() -> None:
    table = activity((None, 0, 3, 60), (None, 5, 24, 60))
    extra = pl.DataFrame([("mx1", None, 5)], schema=table.schema, orient="row")
    assert [g.host for g in find_gaps(pl.concat([table, extra]))] == [None]
    assert find_gaps(table.clear()) == []
    assert isinstance(find_gaps(table)[0], Gap)


def postfix(minutes: Sequence[int]) -> list[str]:
    return [
        f"{(DAY + timedelta(minutes=m)).isoformat()} mx1 postfix/qmgr[1]: {m:010X}: removed"
        for m in minutes
    ]


def test_gap_in_a_log_is_a_doubt(tmp_path: Path) -> None:
    facts, trusted = checked(*postfix([*range(180), *range(300, 600)]), folder=tmp_path)
    assert not trusted
    (gap,) = facts["gaps"]
    assert (gap["host"], gap["start"], gap["end"]) == (
        "mx1",
        "2026-11-22 03:00+00:00",
        "2026-11-22 05:00+00:00",
    )
    assert facts["doubts"] == [
        "nothing was logged by mx1 from 2026-11-22 03:00+00:00 to 2026-11-22 05:00+00:00"
    ]


# --- Trust


def test_log_that_is_understood_leaves_no_doubt(tmp_path: Path) -> None:
    facts, trusted = checked(*postfix(range(300)), folder=tmp_path)
    assert trusted
    assert facts["doubts"] == []
    assert facts["understood"] == 1
    assert facts["hosts"] == ["mx1"]
    assert facts["mtas"] == ["postfix"]
    assert facts["header_styles"] == {"iso": 300}
    assert not facts["timezone_assumed"]
    assert facts["year"] == "none needed"


@pytest.mark.parametrize(("strange", "trusted"), [(1, True), (30, False)])
def test_too_many_unrecognised_lines_are_a_doubt(
    strange: int, trusted: bool, tmp_path: Path
) -> None:
    odd = [f"{DAY.isoformat()} mx1 postfix/smtpd[1]: frobnicated {n} times" for n in range(strange)]
    facts, is_trusted = checked(*postfix(range(300)), *odd, folder=tmp_path)
    assert is_trusted == trusted
    assert facts["lines"]["unrecognised"] == strange
    assert facts["understood"] == pytest.approx(300 / (300 + strange), abs=1e-5)
    (shape,) = facts["unrecognised_shapes"]
    assert (shape["mta"], shape["shape"], shape["n"]) == ("postfix", "frobnicated N times", strange)
    assert shape["example"] == odd[0]


def test_other_programs_do_not_count_against_a_log(tmp_path: Path) -> None:
    cron = [f"{DAY.isoformat()} mx1 CRON[{n}]: (root) CMD (true)" for n in range(500)]
    facts, trusted = checked(*postfix(range(300)), *cron, folder=tmp_path)
    assert trusted
    assert facts["foreign_programs"] == {"CRON": 500}
    assert facts["understood"] == 1


@pytest.mark.parametrize(
    "line", ["", "nothing like mail", "Nov 22 10:00:00 mx1 CRON[1]: (root) CMD (true)"]
)
def test_log_without_mail_is_not_trusted(line: str, tmp_path: Path) -> None:
    facts, trusted = checked(line, folder=tmp_path)
    assert not trusted
    assert "no line of a mail server was recognised" in facts["doubts"]


def test_what_is_inferred_is_said(tmp_path: Path) -> None:
    line = "Nov 22 10:00:00 mx1 postfix/qmgr[1]: AAAAAAAAAA: removed"
    facts, _ = checked(line, folder=tmp_path)
    assert facts["timezone_assumed"]
    assert facts["year"].startswith("inferred")
    facts, _ = checked(line, folder=tmp_path, year=2024)
    assert facts["year"] == "given"


def test_broken_input_is_a_doubt(tmp_path: Path) -> None:
    import gzip

    data = gzip.compress("\n".join(day_of(200)).encode())
    path = tmp_path / "mail.log.gz"
    path.write_bytes(data[: len(data) // 2])
    inputs = gather([str(path)], zone="UTC", year=None, now=NOW)
    text, trusted = check_report(finish(summarise_tasks(inputs.tasks)), inputs, "UTC", "json")
    assert not trusted
    assert any("breaks off after line" in d for d in json.loads(text)["doubts"])


def test_log_text_cannot_reach_the_terminal_raw(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text(f"{DAY.isoformat()} mx1 postfix/smtpd[1]: \x1b[31mred \x9b31m\n" * 3)
    inputs = gather([str(path)], zone="UTC", year=None, now=NOW)
    text, _ = check_report(finish(summarise_tasks(inputs.tasks)), inputs, "UTC", "text")
    assert "red" in text
    assert not set(text) & {"\x1b", "\x9b"}
