"""What is unread, added to the history: each file's counts and cursor in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice

import polars as pl

from analyzer.crew import Crew
from analyzer.summary import Summary, merge

from .blobs import packed
from .counting import Counted, Job, Settings, behind, do, jobs_of
from .cursor import Cursor
from .store import Store
from .unread import SETTLED, Found, Unread, look

_ROUNDS = 4
"""Times to look at files that may hold what another one holds."""
_BATCH = 8


@dataclass(slots=True)
class Added:
    """What a run added."""

    files: list[tuple[str, int]] = field(default_factory=list)
    """Paths with how many lines were read."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_mail: list[str] = field(default_factory=list)
    """Files of a log that is new, in which nothing is of a mail server."""

    @property
    def lines(self) -> int:
        """Lines read."""
        return sum(n for _, n in self.files)


@dataclass(slots=True)
class _Day:
    """One day of one file so far."""

    summaries: list[Summary] = field(default_factory=list)
    lines: int = 0
    first: int | None = None

    def add(self, summary: Summary, lines: int, first: int | None) -> None:
        self.summaries.append(summary)
        if len(self.summaries) > _BATCH:
            self.summaries = [merge(self.summaries)]
        self.lines += lines
        known = [f for f in (self.first, first) if f is not None]
        self.first = min(known, default=None)


def add_unread(
    store: Store,
    paths: Sequence[str],
    settings: Settings,
    now: datetime,
    *,
    crew: Crew | None = None,
    first_look: Found | None = None,
    reported: bool = False,
) -> Added:
    """Read what is unread in these files and keep it; each file as a whole or not at all."""
    added = Added()
    strange: set[tuple[str, int]] = set()
    left: Sequence[str] = paths
    for _ in range(_ROUNDS):
        found = first_look or look(left, store.cursors(), store.seen(), now, strange)
        first_look = None
        added.problems += found.problems
        added.notes += found.notes
        if found.seen:
            with store.change():
                for seen in found.seen:
                    store.put_seen(seen)
        before = len(strange)
        for unread, parts in _read(found.unread, settings, crew, added):
            _add(store, unread, parts, settings, now, added, strange, reported=reported)
        crew = None
        left = [*found.later, *(path for path, _ in list(strange)[before:])]
        if not left:
            break
    return added


def _read(
    unread: Sequence[Unread], settings: Settings, crew: Crew | None, added: Added
) -> Iterator[tuple[Unread, Iterator[Counted]]]:
    """Each file with what its jobs give; its jobs are done when they are asked for."""
    work: list[tuple[Unread, list[Job]]] = []
    for one in unread:
        try:
            jobs = jobs_of(one, settings)
        except FileNotFoundError:
            continue  # rotated meanwhile: the next run finds it
        except OSError as error:
            added.problems.append(f"{one.path}: {error.strerror or error}")
            continue
        if jobs:
            work.append((one, jobs))
    every = list(chain.from_iterable(jobs for _, jobs in work))
    if crew is not None and len(every) < 2:
        crew.dismiss()
        crew = None
    results = crew.run(_safely, every) if crew is not None else map(_safely, every)
    for one, jobs in work:
        yield one, islice(results, len(jobs))


def _safely(job: Job) -> Counted:
    """`do`, with what kept a file from being read as what is wrong with it."""
    try:
        return do(job)
    except FileNotFoundError:
        return Counted([], 0, None, gone=True)
    except OSError as error:
        return Counted([], 0, None, broken=error.strerror or str(error), gone=True)


def _add(
    store: Store,
    unread: Unread,
    results: Iterator[Counted],
    settings: Settings,
    now: datetime,
    added: Added,
    strange: set[tuple[str, int]],
    *,
    reported: bool,
) -> None:
    cursor = unread.cursor
    days: dict[str, _Day] = {}
    day, lines = cursor.day, 0
    last: Counted | None = None
    bad = False
    for last in results:
        bad = bad or last.gone or last.strange
        if bad:
            continue  # the other results are taken, too: they are in order
        for part in last.parts:
            at = cursor.lines + lines
            summary = part.summary
            moved = summary.examples.with_columns(pl.col("line") + at)
            days.setdefault(day if part.day is None else part.day, _Day()).add(
                replace(summary, examples=moved), part.lines, part.first
            )
        lines += last.lines
        day = last.last_day or day
    if last is None:
        return
    if last.strange:
        strange.add((unread.path, cursor.id))
    if last.broken is not None:
        recent = now.timestamp() - unread.status.changed / 1e9 < SETTLED
        if last.behind is None or recent:
            # It is being written, most likely; if not, it is as it is when it is old.
            if not recent or not unread.packed:
                added.problems.append(f"{unread.path}: {last.broken}")
            return
        added.problems.append(f"{unread.path}: {last.broken} after line {cursor.lines + lines}")
    if bad:
        return
    try:
        end = _end(unread, last, lines, day)
    except FileNotFoundError:
        return
    except OSError as error:
        added.problems.append(f"{unread.path}: {error.strerror or error}")
        return
    if end is None:
        return
    _keep(store, unread, end, days, reported=reported)
    if lines:
        added.files.append((unread.path, lines))
        new = sum(c.name == cursor.name for c in store.cursors()) == 1
        if new and cursor.offset == 0 and not _known(days.values()):
            added.not_mail.append(unread.path)


def _end(unread: Unread, last: Counted, lines: int, day: str) -> Cursor | None:
    if last.behind is not None:
        return replace(last.behind, day=day)
    return behind(unread, last.end, lines, day)


def _keep(
    store: Store, unread: Unread, end: Cursor, days: dict[str, _Day], *, reported: bool
) -> None:
    blobs = {d: packed(merge(found.summaries)) for d, found in days.items()}
    with store.change():
        strand = store.put_cursor(end)
        for day, found in days.items():
            store.add_part(day, strand, found.first, found.lines, blobs[day], reported=reported)
        if unread.packed or end.offset == unread.status.size:
            store.put_seen(unread.status)


def _known(days: Iterable[_Day]) -> bool:
    """Whether some line is a mail server's."""
    known = pl.col("fate").is_in(["parsed", "ignored"]) & pl.col("mta").is_not_null()
    return any(s.tables["lines"].select(known.any()).item() for d in days for s in d.summaries)
