"""Summaries of several hosts, and logs beside them, to one Summary.

What a Summary holds is either additive or hangs on the order of one host's lines (messages still
open, replies whose client is not named yet). The latter is taken apart by host and put in each
host's own order of time, so that the files may come in any order.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import polars as pl

from parsers.lines import STDIN, Source

from .crew import Crew
from .exits import Exit, Refused
from .inputs import Inputs
from .pipeline import merge_in_order
from .sections import Chosen, all_sections
from .summary import TABLES, Summary, merge
from .summary_file import About, Exported, Told, own_version, write

_NEVER = datetime.max.replace(tzinfo=UTC)
_NAMED = 5
"""Files that a note names."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Several Summaries as one."""

    summary: Summary
    """Not finished."""
    sources: tuple[Source, ...]
    """What the files were counted from."""
    notes: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """Selections that all files were counted with."""
    problems: tuple[str, ...] = field(default=())
    """What could not be read when the files were made."""


def together(files: Sequence[Exported], logs: Sequence[Summary], asked: Chosen | None) -> Fleet:
    """One Summary of exported ones and of what was counted here.

    `asked`: the sections that are to be shown; None keeps all that any part has.
    """
    names = Counter(i.name for file in files for i in file.about.inputs)
    names.update(n for s in logs for n in s.tables["sources"].get_column("file").unique())
    told: list[Summary] = []
    sources: list[Source] = []
    for file in files:
        new = {i.name: _name(file.name, i.name, names) for i in file.about.inputs}
        told.append(_renamed(file.summary, new))
        sources += [Source(new[i.name], i.problem, i.lines) for i in file.about.inputs]
    parts = [*told, *logs]
    chosen = _chosen(parts, asked)
    filters = {f.about.filters for f in files}
    same = len(filters) == 1 and not logs
    return Fleet(
        combined(parts, chosen),
        tuple(sources),
        tuple(_notes(files, logs, asked or Chosen(), same)),
        next(iter(filters)) if same else (),
        tuple(f"{f.name}: {p}" for f in files for p in f.about.problems),
    )


def _chosen(parts: Sequence[Summary], asked: Chosen | None) -> Chosen:
    """What the whole counts: the sections that any part has, where they are asked for."""
    names = {n for p in parts for n in p.chosen.names}
    if asked is not None:
        names &= set(asked.names)
    if len({p.chosen.raw for p in parts}) > 1:
        raise Refused(
            "some inputs count mail handed on at every hop (--raw) and some do not: they cannot be"
            " added up",
            Exit.USAGE,
        )
    hosts = {h for p in parts for h in p.chosen.hosts}
    return Chosen(tuple(sorted(names)), parts[0].chosen.raw, tuple(sorted(hosts)))


def _name(file: str, source: str, names: Counter[str]) -> str:
    """What a source is called here: its own name, unless others have it too."""
    if source == STDIN:
        return f"{file}: standard input"
    return f"{file}: {source}" if names[source] > 1 else source


def _renamed(summary: Summary, names: dict[str, str]) -> Summary:
    def change(frame: pl.DataFrame) -> pl.DataFrame:
        if "file" not in frame.columns:
            return frame
        return frame.with_columns(pl.col("file").replace(names))

    frames: dict[str, Any] = {n: change(getattr(summary, n)) for n in _frames()}
    return replace(summary, tables={n: change(t) for n, t in summary.tables.items()}, **frames)


def _frames() -> list[str]:
    """The Summary's frames besides its tables."""
    empty = Summary()
    return [f.name for f in fields(Summary) if isinstance(getattr(empty, f.name), pl.DataFrame)]


def combined(parts: Sequence[Summary], chosen: Chosen) -> Summary:
    """One Summary of parts in any order, with the tables of these sections."""
    kept = {*TABLES, *(n for s in chosen.sections for n in s.tables)}
    empty = Summary(chosen=chosen)
    inner = [n for n in _frames() if "host" in getattr(empty, n).columns]
    pieces: list[tuple[str, datetime, int, dict[str, pl.DataFrame]]] = []
    bases: list[tuple[datetime, Summary]] = []
    for number, part in enumerate(parts):
        starts = _starts(part)
        by_host: dict[str | None, dict[str, pl.DataFrame]] = {}
        for name in inner:
            found = getattr(part, name).partition_by("host", as_dict=True, maintain_order=True)
            for (host,), frame in found.items():
                by_host.setdefault(host, {})[name] = frame
        pieces += [(h or "", starts.get(h, _NEVER), number, f) for h, f in by_host.items()]
        cleared: dict[str, Any] = {n: getattr(empty, n) for n in inner}
        tables = {n: t for n, t in part.tables.items() if n in kept}
        base = replace(part, tables=tables, chosen=chosen, **cleared)
        bases.append((min(starts.values(), default=_NEVER), base))
    pieces.sort(key=lambda piece: piece[:3])
    bases.sort(key=lambda base: base[0])
    carried: dict[str, Any] = {
        n: pl.concat([getattr(empty, n), *(f[n] for *_, f in pieces if n in f)]) for n in inner
    }
    whole = merge_in_order((base for _, base in bases), chosen)
    return merge([whole, replace(empty, **carried)])


