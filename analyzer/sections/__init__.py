"""Report sections beyond the standard ones: one file each, found by listing, not registered.

A section says which events it reads, how one chunk is counted into mergeable tables, and how
the finished tables are shown. Nothing else has to know of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import polars as pl

from analyzer.munging import Munging
from analyzer.tables import LazyTables, Table, Tables
from reports.model import ListColumn, Listing, ListRow


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reader asked for."""

    zone: str
    """IANA name of the report's zone."""
    top: int | None
    """Rows of a list; None for all."""
    munging: Munging = Munging()  # noqa: RUF009 - it cannot change
    """Which forms of addresses are folded in lists."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """One section of the report."""

    name: str
    """Its name on the command line."""
    title: str
    about: str
    """One sentence for `--list-sections`."""
    elsewhere: str = ""
    """What other tools call it: `pflogsumm: Warnings; eximstats: List of errors`."""
    tables: Mapping[str, Table]
    """Tables it counts into; their names begin with the section's."""
    kinds: frozenset[str] = frozenset()
    """Kinds of events it reads whose lines are otherwise only accounted for."""
    columns: frozenset[str] = frozenset()
    """Event columns it reads besides those of the standard report."""
    texts: frozenset[str] = frozenset()
    """Kinds of which it reads reply_text."""
    count: Callable[[pl.LazyFrame], LazyTables] | None = None
    """One chunk's classified events to its tables."""
    count_recipients: Callable[[pl.LazyFrame], LazyTables] | None = None
    """Recipients of messages that are over (recipients.RECIPIENT_SCHEMA) to its tables."""
    sees_handed: bool = False
    """Whether `count_recipients` is given those too whose message was only handed on."""
    show: Callable[[Tables, Shown], Sequence[Listing]]
    """The finished tables to what is printed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one report counts."""

    names: tuple[str, ...] = ()
    raw: bool = False
    """Whether mail handed on among these hosts is counted at every hop."""
    hosts: tuple[str, ...] = ()
    """Short names of the hosts whose logs are read, where there are several."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections, in the order of `all_sections`."""
        return tuple(s for s in all_sections() if s.name in self.names)

    @property
    def reads_recipients(self) -> bool:
        """Whether any of them reads what became of recipients."""
        return any(s.count_recipients is not None for s in self.sections)


@cache
def all_sections() -> tuple[Section, ...]:
    """Every section there is, by the order of their files' names."""
    found: list[Section] = []
    for module in sorted(iter_modules(__path__), key=lambda m: m.name):
        if module.name.startswith("_"):  # what several of them use
            continue
        found += import_module(f"{__name__}.{module.name}").SECTIONS
    return tuple(found)


@cache
def section_tables() -> dict[str, Table]:
    """The tables of all sections by name."""
    return {name: table for s in all_sections() for name, table in s.tables.items()}


def listed(
    key: str, title: str, frame: pl.DataFrame, columns: Sequence[ListColumn], top: int | None
) -> Listing:
    """The first rows of a frame with a column `name` and one per column, in the frame's order."""
    rows = frame if top is None else frame.head(top)
    picked = rows.select("name", *(c.name for c in columns))
    return Listing(
        key=key,
        title=title,
        columns=(*columns, ListColumn("name", "name")),
        rows=tuple(ListRow((*values, name)) for name, *values in picked.iter_rows()),
        distinct=frame.height,
    )
