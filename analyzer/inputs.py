"""Which sources to read, in which order, with which clock."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from parsers.clock import Clock
from parsers.header import read_headers
from parsers.lines import STDIN, Source, read_chunks
from parsers.mta import parsers
from parsers.parse import Chunk, parse
from parsers.styles import STYLES

from . import summary_file
from .exits import Exit, Refused
from .pipeline import Task
from .rejectlog import looks_like_rejectlog
from .summary_file import Exported

_SNIFF_BYTES = 1 << 16
_NAMED = 8
"""Files that are named when they are left out."""
_YEARLESS = [s.name for s in STYLES if not s.has_year]
_TAGLESS = [s.name for s in STYLES if s.tag is not None]


@dataclass(slots=True)
class Inputs:
    """What there is to read; `problems` are inputs that cannot be."""

    tasks: list[Task] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    logless: int = 0
    """How many of the problems are directories without a mail log."""
    firsts: list[datetime | None] = field(default_factory=list)
    """The first time stamp of each task."""
    summaries: list[Exported] = field(default_factory=list)
    """Exported summaries; see summary_file.py."""
    hosts: tuple[str, ...] = ()
    """Short names of the hosts whose logs these are, as far as their first lines tell."""
    stored: list[Source] = field(default_factory=list)
    """What those were counted from."""

    @property
    def sources(self) -> list[Source]:
        """What the figures come from."""
        return [*self.stored, *(t.source for t in self.tasks)]


@dataclass(slots=True)
class _Head:
    """What the beginning of a source says."""

    task: Task
    first: datetime | None
    """Its first time stamp."""
    yearless: bool
    mail: bool
    rejectlog: bool
    hosts: frozenset[str]


def gather(
    names: Sequence[str],
    *,
    zone: str,
    year: int | None,
    now: datetime,
    summaries: bool = False,
) -> Inputs:
    """Find, look into and order the sources named on the command line.

    Exported summaries are read where `summaries` are allowed; else they raise Refused.
    """
    inputs = Inputs()
    heads: list[_Head] = []
    seen: dict[object, str] = {}
    for name in _expand(names, inputs, now, summaries=summaries):
        source = Source(name)
        try:
            key = name if name in seen else _open(source)
        except OSError as error:
            inputs.problems.append(f"{name}: {error.strerror or error}")
            continue
        if key in seen:
            inputs.notes.append(f"{name} is the same file as {seen[key]}; it is read once")
            continue
        seen[key] = seen[name] = name
        if summary_file.is_summary(_begin(source)):
            _add_summary(source, inputs, allowed=summaries)
            continue
        heads.append(_look(source, zone, now))
    if not all(h.rejectlog for h in heads):
        inputs.notes += [
            f"{h.task.source.name}: a reject log; what a main log has too is counted twice where it"
            " comes through a pipe, so name the file"
            for h in heads
            if h.rejectlog and not h.task.rejectlog
        ]
    if year is not None:
        _name_year(heads, zone, year)
    # In time order: messages that cross from one file to the next are put together.
    latest = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
    heads.sort(key=lambda h: (h.first or latest, h.task.source.name))
    inputs.tasks = [h.task for h in heads]
    inputs.firsts = [h.first for h in heads]
    inputs.hosts = tuple(sorted(frozenset().union(*(h.hosts for h in heads))))
    return inputs


def _add_summary(source: Source, inputs: Inputs, *, allowed: bool) -> None:
    if not allowed:
        raise Refused(
            f"{source.name}: an exported summary, which holds counts and no lines; only `report`"
            " and `diff` read it",
            Exit.INPUT,
        )
    if source.stream is None:
        found = summary_file.read(source.name)
    else:
        found = summary_file.read_pipe(source.stream, source.head, source.name)
    for other in inputs.summaries:
        if other.content == found.content:
            inputs.notes.append(f"{source.name} holds the same as {other.name}; it is read once")
            return
    inputs.summaries.append(found)


def _begin(source: Source) -> bytes:
    """The first bytes of a source that was opened."""
    if source.stream is not None or source.path is None:
        return source.head
    with source.path.open("rb") as stream:
        return stream.read(summary_file.HEAD)


def _expand(
    names: Sequence[str], inputs: Inputs, now: datetime, *, summaries: bool = False
) -> list[str]:
    """A directory stands for the mail logs directly in it, and for summaries where allowed."""
    found: list[str] = []
    for name in names:
        path = Path(name)
        if name == STDIN or not path.is_dir():
            found.append(name)
            continue
        try:
            inside = sorted(str(p) for p in path.iterdir() if p.is_file())
        except OSError as error:
            inputs.problems.append(f"{name}: {error.strerror or error}")
            continue
        logs = [n for n in inside if _is_mail_log(n, now, summaries=summaries)]
        left = [Path(n).name for n in inside if n not in logs]
        if not logs:
            inputs.problems.append(f"{name}: no mail log in this directory")
            inputs.logless += 1
        elif left:
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            inputs.notes.append(
                f"{name}: left out, unreadable or not like a mail log:"
                f" {', '.join(left[:_NAMED])}{more}"
            )
        found += logs
    return found


def _is_mail_log(name: str, now: datetime, *, summaries: bool = False) -> bool:
    source = Source(name)
    try:
        _open(source)
        if summary_file.is_summary(_begin(source)):
            return summaries
    except OSError:
        return False
    return _look(source, "UTC", now).mail


def _open(source: Source) -> object:
    """See that a source can be read; its identity. What can be read only once stays open.

    Raises OSError where it cannot be read.
    """
    if source.path is None:
        source.stream = sys.stdin.buffer
    elif not source.path.is_file():
        source.stream = source.path.open("rb")
    else:
        with source.path.open("rb") as stream:
            stream.read(1)
    if source.stream is not None:
        source.head = source.stream.read(_SNIFF_BYTES)
    if source.path is None:
        return STDIN
    status = source.path.stat()
    return status.st_dev, status.st_ino


def _look(source: Source, zone: str, now: datetime) -> _Head:
    """Read the beginning of a source: its first time stamp and what it looks like."""
    changed = now
    if source.path is not None and source.stream is None:
        changed = datetime.fromtimestamp(source.path.stat().st_mtime, ZoneInfo(zone))
    clock = Clock(zone, latest=changed.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
    lines = _first_lines(source)
    headers = read_headers(lines, clock)
    styles = headers.origins.get_column("style").cast(pl.String)
    tags = headers.origins.filter(~styles.is_in(_TAGLESS)).get_column("tag")
    mail = any(tags.str.contains(f"^(?:{m.tags})$").any() for m in parsers())
    if not mail and styles.is_in(_TAGLESS).any():
        # A date at the head of a line is in many programs' logs.
        fates = parse(Chunk(lines, clock=clock)).fates
        mail = fates.get_column("fate").is_in(["parsed", "ignored"]).any()
    rejectlog = "rejectlog" in Path(source.name).name or looks_like_rejectlog(lines)
    hosts = headers.origins.get_column("host")
    first: list[datetime] = headers.lines.get_column("time").drop_nulls().head(1).to_list()
    return _Head(
        # It is read twice, which a pipe cannot be.
        Task(source, clock, rejectlog and source.stream is None),
        first[0] if first else None,
        styles.is_in(_YEARLESS).any(),
        mail,
        rejectlog,
        frozenset(hosts.str.to_lowercase().str.extract("^([^.]+)", 1).drop_nulls()),
    )


def _first_lines(source: Source) -> pl.Series:
    stream = None if source.stream is None else BytesIO(source.head)
    try:
        for chunk in read_chunks(Source(source.name, stream=stream), _SNIFF_BYTES):
            return chunk.lines().head(500)
    except OSError:
        pass
    return pl.Series("line", [], dtype=pl.String)


def _name_year(heads: Sequence[_Head], zone: str, year: int) -> None:
    """Put the earliest stamp without a year into `year`; other sources keep their distance."""
    firsts = {id(h): h.first.astimezone(ZoneInfo(zone)) for h in heads if h.yearless and h.first}
    away = year - min(firsts.values()).year if firsts else 0
    for head in heads:
        stamp = firsts.get(id(head))
        start = stamp.replace(year=2000, tzinfo=None) if stamp else datetime(2000, 1, 1)
        mine = stamp.year + away if stamp else year
        clock = replace(head.task.clock, first=(mine, start))
        head.task = replace(head.task, clock=clock)
        if head.first is not None and stamp is not None:
            head.first += datetime(mine, 1, 1) - datetime(stamp.year, 1, 1)
