"""What `smtplens history` does: tells, prunes, exports and merges."""

import json
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from analyzer import zones
from analyzer.exits import Exit, Refused

from .blobs import table
from .cursor import akin
from .period import chosen_of, hourly, zone_of
from .retention import Retention
from .store import HOURS, MOST, TABLES, Store, refusing
from .tidy import tidy


def info(store: Store, form: str) -> str:
    """What the history holds."""
    parts = store.parts()
    days = sorted({p.day for p in parts} - {""})
    kept = {
        tier: [p.day for p in parts if p.kept == tier and p.strand == TABLES]
        for tier in (MOST, HOURS)
    }
    told: dict[str, Any] = {
        "file": str(store.path),
        "bytes": store.path.stat().st_size,
        "layout": store.version(),
        "timezone": zone_of(store),
        "sections": list(chosen_of(store).names),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "days": len(days),
        "lines": sum(p.lines for p in parts),
        "not_reported": sum(p.lines for p in parts if not p.reported),
        "no_names_until": max(kept[HOURS], default=None),
        "fewer_names_until": max(kept[MOST], default=None),
        "merged_from": len({p.origin for p in parts} - {""}),
        "logs": [
            {"name": c.name, "bytes": c.offset, "lines": c.lines, "last_day": c.day or None}
            for c in store.cursors()
        ],
    }
    if form == "json":
        return json.dumps({"schema_version": 1, **told}, indent=2, ensure_ascii=False) + "\n"
    logs = told.pop("logs")
    lines = [f"{n.replace('_', ' '):18}{_shown(v)}" for n, v in told.items()]
    lines += [
        f"{'log':18}{e['name']} ({e['lines']} lines, to {e['last_day'] or '?'})" for e in logs
    ]
    return "".join(line + "\n" for line in lines)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)


def prune(store: Store, retention: Retention, now: datetime, lifetime: int) -> None:
    """Let go what is older than it is kept, and give the room back."""
    tidy(store, retention, now, lifetime)
    with refusing(store.path):
        store.connection.execute("VACUUM")


def export(store: Store, name: str, form: str, options: dict[str, Any], now: datetime) -> bytes:
    """One table of the history as csv, ndjson or parquet."""
    shape = table(name)
    if shape is None:
        raise Refused(f"--table {name}: there is no table of that name", Exit.USAGE)
    zone = zone_of(store)
    try:
        since = zones.moment(options["since"], zone, now) if options["since"] else None
        until = zones.moment(options["until"], zone, now) if options["until"] else None
    except ValueError as error:
        raise Refused(str(error), Exit.USAGE) from error
    frame = hourly(store, [name], since, until)[name]
    frame = frame.sort(list(shape.keys), nulls_last=True)
    stream = BytesIO()
    if form == "parquet":
        frame.write_parquet(stream)
    elif form == "csv":
        texts = [n for n, t in frame.schema.items() if t == pl.String]
        # What a spreadsheet would take for a formula is text.
        safe = pl.col(texts).str.replace(r"^([=+\-@\t\r])", "'$1")
        frame.with_columns(safe).write_csv(stream)
    else:
        frame.write_ndjson(stream)
    return stream.getvalue()


def merge_from(store: Store, others: Sequence[Path], open_other: Any) -> list[str]:
    """Take over what other histories hold, in place of what was taken from them before.

    Nothing is taken where a log would count twice.
    """
    told: list[str] = []
    for path in others:
        other: Store = open_other(path)
        try:
            told.append(_merge_one(store, other))
        finally:
            other.close()
    return told


def _merge_one(store: Store, other: Store) -> str:
    origin = other.get("id") or ""
    if not origin or origin == store.get("id"):
        raise Refused(f"{other.path} is this same history, or a copy of it", Exit.USAGE)
    if zone_of(other) != zone_of(store):
        raise Refused(
            f"{other.path}: its days begin in {zone_of(other)}, those of {store.path} in"
            f" {zone_of(store)}",
            Exit.USAGE,
        )
    mine = [c for c in store.cursors() if c.origin != origin]
    for cursor in other.cursors():
        if any(akin(cursor.head, c) for c in mine):
            raise Refused(
                f"{other.path}: {cursor.name} is in both and would count twice", Exit.USAGE
            )
    if foreign := {p.origin for p in other.parts()} - {""}:
        known = {p.origin for p in store.parts()} | {store.get("id")}
        if foreign & known:
            raise Refused(f"{other.path}: it holds what this one holds already", Exit.USAGE)
    lines = 0
    with store.change():
        store.drop_parts(p.id for p in store.parts() if p.origin == origin)
        store.drop_cursors(c.id for c in store.cursors() if c.origin == origin)
        strands = {TABLES: TABLES}
        for cursor in other.cursors():
            values = {n: getattr(cursor, n) for n in cursor.__slots__}
            new = type(cursor)(**{**values, "id": 0, "device": 0, "inode": 0, "origin": origin})
            strands[cursor.id] = store.put_cursor(new)
        for part in other.parts():
            strand = strands.setdefault(part.strand, -2 - len(strands))
            lines += part.lines
            store.add_part(
                part.day, strand, part.first, part.lines, other.blobs(part.id),
                reported=True, kept=part.kept, origin=origin,
            )  # fmt: skip
    return f"{other.path}: {lines} lines"
