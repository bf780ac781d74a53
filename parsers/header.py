"""Header styles: what stands before the MTA's own text, one row of a table per style.

Each line is given to the first style whose pattern takes it. Patterns are anchored and end
at the program's tag, so nothing in the message can choose host, tag or time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from .clock import Clock, iso_times, rfc3164_times
from .event import TIME

_HOST = r"(?<host>[!-~]+)"
# A tag ends at its pid or colon (RFC 3164 4.1.3); real ones hold slashes, dots and hyphens.
_TAG = r"(?:(?<tag>[!-9;-Z\\^-~]{1,80})(?:\[(?<pid>[0-9]{1,10})\])?: ?)?"
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
    pattern: str
    times: Callable[[pl.Series, Clock], pl.Series]
    has_year: bool = True
    tag: str | None = None
    """The tag of every line of a style that prints none."""


STYLES: tuple[Style, ...] = (
    Style(
        name="rfc3164",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_BSD_STAMP} (?:<{_FACILITY}> )?{_HOST} "
        rf"(?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=rfc3164_times,
        has_year=False,
    ),
    Style(
        name="iso",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_ISO_STAMP} {_HOST} (?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=iso_times,
    ),
    Style(
        name="rfc5424",
        pattern=rf"^<[0-9]{{1,3}}>[1-9][0-9]? {_ISO_STAMP} {_HOST} (?<tag>[!-~]+) "
        r"(?:(?<pid>[0-9]{1,10})|[!-~]+) [!-~]+ "
        r'(?:-|(?:\[[^ \]="]+(?: [^ \]="]+="(?:[^"\\\]]|\\.)*")*\])+)(?: {1,2}\x{FEFF}?|$)'
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
)

HEADER_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.UInt32(),
    "style": pl.Enum([s.name for s in STYLES]),
    "time": TIME,
    "host": pl.String(),
    "tag": pl.String(),
    "pid": pl.Int64(),
    "message": pl.String(),
}


def read_headers(lines: pl.Series, clock: Clock) -> pl.DataFrame:
    """Columns of HEADER_SCHEMA for each line; `style` is null where no style takes the line."""
    left = pl.DataFrame({"row": pl.int_range(lines.len(), dtype=pl.UInt32, eager=True), "line": lines})
    done: list[pl.DataFrame] = []
    for style in STYLES:
        if left.is_empty():
            break
        groups = left.with_columns(pl.col("line").str.extract_groups(style.pattern).alias("g")).unnest("g")
        hit = groups["stamp"].is_not_null()
        if not hit.any():
            continue
        hits = groups.filter(hit)
        left = left.filter(~hit)
        done.append(_finish(hits, style, clock))
    if not left.is_empty():
        done.append(
            left.select("row", pl.col("line").alias("message")).with_columns(
                [pl.lit(None, dtype=t).alias(n) for n, t in HEADER_SCHEMA.items() if n not in ("row", "message")]
            ).select(list(HEADER_SCHEMA))
        )
    return pl.concat(done).sort("row") if done else pl.DataFrame(schema=HEADER_SCHEMA)


def _finish(hits: pl.DataFrame, style: Style, clock: Clock) -> pl.DataFrame:
    stamps = hits.get_column("stamp").unique()
    times = pl.DataFrame({"stamp": stamps, "time": style.times(stamps, clock)})
    hits = hits.join(times, on="stamp", how="left", maintain_order="left")
    if style.tag is not None:
        hits = hits.with_columns(pl.lit(style.tag).alias("tag"))
    for name in ("host", "tag", "pid"):
        if name not in hits.columns:
            hits = hits.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    return hits.select(
        "row",
        pl.lit(style.name, dtype=HEADER_SCHEMA["style"]).alias("style"),
        "time",
        "host",
        "tag",
        pl.col("pid").cast(pl.Int64, strict=False),
        "message",
    )
