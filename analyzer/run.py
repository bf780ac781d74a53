"""What the commands do, from options to text and exit status. Prints nothing itself."""

import re
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from parsers.lines import Source
from reports.model import STANDARD, Report

from . import zones
from .anonymize.whole import anonymize_events, pseudonyms_of
from .build import build
from .check import check_report
from .conditions import Condition, parse
from .crew import Crew
from .events_out import EventWriter
from .exits import Exit, Refused
from .fleet import groups, may_store, refuse_selection, store, stored_sections, together
from .inputs import Inputs, gather
from .jobs import summarise_by
from .munging import munging_of
from .pipeline import Rules, merge_in_order, summarise_tasks, summary_of, told, understand
from .publish import Write, publish, ready
from .sections import Chosen, all_sections
from .selection import Selection
from .spikes.report import Asked
from .summarise import wanted_by
from .summary import Summary, finish
from .unrecognised import UnrecognisedFile

Warn = Callable[[str], None]
_WRITTEN = ("output", "unrecognised", "mail_file", "prometheus", "summary_out")
"""Options that name files to write."""


def make_report(
    options: dict[str, Any],
    logs: tuple[str, ...],
    now: datetime,
    warn: Warn,
    crew: Crew | None = None,
    write: Write | None = None,
) -> tuple[str, Exit]:
    """The rendered report and how the run ends; see publish.py."""
    ready(options)
    report, status = read_report(options, logs, now, warn, crew)
    return publish(report, options, status, now, warn, write)


def read_report(
    options: dict[str, Any],
    logs: tuple[str, ...],
    now: datetime,
    warn: Warn,
    crew: Crew | None = None,
) -> tuple[Report, Exit]:
    """What the logs say, or the history, and how the run ends."""
    if options.get("history"):
        from .history.reporting import read_history

        return read_history(options, logs, now, warn)
    zone = zone_of(options)
    selection, filters = _selection(options, zone, now)
    looked = spikes_asked(options, selection)
    if options.get("whole_log"):  # what is before, and of other codes, is compared with
        selection = replace(selection, since=None, codes=())
    _top(options["top"])  # what is wrong is said before a log is read
    munging_of(options)
    rules, chosen = rules_of(options), chosen_by(options)
    storing = may_store(options)
    inputs = inputs_of(logs, options, zone, now, warn, summaries=True)
    kept = stored_sections(options, chosen) if storing else chosen
    if inputs.summaries:
        refuse_selection(options)
        parts = [
            _summary(group, selection, None, rules, kept, crew) for group in groups(inputs, crew)
        ]
        fleet = together(inputs.summaries, parts, None if storing else chosen)
        counted, filters = fleet.summary, [*fleet.filters]
        inputs.stored += fleet.sources
        inputs.problems += fleet.problems
        inputs.notes += fleet.notes
    else:
        counted = _summary(inputs, selection, options["unrecognised"], rules, kept, crew)
    summary = finish(counted)
    status = _judge(inputs, summary, warn)
    if status is Exit.NOT_MAIL:
        raise _not_mail()
    if storing:
        store(storing, counted, inputs, zone=zone, year=options["year"], filters=filters, now=now)
    notes = [*inputs.problems, *inputs.notes]
    report = report_of(
        summary,
        inputs.sources,
        options,
        zone=zone,
        notes=notes,
        filters=filters,
        looked=looked,
    )
    return report, status


def report_of(
    summary: Summary,
    sources: Sequence[Source],
    options: dict[str, Any],
    *,
    zone: str,
    notes: Iterable[str] = (),
    filters: Iterable[str] = (),
    looked: Asked | None = None,
) -> Report:
    """The report of a finished Summary that holds the sections that were asked for, or more."""
    chosen = chosen_by(options)
    shown = tuple(n for n in chosen.names if n in summary.chosen.names)
    report = build(
        replace(summary, chosen=Chosen(shown)),
        sources,
        zone=zone,
        year=options.get("year"),
        top=_top(options["top"]),
        notes=notes,
        filters=filters,
        lang=options.get("lang") or "en",
        rules=rules_of(options),
        munging=munging_of(options),
        spikes=looked,
    )
    named = {n.strip() for n in (options.get("section") or "").split(",")}
    asked = bool(named & {"spikes", "all"})
    return replace(report, shown=_standard(options), spikes_asked=asked)


def spikes_asked(options: dict[str, Any], selection: Selection) -> Asked | None:
    """How spikes are looked for, where they are shown or judged by."""
    if "spikes" not in _standard(options) and not _judged_by_spikes(options):
        return None
    if options.get("whole_log"):
        return Asked(
            until=selection.until,
            hosts=selection.hosts,
            tested=selection.since,
            codes=selection.codes,
            by=options.get("by"),
        )
    if selection.codes and any(c.is_of_spikes for c in _judged_by(options)):
        hint = "with --code there is nothing a spike could be compared with; ask for spike:502"
        raise Refused(f"--fail-on, --only-if: {hint}", Exit.USAGE)
    return Asked(
        since=selection.since,
        until=selection.until,
        hosts=selection.hosts,
        filtered=bool(selection.codes),
    )


def _judged_by_spikes(options: dict[str, Any]) -> bool:
    return any(condition.needs_spikes for condition in _judged_by(options))


def _judged_by(options: dict[str, Any]) -> list[Condition]:
    return [parse(t) for t in (*(options.get("fail_on") or ()), *(options.get("only_if") or ()))]


def make_check(
    options: dict[str, Any], logs: tuple[str, ...], now: datetime, warn: Warn
) -> tuple[str, Exit]:
    """What the log is, and whether it can be trusted."""
    zone = zone_of(options)
    inputs = inputs_of(logs, options, zone, now, warn)
    summary = finish(_summary(inputs, Selection(), options["unrecognised"]))
    status = _judge(inputs, summary, warn)
    text, trusted = check_report(summary, inputs, zone, options["form"])
    return text, status or (Exit.DONE if trusted else Exit.CONDITION)


