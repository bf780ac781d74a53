"""`diff`: from options to text and exit status."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from parsers.lines import Source
from reports import diff as model

from . import zones
from .anonymize.pseudonyms import Pseudonyms
from .anonymize.whole import pseudonyms_of
from .diff import Counted, compare
from .diff_stats import Gates
from .exits import Exit, Refused
from .fleet import groups, refuse_selection, together
from .inputs import Inputs
from .knowledge import reply_rules
from .pipeline import Rules, summarise_tasks
from .run import inputs_of, zone_of
from .sections import Chosen
from .selection import Selection
from .summary import Summary, finish
from .terminal import look_of

Warn = Callable[[str], None]
_SECTIONS = Chosen(("queue_times",))
"""What the standard tables do not hold: how long mail waited."""
_PERIOD = ("since", "until", "date")
_FORMS = "name two inputs, or --a and --b, or periods of one log with --a-date and --b-date"


def make_diff(
    options: dict[str, Any], inputs: tuple[str, ...], now: datetime, warn: Warn
) -> tuple[str, Exit]:
    """The rendered comparison and how the run ends."""
    zone, names, rules = zone_of(options), pseudonyms_of(options), _rules(options)
    sources = _sources(options, inputs)
    asked = [_period(options, side, zone, now) for side in "ab"]
    sides: list[Counted] = []
    status = Exit.DONE
    for name, logs, (since, until, filters) in zip("AB", sources, asked, strict=True):
        if options["history"]:
            _refuse_lines(options)
            sides.append(_of_history(options["history"], since, until, filters))
            continue
        chosen = {k: tuple(options[k]) for k in ("hosts", "mtas", "directions", "codes", "domains")}
        selection = Selection(since=since, until=until, **chosen)
        filters += [f"--{k.removesuffix('s')} {v}" for k, vs in chosen.items() for v in vs]
        own = options | {"since": since, "until": until, "day": None, "unrecognised": None}
        found = inputs_of(logs, own, zone, now, warn, summaries=True)
        side, ended = _counted(found, own, selection, rules, name, warn)
        sides.append(replace(side, filters=tuple(filters) or side.filters))
        status = max(status, ended)
    gates = Gates(least_count=options["least_count"], least_ratio=options["least_ratio"])
    diff = compare(sides[0], sides[1], zone=zone, gates=gates, rules=rules)
    if names is not None:
        diff = anonymize_diff(diff, names)
    text = model.render(diff, options["form"], **look_of(options))
    failed = options["fail_on"] == "change" and diff.changed
    return text, max(status, Exit.CONDITION if failed else Exit.DONE)


def _sources(
    options: dict[str, Any], inputs: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each side is read from."""
    named = tuple(options["a"]), tuple(options["b"])
    periods = [any(options[f"{s}_{p}"] for p in _PERIOD) for s in "ab"]
    if any(periods):
        if any(named) or not all(periods) or (not inputs and not options["history"]):
            raise Refused(f"two periods and what they are of are needed: {_FORMS}", Exit.USAGE)
        if "-" in inputs:
            raise Refused(
                "standard input is read once, and two periods of it need it twice; store it in a"
                " file",
                Exit.USAGE,
            )
        return inputs, inputs
    if options["history"]:
        raise Refused("--history: which periods of it? give --a-date and --b-date", Exit.USAGE)
    if all(named) and not inputs:
        return named
    if not any(named) and len(inputs) == 2:
        return inputs[:1], inputs[1:]
    raise Refused(f"there is not exactly one A and one B: {_FORMS}", Exit.USAGE)


def _period(
    options: dict[str, Any], side: str, zone: str, now: datetime
) -> tuple[datetime | None, datetime | None, list[str]]:
    """From when to when a side goes, and how it was asked for."""
    given = {p: options[f"{side}_{p}"] for p in _PERIOD}
    filters = [f"--{side}-{p} {v}" for p, v in given.items() if v]
    try:
        if given["date"]:
            if given["since"] or given["until"]:
                raise Refused(f"--{side}-date is a whole day; leave out the others", Exit.USAGE)
            return *zones.day(given["date"], zone, now), filters
        since, until = (
            zones.moment(given[p], zone, now) if given[p] else None for p in ("since", "until")
        )
    except ValueError as error:
        raise Refused(str(error), Exit.USAGE) from error
    return since, until, filters


