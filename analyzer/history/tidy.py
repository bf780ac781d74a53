"""Many parts made one, and old ones let go."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from analyzer.sections import Chosen, section_tables
from analyzer.summary import TABLES as STANDARD_TABLES
from analyzer.summary import Summary, earliest, finish, merge, merge_tables
from analyzer.tables import Table

from .blobs import packed, table, travelling, unpacked
from .period import UNDATED, chosen_of, in_order, together, zone_of
from .retention import Retention, is_hours, is_minutes, most_frequent
from .store import EVERYTHING, FEW, HOURS, MOST, ONWARD, TABLES, Part, Store

_PARTS = 24
"""Parts of the newest day that are left as they are."""
LIFETIME = 10
"""Days after which a message that never ended is counted as what it is: longer than queues keep
mail (Postfix and Sendmail 5 days, Exim 4, by default)."""
_LATE = 2
"""Days for which a day that is over keeps all its names, as the rest of it may be read late."""


def tidy(store: Store, retention: Retention, now: datetime, lifetime: int = LIFETIME) -> None:
    """Make many parts one, and let go what is older than it is kept."""
    parts = store.parts()
    days = sorted({p.day for p in parts} - {UNDATED})
    if not days:
        return
    # One line with a date far ahead must not end what is kept.
    newest = min(days[-1], str(now.astimezone(ZoneInfo(zone_of(store))).date()))
    oldest = _before(newest, retention.hours)
    _forget(store, oldest, _before(newest, retention.minutes))
    for day, group in groupby(parts, lambda p: p.day):
        of_day = [p for p in group if p.reported and not p.origin]
        new = sum(p.strand != TABLES and p.lines > 0 for p in of_day)
        if (day >= oldest or day == UNDATED) and (new > _PARTS or (new and day < newest)):
            _join(store, of_day)
    names = _before(newest, retention.names)
    if retention.top:
        _shorten(store, names, _before(newest, _LATE), retention.top)
    for origin in sorted({p.origin for p in parts}):
        _let_names_go(store, names, lifetime, origin)


def _before(day: str, days: int) -> str:
    """The first day that is kept when `days` are."""
    try:
        return str(date.fromisoformat(day) - timedelta(days=days - 1))
    except (OverflowError, ValueError):
        return "0001-01-01"


def _forget(store: Store, oldest: str, minutes: str) -> None:
    """Days that are too old, tables by the minute, and logs that are not there any more."""
    gone = [p.id for p in store.parts("0", oldest)]
    names = [n for n in {**STANDARD_TABLES, **section_tables()} if is_minutes(_shape(n))]
    paths = [path for path in store.seen() if not Path(path).exists()]
    still = {(s.device, s.inode) for s in store.seen().values() if s.path not in paths}
    old = [
        c.id
        for c in store.cursors()
        if UNDATED < c.day < oldest and (c.device, c.inode) not in still
    ]
    if not (gone or names or paths or old):
        return
    with store.change():
        store.drop_parts(gone)
        store.drop_seen(paths)
        store.drop_cursors(old)
        store.drop_blobs(names, minutes)


def _join(store: Store, parts: Sequence[Part]) -> None:
    """The parts of a day: one with its tables, and of each strand one with what travels."""
    chosen, day = chosen_of(store), parts[0].day
    strands: dict[int, list[Part]] = defaultdict(list)
    for part in in_order(parts):
        strands[part.strand].append(part)
    merged = {strand: together(store, own, chosen) for strand, own in strands.items()}
    whole = packed(_added_up(list(merged.values()), chosen), travel=False)
    with store.change():
        store.drop_parts(p.id for p in parts)
        lines = sum(p.lines for p in parts)
        store.add_part(day, TABLES, _begun(parts), lines, whole, reported=True)
        for strand, summary in merged.items():
            if blobs := packed(summary, tables=False):
                store.add_part(day, strand, _begun(strands[strand]), 0, blobs, reported=True)


def _begun(parts: Sequence[Part]) -> int | None:
    return min((p.first for p in parts if p.first is not None), default=None)


def _added_up(summaries: Sequence[Summary], chosen: Chosen) -> Summary:
    """Tables and examples alone."""
    return Summary(
        tables=merge_tables([s.tables for s in summaries]),
        examples=earliest(pl.concat(s.examples for s in summaries)),
        chosen=chosen,
    )


def _shorten(store: Store, since: str, until: str, top: int) -> None:
    """Keep the most frequent names of days that are over."""
    chosen = chosen_of(store)
    for part in store.parts(since, until):
        if part.strand != TABLES or part.kept != EVERYTHING:
            continue
        summary = unpacked(store.blobs(part.id), chosen)
        shapes = {n: _shape(n) for n in summary.tables}
        before = {n: t.height for n, t in summary.tables.items()}
        summary = replace(summary, tables=most_frequent(summary.tables, shapes, top))
        few = before == {n: t.height for n, t in summary.tables.items()}
        with store.change():
            _again(store, part, summary, FEW if few else MOST)


def _again(store: Store, part: Part, summary: Summary, kept: int) -> None:
    """A part of tables written anew; inside `change`."""
    store.drop_parts([part.id])
    blobs = packed(summary, travel=False)
    store.add_part(
        part.day, TABLES, part.first, part.lines, blobs, reported=True, kept=kept, origin=part.origin
    )  # fmt: skip


def _let_names_go(store: Store, until: str, lifetime: int, origin: str) -> None:
    """Keep only the hours of days before `until`.

    Messages that are not over at the end of such a day go on to the next one, and those that
    have not ended for `lifetime` days are counted as what they are.
    """
    parts = [p for p in store.parts("0", until) if p.reported and p.origin == origin]
    if not any(p.strand == TABLES and p.kept != HOURS for p in parts):
        return
    chosen = chosen_of(store)
    travels = Summary(chosen=chosen)
    begun: int | None = None
    with store.change():
        day = ""
        for day, group in groupby(in_order(parts), lambda p: p.day):
            of_day = list(group)
            tables = [p for p in of_day if p.strand == TABLES]
            if tables == of_day and tables[0].kept == HOURS and not _travels(travels):
                continue
            merged = merge([travels, together(store, of_day, chosen)])
            travels, ended = _over(merged, day, lifetime)
            hours = {
                n: t
                for n, t in merge_tables([merged.tables, ended.tables]).items()
                if is_hours(n, _shape(n))
            }
            store.drop_parts(p.id for p in of_day)
            begun = _begun(of_day)
            store.add_part(
                day, TABLES, begun, sum(p.lines for p in tables),
                packed(Summary(tables=hours, chosen=chosen), travel=False),
                reported=True, kept=HOURS, origin=origin,
            )  # fmt: skip
        if blobs := packed(travels, tables=False):
            store.add_part(day, ONWARD, begun, 0, blobs, reported=True, origin=origin)


def _travels(summary: Summary) -> bool:
    return any(getattr(summary, n).height for n in travelling())


def _over(summary: Summary, day: str, lifetime: int) -> tuple[Summary, Summary]:
    """What travels on, without tables; and the finished Summary of what does not any more."""
    limit = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=lifetime)
    on: dict[str, Any] = {}
    ended: dict[str, Any] = {}
    for name in travelling():
        frame: pl.DataFrame = getattr(summary, name)
        when = next((n for n in ("last", "time") if n in frame.columns), None)
        old = pl.lit(False) if when is None else (pl.col(when) < limit).fill_null(True)
        on[name], ended[name] = frame.filter(~old), frame.filter(old)
    empty = unpacked({}, summary.chosen)
    return replace(empty, **on), finish(replace(empty, **ended))


def _shape(name: str) -> Table:
    shape = table(name)
    if shape is None:
        raise KeyError(name)
    return shape
