"""A Summary as a file: what one host counted, for another one to merge.

A zip archive without compression of its own: `manifest.json`, and one member per table, an Arrow
IPC stream of plain buffers inside one zstd frame. Plain buffers cannot grow when they are read,
and zstd is unpacked here, up to a bound: a file of a kilobyte does not become a gigabyte. Enum
columns are stored as text, so that a file is readable after a kind of event was added.

A file comes from another machine and is not believed: names, types, sizes and the few values that
the report looks up are checked, and whatever is wrong refuses the file as a whole.
"""

import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

import polars as pl

from parsers.event import TIME
from parsers.implied import IMPLIED

from .exits import Exit, Refused
from .files import whole_file
from .histograms import BUCKETS
from .sections import Chosen, all_sections, section_tables
from .summary import TABLES, Summary

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT: Final = "smtplens summary"
VERSION: Final = (1, 0)
"""The first number says how to read a file, the second which tables can be in it."""
HEAD: Final = 64
"""Bytes by which a file is known."""
_MANIFEST: Final = "manifest.json"
_FIELDS: Final = "field"
_TABLES: Final = "table"

_LONGEST_MANIFEST: Final = 4 << 20
_MOST_MEMBERS: Final = 2000
_FREE: Final = 64 << 20
_GROWTH: Final = 100
"""A table may be _FREE bytes and _GROWTH times its packed size; real ones are 3 to 10 times."""
_MOST_BYTES: Final = 8 << 30
"""Of all tables of a file, unpacked."""
_MOST_PIPED: Final = 2 << 30
"""Of a file that comes through a pipe and has to be kept as a whole."""
_MOST_COUNT: Final = 1 << 53
_LEVEL: Final = 9
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

_CANNOT: Final = (
    *(OSError, EOFError, ValueError, LookupError, ArithmeticError, RecursionError),
    *(RuntimeError, NotImplementedError, TypeError, MemoryError),
    *(zipfile.BadZipFile, zstd.ZstdError, pl.exceptions.PolarsError, pl.exceptions.PanicException),
)
"""What zipfile, json, zstd and polars raise for data that is not what they expect."""


@dataclass(frozen=True, slots=True)
class Told:
    """One source that a Summary was counted from."""

    name: str
    lines: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a report needs to know besides the figures."""

    zone: str
    """IANA name of the zone in which stamps without one were read."""
    year: int | None = None
    """`--year`, where it was given."""
    filters: tuple[str, ...] = ()
    """Selections that were applied: `--since 2026-11-22`."""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    inputs: tuple[Told, ...] = ()
    made: str = ""
    """When the file was written, ISO 8601."""
    version: str = ""
    """Of the smtplens that wrote it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a file held."""

    name: str
    summary: Summary
    about: About
    missing: tuple[str, ...] = field(default=())
    """Tables that this smtplens has and the one that wrote the file had not."""
    content: tuple[tuple[str, int, int], ...] = field(default=(), repr=False)
    """Name, CRC and size of its members: two files with the same are copies."""


class _Wrong(Exception):
    """Why a file is refused."""


# Writing


def write(path: str, summary: Summary, about: About) -> None:
    """Write a Summary that is not finished, as a whole or not at all.

    Raises OSError where the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(packed(summary, about))


def packed(summary: Summary, about: About) -> bytes:
    """The file's bytes."""
    tables = {f"{_TABLES}/{n}": f for n, f in summary.tables.items()}
    tables |= {f"{_FIELDS}/{n}": getattr(summary, n) for n in _frame_fields()}
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(_manifest(summary, about, tables), indent=1)
        archive.writestr(_member(_MANIFEST), text)  # first: by it the file is known
        for name, frame in tables.items():
            archive.writestr(_member(f"{name}.arrow.zst"), _frame_bytes(frame))
    return whole.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    """A member without the time of day: the same Summary is the same file."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o600 << 16
    return info


def _frame_bytes(frame: pl.DataFrame) -> bytes:
    plain = frame.with_columns(pl.col(n).cast(pl.String) for n in frame.columns if _enum(frame, n))
    stream = BytesIO()
    plain.rechunk().write_ipc_stream(
        stream, compression="uncompressed", compat_level=pl.CompatLevel.oldest()
    )
    return zstd.compress(stream.getvalue(), _LEVEL)


def _enum(frame: pl.DataFrame, name: str) -> bool:
    return isinstance(frame.schema[name], pl.Enum)


def _manifest(
    summary: Summary, about: About, tables: Mapping[str, pl.DataFrame]
) -> dict[str, object]:
    seen = summary.tables["sources"].filter(pl.col("mta").is_not_null())
    first, last = seen.select(pl.col("first").min(), pl.col("last").max()).row(0)
    return {
        "format": FORMAT,
        "schema_version": list(VERSION),
        "smtplens": about.version or own_version(),
        "made": about.made,
        "sections": list(summary.chosen.names),
        "raw": summary.chosen.raw,
        "read_together": list(summary.chosen.hosts),
        "period": {"start": first and first.isoformat(), "end": last and last.isoformat()},
        "hosts": seen.get_column("host").drop_nulls().unique().sort().to_list(),
        "zone": about.zone,
        "year": about.year,
        "filters": list(about.filters),
        "problems": list(about.problems),
        "notes": list(about.notes),
        "inputs": [{"name": i.name, "lines": i.lines, "problem": i.problem} for i in about.inputs],
        "rows": {name: frame.height for name, frame in tables.items()},
    }


def own_version() -> str:
    """The version of this smtplens."""
    try:
        return version("smtplens")
    except PackageNotFoundError:
        return "unknown"


def _frame_fields() -> dict[str, pl.DataFrame]:
    """The Summary's own frames by name, empty, besides its tables."""
    empty = Summary()
    return {
        f.name: value
        for f in fields(Summary)
        if isinstance(value := getattr(empty, f.name), pl.DataFrame)
    }


