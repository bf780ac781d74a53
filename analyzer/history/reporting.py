"""The history's periods as reports."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from analyzer import zones
from analyzer.exits import Exit, Refused
from analyzer.pipeline import Rules
from analyzer.run import Warn, report_of, rules_of, spikes_asked
from analyzer.sections.spikes import MINUTES, WHO
from analyzer.selection import Selection
from analyzer.spikes.report import Asked, find_spikes
from analyzer.summary import Summary, finish
from analyzer.tables import Tables
from parsers.lines import Source
from reports.model import Report

from .changes import changes_before, wants_changes
from .period import (
    added_up,
    chosen_of,
    fresh,
    hourly,
    lines_of,
    load,
    side_by_side,
    together,
    zone_of,
)
from .place import history_file
from .running import Due, Run
from .store import Store, open_store

SPIKE_TABLES = ("replies", "flow_messages", "sources", "activity", MINUTES, WHO)
_RECENT = 2
"""Days whose messages are put together for the spikes; of all others the tables are enough."""
_REFUSED = (
    "hosts",
    "mtas",
    "directions",
    "codes",
    "domains",
    "unrecognised",
    "summary_out",
    "year",
)


def report_due(run: Run, due: Due, options: dict[str, Any]) -> Report:
    """What `cron` reports."""
    since = due.since
    if due.parts:
        summary, parts = fresh(run.store)
        said = "What was read since the last report."
        notes = [said, *run.problems, *run.notes]
        first = min((p.first for p in parts if p.first is not None), default=None)
        since = None if first is None else datetime.fromtimestamp(first / 1e6, ZoneInfo(run.zone))
    else:
        summary, kept = load(run.store, since, due.until)
        notes = [f"{_named(due, run.zone)}, from the history.", *kept, *run.problems, *run.notes]
    report = report_of(summary, _sources(summary), options, zone=run.zone, notes=notes)
    if wants_changes(options):
        report = _with_changes(report, run, since, due.until, rules_of(options))
    asked = spikes_asked(options, Selection(until=due.until))
    if asked is None:
        return report
    asked = replace(asked, tested=since)
    return _with_spikes(report, run.store, asked, options, run.zone)


def _with_changes(
    report: Report, run: Run, since: datetime | None, until: datetime | None, rules: Rules
) -> Report:
    until = until or report.end
    if since is None or until is None or since >= until:
        return report
    changes = changes_before(run.store, since, until, run.zone, rules)
    if changes is None:
        note = "The history holds nothing of the period before to compare with."
    else:
        note = f"Against the period before: {'; '.join(changes) or 'no change that is told'}."
    return replace(report, changes=changes, notes=(*report.notes, note))


def read_history(
    options: dict[str, Any], logs: Sequence[str], now: datetime, warn: Warn
) -> tuple[Report, Exit]:
    """What `report --history` and `spikes --history` read, and how the run ends."""
    whole = bool(options.get("whole_log"))
    if logs:
        raise Refused("--history or logs, not both", Exit.USAGE)
    for name in _REFUSED:
        if options.get(name) and not (whole and name in ("hosts", "codes")):
            word = name.removesuffix("s").replace("_", "-")
            raise Refused(f"--{word}: the history keeps no single lines to select", Exit.USAGE)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    named = None if options["history"] == DEFAULT else options["history"]
    store = open_store(history_file(named, os.environ, root=root), write=False)
    try:
        return _read(store, options, now), Exit.DONE
    finally:
        store.close()


DEFAULT = "default"
"""Names the history that `cron` keeps where it is told nothing."""


def _read(store: Store, options: dict[str, Any], now: datetime) -> Report:
    zone = options.get("tz") or zone_of(store)
    if not zones.is_zone(zone):
        raise Refused(f"--tz {zone}: no such zone; try Europe/Berlin or UTC", Exit.USAGE)
    try:
        since = zones.moment(options["since"], zone, now) if options["since"] else None
        until = zones.moment(options["until"], zone, now) if options["until"] else None
        if options["day"]:
            since, until = zones.day(options["day"], zone, now)
    except ValueError as error:
        raise Refused(str(error), Exit.USAGE) from error
    asked = spikes_asked(
        options, Selection(since=since, until=until, hosts=options.get("hosts") or ())
    )
    tables: Tables | None = None
    if options.get("whole_log"):
        chosen = chosen_of(store)
        notes: list[str] = []
        by_name = options.get("by") in (None, "cause", "provider")
        tables = _spike_tables(store, until, since if by_name else None)
        summary = Summary(tables=tables, chosen=chosen)
    else:
        summary, notes = load(store, since, until)
    filters = [
        f"--{n} {m.isoformat(' ')}"
        for n, m in (("since", since), ("until", until))
        if m is not None
    ]
    report = report_of(
        summary, _sources(summary), options, zone=zone, notes=["From the history.", *notes],
        filters=filters,
    )  # fmt: skip
    if asked is None:
        return report
    asked = replace(asked, since=None, tested=since)
    return _with_spikes(report, store, asked, options, zone, tables)


def _with_spikes(
    report: Report,
    store: Store,
    asked: Asked,
    options: dict[str, Any],
    zone: str,
    tables: Tables | None = None,
) -> Report:
    """The report with the spikes of its period, compared with all that was before."""
    if tables is None:
        tables = _spike_tables(store, asked.until, asked.tested)
    if asked.hosts:
        tables = {n: _of_hosts(t, asked.hosts) for n, t in tables.items()}
    lang = options.get("lang") or "en"
    found = find_spikes(tables, zone, asked, lang=lang, rules=rules_of(options))
    return replace(report, spikes=found.spikes, spikes_state=found.state)


def _of_hosts(table: pl.DataFrame, hosts: Sequence[str]) -> pl.DataFrame:
    return table.filter(pl.col("host").is_in(list(hosts))) if "host" in table.columns else table


def _spike_tables(store: Store, until: datetime | None, named: datetime | None = None) -> Tables:
    """What spikes are looked for in, up to `until`; who was behind them only from `named` on."""
    parts = [p for p in store.parts() if p.day]
    days = sorted({p.day for p in parts})
    if not days:
        return hourly(store, SPIKE_TABLES)
    first = datetime.fromisoformat(days[-1]) - timedelta(days=_RECENT - 1)
    first = first.replace(tzinfo=ZoneInfo(zone_of(store)))
    end = first if until is None else min(first, until)
    small = [n for n in SPIKE_TABLES if n != WHO]
    sets = [
        hourly(store, small, None, end, added=False),
        hourly(store, [WHO], named, end, added=False),
    ]
    if until is None or until > first:
        recent = [p for p in parts if p.day >= str(first.date())]
        sets.append(finish(together(store, recent, chosen_of(store), SPIKE_TABLES)).tables)
    return added_up(side_by_side(sets))


def _sources(summary: Summary) -> list[Source]:
    return [Source(name, lines=n) for name, n in lines_of(summary)]


def _named(due: Due, zone: str) -> str:
    first = due.since.astimezone(ZoneInfo(zone)).date() if due.since else ""
    return f"The day {first}" if str(first) == due.last else f"The days {first} to {due.last}"
