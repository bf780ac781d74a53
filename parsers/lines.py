"""Sources to chunks of whole lines: plain or compressed files, and standard input.

Compression is told by content, never by name. What can be read is read: where a source
breaks off (truncated .gz), its lines up to there are used and the break is named.
"""

import bz2
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import polars as pl

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STDIN = "-"
CHUNK_BYTES = 16 << 20
LONGEST_LINE = 64 << 20
"""A line longer than this is cut: a file without line ends must not fill the memory."""

# Lines that say something of the line before them; a chunk never begins with one.
_CONTINUES = re.compile(rb"last message repeated [0-9]|[: ]\[(?:[2-9]|[1-9][0-9]+)\\[0-9]+\] ")


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


_MAGIC: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(31)),
    (b"\x28\xb5\x2f\xfd", "zstd", zstd.ZstdDecompressor),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
)


@dataclass(slots=True)
class Source:
    """One input; `problem` says what kept it from being read to its end, once it is read."""

    name: str
    problem: str | None = None
    lines: int = 0
    stream: IO[bytes] | None = field(default=None, repr=False)

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
        try:
            return pl.read_lines(io.BytesIO(self.data), name="line").to_series()
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
    elif source.path is None:
        yield from _chunks(source, _blocks(source, sys.stdin.buffer, size), size)
    else:
        with source.path.open("rb") as stream:
            yield from _chunks(source, _blocks(source, stream, size), size)


def _blocks(source: Source, stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Decompressed data."""
    block = stream.read(size)
    for magic, name, make in _MAGIC:
        if block.startswith(magic):
            yield from _decompressed(source, name, make, block, stream)
            return
    while block:
        yield block
        block = stream.read(size)


def _decompressed(
    source: Source, name: str, make: Callable[[], Any], block: bytes, stream: IO[bytes]
) -> Iterator[bytes]:
    decompressor: _Decompressor = make()
    started = False
    while block:
        try:
            # Small steps: a stretch that fails must not take good data with it.
            for start in range(0, len(block), 1 << 16):
                data = block[start : start + (1 << 16)]
                while data:
                    if decompressor.eof:
                        if not data.strip(b"\0"):
                            break
                        decompressor = make()
                    started = True
                    out = decompressor.decompress(data)
                    data = decompressor.unused_data if decompressor.eof else b""
                    if out:
                        yield out
        except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError, zstd.ZstdError) as error:
            source.problem = f"the {name} data is damaged after line {{line}}: {error}"
            return
        block = stream.read(1 << 20)
    if started and not decompressor.eof:
        source.problem = f"the {name} data breaks off after line {{line}}"


def _chunks(source: Source, blocks: Iterator[bytes], size: int) -> Iterator[RawChunk]:
    parts: list[bytes] = []
    held = 0
    dropping = False
    for block in blocks:
        if dropping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, dropping = block[end:], False
        parts.append(block)
        held += len(block)
        if held < size:
            continue
        data = b"".join(parts)
        cut = _cut(data)
        if cut:
            yield _emit(source, data[:cut])
        elif len(data) > LONGEST_LINE and b"\n" not in data:
            data, dropping = data[:LONGEST_LINE], True
        parts = [data[cut:]]
        held = len(parts[0])
    rest = b"".join(parts)
    if rest:
        yield _emit(source, rest)
    if source.problem is not None:
        source.problem = source.problem.replace("{line}", str(source.lines))


def _emit(source: Source, data: bytes) -> RawChunk:
    chunk = RawChunk(data, source.lines + 1)
    source.lines += data.count(b"\n") + (not data.endswith(b"\n"))
    return chunk


def _cut(data: bytes) -> int:
    """Where to cut: before the last whole line that does not continue the one before it."""
    end = data.rfind(b"\n")
    while end > 0:
        start = data.rfind(b"\n", 0, end) + 1
        if not _CONTINUES.search(data, start, end):
            return start
        end = start - 1
    return 0
