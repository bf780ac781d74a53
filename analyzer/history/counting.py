"""What is unread, counted by day: work that any process of a crew can do."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from zoneinfo import ZoneInfo

import polars as pl

from analyzer.knowledge import provider_map
from analyzer.knowledge.provider_map import ProviderMap
from analyzer.pipeline import Rules, Work, summary_of, understood
from analyzer.sections import Chosen
from analyzer.summarise import wanted_by
from analyzer.summary import Summary
from parsers.clock import Clock
from parsers.lines import (
    CHUNK_BYTES,
    RawChunk,
    Source,
    is_note,
    read_chunks,
    readable,
    stretches,
)
from parsers.parse import parse

from .content import BACK, Unpacked, Window
from .cursor import PRINT, Cursor
from .split import by_day, last_day
from .unread import Unread

_NOTES = 64
"""Notes of repeated messages in a row, at most, that are followed back to the message."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What has to stay the same as long as a history lives, and the rules for reply texts."""

    zone: str
    rules: Rules
    chosen: Chosen
    providers: ProviderMap = provider_map.NOBODY


@dataclass(frozen=True, slots=True)
class Job:
    """A stretch of a file in which something is unread."""

    unread: Unread
    begin: int
    end: int
    """0: to its end, as it is compressed."""
    settings: Settings


class DayPart(NamedTuple):
    """What a job found of one day."""

    day: str | None
    """None: of the day of the line before."""
    summary: Summary
    lines: int
    first: int | None


class Counted(NamedTuple):
    """What a job gave."""

    parts: list[DayPart]
    lines: int
    last_day: str | None
    end: int = 0
    """Of a plain file: the place up to which the job read."""
    behind: Cursor | None = None
    """Of a compressed file: the cursor at its end."""
    gone: bool = False
    """It is not the file any more that was looked at."""
    strange: bool = False
    """Its content is not what the cursor is of."""
    broken: str | None = None
    """What is wrong with the compressed data."""


def end_of(unread: Unread) -> int:
    """Where to stop reading a plain file: before lines that belong to one not written yet."""
    if unread.over:
        return unread.end
    with Path(unread.path).open("rb") as stream:
        begin = max(unread.cursor.offset, unread.end - (4 << 20))
        return begin + readable(os.pread(stream.fileno(), unread.end - begin, begin))


def jobs_of(unread: Unread, settings: Settings, size: int = CHUNK_BYTES) -> list[Job]:
    """One file's work; none where nothing can be read of it yet. Raises OSError."""
    begin = unread.cursor.offset
    if unread.packed:
        return [Job(unread, begin, 0, settings)]
    end = end_of(unread)
    if end == begin:
        return []
    cuts = stretches(Path(unread.path), size, begin, end) or [(begin, end)]
    return [Job(unread, *cut, settings) for cut in cuts]


def _told_of(before: bytes, data: bytes) -> bytes:
    """The end of `before`, whole lines, that `data` cannot be understood without: the message
    that its first line says was repeated."""
    place = len(before)
    if not is_note(data):
        return b""
    for _ in range(_NOTES):
        place = before.rfind(b"\n", 0, place - 1) + 1 if place else 0
        if place == 0 or not is_note(before[place:]):
            break
    return before[place:]


