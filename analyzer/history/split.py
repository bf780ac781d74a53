"""A parsed chunk cut by the day of its lines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from parsers.parse import Chunk, Parsed


class DayOfChunk(NamedTuple):
    """A chunk's lines of one day."""

    day: str | None
    """ISO date in the history's zone; None before the chunk's first dated line."""
    parsed: Parsed
    chunk: Chunk
    rows: pl.Series | None
    """Where the lines stood in the whole chunk; None where these are all."""
    first: int | None
    """Time of the first dated line, microseconds since 1970."""


def by_day(parsed: Parsed, chunk: Chunk, zone: str, skip: int = 0) -> Iterator[DayOfChunk]:
    """A chunk's days; the first `skip` lines are of an earlier chunk and only explain this one.

    A line without a date counts to the day of the line before it.
    """
    times = parsed.lines.get_column("time")
    kept = times.slice(skip)
    if kept.is_empty():
        return
    first, last = kept.min(), kept.max()
    one = isinstance(first, datetime) and isinstance(last, datetime)
    if one and kept[0] is not None and _day(first, zone) == _day(last, zone) and not skip:
        yield DayOfChunk(str(_day(first, zone)), parsed, chunk, None, _micros(first))
        return
    dates = times.dt.convert_time_zone(zone).dt.date().forward_fill()
    rows = pl.DataFrame({"day": dates, "time": times}).with_row_index("row").slice(skip)
    for (day,), part in rows.group_by("day", maintain_order=True):
        mine = part.get_column("row")
        taken, lines = _pick(parsed, chunk, mine)
        yield DayOfChunk(
            str(day) if isinstance(day, date) else None,
            taken,
            lines,
            mine,
            _micros(part.get_column("time").min()),
        )


def last_day(parts: list[DayOfChunk]) -> str | None:
    """The day of a chunk's last line."""
    ends = [(p.chunk.lines.len() if p.rows is None else p.rows[-1], p.day) for p in parts]
    return max(ends, default=(0, None), key=lambda end: end[0])[1]


def _day(moment: object, zone: str) -> date | None:
    return moment.astimezone(ZoneInfo(zone)).date() if isinstance(moment, datetime) else None


_START = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: object) -> int | None:
    if not isinstance(moment, datetime):
        return None
    since = moment - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _pick(parsed: Parsed, chunk: Chunk, rows: pl.Series) -> tuple[Parsed, Chunk]:
    """These rows of a chunk as a chunk of their own, numbered anew."""
    height = parsed.lines.height
    if rows.len() == height:
        return parsed, chunk
    new = pl.DataFrame({"row": rows}).with_row_index("new")
    place = (
        pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
        .join(new, on="row", how="left", maintain_order="left")
        .get_column("new")
    )

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        moved = frame.with_columns(place.gather(frame.get_column("row")).alias("row"))
        return moved.filter(pl.col("row").is_not_null())

    verdicts = (
        v._replace(rows=place.gather(v.rows).drop_nulls().alias(v.rows.name))
        for v in parsed.verdicts
    )
    taken = replace(
        parsed,
        lines=renumbered(parsed.lines),
        events=renumbered(parsed.events),
        verdicts=tuple(v for v in verdicts if v.rows.len()),
    )
    return taken, replace(chunk, lines=chunk.lines.gather(rows), first_line=1)
