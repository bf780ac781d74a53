"""Write a file as a whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: str) -> Iterator[IO[bytes]]:
    """A stream whose content appears under `path` when it is complete.

    Raises OSError where the directory or the file cannot be written.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        # A device or a pipe is written as it is: there is nothing to replace.
        with target.open("wb") as stream:
            yield stream
        return
    # The file that a link points to is replaced, not the link.
    target = target.resolve()
    with _named(path):
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)
        with _named(path):
            Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Errors speak of the file that was asked for."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def write_whole(path: str, text: str) -> None:
    """Write text as UTF-8."""
    with whole_file(path) as stream:
        stream.write(text.encode("utf-8", "backslashreplace"))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
