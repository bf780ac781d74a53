"""One chunk of lines to events and to an account of every line.

Here is the straight way of a line: header -> which MTA -> queue id off -> rules -> event.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import polars as pl

from .clock import Clock
from .event import SCHEMA, Mta
from .header import read_headers
from .mta import MtaParser, parsers
from .repeats import expand_repeats
from .route import UNROUTED, add_routes, offered_all, routes
from .rules import HEAD, IMPLIED_BY, Rule, Taken, Wanted, heads_of, may_take, run

Fate = pl.Enum(["parsed", "ignored", "foreign", "unrecognised"])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one source, without their line ends."""

    lines: pl.Series
    file: str = "-"
    first_line: int = 1
    clock: Clock = field(default_factory=Clock)


class Verdict(NamedTuple):
    """What became of some lines: row numbers, and the rule that took them."""

    fate: str
    mta: str | None
    rule: str | None
    rows: pl.Series


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a chunk."""

    lines: pl.DataFrame
    """header.LINE_SCHEMA: a row per line."""
    origins: pl.DataFrame
    """header.ORIGIN_SCHEMA plus `mta` and `service`: a row per distinct origin of lines."""
    events: pl.DataFrame
    """The event columns, with `row` into `lines`, `rule` and `implied`; in the order of the
    lines, unless only some columns were wanted."""
    verdicts: tuple[Verdict, ...]
    """Every line's fate, once."""

    @property
    def headers(self) -> pl.DataFrame:
        """Lines with what is known of their origins."""
        return self.lines.join(self.origins, on="origin", how="left", maintain_order="left")

    @property
    def fates(self) -> pl.DataFrame:
        """Columns row, fate, mta and rule: a row per line."""
        parts = [
            pl.select(
                v.rows.cast(pl.UInt32).alias("row"),
                pl.lit(v.fate, dtype=Fate).alias("fate"),
                pl.lit(v.mta, dtype=Mta).alias("mta"),
                pl.lit(v.rule, dtype=pl.String).alias("rule"),
            )
            for v in self.verdicts
        ]
        none = pl.select(row=pl.lit(0, pl.UInt32), fate=pl.lit(None, Fate), mta=pl.lit(None, Mta))
        none = none.with_columns(rule=pl.lit(None, pl.String)).clear()
        return pl.concat([none, *parts]).sort("row")

    def rows_of(self, fate: str) -> pl.Series:
        """The numbers of the lines with this fate."""
        found = [v.rows.cast(pl.UInt32) for v in self.verdicts if v.fate == fate]
        return pl.concat(found).sort() if found else pl.Series("row", [], dtype=pl.UInt32)


def parse(chunk: Chunk, wanted: Wanted | None = None) -> Parsed:
    """Read a chunk; `wanted` limits what is worked out of the events."""
    lines, origins, counts = expand_repeats(read_headers(chunk.lines, chunk.clock))
    origins = add_routes(origins)
    verdicts: list[Verdict] = []
    events: list[pl.DataFrame] = []
    route = origins.get_column("route").gather(lines.get_column("origin"))
    mta_of_route = pl.Series([m for m, _ in routes()], dtype=pl.UInt8)
    narrow = lines.select(
        "row", "message", route.alias("route"), mta_of_route.gather(route).alias("mta")
    )
    for part in _let_go(narrow.partition_by("mta")):
        number = part.item(0, "mta")
        if number == UNROUTED:
            verdicts += _unrouted(part, lines, origins)
            continue
        mta = parsers()[number - 1]
        if mta.prepare is not None:
            whole = part
            kept = mta.prepare(_with_origin(part, lines, origins)).select("row", "message")
            part = kept.join(
                part.select("row", "route"), on="row", how="left", maintain_order="left"
            )
            joined = whole.join(part, on="row", how="anti").get_column("row")
            verdicts.append(Verdict("ignored", mta.name, f"{mta.name}.joined", joined))
        for texts in _texts(mta, part):
            for same in _let_go(texts.partition_by("route", "head")):
                rules = _candidates(mta, same.item(0, "route"), same.item(0, "head"))
                taken, left = run(rules, same.select("row", "queue_id", "text"), wanted)
                verdicts += _verdicts(mta, taken, left)
                events += [t.events for t in taken if t.events is not None]
    complete = _complete(events, lines, origins, counts, chunk, wanted)
    return Parsed(lines, origins, complete, tuple(v for v in verdicts if v.rows.len()))


@cache
def _heads(mta: MtaParser) -> pl.Enum:
    return pl.Enum(heads_of(mta.rules))


