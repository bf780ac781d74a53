"""Other processes of this program that work along: what several cores are for.

Threads of one interpreter wait for its lock and for one allocator; processes do not. Nothing
heavy is imported here: the others load polars while this process does.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Condition
from typing import IO, Any, Generic, TypeVar

from parsers.compression import LONGEST_MAGIC, is_packed

_J = TypeVar("_J")
_R = TypeVar("_R")

WORTH = 32 << 20
"""Bytes of plain log for which one more process is worth its start."""
_PACKED = 8
"""How many times as long a packed log usually is unpacked."""
_MOST = 4
"""Processes in all: each takes a few hundred megabytes."""
_SERVE = "import sys; sys.path[:] = {path!r}; from analyzer.crew import serve; serve()"


class Crew:
    """Processes that take turns with this one at a list of jobs."""

    def __init__(self, others: int) -> None:
        """Start so many other processes."""
        command = [sys.executable, "-c", _SERVE.format(path=sys.path)]
        self._others = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,  # an interrupt is this process's to answer
            )
            for _ in range(others)
        ]

    def run(self, do: Callable[[_J], _R], jobs: Sequence[_J]) -> Iterator[_R]:
        """Results of `do`, a function of a module, in the order of the jobs."""
        board: _Board[_J, _R] = _Board(jobs)
        with ThreadPoolExecutor(max(1, len(self._others))) as pool:
            try:
                for other in self._others:
                    pool.submit(board.work, partial(_ask, other, do))
                for number in range(len(jobs)):
                    while not board.has(number):
                        if (taken := board.take()) is None:
                            board.wait(number)
                        else:
                            board.put(taken, do(jobs[taken]))
                    yield board.fetch(number)
            finally:
                board.clear()
                self.dismiss()

    def dismiss(self) -> None:
        """End the others, whatever they are at."""
        for other in self._others:
            other.kill()
            with suppress(OSError):
                other.communicate()


class _Board(Generic[_J, _R]):
    """The jobs that are left and the results that are in; several threads look at it."""

    def __init__(self, jobs: Sequence[_J]) -> None:
        self._jobs = jobs
        self._left = list(range(len(jobs)))[::-1]
        self._done: dict[int, _R] = {}
        self._failed: BaseException | None = None
        self._news = Condition()

    def take(self) -> int | None:
        """The number of the next job."""
        with self._news:
            return self._left.pop() if self._left else None

    def put(self, number: int, result: _R) -> None:
        with self._news:
            self._done[number] = result
            self._news.notify_all()

    def clear(self) -> None:
        """No more jobs."""
        with self._news:
            self._left.clear()

    def has(self, number: int) -> bool:
        """Whether a result is in; raises what a job raised."""
        with self._news:
            if self._failed is not None:
                raise self._failed
            return number in self._done

    def fetch(self, number: int) -> _R:
        with self._news:
            return self._done.pop(number)

    def wait(self, number: int) -> None:
        """Until there is a result or something to do."""
        with self._news:
            self._news.wait_for(lambda: number in self._done or self._left or self._failed)

    def work(self, ask: Callable[[_J], Any]) -> None:
        """Have another process do jobs until none is left or it is gone."""
        while (number := self.take()) is not None:
            try:
                result = ask(self._jobs[number])
            except (OSError, EOFError, pickle.UnpicklingError):
                # It is gone: the job goes back to those that are left.
                with self._news:
                    self._left.append(number)
                    self._news.notify_all()
                return
            if isinstance(result, BaseException):
                with self._news:
                    self._failed = result
                    self._news.notify_all()
                return
            self.put(number, result)


def gather_crew(names: Sequence[str]) -> Crew | None:
    """Processes for the files among these names; None where one process is enough."""
    if os.name != "posix":
        return None
    allowed = int(os.environ.get("POLARS_MAX_THREADS", "0")) or len(os.sched_getaffinity(0))
    hands = min(allowed, _MOST, _worth([Path(name) for name in names]))
    if hands < 2:
        return None
    # Each process has one core to itself, and memory for one thread.
    os.environ["POLARS_MAX_THREADS"] = "1"
    kept = os.environ.get("_RJEM_MALLOC_CONF", "")
    os.environ["_RJEM_MALLOC_CONF"] = kept.replace("narenas:2", "narenas:1")
    return Crew(hands - 1)


def _worth(paths: Sequence[Path]) -> int:
    """How many processes these files keep busy: a plain one is cut, a packed one is not."""
    plain, packed, packed_files = 0, 0, 0
    for path in paths:
        try:
            if not path.is_file():
                continue
            size = path.stat().st_size
            with path.open("rb") as file:
                if is_packed(file.read(LONGEST_MAGIC)):
                    packed, packed_files = packed + size, packed_files + 1
                else:
                    plain += size
        except OSError:
            continue
    return plain // WORTH + min(packed_files, packed * _PACKED // WORTH)


def _ask(other: "subprocess.Popen[bytes]", do: Callable[[_J], _R], job: _J) -> Any:
    to, back = other.stdin, other.stdout
    if to is None or back is None:
        raise EOFError
    pickle.dump((do, job), to, pickle.HIGHEST_PROTOCOL)
    to.flush()
    return pickle.load(back)


def serve() -> None:
    """What such a process does: answer jobs until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import analyzer.jobs  # noqa: F401  # while the first process starts, too

    asked: IO[bytes] = sys.stdin.buffer
    # Nothing else may write where the answers go.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(EOFError, BrokenPipeError):
        while True:
            do, job = pickle.load(asked)
            try:
                result: object = do(job)
            except Exception as error:
                result = error
            pickle.dump(result, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
