"""One report's files as jobs that any process of a crew can do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from parsers.lines import CHUNK_BYTES, Source, read_stretch, stretches
from parsers.parse import parse

from .crew import Crew
from .knowledge import provider_map
from .knowledge.provider_map import ProviderMap
from .pipeline import Rules, Task, Work, merge_in_order, summarise_tasks, summary_of, understood
from .sections import Chosen
from .selection import Selection
from .summarise import wanted_by
from .summary import Summary


@dataclass(frozen=True, slots=True)
class Job:
    """A stretch of a plain file, or a whole file that cannot be cut."""

    task: Task
    stretch: tuple[int, int] | None
    """From and to in bytes."""
    selection: Selection
    rules: Rules
    chosen: Chosen
    providers: ProviderMap


@dataclass(frozen=True, slots=True)
class Done:
    """What a job gave."""

    summary: Summary
    """Line numbers in it count from the job's own first line."""
    lines: int
    problem: str | None = None
    """What kept it from being read to its end."""


def summarise_by(
    crew: Crew,
    tasks: Sequence[Task],
    selection: Selection,
    *,
    rules: Rules = (),
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
    size: int = CHUNK_BYTES,
) -> Summary:
    """One Summary of all sources, by several processes where all of them are files."""
    jobs = jobs_of(tasks, selection, rules, chosen, size)
    if jobs is None:
        crew.dismiss()
        return summarise_tasks(tasks, selection, rules=rules, chosen=chosen, size=size)
    done = crew.run(do, jobs)
    parts = (_in_place(job, result) for job, result in zip(jobs, done, strict=True))
    return merge_in_order(parts, chosen)


def jobs_of(
    tasks: Sequence[Task], selection: Selection, rules: Rules, chosen: Chosen, size: int
) -> list[Job] | None:
    """All files in order, cut where they can be; None where not every source is a file.

    What a reject log repeats hangs on the whole main log: that is one process's work.
    """
    jobs: list[Job] = []
    for task in tasks:
        path = task.source.path
        if path is None or task.source.stream is not None or task.rejectlog:
            return None
        try:
            cuts: Sequence[tuple[int, int] | None] = stretches(path, size) or [None]
        except OSError:
            cuts = [None]
        jobs += [Job(task, cut, selection, rules, chosen, provider_map.used()) for cut in cuts]
    return jobs


def do(job: Job) -> Done:
    """Summarise a job's lines."""
    provider_map.use(job.providers)
    name = job.task.source.name
    if job.stretch is None:
        task = replace(job.task, source=Source(name))
        whole = summarise_tasks(
            [task], job.selection, rules=job.rules, chosen=job.chosen, workers=1
        )
        return Done(whole, task.source.lines, task.source.problem)
    try:
        raw = read_stretch(Path(name), *job.stretch)
    except OSError as error:
        return Done(Summary(chosen=job.chosen), 0, error.strerror or str(error))
    chunk = Work(raw, name, job.task.clock).chunk()
    if chunk.lines.is_empty():
        return Done(Summary(chosen=job.chosen), 0)
    parsed = parse(chunk, wanted_by(job.chosen))
    what = understood(chunk, parsed, job.selection.test(), job.rules)
    return Done(summary_of(what, job.chosen), chunk.lines.len())


def _in_place(job: Job, done: Done) -> Summary:
    """The Summary of a job with line numbers of the whole file."""
    source = job.task.source
    before, source.lines = source.lines, source.lines + done.lines
    source.problem = source.problem or done.problem
    examples = done.summary.examples.with_columns(pl.col("line") + before)
    return replace(done.summary, examples=examples)
