"""Which sources to read, in which order, with which clock."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from parsers.clock import Clock
from parsers.header import read_headers
from parsers.mta import parsers
from parsers.lines import STDIN, RawChunk, Source, read_chunks

from .pipeline import Task
from .rejectlog import looks_like_rejectlog

_SNIFF_BYTES = 1 << 16


@dataclass(slots=True)
class Inputs:
    """What there is to read; `problems` are inputs that cannot be."""

    tasks: list[Task] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a source."""

    first: datetime | None
    mail: bool
    rejectlog: bool


def gather(names: Sequence[str], *, zone: str, year: int | None, now: datetime) -> Inputs:
    """Find, look into and order the sources named on the command line."""
    inputs = Inputs()
    heads: list[tuple[_Head, Task]] = []
    seen: dict[tuple[int, int], str] = {}
    for name in _expand(names, inputs):
        if name != STDIN:
            problem = _unreadable(Path(name))
            if problem:
                inputs.problems.append(f"{name}: {problem}")
                continue
            stat = Path(name).stat()
            same = seen.setdefault((stat.st_dev, stat.st_ino), name)
            if same is not name:
                inputs.notes.append(f"{name} is the same file as {same}; it is read once")
                continue
        heads.append(_look(name, zone, year, now))
    # In time order: messages that cross from one file to the next are put together.
    latest = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
    heads.sort(key=lambda h: (h[0].first or latest, h[1].source.name))
    inputs.tasks = [replace(task, rejectlog=head.rejectlog) for head, task in heads]
    return inputs


def _expand(names: Sequence[str], inputs: Inputs) -> list[str]:
    """A directory stands for the mail logs directly in it."""
    found: list[str] = []
    for name in names:
        path = Path(name)
        if name == STDIN or not path.is_dir():
            found.append(name)
            continue
        try:
            inside = sorted(str(p) for p in path.iterdir() if p.is_file())
        except OSError as error:
            inputs.problems.append(f"{name}: {error.strerror}")
            continue
        logs = [n for n in inside if _unreadable(Path(n)) is None and _is_mail_log(n)]
        if not logs:
            inputs.problems.append(f"{name}: no mail log in this directory")
        found += logs
    return found


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _is_mail_log(name: str) -> bool:
    head, _ = _look(name, "UTC", None, datetime.now(ZoneInfo("UTC")))
    return head.mail


def _look(name: str, zone: str, year: int | None, now: datetime) -> tuple[_Head, Task]:
    """Read the beginning of a source: its first time stamp and what it looks like."""
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    source = Source(name)
    clock = Clock(zone, latest=local)
    if name != STDIN:
        changed = datetime.fromtimestamp(Path(name).stat().st_mtime, ZoneInfo(zone))
        clock = replace(clock, latest=changed.replace(tzinfo=None))
    lines = _first_lines(name)
    headers = read_headers(lines, clock)
    first = headers.lines.get_column("time").drop_nulls().head(1).to_list()
    start = first[0] if first else None
    if year is not None:
        stamp = (
            start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if start else datetime(2000, 1, 1)
        )
        clock = replace(clock, first=(year, stamp.replace(year=2000)))
    tags = headers.origins.get_column("tag").drop_nulls()
    mail = any(tags.str.contains(f"^(?:{m.tags})$").any() for m in parsers())
    return _Head(start, mail, looks_like_rejectlog(lines)), Task(source, clock)


def _first_lines(name: str) -> pl.Series:
    if name == STDIN:
        # Looks without taking; a compressed pipe is simply not looked into.
        stdin = sys.stdin.buffer
        data = stdin.peek(_SNIFF_BYTES)[:_SNIFF_BYTES] if isinstance(stdin, BufferedReader) else b""
        return RawChunk(data[: data.rfind(b"\n") + 1] or data, 1).lines()
    try:
        for chunk in read_chunks(Source(name), _SNIFF_BYTES):
            return chunk.lines().head(500)
    except OSError:
        pass
    return pl.Series("line", [], dtype=pl.String)
