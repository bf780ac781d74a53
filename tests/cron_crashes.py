"""Runs of `smtplens cron` that are killed at random instants while the log grows and rotates."""

import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from history_samples import GrowingLog, add, differences, lines_of_days

ROOT = Path(__file__).parent.parent


class Outcome(NamedTuple):
    """What became of one log."""

    killed: int
    finished: int
    """Runs that were over before they could be killed."""
    found: list[str]
    """Where the history is not that of one run over everything."""


def command(history: Path, log: Path, *more: str) -> list[str]:
    """A run of cron."""
    own = ["--history", str(history), "--tz", "UTC", "--period", "none"]
    return [sys.executable, "-m", "analyzer", "cron", str(log), *own, *more]


def crash(directory: Path, kills: int, seed: int) -> Outcome:
    """Kill so many runs over one log, let the last one finish, and compare."""
    random = Random(seed)  # noqa: S311 - the same every time
    log = GrowingLog(directory / "mail.log")
    history = directory / "killed.db"
    data = "".join(line + "\n" for line in lines_of_days(40 + 2 * kills, every=700)).encode()
    place, killed, finished = 0, 0, 0
    whole = 1.0
    while killed < kills:
        size = random.randrange(0, 2 * len(data) // kills)
        log.write(data[place : place + size])
        place += size
        begin = time.monotonic()
        run = subprocess.Popen(
            command(history, log.path), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        # Most of a run is its start; it is killed at any instant, in its work more often.
        delay = whole * random.choice([random.uniform(0, 1), random.uniform(0.5, 1.1)])
        turn = random.random()
        try:
            if turn < 0.25:
                run.wait(delay * random.random())
                _rotate(log, random)
            run.wait(max(0.0, begin + delay - time.monotonic()))
        except subprocess.TimeoutExpired:
            run.kill()
            killed += 1
        else:
            finished += 1
            whole = 0.7 * whole + 0.3 * (time.monotonic() - begin)
        run.communicate()
        if turn > 0.9:
            _rotate(log, random)
        found = _consistent(history)
        if found:
            return Outcome(killed, finished, found)
    log.write(data[place:])
    last = subprocess.run(command(history, log.path), cwd=ROOT, capture_output=True, text=True)
    if last.returncode or last.stderr:
        return Outcome(killed, finished, [f"{last.returncode} {last.stderr}"])
    add(directory / "once.db", log.path, now=datetime.now(UTC))
    return Outcome(killed, finished, differences(history, directory / "once.db"))


def _rotate(log: GrowingLog, random: Random) -> None:
    how = random.choice(["create", "create", "copytruncate", "pack", "now"])
    if how == "pack":
        log.pack_one()
    elif how == "now":
        log.rotate("create", "gz")
    else:
        log.rotate(how)


def _consistent(history: Path) -> list[str]:
    """Whether what was committed holds together: as many lines counted as were read."""
    if not history.exists():
        return []
    connection = sqlite3.connect(history)
    try:
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            return []
        counted = connection.execute("SELECT coalesce(sum(lines), 0) FROM part").fetchone()[0]
        read = connection.execute("SELECT coalesce(sum(lines), 0) FROM cursor").fetchone()[0]
        return [] if counted == read else [f"{counted} lines counted of {read}"]
    finally:
        connection.close()
