"""How long what is kept: hours for long, the most frequent names for weeks, minutes for days."""

from dataclasses import dataclass

import polars as pl

from analyzer.tables import Table, Tables
from parsers.event import TIME

OTHER = "(other)"
_ALWAYS = ("lines", "sources", "versions")
"""Small tables without an hour, kept as long as those with one."""
_FEW = frozenset(
    ("host", "enhanced_code", "cause", "why", "provider", "implied", "style", "rule", "version")
)
"""Texts that the servers and our own knowledge write, few of a kind; all others are names, of
which there are as many as strangers like."""
_LOOKED_UP = {"client_names": ("clients", "clients_rejected")}
"""Tables that only say something of names in others."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days what is kept, the newest one included."""

    hours: int = 400
    names: int = 35
    minutes: int = 3
    top: int = 1000
    """Names of a day that are kept when it is over; 0 for all."""


def is_minutes(table: Table) -> bool:
    """Whether it has a stretch shorter than an hour; the ten minutes of `activity` are few."""
    return "minute" in table.keys


def is_hours(name: str, table: Table) -> bool:
    """Whether it is kept as long as the hours are."""
    named = {n for n, t in table.keys.items() if t == pl.String} - _FEW
    return name in _ALWAYS or (not named and any(t == TIME for t in table.keys.values()))


def most_frequent(tables: Tables, shapes: dict[str, Table], top: int) -> Tables:
    """The tables of names with their `top` most frequent rows; all others are added up."""
    cut: Tables = {}
    for name, frame in tables.items():
        shape = shapes[name]
        if is_hours(name, shape) or frame.height <= top or name in _LOOKED_UP:
            cut[name] = frame
        else:
            cut[name] = _most(frame, shape, top)
    for name, others in _LOOKED_UP.items():
        if name in cut and cut[name].height > top:
            known = pl.concat(cut[n].select("name") for n in others).unique()
            cut[name] = cut[name].join(known, on="name", how="semi")
    return cut


def _most(frame: pl.DataFrame, shape: Table, top: int) -> pl.DataFrame:
    texts = [n for n, t in shape.keys.items() if t == pl.String]
    sums = [n for n, (_, how) in shape.measures.items() if how == "sum" and n != "bytes"]
    if not texts or not sums:
        return frame
    many = max(texts, key=lambda n: frame.get_column(n).n_unique())
    ranked = frame.sort(
        pl.col(many) == OTHER,  # it stays the rest
        pl.sum_horizontal(sums),
        *shape.keys,
        descending=[False, True, *(False for _ in shape.keys)],
        nulls_last=True,
    )
    rest = ranked.slice(top).with_columns(pl.lit(OTHER).alias(many))
    return shape.merge([ranked.head(top), rest]).select(frame.columns).collect(engine="in-memory")
