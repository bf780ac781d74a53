"""What the commands do, from options to text and exit status. Prints nothing itself."""

import re
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from . import zones
from .build import build
from .check import check_report
from .crew import Crew
from .events_out import EventWriter
from .exits import Exit, Refused
from .inputs import Inputs, gather
from .pipeline import merge_in_order, summarise_tasks, summary_of, told, understand
from .selection import Selection
from .summarise import WANTED
from .summary import Summary, finish
from .unrecognised import UnrecognisedFile

Warn = Callable[[str], None]


def make_report(
    options: dict[str, Any],
    logs: tuple[str, ...],
    now: datetime,
    warn: Warn,
    crew: Crew | None = None,
) -> tuple[str, Exit]:
    """The rendered report and how the run ends."""
    from reports import render

    zone = _zone(options)
    selection, filters = _selection(options, zone, now)
    top = _top(options["top"])
    inputs = _inputs(logs, options, zone, now, warn)
    summary = finish(_summary(inputs, selection, options["unrecognised"], crew))
    status = _judge(inputs, summary, warn)
    if status is Exit.NOT_MAIL:
        raise _not_mail()
    report = build(
        summary,
        [t.source for t in inputs.tasks],
        zone=zone,
        year=options["year"],
        top=top,
        notes=[*inputs.problems, *inputs.notes],
        filters=filters,
    )
    return render(report, options["form"], **_look(options)), status


def make_check(
    options: dict[str, Any], logs: tuple[str, ...], now: datetime, warn: Warn
) -> tuple[str, Exit]:
    """What the log is, and whether it can be trusted."""
    zone = _zone(options)
    inputs = _inputs(logs, options, zone, now, warn)
    summary = finish(_summary(inputs, Selection(), options["unrecognised"]))
    status = _judge(inputs, summary, warn)
    text, trusted = check_report(summary, inputs, zone, options["form"])
    return text, status or (Exit.DONE if trusted else Exit.CONDITION)


def write_events(options: dict[str, Any], logs: tuple[str, ...], now: datetime, warn: Warn) -> Exit:
    """Write one row per event, chunk by chunk."""
    zone = _zone(options)
    selection, _ = _selection(options, zone, now)
    inputs = _inputs(logs, options, zone, now, warn)
    known = 0
    with EventWriter(options["form"], options["output"]) as writer:
        for events, count in told(inputs.tasks, selection, writer.render):
            known += count
            writer.write(events)
        status = _judge(inputs, known, warn)
        if status is Exit.NOT_MAIL:
            raise _not_mail()
    return status


def _not_mail() -> Refused:
    return Refused("nothing in the input was recognised as a mail log", Exit.NOT_MAIL)


def _zone(options: dict[str, Any]) -> str:
    zone = options["tz"] or zones.local_zone()
    if not zones.is_zone(zone) or not _polars_knows(zone):
        raise Refused(f"--tz {zone}: no such zone; try Europe/Berlin or UTC", Exit.USAGE)
    return str(zone)


def _polars_knows(zone: str) -> bool:
    """It has a zone database of its own, without the system's private names."""
    try:
        pl.Series([datetime(2000, 1, 1)]).dt.replace_time_zone(zone)
    except pl.exceptions.ComputeError:
        return False
    return True


def _selection(options: dict[str, Any], zone: str, now: datetime) -> tuple[Selection, list[str]]:
    try:
        since = zones.moment(options["since"], zone, now) if options["since"] else None
        until = zones.moment(options["until"], zone, now) if options["until"] else None
        if options["day"]:
            since, until = zones.day(options["day"], zone, now)
    except ValueError as error:
        raise Refused(str(error), Exit.USAGE) from error
    chosen = Selection(
        since=since,
        until=until,
        **{k: tuple(options[k]) for k in ("hosts", "mtas", "directions", "codes", "domains")},
    )
    named = [("since", since and since.isoformat(" ")), ("until", until and until.isoformat(" "))]
    named += [
        (k.removesuffix("s"), v)
        for k in ("hosts", "mtas", "directions", "codes", "domains")
        for v in options[k]
    ]
    return chosen, [f"--{k} {v}" for k, v in named if v]


def _top(text: str) -> int | None:
    if text == "all":
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Refused(f"--top {text}: a number or `all`", Exit.USAGE)
    return int(text)


def _inputs(
    logs: tuple[str, ...], options: dict[str, Any], zone: str, now: datetime, warn: Warn
) -> Inputs:
    if hasattr(signal, "siginterrupt"):
        # polars has reading go on after an interrupt; on a silent pipe that is for ever.
        signal.siginterrupt(signal.SIGINT, True)
    inputs = gather(logs, zone=zone, year=options["year"], now=now)
    for problem in inputs.problems:
        warn(problem)
    if not inputs.tasks:
        raise (
            _not_mail()
            if inputs.logless == len(inputs.problems)
            else Refused("nothing to read", Exit.INPUT)
        )
    for written in filter(None, (options.get("output"), options.get("unrecognised"))):
        if any(_same_file(written, t.source.name) for t in inputs.tasks):
            raise Refused(f"{written} is an input; it is not written over", Exit.USAGE)
    return inputs


def _same_file(one: str, other: str) -> bool:
    return Path(one).is_file() and Path(other).is_file() and Path(one).samefile(other)


def _summary(
    inputs: Inputs, selection: Selection, unrecognised: str | None, crew: Crew | None = None
) -> Summary:
    if unrecognised is None:
        return summarise_tasks(inputs.tasks, selection, crew=crew)
    with UnrecognisedFile(unrecognised) as file:
        parts = (
            file.add(part, lines)
            for part, lines in understand(
                inputs.tasks,
                selection,
                lambda w: (
                    summary_of(w),
                    file.pick(w.parsed, w.chunk),
                ),
                wanted=WANTED,
            )
        )
        summary = merge_in_order(parts)
        if not any(t.source.lines for t in inputs.tasks):
            # Nothing was read: what an earlier run wrote stays.
            raise _not_mail()
        return summary


def _judge(inputs: Inputs, found: Summary | int, warn: Warn) -> Exit:
    """The status that the inputs ask for, with a word on each that broke off."""
    for task in inputs.tasks:
        if task.source.problem is not None:
            warn(f"{task.source.name}: {task.source.problem}")
    if isinstance(found, Summary):
        known = pl.col("fate").is_in(["parsed", "ignored"]) & pl.col("mta").is_not_null()
        found = int(found.tables["lines"].filter(known)["n"].sum())
    broken = inputs.problems or any(t.source.problem for t in inputs.tasks)
    if found == 0 and not (broken and not any(t.source.lines for t in inputs.tasks)):
        return Exit.NOT_MAIL
    return Exit.INPUT if broken else Exit.DONE


def _look(options: dict[str, Any]) -> dict[str, Any]:
    """How the text report looks on this terminal."""
    if options["form"] != "text":
        return {}
    from .terminal import look

    return look(options["color"], options["width"], to_file=bool(options["output"]))