def _starts(summary: Summary) -> dict[str | None, datetime]:
    """The first moment of each host."""
    return {host: first for host, (first, _) in _periods(summary).items()}


def _periods(summary: Summary) -> dict[str | None, tuple[datetime, datetime]]:
    """First and last moment of each host."""
    seen = summary.tables["sources"].filter(pl.col("first").is_not_null())
    rows = seen.group_by("host").agg(pl.col("first").min(), pl.col("last").max()).iter_rows()
    return {host: (first, last) for host, first, last in rows}


def _notes(
    files: Sequence[Exported], logs: Sequence[Summary], asked: Chosen, same: bool
) -> Iterator[str]:
    """What a reader has to know of where the figures come from."""
    for file in files:
        about = file.about
        yield from (f"{file.name}: {note}" for note in about.notes)
        if about.version != own_version():
            yield (
                f"{file.name}: counted by smtplens {about.version}, which may name other causes"
                " than this one"
            )
        if about.filters and not same:
            yield f"{file.name}: counted with {' '.join(about.filters)}"
        if file.missing:
            yield f"{file.name}: made by an older smtplens, without {_listed(file.missing)}"
    for section in all_sections():
        if section.name not in asked.names:
            continue
        lacking = [f.name for f in files if section.name not in f.summary.chosen.names]
        if lacking:
            yield f"section {section.name}: not counted in {_listed(lacking)}"
    units = [(f.name, _periods(f.summary), True) for f in files]
    units += [("a log", _periods(s), False) for s in logs]
    for (a, first, exported), (b, second, _) in combinations(units, 2):
        shared = ((first[h], second[h]) for h in first.keys() & second.keys())
        if exported and any(x[0] < y[1] and y[0] < x[1] for x, y in shared):
            yield f"{a} and {b} tell of the same host and time: a line in both is counted twice"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


# What the command line asks for


_SELECTING = {
    "since": "--since",
    "until": "--until",
    "day": "--date",
    "hosts": "--host",
    "mtas": "--mta",
    "directions": "--direction",
    "codes": "--code",
    "domains": "--domain",
    "unrecognised": "--unrecognised",
}
"""Options that look at single lines."""


def refuse_selection(options: dict[str, Any]) -> None:
    """Raise Refused for options that need lines, where there are only counts."""
    given = [text for name, text in _SELECTING.items() if options.get(name)]
    if given:
        raise Refused(
            f"{given[0]}: an exported summary holds counts and no lines, so nothing can be selected"
            " from it; give the option where it is written",
            Exit.USAGE,
        )


def may_store(options: dict[str, Any]) -> str | None:
    """The file of --summary-out; raises Refused where it would hold what was to be hidden."""
    path: str | None = options.get("summary_out")
    if path is not None and (options.get("anonymize") or options.get("anonymize_key")):
        raise Refused(
            "--summary-out keeps names as they are, by which messages are put together; leave out"
            " --anonymize, and give it where the report is made",
            Exit.USAGE,
        )
    return path


def stored_sections(options: dict[str, Any], chosen: Chosen) -> Chosen:
    """The sections to store: those of --section, else all."""
    if options.get("section"):
        return chosen
    return replace(chosen, names=tuple(s.name for s in all_sections()))


def store(
    path: str,
    counted: Summary,
    inputs: Inputs,
    *,
    zone: str,
    year: int | None,
    filters: Sequence[str],
    now: datetime,
) -> None:
    """Write a Summary that is not finished, with what is known of it."""
    about = About(
        zone=zone,
        year=year,
        filters=tuple(filters),
        problems=tuple(inputs.problems),
        notes=tuple(inputs.notes),
        inputs=tuple(Told(s.name, s.lines, s.problem) for s in inputs.sources),
        made=now.isoformat(timespec="seconds"),
    )
    write(path, counted, about)


def groups(inputs: Inputs, crew: Crew | None) -> list[Inputs]:
    """The logs, cut where an exported file begins, so that parts can be put in order of time.

    A reject log hangs on all main logs: they stay together.
    """
    starts = sorted(min(_starts(f.summary).values(), default=_NEVER) for f in inputs.summaries)
    cut: dict[int, list[int]] = {}
    for number, first in enumerate(inputs.firsts):
        before = sum(start <= (first or _NEVER) for start in starts)
        cut.setdefault(0 if any(t.rejectlog for t in inputs.tasks) else before, []).append(number)
    found = [
        Inputs(tasks=[inputs.tasks[n] for n in group], hosts=inputs.hosts) for group in cut.values()
    ]
    if crew is not None and len(found) != 1:
        crew.dismiss()
    return found
