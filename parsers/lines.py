"""Sources to chunks of whole lines: plain or compressed files, and standard input.

Compression is told by content, never by name. What can be read is read: where a source
breaks off (truncated .gz), its lines up to there are used and the break is named.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import polars as pl

from .compression import LONGEST_MAGIC, Damaged, is_packed, unpacked

STDIN = "-"
CHUNK_BYTES = 20 << 20
LONGEST_LINE = 64 << 20
"""A line longer than this is cut: a file without line ends must not fill the memory."""

# Looked for at the head of a line only: what stands further back is anybody's text.
_HEAD = 240
# A line that says something of the line before it; a chunk never begins with one.
_REPEATED = re.compile(rb"[: ](?:--- )?last message repeated [0-9]")
# A line that was split and is joined again by its parser, Exim's `[2/4] text` and Sendmail's
# `QID[2]: text ...`; other lines may stand between its parts.
_PART = re.compile(
    rb'(?:([^ ]+): |([^ ]+ - -) {1,2}|")(?:\xef\xbb\xbf)?(?:\[ID [^\]]*\] )?'
    rb"(?:\[([0-9]{1,4})(?:\\{1,2}|/)([0-9]{1,4})\] |[0-9A-Za-z]{0,20}\[([0-9]{1,3})\]: )"
)
# How data begins that polars would unpack on its own, though these are lines.
_PACKED = (b"\x1f", b"x", b"(")


@dataclass(slots=True)
class Source:
    """One input; `problem` says what kept it from being read to its end, once it is read."""

    name: str
    problem: str | None = None
    lines: int = 0
    stream: IO[bytes] | None = field(default=None, repr=False)
    """What to read instead of the file of this name."""
    head: bytes = field(default=b"", repr=False)
    """What was taken from the stream already."""

    @property
    def path(self) -> Path | None:
        """Its path; None for standard input."""
        return None if self.name == STDIN else Path(self.name)


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Whole lines as they were read, undecoded."""

    data: bytes
    first_line: int

    def lines(self) -> pl.Series:
        """The lines without their ends. Bytes that are not UTF-8 become `\\xff` escapes."""
        packed = self.data.startswith(_PACKED)
        data = b"\n" + self.data if packed else self.data
        try:
            return pl.read_lines(data, name="line").to_series().slice(int(packed))
        except pl.exceptions.ComputeError:
            # One byte that is not UTF-8 fails the whole read: repair this chunk and go on.
            text = self.data.decode(errors="backslashreplace").removesuffix("\n")
            lines = pl.Series("line", [text]).str.split("\n").explode()
            return lines.str.strip_suffix("\r")


def read_chunks(source: Source, size: int = CHUNK_BYTES) -> Iterator[RawChunk]:
    """Cut a source into chunks of whole lines of about `size` bytes.

    Raises OSError where the source cannot be opened or read at all.
    """
    if source.stream is not None:
        yield from _chunks(source, _blocks(source, source.stream, size), size)
        if source.path is not None:
            source.stream.close()
    elif source.path is None:
        yield from _chunks(source, _blocks(source, sys.stdin.buffer, size), size)
    else:
        with source.path.open("rb") as stream:
            yield from _plain_chunks(source, stream, size)
            yield from _chunks(source, _blocks(source, stream, size), size)


_WINDOW = 1 << 16


def stretches(
    path: Path, size: int = CHUNK_BYTES, begin: int = 0, end: int | None = None
) -> list[tuple[int, int]] | None:
    """Where to cut a plain file into chunks of whole lines, as (from, to) in bytes.

    None for what cannot be cut beforehand: a pipe, compressed data, lines longer than a chunk.
    """
    with path.open("rb") as stream:
        handle = stream.fileno()
        status = os.fstat(handle)
        if not _is_plain(handle, status):
            return None
        found: list[tuple[int, int]] = []
        whole = status.st_size if end is None else end
        while whole - begin > size:
            cut = _next_cut(handle, begin, size)
            if not cut:
                return None
            found.append((begin, cut))
            begin = cut
        return [*found, (begin, whole)]


def read_stretch(path: Path, begin: int, end: int) -> RawChunk:
    """The lines of one stretch; `first_line` counts from the stretch's own first."""
    with path.open("rb") as stream:
        return RawChunk(os.pread(stream.fileno(), end - begin, begin), 1)


def is_note(data: bytes) -> bool:
    """Whether a line says of the one before it that it was repeated."""
    return _REPEATED.search(data[:_HEAD].partition(b"\n")[0]) is not None


