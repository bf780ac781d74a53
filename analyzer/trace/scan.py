"""The lines of all logs that hold one of some texts, and what they say; asked as often as needed.

A raw line is looked at before it is parsed: only lines that hold a wanted text are. What was
found that way is a candidate, no more: who planted the text in the line is for trace_find.py to
ask of the event's own columns.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from types import TracebackType
from typing import IO

import polars as pl

from analyzer.pipeline import Task, Work, in_order, read
from parsers.event import SCHEMA
from parsers.header import read_headers
from parsers.lines import RawChunk, Source
from parsers.parse import Chunk, parse

BATCH = 50_000
"""Lines that are parsed together, at most; few lines cost nearly as much as many."""
_FEW = 2
"""So many texts a chunk is searched for as a whole, before it is cut into lines."""
_NEAR = 64
"""Lines around a hit among which the other parts of a split line are looked for."""

_TAIL = 1 << 14
"""Bytes at a source's end that are looked at for the time of its last line."""

# How a part of a line that Exim ([2/4]) or Sendmail (QID[2]:) split begins.
_PART = r"^[^\[]{0,120}(?:\[[0-9]{1,10}\])?: (?:\[[0-9]{1,4}[\\/][0-9]{1,4}\] |[0-9A-Za-z]{0,20}\[[0-9]{1,3}\]: )"
_REPEATED = "last message repeated "

EVENTS: dict[str, pl.DataType] = {
    "source": pl.UInt32(),
    **SCHEMA,
    "rule": pl.String(),
    "raw": pl.String(),
}
"""Event columns with the number of the source, the rule, and the line behind its header."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What to look for: the letters' case counts unless `any_case`."""

    texts: tuple[str, ...]
    any_case: bool = False

    def spellings(self) -> list[str]:
        """The texts as they are, and as a log in JSON writes them."""
        return list(dict.fromkeys(s for t in self.texts for s in (t, json.dumps(t)[1:-1])))

    def may_be_in(self, data: bytes) -> bool:
        """Whether it is worth while to cut these bytes into lines; exact for few texts only."""
        spellings = self.spellings()
        if self.any_case or len(spellings) > _FEW:
            return True
        return any(s.encode() in data for s in spellings)

    def hits(self, lines: pl.Series) -> pl.Series:
        """Which lines hold one of them, with what belongs to those lines."""
        hit = lines.str.contains_any(self.spellings(), ascii_case_insensitive=self.any_case)
        if not hit.any():
            return hit
        near = hit.cast(pl.Float32).rolling_max(2 * _NEAR + 1, min_samples=1, center=True) > 0
        rows = near.arg_true()
        around = lines.gather(rows)
        more = around.str.contains(_PART) | (
            hit.shift(1, fill_value=False).gather(rows)
            & around.str.contains(_REPEATED, literal=True)
        )
        return hit.scatter(rows.filter(more), True)


@dataclass(slots=True)
class _Hits:
    """Lines of one source that wait to be parsed."""

    lines: list[pl.Series] = field(default_factory=list)
    numbers: list[pl.Series] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(s.len() for s in self.lines)

    def take(self) -> tuple[pl.Series, pl.Series]:
        """All of them, and their line numbers; none are left."""
        taken = pl.concat(self.lines), pl.concat(self.numbers)
        self.lines, self.numbers = [], []
        return taken


class Logs:
    """The sources of a run. What can be read only once, a pipe, is kept in a temporary file that
    has no name and is gone when the run ends."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self._kept: dict[int, IO[bytes]] = {}
        self._open = ExitStack()
        self._passes = 0
        self._tails: dict[int, tuple[int, bytes]] = {}

    def __enter__(self) -> "Logs":
        for number, task in enumerate(self.tasks):
            stream = task.source.stream
            if stream is None:
                continue
            kept = self._open.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(BytesIO(task.source.head), kept)
            try:
                shutil.copyfileobj(stream, kept, 1 << 20)
            except OSError as error:
                task.source.problem = error.strerror or str(error)
            self._kept[number] = kept
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def events(self, wanted: Texts) -> Iterator[pl.DataFrame]:
        """EVENTS of the lines that hold a wanted text, in order, a batch at a time.

        What an Exim reject log has in common with a main log is told once.
        """
        mains = [n for n, t in enumerate(self.tasks) if not t.rejectlog]
        rejects = [n for n, t in enumerate(self.tasks) if t.rejectlog]
        told: list[pl.DataFrame] = []
        for number in (*mains, *rejects):
            for batch in self._of_source(number, wanted):
                exim = batch.filter(pl.col("mta") == "exim").select("time", "raw")
                if number in mains and rejects:
                    told.append(exim.unique())
                elif told:
                    batch = batch.join(pl.concat(told), on=["time", "raw"], how="anti")
                if not batch.is_empty():
                    yield batch
        self._passes += 1

    def _of_source(self, number: int, wanted: Texts) -> Iterator[pl.DataFrame]:
        task = self.again(number)

        def find(work: Work) -> tuple[pl.Series, pl.Series] | None:
            if work.raw is None:
                return None
            known = self._tails.get(number, (0, b""))
            self._tails[number] = max(known, (work.raw.first_line, work.raw.data[-_TAIL:]))
            if not wanted.may_be_in(work.raw.data):
                return None
            chunk = work.chunk()
            rows = wanted.hits(chunk.lines).arg_true()
            if rows.is_empty():
                return None
            return chunk.lines.gather(rows), rows.cast(pl.UInt64) + chunk.first_line

        waiting = _Hits()
        try:
            for found in in_order(read([task]), find):
                if found is not None:
                    waiting.lines.append(found[0])
                    waiting.numbers.append(found[1])
                if len(waiting) > BATCH:
                    yield _parsed(*waiting.take(), task, number)
        finally:
            if task.source.stream is not None:
                task.source.stream.close()
        if len(waiting):
            yield _parsed(*waiting.take(), task, number)
        if not self._passes:
            source = self.tasks[number].source
            source.lines = task.source.lines
            source.problem = source.problem or task.source.problem

    def ends(self) -> datetime | None:
        """The time of the last line that was read, of all sources."""
        times: list[datetime] = []
        for number, (_, data) in self._tails.items():
            lines = RawChunk(data, 1).lines()
            read_times = read_headers(lines, self.tasks[number].clock).lines.get_column("time")
            times += [t for t in [read_times.max()] if isinstance(t, datetime)]
        return max(times, default=None)

    def again(self, number: int) -> Task:
        """The task with its source at the beginning."""
        task = self.tasks[number]
        source = Source(task.source.name)
        if kept := self._kept.get(number):
            kept.seek(0)
            source.stream = os.fdopen(os.dup(kept.fileno()), "rb")
        return replace(task, source=source)


def _parsed(lines: pl.Series, numbers: pl.Series, task: Task, source: int) -> pl.DataFrame:
    parsed = parse(Chunk(lines, task.source.name, 0, task.clock))
    raw = parsed.lines.select("row", pl.col("message").alias("raw"))
    events = parsed.events.join(raw, on="row", how="left", maintain_order="left")
    return events.with_columns(
        numbers.gather(events.get_column("row")).alias("line"),
        pl.lit(source, dtype=pl.UInt32).alias("source"),
    ).select(pl.col(n).cast(t) for n, t in EVENTS.items())
