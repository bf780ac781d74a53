"""One run at a time on a history."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analyzer.exits import Exit, Refused

_STEP = 0.1


@contextmanager
def locked(history: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold `HISTORY.lock` for as long as this lasts; the lock ends with the process that has it.

    Raises Refused where another run has it for longer than `wait` seconds, OSError where the file
    cannot be made.
    """
    path = history.with_name(history.name + ".lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        left = wait
        while not _take(handle):
            if left <= 0:
                raise Refused(
                    f"another run is at work on {history} (--wait SECONDS waits for it)", Exit.INPUT
                )
            time.sleep(min(_STEP, left))
            left -= _STEP
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    """Whether the lock is ours now."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        with suppress(OSError):
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            return True
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