def readable(data: bytes) -> int:
    """How much of whole lines can be read while more may follow: up to a line whose other parts
    are still to come."""
    return _cut(data, keep=0)


def _is_plain(handle: int, status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and not is_packed(os.pread(handle, LONGEST_MAGIC, 0))


def _next_cut(handle: int, begin: int, size: int) -> int:
    """Where a chunk of about `size` bytes ends; 0 where no line ends near there."""
    window = begin + size - _WINDOW
    cut = _cut(os.pread(handle, _WINDOW, window)) if size > 2 * _WINDOW else 0
    return window + cut if cut else 0


def _plain_chunks(source: Source, stream: IO[bytes], size: int) -> Iterator[RawChunk]:
    """Chunks of a plain file as long as much is left, read where they are cut: each byte is
    copied once. The stream is left where the last one ends."""
    handle = stream.fileno()
    status = os.fstat(handle)
    if not _is_plain(handle, status):
        return
    position = 0
    while status.st_size - position > size and (end := _next_cut(handle, position, size)):
        data = os.pread(handle, end - position, position)
        if len(data) < end - position:
            return
        position = end
        stream.seek(position)
        yield _emit(source, data)


def _blocks(source: Source, stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Decompressed data."""
    block = source.head or stream.read(max(size, LONGEST_MAGIC))
    # Only at the beginning; further on it is a line that looks like it.
    if is_packed(block) and not source.lines:
        try:
            yield from unpacked(_read_on(source, stream, block, 1 << 20))
        except Damaged as damage:
            source.problem = source.problem or str(damage)
    else:
        yield from _read_on(source, stream, block, size)


def _read_on(source: Source, stream: IO[bytes], block: bytes, size: int) -> Iterator[bytes]:
    """A block and all after it; nothing more where the medium fails half way."""
    while block:
        yield block
        try:
            block = stream.read(size)
        except OSError as error:
            source.problem = f"cannot be read after line {{line}}: {error.strerror or error}"
            return


def _chunks(source: Source, blocks: Iterator[bytes], size: int) -> Iterator[RawChunk]:
    parts: list[bytes] = []
    held, enough = 0, size
    dropping = False
    for block in blocks:
        if dropping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, dropping = block[end:], False
        parts.append(block)
        held += len(block)
        if held < enough:
            continue
        data = b"".join(parts)
        cut = _cut(data)
        if cut:
            yield _emit(source, data[:cut])
            data = data[cut:]
        begun = data.rfind(b"\n") + 1
        if len(data) - begun > LONGEST_LINE:
            data, dropping = data[: begun + LONGEST_LINE], True
        parts, held = [data], len(data)
        enough = held + size
    rest = b"".join(parts)
    if rest:
        yield _emit(source, rest)
    if source.problem is not None:
        source.problem = source.problem.replace("{line}", str(source.lines))


def _emit(source: Source, data: bytes) -> RawChunk:
    chunk = RawChunk(data, source.lines + 1)
    source.lines += data.count(b"\n") + (not data.endswith(b"\n"))
    return chunk


def _cut(data: bytes, keep: int = 1) -> int:
    """Where to cut: before the last whole line that no earlier line hangs together with; with
    `keep` 0 behind it."""
    for far in (64, 4096):
        starts: list[int] = []
        end = data.rfind(b"\n")
        while end >= 0 and len(starts) < far:
            starts.insert(0, data.rfind(b"\n", 0, end) + 1)
            end = starts[0] - 1
        ends = [*starts[1:], data.rfind(b"\n") + 1]
        cut = len(starts) - keep
        for first, last in sorted(_spans(data, starts), key=lambda span: -span[1]):
            if first < cut <= last:
                cut = first
        if cut >= 0 and starts:
            return ends[cut - 1] if cut else starts[0]
    return 0


def _spans(data: bytes, starts: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of the lines that must stay together, by their place in `starts`."""
    begun: dict[bytes, int] = {}
    for number, start in enumerate(starts):
        head = data[start : start + _HEAD].partition(b"\n")[0]
        if _REPEATED.search(head):
            yield number - 1, number
        part = _PART.search(head)
        if part is None:
            continue
        whose = part[1] or part[2] or b""
        nth = int(part[3] or part[5])
        if nth == 1:
            begun[whose] = number
        else:
            yield begun.get(whose, -1), number
        end = data.find(b"\n", start)
        if part[3] == part[4] if part[3] else not data.endswith(b" ...", start, end):
            begun.pop(whose, None)
    for number in begun.values():
        yield number, len(starts)
