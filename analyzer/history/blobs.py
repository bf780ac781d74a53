"""Summaries to blobs and back: one blob for each table that holds something.

A blob is an Arrow stream, compressed. Tables gain columns as the program grows: what an older
blob lacks is empty, what this program does not know is left out.
"""

import io
import sys
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import cache

import polars as pl

from analyzer.sections import Chosen, section_tables
from analyzer.summary import TABLES, Summary
from analyzer.tables import Table, Tables

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL = 3
_FIELD = "field "
"""Before the names of what is no table."""
EXAMPLES = _FIELD + "examples"


def table(name: str) -> Table | None:
    """A table's shape; None where there is none of that name."""
    return TABLES.get(name) or section_tables().get(name)


@cache
def travelling() -> tuple[str, ...]:
    """The Summary's fields that travel: messages that are not over and the like."""
    empty = Summary()
    return tuple(
        f.name
        for f in fields(Summary)
        if f.name != "examples" and isinstance(getattr(empty, f.name), pl.DataFrame)
    )


def travelling_blobs() -> tuple[str, ...]:
    """The names of their blobs."""
    return tuple(_FIELD + name for name in travelling())


def packed(summary: Summary, *, tables: bool = True, travel: bool = True) -> dict[str, bytes]:
    """A Summary's blobs by name: of its tables and examples, of what travels, or both."""
    frames: dict[str, pl.DataFrame] = {}
    if tables:
        frames |= summary.tables
        frames[EXAMPLES] = summary.examples
    if travel:
        frames |= {_FIELD + n: getattr(summary, n) for n in travelling()}
    return {n: pack(f) for n, f in frames.items() if f.height}


def unpacked(blobs: Mapping[str, bytes], chosen: Chosen) -> Summary:
    """The Summary of these blobs; tables that are missing are empty."""
    empty = Summary()
    kept = {
        n: f.schema for n in ("examples", *travelling()) if (f := getattr(empty, n)) is not None
    }
    changed = {
        n: unpack(blobs[_FIELD + n], dict(schema))
        for n, schema in kept.items()
        if _FIELD + n in blobs
    }
    return Summary(tables=tables_of(blobs, chosen), chosen=chosen, **changed)


def tables_of(
    blobs: Mapping[str, bytes], chosen: Chosen, names: Collection[str] | None = None
) -> Tables:
    """The tables among these blobs, all the chosen ones or those that are named."""
    wanted = {**TABLES, **{n: t for s in chosen.sections for n, t in s.tables.items()}}
    found: Tables = {}
    for name, shape in wanted.items():
        if names is not None and name not in names:
            continue
        schema = shape.schema()
        if name in blobs:
            found[name] = unpack(blobs[name], schema, sums=set(shape.measures))
        else:
            found[name] = pl.DataFrame(schema=schema)
    return found


def pack(frame: pl.DataFrame) -> bytes:
    """A frame as a blob."""
    stream = io.BytesIO()
    frame.write_ipc_stream(stream)
    return zstd.compress(stream.getvalue(), _LEVEL)


def unpack(
    blob: bytes, schema: Mapping[str, pl.DataType], sums: Collection[str] = ()
) -> pl.DataFrame:
    """The frame of a blob in today's shape; a missing measure of `sums` counts 0."""
    frame = pl.read_ipc_stream(io.BytesIO(zstd.decompress(blob)))
    if frame.schema == schema:
        return frame
    return frame.select(
        pl.col(n).cast(t, strict=False)
        if n in frame.columns
        else pl.lit(0 if n in sums and t.is_integer() else None, dtype=t).alias(n)
        for n, t in schema.items()
    )
