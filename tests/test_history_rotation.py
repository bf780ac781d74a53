"""Every way in which logs are rotated, and every trick of the clock, leaves the figures exact."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from history_samples import (
    NOW,
    GrowingLog,
    add,
    differences,
    lines_of_days,
    positions,
    restamped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

LINES = lines_of_days(40, every=2400)
WAYS = {
    "create": [("create", "")],
    "copytruncate": [("copytruncate", "")],
    "compressed at once": [("create", "gz")],
    "copied and compressed": [("copytruncate", "xz")],
    "by date": [("dateext", "")],
    "by date, compressed": [("dateext", "bz2")],
    "all of them": [("create", ""), ("copytruncate", "gz"), ("create", "gz"), ("copytruncate", "")],
}


def data_of(lines: Sequence[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def check(directory: Path, lines: Sequence[str], *, zone: str = "UTC") -> None:
    """The history is that of one run over what is left, and over the log in one piece."""
    log = directory / "mail.log"
    add(directory / "once.db", log, zone=zone)
    assert differences(directory / "runs.db", directory / "once.db") == []
    assert sum(n for _, n in positions(directory / "runs.db")) == len(lines)
    status = log.stat()
    for old in directory.glob("mail.log*"):
        old.unlink()
    log.write_bytes(data_of(lines))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    add(directory / "whole.db", log, zone=zone)
    found = differences(directory / "runs.db", directory / "whole.db", examples=False)
    assert found == []


def stands_alone(line: str) -> bool:
    """Whether a file can begin with it: it says its day, and nothing of the line before."""
    return " mx" in line and " repeated " not in line and "[2\\2]" not in line


def cut(lines: Sequence[str], pieces: int) -> list[bytes]:
    size = len(lines) // pieces
    places = [0]
    for number, line in enumerate(lines):
        if number >= places[-1] + size and len(places) < pieces and stands_alone(line):
            places.append(number)
    return [data_of(lines[a:b]) for a, b in zip(places, [*places[1:], len(lines)], strict=True)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seldom", [1, 3], ids=["each seen", "rotations missed"])
def test_rotation(tmp_path: Path, way: str, seldom: int) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    for number, piece in enumerate(cut(LINES, 9)):
        log.write(piece)
        if number % seldom == 0:
            add(tmp_path / "runs.db", log.path)
            add(tmp_path / "runs.db", log.path)
        if number % 2:
            log.rotate(*WAYS[way][number // 2 % len(WAYS[way])])
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, LINES)


def test_compressed_later(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    for number, piece in enumerate(cut(LINES, 8)):
        log.write(piece)
        if number % 3 == 0:
            add(tmp_path / "runs.db", log.path)
        if number % 2:
            log.rotate()
            add(tmp_path / "runs.db", log.path)
        elif number:
            log.pack_one()
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, LINES)


def test_line_that_is_half_written_waits(tmp_path: Path) -> None:
    data = data_of(LINES[:9])
    log = GrowingLog(tmp_path / "mail.log")
    for end in (len(data) - 30, len(data) - 10):
        log.write(data[log.path.stat().st_size if log.path.exists() else 0 : end])
        add(tmp_path / "runs.db", log.path)
        assert sum(n for _, n in positions(tmp_path / "runs.db")) == 8
    log.rotate()
    add(tmp_path / "runs.db", log.path)
    assert sum(n for _, n in positions(tmp_path / "runs.db")) == 8
    with log.path.with_name("mail.log.1").open("ab") as stream:
        stream.write(data[-10:])
    log.write(data_of(LINES[9:]))
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, LINES)


def test_last_line_of_a_rotated_file_needs_no_end_when_it_is_old(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    log.write(data_of(LINES[:9])[:-1])
    add(tmp_path / "runs.db", log.path)
    log.rotate()
    add(tmp_path / "runs.db", log.path, now=NOW + timedelta(hours=2))
    assert positions(tmp_path / "runs.db") == [(len(data_of(LINES[:9])) - 1, 9)]


def test_copy_that_is_being_made_counts_nothing(tmp_path: Path) -> None:
    data = data_of(LINES)
    log = GrowingLog(tmp_path / "mail.log")
    log.write(data[: len(data) // 2])
    add(tmp_path / "runs.db", log.path)
    copy = tmp_path / "mail.log.1"
    for size in (0, 300, len(data) // 3):
        copy.write_bytes(data[:size])
        add(tmp_path / "runs.db", log.path)
    log.write(data[len(data) // 2 :])
    copy.write_bytes(data)
    os.truncate(log.path, 0)
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, LINES)


@pytest.mark.parametrize("packer", ["gz", "bz2", "xz"])
def test_compressed_file_that_is_being_written_waits(tmp_path: Path, packer: str) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    data = data_of(LINES)
    log.write(data[: len(data) // 3])
    add(tmp_path / "runs.db", log.path)
    log.write(data[len(data) // 3 :])
    log.rotate("create", packer)
    packed = tmp_path / f"mail.log.1.{packer}"
    whole = packed.read_bytes()
    for size in (1, 40, len(whole) // 2, len(whole) - 3):
        packed.write_bytes(whole[:size])
        os.utime(packed, (log.seconds, log.seconds))
        assert add(tmp_path / "runs.db", log.path).problems == []
    packed.write_bytes(whole)
    os.utime(packed, (log.seconds, log.seconds))
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, LINES)


def test_compressed_file_that_stays_broken_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    log.write(data_of(LINES))
    log.rotate("create", "gz")
    packed = tmp_path / "mail.log.1.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    later = datetime.now(UTC) + timedelta(hours=3)
    added = add(tmp_path / "runs.db", log.path, now=later)
    assert len(added.problems) == 1
    assert "breaks off" in added.problems[0]
    assert added.lines > len(LINES) / 2
    assert add(tmp_path / "runs.db", log.path, now=later).problems == []


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        (datetime(2026, 10, 24, 18), "Europe/Berlin"),  # an hour comes twice
        (datetime(2026, 3, 28, 18), "Europe/Berlin"),  # an hour is left out
        (datetime(2025, 12, 31, 14), "America/New_York"),  # New Year
        (datetime(2024, 2, 28, 14), "Asia/Kolkata"),  # February 29
    ],
)
@pytest.mark.parametrize("way", ["create", "all of them"])
def test_nights_of_the_calendar(tmp_path: Path, start: datetime, zone: str, way: str) -> None:
    iso = lines_of_days(40, every=1500, start=start)
    lines = restamped(iso, zone)
    log = GrowingLog(tmp_path / "mail.log")
    pieces = cut(lines, 9)
    ends = cut(iso, 9)
    for number, (piece, same) in enumerate(zip(pieces, ends, strict=True)):
        stamps = [x[:26] for x in same.decode().splitlines() if x[:1] == "2"]
        when = datetime.fromisoformat(stamps[-1]).replace(tzinfo=UTC)
        log.seconds = when.timestamp()
        log.write(piece)
        add(tmp_path / "runs.db", log.path, zone=zone, now=when + timedelta(seconds=9))
        if number % 2:
            log.rotate(*WAYS[way][number // 2 % len(WAYS[way])])
    add(tmp_path / "runs.db", log.path, zone=zone, now=when + timedelta(seconds=9))
    days = _days(iso, zone)
    assert {p for p in _kept_days(tmp_path / "runs.db") if p} == days
    check(tmp_path, lines, zone=zone)


def _days(iso: Sequence[str], zone: str) -> set[str]:
    stamps = [line.partition(" ")[0] for line in iso if line[:1] == "2"]
    return {str(datetime.fromisoformat(s).astimezone(ZoneInfo(zone)).date()) for s in stamps}


def _kept_days(history: Path) -> set[str]:
    from history_samples import content

    return set(content(history))


@pytest.mark.parametrize("step", [-5, -1, 7], ids=lambda hours: f"{hours} h")
@pytest.mark.parametrize("style", ["iso", "bsd"])
def test_clock_that_is_set(tmp_path: Path, step: int, style: str) -> None:
    lines = []
    for number, line in enumerate(LINES):
        if line[:1] == "2" and number > len(LINES) // 2:
            stamp, _, rest = line.partition(" ")
            moved = datetime.fromisoformat(stamp) + timedelta(hours=step)
            line = f"{moved.isoformat(timespec='microseconds')} {rest}"
        lines.append(line)
    lines = lines if style == "iso" else restamped(lines, "UTC")
    log = GrowingLog(tmp_path / "mail.log")
    for number, piece in enumerate(cut(lines, 7)):
        log.write(piece)
        add(tmp_path / "runs.db", log.path)
        if number % 3 == 1:
            log.rotate()
    add(tmp_path / "runs.db", log.path)
    check(tmp_path, lines)


@given(st.data())
@settings(max_examples=12, deadline=None)
def test_anything_in_any_order(data: st.DataObject) -> None:
    import tempfile

    lines = LINES[: data.draw(st.integers(3, len(LINES)))]
    whole = data_of(lines)
    starts = [len(data_of(lines[:n])) for n, line in enumerate(lines) if stands_alone(line)]
    place = 0
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        log = GrowingLog(directory / "mail.log")
        log.write(b"")
        steps = st.sampled_from(["write", "write", "run", "rotate", "pack"])
        for step in data.draw(st.lists(steps, max_size=14)):
            if step == "write":
                # Rotation comes between two lines; runs come at any time.
                size = data.draw(st.integers(0, 6000))
                log.write(whole[place : place + size])
                place = min(place + size, len(whole))
            elif step == "run":
                add(directory / "runs.db", log.path)
            elif step == "rotate":
                end = next((e for e in starts if e >= place), len(whole))
                log.write(whole[place:end])
                place = end
                way = data.draw(st.sampled_from(["create", "copytruncate"]))
                log.rotate(way, data.draw(st.sampled_from(["", "", "gz"])))
            else:
                log.pack_one()
        log.write(whole[place:])
        add(directory / "runs.db", log.path)
        check(directory, lines)