def _counted(
    inputs: Inputs,
    options: dict[str, Any],
    selection: Selection,
    rules: Rules,
    name: str,
    warn: Warn,
) -> tuple[Counted, Exit]:
    """One side, and whether all of it could be read."""
    notes: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    if inputs.summaries:
        refuse_selection(options)
        parts = [_summary(group, selection, rules) for group in groups(inputs, None)]
        fleet = together(inputs.summaries, parts, _SECTIONS)
        counted, notes, filters = fleet.summary, fleet.notes, fleet.filters
        inputs.stored += fleet.sources
        inputs.problems += fleet.problems
    else:
        counted = _summary(inputs, selection, rules)
    summary = finish(counted)
    for source in inputs.sources:
        if source.problem is not None:
            warn(f"{source.name}: {source.problem}")
    known = pl.col("fate").is_in(["parsed", "ignored"]) & pl.col("mta").is_not_null()
    if not summary.tables["lines"].filter(known)["n"].sum():
        raise Refused(f"{name}: nothing in it was recognised as a mail log", Exit.NOT_MAIL)
    broken = inputs.problems or any(s.problem for s in inputs.sources)
    side = Counted(
        summary,
        tuple(inputs.sources),
        filters,
        selection.since,
        selection.until,
        (*inputs.problems, *inputs.notes, *notes),
    )
    return side, Exit.INPUT if broken else Exit.DONE


def _summary(inputs: Inputs, selection: Selection, rules: Rules) -> Summary:
    chosen = replace(_SECTIONS, hosts=inputs.hosts) if len(inputs.hosts) > 1 else _SECTIONS
    return summarise_tasks(inputs.tasks, selection, rules=rules, chosen=chosen)


def _of_history(
    path: str, since: datetime | None, until: datetime | None, filters: Sequence[str]
) -> Counted:
    """A period of a history. Raises Refused where it cannot be read or has nothing of then."""
    from .history.period import lines_of, load
    from .history.store import open_store

    store = open_store(Path(path), write=False)
    try:
        summary, notes = load(store, since, until)
    finally:
        store.close()
    sources = [Source(name, lines=lines) for name, lines in lines_of(summary)]
    if not sources:
        raise Refused(f"{path}: holds nothing of {' '.join(filters)}", Exit.INPUT)
    return Counted(summary, tuple(sources), tuple(filters), since, until, tuple(notes))


def _refuse_lines(options: dict[str, Any]) -> None:
    """Raise Refused for a selection of lines, of which a history holds counts only."""
    if any(options[k] for k in ("hosts", "mtas", "directions", "codes", "domains")):
        raise Refused(
            "--history: it holds counts and no lines, so only --tz and periods apply", Exit.USAGE
        )


def _rules(options: dict[str, Any]) -> Rules:
    if not options["user"]:
        return ()
    from .knowledge.rules_check import load

    return tuple(load(options["user"]))


def anonymize_diff(diff: model.Diff, names: Pseudonyms) -> model.Diff:
    """The comparison with pseudonyms in place of hosts; names of input files stay."""
    providers = {scope.name for scope, _ in reply_rules.scopes()} | {""}

    def change(row: model.Change) -> model.Change:
        return row if row.place in providers else replace(row, place=names.host(row.place))

    def text(filter_: str) -> str:
        option, _, value = filter_.partition(" ")
        return f"{option} {names.host(value)}" if option in ("--host", "--domain") else filter_

    def side(one: model.Side) -> model.Side:
        return replace(
            one,
            hosts=tuple(map(names.host, one.hosts)),
            filters=tuple(map(text, one.filters)),
        )

    return replace(
        diff,
        a=side(diff.a),
        b=side(diff.b),
        codes=tuple(map(change, diff.codes)),
        findings=tuple(map(change, diff.findings)),
        providers=tuple(map(change, diff.providers)),
    )
