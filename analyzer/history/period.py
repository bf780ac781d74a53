"""The history of a period as a Summary, and its hourly tables for whoever looks at many days."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import polars as pl

from analyzer.sections import Chosen
from analyzer.summary import Summary, finish, merge, merge_tables
from analyzer.tables import Tables
from parsers.event import TIME

from .blobs import tables_of, travelling_blobs, unpacked
from .store import HOURS, MOST, TABLES, Part, Store

_BATCH = 24
UNDATED = ""
"""The day of lines that no date can be given."""


def zone_of(store: Store) -> str:
    """The zone in which its days begin and end."""
    return store.get("zone") or "UTC"


def chosen_of(store: Store) -> Chosen:
    """The sections it is counted for."""
    return Chosen(tuple(n for n in (store.get("sections") or "").split(",") if n))


def in_order(parts: Iterable[Part]) -> Iterator[Part]:
    """Parts in the order of their lines: by day, a day's tables first, then strand by strand."""
    for _, group in groupby(sorted(parts, key=lambda p: p.day), key=lambda p: p.day):
        of_day = list(group)
        begun: dict[int, float] = {}
        for part in of_day:
            first = float("inf") if part.first is None else float(part.first)
            begun[part.strand] = min(first, begun.get(part.strand, float("inf")))
        yield from sorted(
            of_day, key=lambda p: (p.strand != TABLES, begun[p.strand], p.strand, p.id)
        )


def together(
    store: Store,
    parts: Iterable[Part],
    chosen: Chosen,
    names: Collection[str] | None = None,
) -> Summary:
    """One Summary of these parts; messages that are not over are still open in it.

    With `names` all but these tables are empty, as are the examples.
    """
    wanted = None if names is None else (*names, *travelling_blobs())
    whole = [Summary(chosen=chosen)]
    for part in in_order(parts):
        whole.append(unpacked(store.blobs(part.id, wanted), chosen))
        if len(whole) > _BATCH:
            whole = [merge(whole)]
    return unpacked({}, chosen) if len(whole) == 1 else merge(whole)


def load(store: Store, since: datetime | None, until: datetime | None) -> tuple[Summary, list[str]]:
    """The finished Summary of a period (`until` is excluded), and what has to be said of it.

    A period that ends between two days, in the history's zone, is cut by the hour in the tables
    that have one; of all others the whole day counts.
    """
    zone = zone_of(store)
    parts = store.parts(*_days(since, until, zone))
    summary = finish(together(store, parts, chosen_of(store)))
    notes = list(_kept_notes(parts))
    cut = [m for m in (since, until) if m is not None and not _midnight(m, zone)]
    if cut:
        named = " and ".join(f"{m.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for m in cut)
        notes.append(
            f"The history is kept by the day ({zone}): lines, names and examples are those of the"
            f" whole day at {named}; replies and mail flow are cut by the hour."
        )
        tables = {n: _cut(t, since, until) for n, t in summary.tables.items()}
        summary = replace(summary, tables=tables)
    return summary, notes


def fresh(store: Store) -> tuple[Summary, list[Part]]:
    """The finished Summary of what was not reported yet, and its parts."""
    parts = store.parts(fresh=True)
    return finish(together(store, parts, chosen_of(store))), parts


def hourly(
    store: Store,
    names: Collection[str],
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    added: bool = True,
) -> Tables:
    """These tables over many days; messages that are not over add nothing to them."""
    chosen = chosen_of(store)
    sets = [
        tables_of(blobs, chosen, names)
        for part in store.parts(*_days(since, until, zone_of(store)))
        if (blobs := store.blobs(part.id, names))
    ]
    found = side_by_side([Summary(chosen=chosen).tables, *sets])
    if added:
        found = added_up(found)
    return {n: _cut(found[n], since, until) for n in names if n in found}


def side_by_side(sets: Sequence[Tables]) -> Tables:
    """The rows of several sets of tables."""
    names = dict.fromkeys(n for tables in sets for n in tables)
    return {n: pl.concat([t[n] for t in sets if n in t], rechunk=False) for n in names}


def added_up(tables: Tables) -> Tables:
    """With one row of each key. For very many sets, put side by side: a query of hundreds of
    inputs takes longer to plan than to run."""
    return merge_tables([tables, {n: t.clear() for n, t in tables.items()}])


def lines_of(summary: Summary) -> list[tuple[str, int]]:
    """Logs with how many of their lines are in a Summary."""
    counted = summary.tables["lines"].group_by("file").agg(pl.col("n").sum()).sort("file")
    return [(str(name), int(n)) for name, n in counted.iter_rows()]


def _days(since: datetime | None, until: datetime | None, zone: str) -> tuple[str, str]:
    """The first day, and the one after the last, as the store wants them."""
    first = UNDATED if since is None else str(since.astimezone(ZoneInfo(zone)).date())
    if until is None:
        return first, "9999-99"
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
    return first, str(last + timedelta(days=1))


def _midnight(moment: datetime, zone: str) -> bool:
    local = moment.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0) == local


def _cut(table: pl.DataFrame, since: datetime | None, until: datetime | None) -> pl.DataFrame:
    """Rows whose hour or shorter stretch has begun in the period; first and last brought into it."""
    start = [n for n in ("hour", "bucket", "minute") if n in table.columns][:1]
    tests: list[pl.Expr] = []
    inside: list[pl.Expr] = []
    if since is not None:
        begin = since.astimezone(UTC)
        hour = begin.replace(minute=0, second=0, microsecond=0)
        tests += [pl.col(n) >= pl.lit(hour if n == "hour" else begin, TIME) for n in start]
        inside += [
            pl.max_horizontal(n, pl.lit(begin, TIME)).alias(n)
            for n in ("first", "last")
            if n in table.columns
        ]
    if until is not None:
        end = until.astimezone(UTC)
        tests += [pl.col(n) < pl.lit(end, TIME) for n in start]
        table = table.with_columns(inside)
        inside = [
            pl.min_horizontal(n, pl.lit(end, TIME)).alias(n)
            for n in ("first", "last")
            if n in table.columns
        ]
    table = table.with_columns(inside)
    return table.filter(tests) if tests else table


def _kept_notes(parts: Sequence[Part]) -> Iterator[str]:
    gone = sorted({p.day for p in parts if p.kept == HOURS and p.strand == TABLES and p.day})
    most = sorted({p.day for p in parts if p.kept == MOST and p.day})
    if gone:
        yield (
            f"Names (senders, recipients, clients, relays) and examples are not kept any more"
            f" up to {gone[-1]}."
        )
    if most:
        yield (
            f"Of names only the most frequent ones of each day are kept up to {most[-1]}; all"
            " others are together as (other)."
        )