# Reading


def is_summary(begin: bytes) -> bool:
    """Whether data that begins like this may be such a file: a zip with our first member."""
    return begin.startswith(b"PK\x03\x04") and begin[30:].startswith(_MANIFEST.encode())


def read(path: str) -> Exported:
    """The Summary in a file. Raises Refused, with Exit.INPUT, for one that cannot be believed."""
    try:
        with Path(path).open("rb") as stream:
            return read_stream(stream, path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}", Exit.INPUT) from error


def read_pipe(stream: IO[bytes], head: bytes, name: str) -> Exported:
    """The Summary in a stream that cannot be read twice, of which `head` was taken."""
    data = head + stream.read(_MOST_PIPED + 1 - len(head))
    if len(data) > _MOST_PIPED:
        raise Refused(f"{name}: too large for a pipe; store it in a file first", Exit.INPUT)
    return read_stream(BytesIO(data), name)


def read_stream(stream: IO[bytes], name: str) -> Exported:
    """The same from a stream that can be sought."""
    try:
        return _read(stream, name)
    except _Wrong as wrong:
        raise Refused(f"{name}: {wrong}", Exit.INPUT) from wrong
    except _CANNOT as error:
        raise Refused(f"{name}: not a whole summary file of smtplens", Exit.INPUT) from error


def _read(stream: IO[bytes], name: str) -> Exported:
    size = stream.seek(0, 2)
    with zipfile.ZipFile(stream) as archive:
        members = {m.filename: m for m in archive.infolist()}
        if len(members) > _MOST_MEMBERS or sum(m.file_size for m in members.values()) > size:
            raise _Wrong("its table of contents is not true; refused")
        if any(m.compress_type != zipfile.ZIP_STORED for m in members.values()):
            raise _Wrong("a zip archive, but no summary file of smtplens")
        manifest = _read_manifest(archive, members)
        schemas = _schemas()
        prefix, suffix = (_TABLES, _FIELDS), ".arrow.zst"
        known = {f"{n}{suffix}" for n in schemas} | {_MANIFEST}
        if strange := sorted(set(members) - known):
            about = "tables" if strange[0].startswith(prefix) else "parts"
            raise _Wrong(
                f"holds {about} that this smtplens does not know; it is too old to read it"
            )
        left = _MOST_BYTES
        found: dict[str, pl.DataFrame] = {}
        for member in sorted(set(members) - {_MANIFEST}):
            raw = archive.read(members[member])
            table = member.removesuffix(suffix)
            data = _unpacked(raw, min(left, _FREE + _GROWTH * len(raw)))
            left -= len(data)
            found[table] = _checked(pl.read_ipc_stream(BytesIO(data)), schemas[table], table)
    content = tuple(sorted((m.filename, m.CRC, m.file_size) for m in members.values()))
    return replace(_assembled(name, manifest, found, schemas), content=content)