def write_events(options: dict[str, Any], logs: tuple[str, ...], now: datetime, warn: Warn) -> Exit:
    """Write one row per event, chunk by chunk."""
    zone = zone_of(options)
    selection, _ = _selection(options, zone, now)
    inputs = inputs_of(logs, options, zone, now, warn)
    names, known = pseudonyms_of(options), 0
    with EventWriter(options["form"], options["output"]) as writer:

        def render(events: pl.DataFrame) -> pl.DataFrame | str:
            return writer.render(events if names is None else anonymize_events(events, names))

        for events, count in told(inputs.tasks, selection, render, rules=rules_of(options)):
            known += count
            writer.write(events)
        status = _judge(inputs, known, warn)
        if status is Exit.NOT_MAIL:
            raise _not_mail()
    return status


def _not_mail() -> Refused:
    return Refused("nothing in the input was recognised as a mail log", Exit.NOT_MAIL)


def zone_of(options: dict[str, Any]) -> str:
    """The zone that was asked for, or this machine's."""
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


def rules_of(options: dict[str, Any]) -> Rules:
    """The rules of the user's own file."""
    if not options.get("user"):
        return ()
    from .knowledge.rules_check import load

    return tuple(load(options["user"]))


def chosen_by(options: dict[str, Any]) -> Chosen:
    """The sections that are asked for besides the standard ones."""
    asked = [n.strip() for n in (options.get("section") or "").split(",") if n.strip()]
    known = {s.name for s in all_sections()}
    if "all" in asked:
        return Chosen(tuple(sorted(known)), raw=options.get("raw", False))
    if not asked or _judged_by_spikes(options):
        asked.append("spikes")
    for name in asked:
        if name not in known and name not in STANDARD:
            near = get_close_matches(name, [*known, *STANDARD, "all"], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise Refused(f"--section {name}: there is none of that name{hint}", Exit.USAGE)
    return Chosen(tuple(n for n in asked if n in known), raw=options.get("raw", False))


def _standard(options: dict[str, Any]) -> frozenset[str]:
    """The standard sections that are shown: all, unless some are named."""
    asked = {n.strip() for n in (options.get("section") or "all").split(",")}
    return frozenset(STANDARD) if "all" in asked else frozenset(STANDARD) & asked


def _top(text: str) -> int | None:
    if text == "all":
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Refused(f"--top {text}: a number or `all`", Exit.USAGE)
    return int(text)


def inputs_of(
    logs: tuple[str, ...],
    options: dict[str, Any],
    zone: str,
    now: datetime,
    warn: Warn,
    *,
    summaries: bool = False,
) -> Inputs:
    """The sources to read, exported summaries where allowed; refused where there is none, or one
    would be written over."""
    if hasattr(signal, "siginterrupt"):
        # polars has reading go on after an interrupt; on a silent pipe that is for ever.
        signal.siginterrupt(signal.SIGINT, True)
    inputs = gather(logs, zone=zone, year=options["year"], now=now, summaries=summaries)
    for problem in inputs.problems:
        warn(problem)
    if not (inputs.tasks or inputs.summaries):
        raise (
            _not_mail()
            if inputs.logless == len(inputs.problems)
            else Refused("nothing to read", Exit.INPUT)
        )
    for written in filter(None, map(options.get, _WRITTEN)):
        read = [*(t.source.name for t in inputs.tasks), *(s.name for s in inputs.summaries)]
        if any(_same_file(written, name) for name in read):
            raise Refused(f"{written} is an input; it is not written over", Exit.USAGE)
    return inputs


def _same_file(one: str, other: str) -> bool:
    return Path(one).is_file() and Path(other).is_file() and Path(one).samefile(other)


def _summary(
    inputs: Inputs,
    selection: Selection,
    unrecognised: str | None,
    rules: Rules = (),
    chosen: Chosen = Chosen(),  # noqa: B008 - it cannot change
    crew: Crew | None = None,
) -> Summary:
    if len(inputs.hosts) > 1:
        chosen = replace(chosen, hosts=inputs.hosts)
    if unrecognised is None:
        if crew is not None:
            return summarise_by(crew, inputs.tasks, selection, rules=rules, chosen=chosen)
        return summarise_tasks(inputs.tasks, selection, rules=rules, chosen=chosen)
    with UnrecognisedFile(unrecognised) as file:
        parts = (
            file.add(part, lines)
            for part, lines in understand(
                inputs.tasks,
                selection,
                lambda w: (
                    summary_of(w, chosen),
                    file.pick(w.parsed, w.chunk),
                ),
                wanted=wanted_by(chosen),
                rules=rules,
            )
        )
        summary = merge_in_order(parts, chosen)
        if not any(t.source.lines for t in inputs.tasks):
            # Nothing was read: what an earlier run wrote stays.
            raise _not_mail()
        return summary


def _judge(inputs: Inputs, found: Summary | int, warn: Warn) -> Exit:
    """The status that the inputs ask for, with a word on each that broke off."""
    for source in inputs.sources:
        if source.problem is not None:
            warn(f"{source.name}: {source.problem}")
    if isinstance(found, Summary):
        known = pl.col("fate").is_in(["parsed", "ignored"]) & pl.col("mta").is_not_null()
        found = int(found.tables["lines"].filter(known)["n"].sum())
    broken = inputs.problems or any(s.problem for s in inputs.sources)
    if found == 0 and not (broken and not any(s.lines for s in inputs.sources)):
        return Exit.NOT_MAIL
    return Exit.INPUT if broken else Exit.DONE
