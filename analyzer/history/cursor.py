"""How far each log has been read, told by its content: names and inodes change when logs rotate.

A strand is one file's life: it grows, is renamed, copied, compressed. All its shapes begin with
the same bytes, and hold the same bytes before the place where reading stopped.
"""

from dataclasses import dataclass

PRINT = 1024
"""Bytes of the beginning, and before the offset, by which content is known again."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """What is known of one strand; positions are in its uncompressed bytes."""

    id: int
    """0 for one that is not in the history yet."""
    name: str
    """The log's own name, without what rotation adds."""
    device: int
    inode: int
    head: bytes
    """The first bytes that were read, PRINT at most."""
    offset: int
    tail: bytes
    """The last bytes before the offset, PRINT at most."""
    lines: int
    """Lines before the offset."""
    day: str
    """Day of the last dated line; empty where there was none."""
    latest: float
    """The file's latest time of change seen, in seconds: what its stamps' year is told by."""
    origin: str = ""
    """The history it was merged from; empty for this one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was when nothing was left to read in it."""

    path: str
    device: int
    inode: int
    size: int
    changed: int
    """Nanoseconds."""


def akin(head: bytes, cursor: Cursor) -> bool:
    """Whether content that begins with `head` (PRINT bytes at most) may be this strand's."""
    known = cursor.head[: len(head)]
    return bool(known) and head.startswith(known)
