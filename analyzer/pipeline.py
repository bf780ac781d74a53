"""Sources to a Summary or to events: chunks are read in order, worked on side by side, and
merged in order. The same functions serve one machine and many.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import polars as pl

from parsers.clock import Clock
from parsers.lines import CHUNK_BYTES, RawChunk, Source, read_chunks
from parsers.parse import Chunk, Parsed, parse
from parsers.rules import Wanted

from .attribution import Unnamed, attribute, clients
from .classify import classify
from .handovers import arrivals
from .knowledge.reply_rules import TextRule
from .rejectlog import Copies
from .sections import Chosen
from .selection import Selection
from .summarise import summarise, wanted_by
from .summary import Summary, merge

WORKERS = pl.thread_pool_size()
"""Chunks under way at a time."""

_EVENT_CHUNK_BYTES = CHUNK_BYTES // 3
"""Rows with every column take several times the room of what is only counted."""

_R = TypeVar("_R")
Rules = tuple[TextRule, ...]
"""The text rules of the user's own file."""


@dataclass(frozen=True, slots=True)
class Task:
    """One source with the clock that reads its stamps."""

    source: Source
    clock: Clock = field(default_factory=Clock)
    rejectlog: bool = False
    """An Exim reject log: what a main log has too is left out."""


@dataclass(slots=True)
class Work:
    """A chunk on its way to a worker."""

    raw: RawChunk | None
    file: str
    clock: Clock

    def chunk(self) -> Chunk:
        """The chunk, decoded; once, as the bytes are let go."""
        raw, self.raw = self.raw, None
        if raw is None:
            raise ValueError("a chunk is decoded once")
        return Chunk(raw.lines(), self.file, raw.first_line, self.clock)


def read(tasks: Sequence[Task], size: int = CHUNK_BYTES) -> Iterator[Work]:
    """All chunks of all sources in order; a source that cannot be read carries the problem."""
    for task in tasks:
        try:
            for raw in read_chunks(task.source, size):
                yield Work(raw, task.source.name, task.clock)
        except OSError as error:
            task.source.problem = error.strerror or str(error)


def in_order(
    work: Iterator[Work], do: Callable[[Work], _R], workers: int = WORKERS
) -> Iterator[_R]:
    """Results of `do` in the order of `work`, with few chunks under way at a time."""
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[_R]] = deque()
        try:
            for item in work:
                under_way.append(pool.submit(do, item))
                del item
                if len(under_way) >= workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


@dataclass(frozen=True, slots=True)
class Understood:
    """A chunk, parsed, with the selected events and their causes."""

    chunk: Chunk
    parsed: Parsed
    events: pl.DataFrame
    clients: pl.DataFrame
    """What all its lines, selected or not, tell of clients; see attribution.py."""


def understand(
    tasks: Sequence[Task],
    selection: Selection,
    do: Callable[[Understood], _R],
    *,
    wanted: Wanted | None = None,
    rules: Rules = (),
    size: int = CHUNK_BYTES,
    workers: int = WORKERS,
) -> Iterator[_R]:
    """What `do` makes of every chunk, in order; reject logs come after the main logs."""
    copies = Copies()
    rejectlogs = [t for t in tasks if t.rejectlog]
    mainlogs = [t for t in tasks if not t.rejectlog]
    for work in read(rejectlogs if mainlogs else [], size):
        copies.learn(parse(work.chunk(), wanted))
    test = selection.test()

    def finish(chunk: Chunk, parsed: Parsed) -> _R:
        return do(understood(chunk, parsed, test, rules))

    def main(work: Work) -> _R:
        chunk = work.chunk()
        parsed = parse(chunk, wanted)
        if not copies.wanted.is_empty():
            copies.note(parsed)
        return finish(chunk, parsed)

    def rejected(work: Work) -> _R:
        chunk = work.chunk()
        return finish(chunk, copies.drop(parse(chunk, wanted)))

    yield from in_order(read(mainlogs, size), main, workers)
    for task in rejectlogs:
        task.source.lines = 0
    yield from in_order(read(rejectlogs, size), rejected, 1)


def understood(chunk: Chunk, parsed: Parsed, test: pl.Expr | None, rules: Rules) -> Understood:
    """A parsed chunk with its events named, selected and classified."""
    known = clients(parsed.events)
    events = attribute(parsed.events, known)
    events = events if test is None else events.filter(test)
    return Understood(chunk, parsed, classify(events, rules), known)


def told(
    tasks: Sequence[Task],
    selection: Selection,
    render: Callable[[pl.DataFrame], _R],
    *,
    rules: Rules = (),
    size: int = _EVENT_CHUNK_BYTES,
) -> Iterator[tuple[_R, int]]:
    """Events of all sources, rendered, with how many lines of a mail server each chunk has.

    Events that wait for a later line to name their client come when it does, or at the end.
    """

    def work(what: Understood) -> tuple[_R, Unnamed, int]:
        events, waiting = Unnamed.part(what.events, what.clients)
        known = (v for v in what.parsed.verdicts if v.mta and v.fate in ("parsed", "ignored"))
        return render(events), waiting, sum(v.rows.len() for v in known)

    held = Unnamed()
    for events, waiting, known in understand(tasks, selection, work, rules=rules, size=size):
        named, held = held.join(waiting)
        if named.height:
            yield render(named), 0
        yield events, known
    if held.events.height:
        yield render(held.events), 0


def summary_of(what: Understood, chosen: Chosen = Chosen()) -> Summary:  # noqa: B008
    """The Summary of one chunk."""
    came = arrivals(what.parsed.events, chosen)
    return summarise(what.parsed, what.events, what.clients, came, what.chunk, chosen)


def summarise_tasks(
    tasks: Sequence[Task],
    selection: Selection | None = None,
    *,
    rules: Rules = (),
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
    size: int = CHUNK_BYTES,
    workers: int = WORKERS,
) -> Summary:
    """One Summary of all sources."""
    parts = understand(
        tasks,
        selection or Selection(),
        partial(summary_of, chosen=chosen),
        wanted=wanted_by(chosen),
        rules=rules,
        size=size,
        workers=workers,
    )
    return merge_in_order(parts, chosen)


_BATCH = 8


def merge_in_order(
    parts: Iterator[Summary],
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
) -> Summary:
    """One Summary of all parts; a few at a time, as many small ones take more room than one."""
    whole: list[Summary] = []
    for part in parts:
        whole.append(part)
        if len(whole) > _BATCH:
            whole = [merge(whole)]
    return merge(whole) if whole else Summary(chosen=chosen)
