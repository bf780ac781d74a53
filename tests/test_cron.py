"""The command itself: what it reports and when, and how it ends where something is wrong."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from history_samples import GrowingLog, content, lines_of_days
from spike_logs import HOUR, MONDAY, month, refusal, written

from analyzer.cli import main
from analyzer.history.lock import locked

ROOT = Path(__file__).parent.parent
LINES = lines_of_days(30, every=2400)


def data_of(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def cron(history: Path, *arguments: str | Path) -> Result:
    own = ["--history", str(history), "--tz", "UTC", "--format", "json"]
    return CliRunner().invoke(main, ["cron", *map(str, arguments), *own])


def lines_in(result: Result) -> int:
    report: dict[str, Any] = json.loads(result.stdout)
    total: int = report["lines"]["total"]
    return total


@pytest.fixture
def log(tmp_path: Path) -> GrowingLog:
    found = GrowingLog(tmp_path / "mail.log")
    found.write(data_of(LINES[:60]))
    return found


def test_what_is_new_is_reported_once(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    first = cron(history, log.path)
    assert (first.exit_code, lines_in(first)) == (0, 60)
    log.write(data_of(LINES[60:75]))
    log.rotate()
    log.write(data_of(LINES[75:80]))
    second = cron(history, log.path)
    assert (second.exit_code, lines_in(second)) == (0, 20)
    third = cron(history, log.path)
    assert (third.exit_code, third.output) == (0, "")


def test_dry_run_keeps_nothing(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    dry = cron(history, log.path, "--dry-run")
    assert lines_in(dry) == 60
    assert not history.exists()
    cron(history, log.path)
    before = content(history)
    log.write(data_of(LINES[60:70]))
    assert lines_in(cron(history, log.path, "--dry-run")) == 10
    assert content(history) == before
    assert lines_in(cron(history, log.path)) == 10


def test_report_that_could_not_be_written_is_due_again(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    failed = cron(history, log.path, "-o", tmp_path / "none" / "report")
    assert failed.exit_code == 3
    assert lines_in(cron(history, log.path)) == 60


def test_whole_day_is_reported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    log = GrowingLog(tmp_path / "mail.log")
    log.write(data_of(LINES))
    history = tmp_path / "h.db"
    found = []
    for text in ("2026-11-20T23:00", "2026-11-21T00:05", "2026-11-21T09:00", "2026-11-22T00:01"):
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        monkeypatch.setattr("analyzer.cli.now", lambda moment=moment: moment)
        result = cron(history, log.path, "--period", "day")
        assert result.exit_code == 0
        found.append(lines_in(result) if result.stdout else None)
    days = {day: int(rows["number of lines"][0]) for day, rows in content(history).items()}
    assert found == [None, days["2026-11-20"], None, days["2026-11-21"]]


@pytest.mark.parametrize("missing", ["no log", "directory"])
def test_unreadable_log_is_said_and_the_others_are_read(
    tmp_path: Path, log: GrowingLog, missing: str
) -> None:
    bad = tmp_path / "gone.log" if missing == "no log" else tmp_path
    result = cron(tmp_path / "h.db", bad, log.path)
    assert result.exit_code == 3
    assert str(bad) in result.stderr
    assert lines_in(result) == 60


def test_no_mail_log_is_not_silent(tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_text("Nov 22 03:10:01 mx1 cron[1]: nothing of mail\n" * 3)
    result = cron(tmp_path / "h.db", other)
    assert result.exit_code == 4
    assert "not recognised" in result.stderr or "was recognised" in result.stderr


def test_second_run_at_a_time_is_refused(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    with locked(history):
        result = cron(history, log.path)
    assert result.exit_code == 3
    assert "another run" in result.stderr
    assert lines_in(cron(history, log.path)) == 60


def test_other_zone_is_refused(tmp_path: Path, log: GrowingLog) -> None:
    cron(tmp_path / "h.db", log.path)
    own = ["cron", str(log.path), "--history", str(tmp_path / "h.db"), "--tz", "Asia/Kolkata"]
    assert CliRunner().invoke(main, own).exit_code == 2


def test_damaged_history_is_refused(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    cron(history, log.path)
    history.write_bytes(b"something else" * 500)
    result = cron(history, log.path)
    assert result.exit_code == 3
    assert "damaged" in result.stderr
    history.unlink()
    assert lines_in(cron(history, log.path)) == 60


def test_directory_that_cannot_be_made_is_refused(tmp_path: Path, log: GrowingLog) -> None:
    (tmp_path / "file").write_text("")
    result = cron(tmp_path / "file" / "h.db", log.path)
    assert result.exit_code == 3
    assert str(tmp_path / "file") in result.stderr


def test_read_only_history_is_refused_and_kept(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "state" / "h.db"
    cron(history, log.path)
    before = content(history)
    log.write(data_of(LINES[60:70]))
    history.chmod(0o400)
    history.parent.chmod(0o500)
    try:
        if os.access(history, os.W_OK):
            # Nothing is read-only for root: a history on a read-only medium looks like this.
            code = "import sys; from analyzer.history import store; import sqlite3\n"
            code += "real = sqlite3.connect\n"
            code += "sqlite3.connect = lambda p, **k: real(f'file:{p}?mode=ro', uri=True, **k)\n"
            code += "from analyzer.cli import run; run(sys.argv[1:])"
            command = [sys.executable, "-c", code]
        else:
            command = [sys.executable, "-m", "analyzer"]
        done = subprocess.run(
            [*command, "cron", str(log.path), "--history", str(history)],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
    finally:
        history.parent.chmod(0o700)
        history.chmod(0o600)
    assert done.returncode == 3
    assert str(history) in done.stderr
    assert "Traceback" not in done.stderr
    assert content(history) == before
    assert lines_in(cron(history, log.path)) == 10


def test_full_disk_keeps_what_was_there_and_the_next_run_goes_on(
    tmp_path: Path, log: GrowingLog
) -> None:
    history = tmp_path / "h.db"
    cron(history, log.path)
    before = content(history)
    log.write(data_of(LINES[60:]))
    limit = history.stat().st_size + 512

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "cron", str(log.path), "--history", str(history)],
        cwd=ROOT, capture_output=True, text=True, preexec_fn=small,
    )  # fmt: skip
    assert done.returncode == 3
    assert "nothing of this run was kept" in done.stderr
    assert content(history) == before
    assert lines_in(cron(history, log.path)) == len(LINES) - 60


def test_report_reads_the_history(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    whole = cron(history, log.path)
    again = CliRunner().invoke(main, ["report", "--history", str(history), "--format", "json"])
    assert again.exit_code == 0
    one, other = json.loads(whole.stdout), json.loads(again.stdout)
    for key in ("lines", "totals", "codes", "findings", "hours"):
        assert one[key] == other[key], key
    both = CliRunner().invoke(main, ["report", "--history", str(history), str(log.path)])
    assert both.exit_code == 2


def test_codes_that_were_seen_are_listed(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    cron(history, log.path)
    listed = []
    for source in (["--seen", "--history", str(history)], ["--seen", "--log", str(log.path)]):
        result = CliRunner().invoke(main, ["codes", *source, "--format", "json"])
        assert result.exit_code == 0
        page = json.loads(result.stdout)
        listed.append([line["code"] for line in (*page["replies"], *page["enhanced"])])
    assert listed[0] == listed[1]
    assert {"550", "450"} <= set(listed[0])
    assert "251" not in listed[0]


def test_only_if_changes_speaks_of_what_differs_from_the_period_before(tmp_path: Path) -> None:
    """Tested, not subtracted: the same traffic again is no change, and a first run knows none."""
    history, log = tmp_path / "h.db", tmp_path / "mail.log"
    days = [month(24, MONDAY + n * 24 * HOUR, seed=n) for n in range(4)]
    # Refusals of a new kind, in every hour of the last day.
    last = MONDAY + 72 * HOUR
    days[3] += [refusal(last + n * HOUR / 30, "198.51.100.9", "550 5.7.1") for n in range(720)]
    told = []
    for day in days:
        with log.open("a") as stream:
            stream.write(written(day))
        run = CliRunner().invoke(
            main,
            ["cron", "--tz", "UTC", "--history", str(history), "--only-if", "changes", str(log)],
        )
        assert run.exit_code == 0, run.output
        told.append(run.stdout)
    assert told[:3] == ["", "", ""]
    assert "inbound 550 5.7.1" in " ".join(told[3].split())


def test_a_history_counts_the_sections_of_its_first_run(tmp_path: Path, log: GrowingLog) -> None:
    history = tmp_path / "h.db"
    first = json.loads(cron(history, log.path, "--section", "endings").stdout)
    assert {s["key"].partition(".")[0] for s in first["sections"]} == {"endings"}
    again = cron(history, log.path, "--section", "tls")
    assert again.exit_code == 2
    assert "counts endings, spikes" in again.output