def _let_go(parts: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Hand on one part after the other and keep none: half of a chunk's memory is here."""
    parts.reverse()
    while parts:
        yield parts.pop()


@cache
def _bare_heads(mta: MtaParser) -> list[str]:
    """Heads of texts that no queue id begins with."""
    if mta.id_heads is None:
        return []
    return [h for h in _heads(mta).categories if not re.fullmatch(mta.id_heads, h)]


def _texts(mta: MtaParser, part: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Columns row, route, queue_id, text and head: the text's beginning, where rules name it."""
    if _bare_heads(mta):
        bare = pl.col("message").str.head(HEAD).cast(_heads(mta), strict=False)
        part = part.with_columns(bare.alias("head"))
        without_id = part.get_column("head").is_in(_bare_heads(mta)).fill_null(False)
        yield part.filter(without_id).select(
            "row",
            "route",
            pl.lit(None, dtype=pl.String).alias("queue_id"),
            pl.col("message").alias("text"),
            pl.col("head").to_physical(),
        )
        part = part.filter(~without_id)
    head = pl.col("text").str.head(HEAD).cast(_heads(mta), strict=False).to_physical()
    yield split_queue_id(mta, part).with_columns(head.alias("head"))


@cache
def _candidates(mta: MtaParser, route: int, head: int | None) -> tuple[Rule, ...]:
    """Rules to offer to a daemon's lines: its own and those for any; of an unknown one: all."""
    service = routes()[route][1]
    text = None if head is None else _heads(mta).categories[head]
    return tuple(
        r
        for r in mta.rules
        if (offered_all(route) or not r.services or service in r.services) and may_take(r, text)
    )


def split_queue_id(mta: MtaParser, lines: pl.DataFrame) -> pl.DataFrame:
    """Columns row, route, queue_id and text of lines with row, route and message."""
    message = pl.col("message")
    if mta.queue_id.endswith("): "):
        # Cut at the first `: `, then see whether an id stands before it. Offsets are bytes.
        raw, end = message.cast(pl.Binary), pl.col("end")
        heads = lines.with_columns(message.str.find(": ", literal=True).alias("end")).with_columns(
            raw.bin.slice(0, end).cast(pl.String).alias("head")
        )
        id_alone = f"^{mta.queue_id.removesuffix(': ')}$"
        is_id = end.is_not_null() & pl.col("head").str.contains(id_alone)
        cut = pl.when(is_id).then(end + 2).otherwise(0)
        return heads.select(
            "row",
            "route",
            pl.when(is_id & (pl.col("head") != "NOQUEUE")).then(pl.col("head")).alias("queue_id"),
            raw.bin.slice(cut).cast(pl.String).alias("text"),
        )
    head = message.str.extract(f"^((?:{mta.queue_id}))", 1)
    return lines.select(
        "row",
        "route",
        message.str.extract(f"^(?:{mta.queue_id})", 1).alias("queue_id"),
        message.str.slice(head.str.len_chars().fill_null(0)).alias("text"),
    )


def _with_origin(part: pl.DataFrame, lines: pl.DataFrame, origins: pl.DataFrame) -> pl.DataFrame:
    """Columns row, style, time, host, tag, pid and message."""
    mine = part.join(
        lines.select("row", "origin", "time"), on="row", how="left", maintain_order="left"
    )
    named = mine.join(origins, on="origin", how="left", maintain_order="left")
    return named.select("row", "style", "time", "host", "tag", "pid", "message")


def _verdicts(mta: MtaParser, taken: Iterable[Taken], left: pl.DataFrame) -> list[Verdict]:
    account = [
        Verdict("ignored" if t.rule.ignore else "parsed", mta.name, t.rule.name, t.rows)
        for t in taken
    ]
    return [*account, Verdict("unrecognised", mta.name, None, left.get_column("row"))]


def _unrouted(part: pl.DataFrame, lines: pl.DataFrame, origins: pl.DataFrame) -> list[Verdict]:
    """Lines of no mail server are foreign where they have a header; the bare lines of an MTA's
    own file and blank ones are ignored; the rest is unrecognised."""
    origin = lines.get_column("origin").gather(part.get_column("row"))
    styled = origins.get_column("style").is_not_null().gather(origin)
    rows = part.get_column("row")
    verdicts = [Verdict("foreign", None, None, rows.filter(styled))]
    left = part.filter(~styled)
    tests = [(f"{m.name}.bare", m.bare) for m in parsers() if m.bare is not None]
    for rule, pattern in [*tests, ("blank", r"^\s*$")]:
        # Of no MTA: such lines alone make no mail log.
        hit = left.get_column("message").str.contains(pattern)
        verdicts.append(Verdict("ignored", None, rule, left.get_column("row").filter(hit)))
        left = left.filter(~hit)
    return [*verdicts, Verdict("unrecognised", None, None, left.get_column("row"))]


def _complete(
    events: Sequence[pl.DataFrame],
    lines: pl.DataFrame,
    origins: pl.DataFrame,
    counts: pl.DataFrame | None,
    chunk: Chunk,
    wanted: Wanted | None,
) -> pl.DataFrame:
    """Events of all rules under one schema, with what their lines' headers say."""
    names = [n for n in SCHEMA if wanted is None or n in wanted.columns]
    internal = {"row": pl.UInt32(), "rule": pl.String(), IMPLIED_BY: pl.String()}
    schema = internal | {n: SCHEMA[n] for n in names}
    if not events:
        return pl.DataFrame(schema=schema)
    frame = pl.concat(events, how="diagonal")
    if wanted is None:
        frame = frame.sort("row", maintain_order=True)
    row = frame.get_column("row")
    origin = lines.get_column("origin").gather(row)
    header = {
        "time": lines.get_column("time").gather(row),
        "host": origins.get_column("host").gather(origin),
        "service": origins.get_column("service").gather(origin),
        "pid": origins.get_column("pid").gather(origin),
    }
    # What a rule says of the line itself goes before what its header says.
    frame = frame.with_columns(
        pl.coalesce(n, s).alias(n) if n in frame.columns else s.alias(n)
        for n, s in header.items()
        if n in names
    )
    count = pl.col("count").fill_null(1) if "count" in frame.columns else pl.lit(1, dtype=pl.Int64)
    if counts is not None:
        frame = frame.join(counts, on="row", how="left", maintain_order="left")
        count = count * pl.col("repeats").fill_null(1)
    frame = frame.with_columns(
        count.alias("count"),
        pl.lit(chunk.file).alias("file"),
        (pl.col("row").cast(pl.UInt64) + chunk.first_line).alias("line"),
    )
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in schema.items() if n not in frame.columns]
    return frame.with_columns(missing).select(list(schema))
