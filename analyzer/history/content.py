"""A log's bytes by their place in the uncompressed content, plain or compressed."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from parsers.compression import LONGEST_MAGIC, Damaged, is_packed, unpacked

from .cursor import PRINT

_BLOCK = 1 << 20
BACK = 1 << 16
"""Bytes before a place that may be asked for."""


class Unpacked(io.RawIOBase):
    """Compressed data as a stream of its content, which remembers its beginning and its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._parts = unpacked(iter(lambda: stream.read(_BLOCK), b""))
        self._left = b""
        self.position = 0
        self.head = b""
        self.back = b""
        """The last bytes that were read, BACK at most."""
        self.broken: str | None = None
        """What is wrong with the data, once that is reached."""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, nothing at the end."""
        if not self._left:
            try:
                self._left = next(self._parts, b"")
            except Damaged as damage:
                self.broken = str(damage).replace(" after line {line}", "")
            except OSError as error:
                self.broken = error.strerror or str(error)
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        self.position += len(data)
        if len(self.head) < PRINT:
            self.head = (self.head + data)[:PRINT]
        self.back = (self.back + data)[-BACK:] if len(data) < BACK else data[-BACK:]
        return data

    @property
    def tail(self) -> bytes:
        """The last bytes that were read, PRINT at most."""
        return self.back[-PRINT:]

    def skip(self, size: int) -> None:
        """Read on to this place, or to the end."""
        while self.position < size and self.read(min(_BLOCK, size - self.position)):
            pass


class Window(io.RawIOBase):
    """A stretch of a plain file as a stream."""

    def __init__(self, handle: int, begin: int, end: int) -> None:
        self._handle, self._place, self._end = handle, begin, end

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, nothing at the end."""
        left = self._end - self._place
        data = os.pread(self._handle, left if size < 0 else min(size, left), self._place)
        self._place += len(data)
        return data


def begins(path: Path) -> tuple[bool, bytes]:
    """Whether a file is compressed, and the first bytes of its content, PRINT at most.

    Raises OSError.
    """
    with path.open("rb") as stream:
        raw = os.pread(stream.fileno(), max(PRINT, LONGEST_MAGIC), 0)
        if not is_packed(raw):
            return False, raw[:PRINT]
        content = Unpacked(stream)
        content.skip(PRINT)
        return True, content.head


def last_line_end(handle: int, begin: int, end: int) -> int:
    """Where the last whole line between two places ends; `begin` where none does."""
    for start, data in _backwards(handle, begin, end):
        found = data.rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return begin


def _backwards(handle: int, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Blocks of a stretch from its end to its beginning, each with its place; small ones first."""
    size = 1 << 12
    while end > begin:
        start = max(begin, end - size)
        yield start, os.pread(handle, end - start, start)
        end, size = start, min(size * 4, _BLOCK)
