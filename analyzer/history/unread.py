"""Which files hold what of their strands was not read yet. polars is not imported here."""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from .content import begins, last_line_end
from .cursor import Cursor, Seen, akin
from .names import own_name, siblings

SETTLED = 3600
"""Seconds after which a rotated file that does not change is complete."""
_REJECTLOG = re.compile(rb"^(?:Envelope-(?:from|to): <|-{70,}$)", re.M)


@dataclass(frozen=True, slots=True)
class Unread:
    """A file with something to read; places are in its uncompressed content."""

    path: str
    cursor: Cursor
    """Where to go on."""
    status: Seen
    packed: bool
    end: int
    """Where the last line to read ends, before what may still be written; of a compressed file
    that is its end, and 0 here."""
    over: bool
    """Nothing is written to it any more."""


@dataclass(slots=True)
class Found:
    """What there is to read."""

    unread: list[Unread] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    """Files that may hold what another one of this round holds: look at them after it."""
    seen: list[Seen] = field(default_factory=list)
    """Files in which nothing is left to read."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def logs_of(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Paths of the named logs with their rotated siblings, oldest first; and what is wrong."""
    paths: dict[str, None] = {}
    problems: list[str] = []
    for name in names:
        try:
            path = str(Path(name).absolute())
            if Path(path).is_dir():
                problems.append(f"{name}: is a directory; name the logs in it")
                continue
            beside = siblings(path)
            paths |= dict.fromkeys(beside)
            if Path(path).exists():
                paths[path] = None
            elif beside:
                # Rotation moves it away before it makes a new one.
                continue
            else:
                problems.append(f"{name}: No such file or directory")
        except OSError as error:
            problems.append(f"{name}: {error.strerror or error}")
    return list(paths), problems


def look(
    paths: Iterable[str],
    cursors: Sequence[Cursor],
    seen: Mapping[str, Seen],
    now: datetime,
    strange: Collection[tuple[str, int]] = (),
) -> Found:
    """What is unread in these files.

    `strange` are paths with the id of a cursor that has proved not to be theirs.
    """
    found = Found()
    heads: list[tuple[str, bytes]] = []
    files: set[tuple[int, int]] = set()
    for path in paths:
        try:
            status = _status(path)
            if seen.get(path) == status:
                continue
            packed, head = begins(Path(path))
        except OSError as error:
            found.problems.append(f"{path}: {error.strerror or error}")
            continue
        if (status.device, status.inode) in files:
            continue
        files.add((status.device, status.inode))
        if not head:
            continue
        if "rejectlog" in Path(path).name or _REJECTLOG.search(head):
            found.notes.append(f"{path}: a reject log repeats the main log; it is left out")
            continue
        if any(_alike(head, other) for _, other in heads):
            found.later.append(path)
            continue
        theirs = [c for c in cursors if (path, c.id) not in strange]
        unread = _unread(path, status, packed, head, theirs, now)
        if isinstance(unread, Unread) and unread.cursor.origin:
            found.notes.append(f"{path}: it comes with a history that was merged; it is left out")
        elif isinstance(unread, Unread):
            heads.append((path, head))
            found.unread.append(unread)
        elif unread:
            found.seen.append(status)
    return found


def _status(path: str) -> Seen:
    status = os.stat(path)  # noqa: PTH116 - a path as text, like all here
    return Seen(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _alike(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _unread(
    path: str, status: Seen, packed: bool, head: bytes, cursors: Sequence[Cursor], now: datetime
) -> Unread | bool:
    """What is to be read; else whether the file may be passed by until it changes."""
    changed = status.changed / 1e9
    rotated = own_name(path) != path
    over = packed or (rotated and now.timestamp() - changed > SETTLED)
    near = [c for c in cursors if akin(head, c)]
    near.sort(key=lambda c: ((c.device, c.inode) == (status.device, status.inode), c.offset))
    for cursor in reversed(near):
        if packed:
            if len(head) < len(cursor.head):
                return False  # a beginning of what was read: it is being written
            return Unread(path, _renewed(cursor, status), status, packed, 0, over)
        if status.size < cursor.offset:
            return False  # likewise
        with Path(path).open("rb") as stream:
            handle = stream.fileno()
            before = cursor.offset - len(cursor.tail)
            if os.pread(handle, len(cursor.tail), before) != cursor.tail:
                continue
            end = status.size if over else last_line_end(handle, cursor.offset, status.size)
        if end == cursor.offset:
            return status.size == cursor.offset
        return Unread(path, _renewed(cursor, status), status, packed, end, over)
    new = Cursor(0, own_name(path), status.device, status.inode, b"", 0, b"", 0, "", changed)
    if packed:
        return Unread(path, new, status, packed, 0, over)
    with Path(path).open("rb") as stream:
        end = status.size if over else last_line_end(stream.fileno(), 0, status.size)
    return Unread(path, new, status, packed, end, over) if end else False


def _renewed(cursor: Cursor, status: Seen) -> Cursor:
    return replace(
        cursor,
        device=status.device,
        inode=status.inode,
        latest=max(cursor.latest, status.changed / 1e9),
    )
