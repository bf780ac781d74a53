"""`--unrecognised FILE`: the lines that no rule took, as they stand in the log."""

from contextlib import ExitStack
from types import TracebackType
from typing import IO, TypeVar

from parsers.parse import Chunk, Parsed

from .files import whole_file

_P = TypeVar("_P")


class UnrecognisedFile:
    """Collects unrecognised lines while a log is read."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stack = ExitStack()
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> "UnrecognisedFile":
        self._stream = self._stack.enter_context(whole_file(self._path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @staticmethod
    def pick(parsed: Parsed, chunk: Chunk) -> bytes:
        """A chunk's unrecognised lines."""
        lines = chunk.lines.gather(parsed.rows_of("unrecognised"))
        text = "".join(f"{line}\n" for line in lines)
        return text.encode("utf-8", "surrogatepass")

    def add(self, part: _P, lines: bytes) -> _P:
        """Write a chunk's lines; hands `part` on."""
        if self._stream is not None:
            self._stream.write(lines)
        return part
