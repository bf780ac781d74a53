"""Header styles: what stands before the MTA's own text, one row of a table per style.

Each line is given to the first style whose pattern takes it. Patterns are anchored and end
at the program's tag, so nothing in the message can choose host, tag or time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from .clock import Clock, iso_times, rfc3164_times
from .event import TIME
from .journal import journal_columns, journal_times

_HOST = r"(?<host>[!-~]+)"
# A tag ends at its pid or colon (RFC 3164 4.1.3); real ones hold slashes, dots and hyphens.
_TAG_CHARS = r"[!-9;-Z\\^-~]{1,80}"
_TAG = rf"(?:(?<tag>{_TAG_CHARS})(?:\[(?<pid>[0-9]{{1,10}})\])?: ?)?"
_FACILITY = (
    r"(?:(?:kern|user|mail|daemon|auth|authpriv|syslog|lpr|news|uucp|cron|ftp|local[0-7])"
    r"\.(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug))"
)
_BSD_STAMP = r"(?<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2})"
_ISO_STAMP = (
    r"(?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_MESSAGE = r"(?<message>(?s:.*))$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One header style."""

    name: str
    pattern: str = ""
    columns: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    """Instead of a pattern: adds stamp (null where not of this style), host, tag, pid, message."""
    times: Callable[[pl.Series, Clock], pl.Series]
    has_year: bool = True
    tag: str | None = None
    """The tag of every line of a style that prints none."""
    short: bool = False
    """Its stamps have one width throughout a log, and `host tag[pid]: ` follows."""
    stamp: str = ""
    """Regular expression of its stamps."""


STYLES: tuple[Style, ...] = (
    Style(
        name="rfc3164",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_BSD_STAMP} (?:<{_FACILITY}> )?{_HOST} "
        rf"(?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=rfc3164_times,
        has_year=False,
        short=True,
        stamp=_BSD_STAMP,
    ),
    Style(
        name="iso",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_ISO_STAMP} {_HOST} (?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=iso_times,
        short=True,
        stamp=_ISO_STAMP,
    ),
    Style(
        name="rfc5424",
        pattern=rf"^<[0-9]{{1,3}}>[1-9][0-9]? {_ISO_STAMP} {_HOST} (?<tag>[!-~]+) "
        r"(?:(?<pid>[0-9]{1,10})|[!-~]+) [!-~]+ "
        r'(?:-|(?:\[[^ \]="]+(?: [^ \]="]+="(?:[^"\\]|\\.)*")*\])+)(?: {1,2}\x{FEFF}?|$)'
        + _MESSAGE,
        times=iso_times,
    ),
    Style(
        name="exim",
        pattern=r"^(?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
        rf"(?: [+-][0-9]{{4}})?) (?:\[(?<pid>[0-9]{{1,10}})\] )?{_MESSAGE}",
        times=iso_times,
        tag="exim",
    ),
    Style(
        name="journal-full",  # journalctl -o short-full; of the zone's name only UTC is certain
        pattern=r"^[A-Z][a-z]{2} (?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
        rf"(?:\.[0-9]{{1,9}})?(?: UTC)?)(?: [A-Z]{{2,5}}| [+-][0-9]{{2,4}})? {_HOST} {_TAG}{_MESSAGE}",
        times=iso_times,
    ),
    Style(name="journal-json", columns=journal_columns, times=journal_times),
)

# What a container's log viewer puts before each line: `mail-1  | `, or a stamp of its own.
_VIEWER = (
    r"^(?:\x1b\[[0-9;]{0,8}m)?[A-Za-z0-9][A-Za-z0-9_.-]{0,63} +\|(?:\x1b\[[0-9;]{0,8}m)? ",
    rf"^{_ISO_STAMP.replace('?<stamp>', '?:')} ({_BSD_STAMP.replace('?<stamp>', '?:')} |{_ISO_STAMP.replace('?<stamp>', '?:')} )",
)
# Solaris syslogd's message id (syslog.conf(5) there).
_MESSAGE_ID = r"^\[ID [0-9]{1,10} [a-z0-9]+\.[a-z]+\] "

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
        line = pl.col("line").str.replace(_VIEWER[0], "").str.replace(_VIEWER[1], "$1")
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
        whole = whole.with_columns(pl.col("message").str.replace(_MESSAGE_ID, ""))
    return Headers(whole, origins)


def _by_pattern(
    left: pl.DataFrame, style: Style, clock: Clock, known: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Lines of one style by its pattern: taken, left, new origins."""
    none = pl.DataFrame(schema=LINE_SCHEMA), pl.DataFrame(schema=ORIGIN_SCHEMA)
    groups = _groups(left, style)
    hit = groups["stamp"].is_not_null()
    if not hit.any():
        return none[0], left, none[1]
    hits = groups.filter(hit)
    stamps = hits.get_column("stamp").unique()
    times = pl.DataFrame({"stamp": stamps, "time": style.times(stamps, clock)})
    hits = hits.join(times, on="stamp", how="left", maintain_order="left")
    if style.tag is not None:
        hits = hits.with_columns(pl.lit(style.tag).alias("tag"))
    named = [n for n in ("host", "tag", "pid") if n in hits.columns]
    found = hits.select(named).unique(maintain_order=True).with_row_index("origin", known)
    if not named:
        found = pl.DataFrame({"origin": [known]})
        hits = hits.with_columns(pl.lit(known).alias("origin"))
    else:
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
_ORIGIN = (
    rf"^ (?:<{_FACILITY}> )?{_HOST} (?:{_FACILITY} )?(?<tag>{_TAG_CHARS})\[(?<pid>[0-9]{{1,10}})$"
)


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
    # Offsets of `find` are bytes, so is what is cut by them.
    end = pl.col("end")
    ends = left.with_columns(
        pl.col("line").str.head(width).alias("stamp"),
        pl.col("line").str.find("]: ", literal=True).alias("end"),
    )
    # A stamp of as many bytes as characters: nothing is cut in the middle of one.
    plain = (pl.col("stamp").str.len_bytes() == width) & (end >= width)
    raw = pl.when(plain).then(pl.col("line")).cast(pl.Binary)
    parts = ends.select(
        "row",
        "stamp",
        raw.bin.slice(width, end - width).cast(pl.String).alias("head"),
        raw.bin.slice(end + 3).cast(pl.String).alias("message"),
    )
    # Stamps stand in long runs and origins are few: each is read once.
    stamps = parts.get_column("stamp")
    runs, which = _numbered(stamps.rle().struct.field("value"))
    # What reads times is more lenient than the style.
    spelled = runs.str.contains(f"^{style.stamp}$")
    known_times = style.times(runs, clock).zip_with(spelled, pl.Series([None], dtype=TIME))
    times = known_times.gather(which.gather(stamps.rle_id()))
    names, number = _numbered(parts.get_column("head").fill_null(""))
    found = names.str.extract_groups(_ORIGIN).struct.unnest()
    found = found.with_row_index("origin", known)
    taken = pl.DataFrame(
        {
            "row": parts.get_column("row"),
            "origin": number.cast(pl.UInt32) + known,
            "time": times,
            "message": parts.get_column("message"),
        }
    )
    good = (
        found.get_column("tag").is_not_null().gather(number)
        & taken.get_column("message").is_not_null()
        & times.is_not_null()
    )
    if good.all():
        return taken, left.clear(), _origins(found, style)
    return taken.filter(good), left.filter(~good), _origins(found, style)


def _numbered(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts, and for each text the number of it among them."""
    distinct = texts.unique()
    return distinct, texts.cast(pl.Enum(distinct)).to_physical()
