"""Lines to where and when they come from, and the program's own text.

Each line is given to the first style (styles.py) whose pattern takes it; in logs whose lines
begin alike most of them go a shorter way to the same result.
"""

from typing import NamedTuple

import polars as pl

from .clock import Clock
from .event import TIME
from .styles import MESSAGE_ID, ORIGIN, STYLES, VIEWER, Style

LINE_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.UInt32(),
    "origin": pl.UInt32(),
    "time": TIME,
    "message": pl.String(),
}
ORIGIN_SCHEMA: dict[str, pl.DataType] = {
    "origin": pl.UInt32(),
    "style": pl.Enum([s.name for s in STYLES]),
    "host": pl.String(),
    "tag": pl.String(),
    "pid": pl.Int64(),
}
NO_STYLE = 0
"""The origin of lines that no style takes."""


class Headers(NamedTuple):
    """Headers taken apart: a row per line, and a row per distinct origin of lines."""

    lines: pl.DataFrame
    """LINE_SCHEMA, in the order of the lines."""
    origins: pl.DataFrame
    """ORIGIN_SCHEMA; `origin` is the row's own number."""


def read_headers(lines: pl.Series, clock: Clock) -> Headers:
    """Split each line into where and when it comes from and the program's own text."""
    left = pl.DataFrame(
        {"row": pl.int_range(lines.len(), dtype=pl.UInt32, eager=True), "line": lines}
    )
    origins = pl.DataFrame(schema=ORIGIN_SCHEMA).vstack(
        pl.DataFrame([[NO_STYLE, None, None, None, None]], schema=ORIGIN_SCHEMA, orient="row")
    )
    done: list[pl.DataFrame] = []
    for width, style in _common_stamps(lines):
        if left.is_empty():
            break
        taken, left, found = _same_stamp(left, style, width, clock, origins.height)
        origins = origins.vstack(found)
        done.append(taken)
    if not left.is_empty():
        line = pl.col("line").str.replace(VIEWER[0], "").str.replace(VIEWER[1], "$1")
        left = left.with_columns(line)
    for style in STYLES:
        if left.is_empty():
            break
        taken, left, found = _by_pattern(left, style, clock, origins.height)
        origins = origins.vstack(found)
        done.append(taken)
    if not left.is_empty():
        done.append(
            left.select(
                "row",
                pl.lit(NO_STYLE, dtype=pl.UInt32).alias("origin"),
                pl.lit(None, dtype=TIME).alias("time"),
                pl.col("line").alias("message"),
            )
        )
    done = [d for d in done if not d.is_empty()]
    if not done:
        return Headers(pl.DataFrame(schema=LINE_SCHEMA), origins)
    whole = done[0] if len(done) == 1 else pl.concat(done).sort("row")
    if whole.get_column("message").str.starts_with("[ID ").any():
        whole = whole.with_columns(pl.col("message").str.replace(MESSAGE_ID, ""))
    return Headers(whole, origins)