def do(job: Job) -> Counted:
    """Count a job's lines by day."""
    unread = job.unread
    cursor = unread.cursor
    with Path(unread.path).open("rb") as stream:
        status = os.fstat(stream.fileno())
        if (status.st_dev, status.st_ino) != (unread.status.device, unread.status.inode):
            return Counted([], 0, None, gone=True)
        if not unread.packed:
            begin, size = job.begin, job.end - job.begin
            before = os.pread(stream.fileno(), min(begin, BACK), max(0, begin - BACK))
            window = Window(stream.fileno(), begin, job.end)
            if size > 2 * CHUNK_BYTES:
                chunks = _chunks(cast(BinaryIO, window))
            else:
                data = window.read()
                if len(data) < size:
                    return Counted([], 0, None, gone=True)
                chunks = iter([RawChunk(data, 1)])
            return _counted(job, chunks, before)._replace(end=job.end)
        content = Unpacked(stream)
        content.skip(cursor.offset)
        if content.position < cursor.offset:
            # The beginning of what was read already: it is being written, or it is a copy that
            # was made before the last of it.
            if content.broken is not None:
                return Counted([], 0, None, broken=content.broken)
            return Counted([], 0, None, behind=cursor)
        if not content.tail.endswith(cursor.tail):
            return Counted([], 0, None, strange=True)
        before = content.back
        chunks = _chunks(cast(BinaryIO, content))
        done = _counted(job, chunks, before)
        behind = _at(content, cursor, done.lines)
        return done._replace(behind=behind, broken=content.broken)


def behind(unread: Unread, end: int, lines: int, day: str) -> Cursor | None:
    """The cursor behind what was read of a plain file; None where the file is not the same any
    more. Raises OSError."""
    with Path(unread.path).open("rb") as stream:
        handle = stream.fileno()
        status = os.fstat(handle)
        same = (status.st_dev, status.st_ino) == (unread.status.device, unread.status.inode)
        if not same or status.st_size < end:
            return None
        cursor = unread.cursor
        before = cursor.offset - len(cursor.tail)
        if os.pread(handle, len(cursor.tail), before) != cursor.tail:
            return None
        return replace(
            cursor,
            head=os.pread(handle, min(PRINT, end), 0),
            tail=os.pread(handle, min(PRINT, end), max(0, end - PRINT)),
            offset=end,
            lines=cursor.lines + lines,
            day=day,
        )


def _at(content: Unpacked, cursor: Cursor, lines: int) -> Cursor:
    """The cursor where a compressed file was read to, so many lines further on."""
    return replace(
        cursor,
        head=content.head,
        tail=content.tail,
        offset=content.position,
        lines=cursor.lines + lines,
    )


def _chunks(stream: BinaryIO) -> Iterator[RawChunk]:
    # A name of its own kind: `-` would be standard input, and it must not be unpacked again.
    source = Source("-", stream=stream, lines=1)
    for raw in read_chunks(source):
        yield RawChunk(raw.data, raw.first_line - 1)


def _counted(job: Job, chunks: Iterator[RawChunk], before: bytes) -> Counted:
    """`before` is what stands before the first chunk, or the end of it."""
    settings = job.settings
    provider_map.use(settings.providers)
    clock = _clock(job.unread.cursor.latest, settings.zone)
    wanted = wanted_by(settings.chosen)
    parts: list[DayPart] = []
    lines, last = 0, None
    for raw in chunks:
        told = _told_of(before, raw.data)
        skip, before = told.count(b"\n"), b""
        if told:
            raw = RawChunk(told + raw.data, raw.first_line)
        chunk = Work(raw, job.unread.cursor.name, clock).chunk()
        if chunk.lines.is_empty():
            continue
        found = list(by_day(parse(chunk, wanted), chunk, settings.zone, skip))
        last = last_day(found) or last
        for part in found:
            what = understood(part.chunk, part.parsed, None, settings.rules)
            summary = summary_of(what, settings.chosen)
            at = summary.examples.get_column("line") - part.chunk.first_line
            number = at + (lines + 1)
            if part.rows is not None:
                # Lines picked out of a chunk were numbered anew.
                number = (part.rows.cast(pl.Int64).gather(at) + (lines + 1 - skip)).cast(pl.UInt64)
            examples = summary.examples.with_columns(number.alias("line"))
            parts.append(
                DayPart(
                    part.day,
                    replace(summary, examples=examples),
                    part.chunk.lines.len(),
                    part.first,
                )
            )
        lines += chunk.lines.len() - skip
    return Counted(parts, lines, last)


def _clock(latest: float, zone: str) -> Clock:
    return Clock(zone, latest=datetime.fromtimestamp(latest, ZoneInfo(zone)).replace(tzinfo=None))