def _read_manifest(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]
) -> dict[str, Any]:
    if _MANIFEST not in members:
        raise _Wrong("a zip archive, but no summary file of smtplens")
    if members[_MANIFEST].file_size > _LONGEST_MANIFEST:
        raise _Wrong("its manifest is too long; refused")
    manifest: object = json.loads(archive.read(_MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _Wrong("a zip archive, but no summary file of smtplens")
    stated = manifest.get("schema_version")
    numbers = stated if isinstance(stated, list) else []
    if len(numbers) != 2 or not all(type(n) is int and 0 <= n < 1000 for n in numbers):
        raise _Wrong("a summary file without a version that can be read; refused")
    if tuple(numbers) > VERSION or numbers[0] != VERSION[0]:
        here, there = (".".join(map(str, v)) for v in (VERSION, numbers))
        raise _Wrong(
            f"a summary file of version {there}, and this smtplens reads {here}; use the same or a"
            " newer smtplens here than there"
        )
    return manifest


def _schemas() -> dict[str, dict[str, pl.DataType]]:
    """Columns of every member there can be."""
    tables = {**TABLES, **section_tables()}
    found = {f"{_TABLES}/{n}": t.schema() for n, t in tables.items()}
    return found | {f"{_FIELDS}/{n}": dict(f.schema) for n, f in _frame_fields().items()}


def _unpacked(raw: bytes, most: int) -> bytes:
    unpacker = zstd.ZstdDecompressor()
    parts = [unpacker.decompress(raw, most + 1)]
    while not (unpacker.eof or unpacker.needs_input) and sum(map(len, parts)) <= most:
        parts.append(unpacker.decompress(b"", most + 1))
    data = b"".join(parts)
    if len(data) > most:
        raise _Wrong("a table is far larger than its packed size allows; refused")
    if not unpacker.eof or unpacker.unused_data:
        raise _Wrong("a table breaks off; refused")
    return data


def _checked(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], table: str) -> pl.DataFrame:
    """The frame with this program's own types, where its columns and values are what they say."""
    stored = {n: pl.String() if isinstance(t, pl.Enum) else t for n, t in schema.items()}
    if dict(frame.schema) != stored:
        raise _Wrong(f"{table} has other columns than this smtplens knows; its version is another")
    try:
        frame = frame.select(pl.col(n).cast(t) for n, t in schema.items())
    except pl.exceptions.InvalidOperationError as error:
        raise _Wrong(f"{table} holds a value that this smtplens does not know") from error
    for what, right in _values(schema):
        if not frame.select(right.all()).item():
            raise _Wrong(f"{table} holds {what} that cannot be; refused")
    return frame


def _values(schema: Mapping[str, pl.DataType]) -> Iterator[tuple[str, pl.Expr]]:
    """What the report computes with or looks up, and when it is right; null is."""
    for name, dtype in schema.items():
        if dtype == TIME:
            yield "a time", pl.col(name).is_between(_EARLIEST, _LATEST).fill_null(True)
        elif dtype == pl.UInt64():
            yield "a count", (pl.col(name) < _MOST_COUNT).fill_null(True)
        elif name == "bucket":
            yield "a duration", pl.col(name).is_between(0, BUCKETS - 1).fill_null(True)
        elif name == "implied":
            yield "a rule", pl.col(name).is_in(list(IMPLIED.rows())).fill_null(True)


def _assembled(
    name: str,
    manifest: Mapping[str, Any],
    found: Mapping[str, pl.DataFrame],
    schemas: Mapping[str, Mapping[str, pl.DataType]],
) -> Exported:
    sections = {s.name: s for s in all_sections()}
    chosen = _texts(manifest.get("sections"))
    if strange := [n for n in chosen if n not in sections]:
        raise _Wrong(f"has a section {strange[0]!r} that this smtplens does not know")
    due = [*TABLES, *(t for n in chosen for t in sections[n].tables)]
    due = [f"{_TABLES}/{n}" for n in due] + [f"{_FIELDS}/{n}" for n in _frame_fields()]
    missing = [n for n in due if n not in found]
    rows = manifest.get("rows")
    if not isinstance(rows, dict) or rows != {n: f.height for n, f in found.items()}:
        raise _Wrong("holds other tables than its manifest says; refused")
    whole = {n: found[n] if n in found else pl.DataFrame(schema=schemas[n]) for n in due}
    tables = {n.partition("/")[2]: f for n, f in whole.items() if n.startswith(f"{_TABLES}/")}
    frames: dict[str, Any] = {
        n.partition("/")[2]: f for n, f in whole.items() if n.startswith(f"{_FIELDS}/")
    }
    counted = Chosen(chosen, manifest.get("raw") is True, _texts(manifest.get("read_together", [])))
    summary = replace(Summary(chosen=counted), tables=tables, **frames)
    return Exported(name, summary, _about(manifest), tuple(n.partition("/")[2] for n in missing))


def _about(manifest: Mapping[str, Any]) -> About:
    year = manifest.get("year")
    inputs = manifest.get("inputs")
    if not isinstance(inputs, list):
        raise _Wrong("its manifest names no inputs; refused")
    return About(
        zone=_text(manifest.get("zone")),
        year=year if type(year) is int and 1970 <= year <= 9000 else None,
        filters=_texts(manifest.get("filters")),
        problems=_texts(manifest.get("problems")),
        notes=_texts(manifest.get("notes")),
        inputs=tuple(_told(i) for i in inputs),
        made=_text(manifest.get("made")),
        version=_text(manifest.get("smtplens")),
    )


def _told(stated: object) -> Told:
    if not isinstance(stated, dict):
        raise _Wrong("its manifest tells an input in another form; refused")
    lines, problem = stated.get("lines"), stated.get("problem")
    if type(lines) is not int or not 0 <= lines < _MOST_COUNT:
        raise _Wrong("its manifest counts lines in another form; refused")
    return Told(_text(stated.get("name")), lines, None if problem is None else _text(problem))


def _text(stated: object) -> str:
    if not isinstance(stated, str):
        raise _Wrong("its manifest has something else in the place of a text; refused")
    return stated


def _texts(stated: object) -> tuple[str, ...]:
    if not isinstance(stated, list):
        raise _Wrong("its manifest has something else in the place of a list; refused")
    return tuple(map(_text, stated))