def _by_pattern(
    left: pl.DataFrame, style: Style, clock: Clock, known: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Lines of one style by its pattern: taken, left, new origins."""
    groups = _groups(left, style)
    hit = groups["stamp"].is_not_null()
    if not hit.any():
        return pl.DataFrame(schema=LINE_SCHEMA), left, pl.DataFrame(schema=ORIGIN_SCHEMA)
    hits = groups.filter(hit)
    stamps = hits.get_column("stamp").unique()
    times = pl.DataFrame({"stamp": stamps, "time": style.times(stamps, clock)})
    hits = hits.join(times, on="stamp", how="left", maintain_order="left")
    if style.tag is not None:
        hits = hits.with_columns(pl.lit(style.tag).alias("tag"))
    named = [n for n in ("host", "tag", "pid") if n in hits.columns]
    found = hits.select(named).unique(maintain_order=True).with_row_index("origin", known)
    hits = hits.join(found, on=named, how="left", nulls_equal=True, maintain_order="left")
    return hits.select(_cast(LINE_SCHEMA)), left.filter(~hit), _origins(found, style)


def _groups(lines: pl.DataFrame, style: Style) -> pl.DataFrame:
    if style.columns is not None:
        return style.columns(lines)
    return lines.with_columns(pl.col("line").str.extract_groups(style.pattern).alias("g")).unnest(
        "g"
    )


def _cast(schema: dict[str, pl.DataType]) -> list[pl.Expr]:
    return [pl.col(n).cast(t, strict=False) for n, t in schema.items()]


def _origins(found: pl.DataFrame, style: Style) -> pl.DataFrame:
    missing = [
        pl.lit(None, dtype=t).alias(n) for n, t in ORIGIN_SCHEMA.items() if n not in found.columns
    ]
    return (
        found.with_columns(missing)
        .with_columns(pl.lit(style.name).alias("style"))
        .select(_cast(ORIGIN_SCHEMA))
    )


# The short way, for logs whose lines begin alike: a stamp of fixed width, then `host tag[pid]: `.
# It takes a line only where the style's pattern finds the same; all others go the long way.
_SAMPLE = 64


def _common_stamps(lines: pl.Series) -> list[tuple[int, Style]]:
    """Widths and styles of the stamps in a sample of lines, commonest first."""
    if lines.len() < _SAMPLE:
        return []
    sample = lines.gather_every(max(1, lines.len() // _SAMPLE)).to_frame("line")
    found: list[tuple[int, int, Style]] = []
    for style in STYLES:
        if not style.short:
            continue
        groups = _groups(sample, style).filter(
            pl.col("pid").is_not_null() & pl.col("line").str.starts_with(pl.col("stamp"))
        )
        widths = groups.select(pl.col("stamp").str.len_bytes().alias("width")).to_series()
        for width, count in widths.value_counts(sort=True).head(2).iter_rows():
            found.append((-count, width, style))
    return [(width, style) for _, width, style in sorted(found, key=lambda f: f[:2])]


def _same_stamp(
    left: pl.DataFrame, style: Style, width: int, clock: Clock, known: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Lines that begin with a stamp of `width` and name tag and pid: taken, left, new origins."""
    # Offsets of `find` are bytes, so is what is cut by them: nothing may be cut in the middle
    # of a character. Lines without a tag and pid after the stamp are left.
    ends = left.with_columns(
        pl.col("line").str.head(width).alias("stamp"),
        pl.col("line").str.find("]: ", literal=True).alias("end"),
    )
    runs, which = _numbered(ends.get_column("stamp").rle().struct.field("value"))
    end = ends.get_column("end")
    if end.has_nulls() or bool((runs.str.len_bytes() != width).any()) or bool((end < width).any()):
        plain = (pl.col("stamp").str.len_bytes() == width) & (pl.col("end") >= width)
        whole = ends.filter(plain).select("row", "line")
        other = ends.filter(~plain.fill_null(False)).select("row", "line")
        if whole.is_empty():
            return pl.DataFrame(schema=LINE_SCHEMA), left, pl.DataFrame(schema=ORIGIN_SCHEMA)
        taken, rest, found = _same_stamp(whole, style, width, clock, known)
        return taken, pl.concat([rest, other]).sort("row"), found
    raw = pl.col("line").cast(pl.Binary)
    parts = ends.select(
        raw.bin.slice(width, pl.col("end") - width).cast(pl.String).alias("head"),
        raw.bin.slice(pl.col("end") + 3).cast(pl.String).alias("message"),
    )
    # Stamps stand in long runs and origins are few: each is read once. What reads times is
    # more lenient than the style.
    spelled = runs.str.contains(f"^{style.stamp}$")
    known_times = style.times(runs, clock).zip_with(spelled, pl.Series([None], dtype=TIME))
    times = known_times.gather(which).gather(ends.get_column("stamp").rle_id())
    names, number = _numbered(parts.get_column("head"))
    found = names.str.extract_groups(ORIGIN).struct.unnest()
    found = found.with_row_index("origin", known)
    taken = pl.DataFrame(
        {
            "row": ends.get_column("row"),
            "origin": number.cast(pl.UInt32) + known,
            "time": times,
            "message": parts.get_column("message"),
        }
    )
    named = found.get_column("tag").is_not_null()
    if named.all() and not times.has_nulls():
        return taken, left.clear(), _origins(found, style)
    good = named.gather(number) & times.is_not_null()
    return taken.filter(good), left.filter(~good), _origins(found, style)


def _numbered(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts, and for each text the number of it among them."""
    distinct = texts.unique()
    return distinct, texts.cast(pl.Enum(distinct)).to_physical()
