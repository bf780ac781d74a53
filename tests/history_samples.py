"""Logs that grow and rotate as real ones do, and what a history holds of them."""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from log_samples import FATES, WRITERS, Message, log_of

from analyzer.history.counting import Settings
from analyzer.history.ingest import Added, add_unread
from analyzer.history.period import chosen_of, together
from analyzer.history.retention import Retention
from analyzer.history.running import settle
from analyzer.history.store import Store, open_store
from analyzer.history.tidy import tidy
from analyzer.history.unread import logs_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
START = datetime(2026, 11, 20, 20, 30)
Rows = dict[str, list[str]]
KEEP = Retention(names=3000, minutes=3000)


def lines_of_days(count: int, every: float = 500.0, start: datetime = START) -> list[str]:
    """Lines of `count` messages, one in `every` seconds, with what hangs on the line before."""
    mtas = tuple(WRITERS)
    lines = log_of(
        (Message(mtas[n % 3], FATES[n * 5 // 3 % len(FATES)], n * every, n) for n in range(count)),
        start,
    )
    found: list[str] = []
    for number, line in enumerate(lines):
        found.append(line)
        stamp, host = line.split(" ")[:2]
        if number % 17 == 3:
            found.append(f"{stamp} {host} last message repeated {number % 5 + 2} times")
        if number % 29 == 5:
            found.append("a line without a stamp")
        if number % 31 == 7:
            text = "1xVUcd-999999-1m <= long@sender.test H=c.test [203.0.113.9] P=esmtp S=77"
            found += [
                f"{stamp} mx2 exim[7]: [1\\2] {text[:40]}",
                f"{stamp} mx2 exim[7]: [2\\2] {text[40:]}",
            ]
    return found


def restamped(lines: list[str], zone: str) -> list[str]:
    """The lines as syslog wrote them for long: local time, no year, no zone."""
    found = []
    for line in lines:
        stamp, _, rest = line.partition(" ")
        if stamp[:1] == "2":
            local = datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone))
            line = f"{local:%b} {local.day:2} {local:%H:%M:%S} {rest}"
        found.append(line)
    return found


@dataclass(slots=True)
class GrowingLog:
    """A log that is written to, and rotated as logrotate does it."""

    path: Path
    seconds: float = field(default_factory=lambda: (NOW - timedelta(minutes=40)).timestamp())
    """Time of change of what is written next."""
    turn: int = 0

    def write(self, data: bytes) -> None:
        """Add to its end."""
        with self.path.open("ab") as stream:
            stream.write(data)
        self.seconds += 1
        os.utime(self.path, (self.seconds, self.seconds))

    def rotate(self, how: str = "create", packer: str = "") -> None:
        """Move what there is away as `.1`, or by date; the older ones one further."""
        if how == "dateext":
            self.turn += 1
            target = self.path.with_name(f"{self.path.name}-202611{self.turn:02}")
        else:
            for number in range(60, 0, -1):
                for old in self.path.parent.glob(f"{self.path.name}.{number}*"):
                    ending = old.name.removeprefix(f"{self.path.name}.{number}")
                    if ending == "" or ending.startswith("."):
                        old.rename(self.path.with_name(f"{self.path.name}.{number + 1}{ending}"))
            target = self.path.with_name(self.path.name + ".1")
        if how == "copytruncate":
            shutil.copyfile(self.path, target)
            os.utime(target, (self.seconds, self.seconds))
            os.truncate(self.path, 0)
        else:
            self.path.rename(target)
            self.path.touch()
        if packer:
            pack(target, packer)

    def pack_one(self, packer: str = "gz") -> None:
        """Compress the oldest rotated file that is not."""
        for old in sorted(self.path.parent.glob(f"{self.path.name}[.-]*"), reverse=True):
            if old.suffix not in (".gz", ".bz2", ".xz"):
                pack(old, packer)
                return


def pack(path: Path, packer: str) -> None:
    """Compress a file as gzip does: the new one has its time of change."""
    status = path.stat()
    writers: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
    }
    packed = path.with_name(f"{path.name}.{packer}")
    packed.write_bytes(writers[packer](path.read_bytes()))
    os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()


def add(
    history: Path, *logs: Path, now: datetime = NOW, zone: str = "UTC", retention: Retention = KEEP
) -> Added:
    """One run over these logs and all they were rotated to."""
    store = open_store(history, write=True)
    settle(store, {"tz": zone})
    paths, problems = logs_of([str(log) for log in logs])
    assert problems == []
    added = add_unread(store, paths, Settings(zone, (), chosen_of(store)), now, reported=True)
    tidy(store, retention, now)
    store.close()
    return added


def content(history: Path) -> dict[str, Rows]:
    """What a history holds of each day, however it is cut into parts: rows of each table."""
    store = open_store(history, write=False)
    found = {day: dict(_rows(store, day)) for day in sorted({p.day for p in store.parts()})}
    store.close()
    return found


def _rows(store: Store, day: str) -> Iterator[tuple[str, list[str]]]:
    parts = store.parts(day, day + "~" if day else "0")
    whole = together(store, parts, chosen_of(store))
    yield "number of lines", [str(sum(p.lines for p in parts))]
    frames = {**whole.tables, "examples": whole.examples}
    for name in ("open", "waiting", "attempts", "held", "arrivals"):
        frames[name] = getattr(whole, name)
    for name, frame in frames.items():
        if frame.height:
            yield name, sorted(map(str, frame.rows()))


def differences(one: Path, other: Path, *, examples: bool = True) -> list[str]:
    """Where two histories hold something else; without `examples` also with other line numbers."""
    left, right = content(one), content(other)
    if not examples:
        for rows in (*left.values(), *right.values()):
            rows.pop("examples", None)
    return [
        f"{day} {name}: {sorted(set(a) - set(b))[:3]} != {sorted(set(b) - set(a))[:3]}"
        for day in sorted({*left, *right})
        for name in sorted({*left.get(day, {}), *right.get(day, {})})
        if (a := left.get(day, {}).get(name, [])) != (b := right.get(day, {}).get(name, []))
    ]


def positions(history: Path) -> list[tuple[int, int]]:
    """Places where reading stopped, with the lines before them."""
    store = open_store(history, write=False)
    found = sorted((c.offset, c.lines) for c in store.cursors())
    store.close()
    return found
