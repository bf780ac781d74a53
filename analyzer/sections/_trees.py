"""What sections share: listings of several levels, and texts made one where they say the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import polars as pl

from analyzer.text_causes import masked
from reports.model import Cell, ListColumn, Listing, ListRow

_READ = 400
"""Characters of a text that are looked at."""
_KEPT = 200
# What reply_text.MASKS puts in looks like a name of the log; a report should not.
_SHOWN_AS = (
    ("user@example.org", "(address)"),
    ("2001:db8::1", "(ip)"),
    ("192.0.2.1", "(ip)"),
    ("00000", "(#)"),
)
MASKED = "Addresses, IP addresses and ids in texts are masked."
"""What a reader has to know of texts that `add_reason` made one."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a tree: the column with the name, and columns that are told beside it."""

    name: str
    beside: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What tells its rows apart."""
        return (self.name, *self.beside)


def add_reason(frame: pl.LazyFrame, text: str = "reply_text") -> pl.LazyFrame:
    """Add `reason`: the text, masked and cut; worked out once per distinct text."""
    shown = masked(pl.col(text).str.slice(0, _READ))
    shown = reduce(lambda e, pair: e.str.replace_all(*pair, literal=True), _SHOWN_AS, shown)
    texts = frame.select(text).unique().with_columns(shown.str.slice(0, _KEPT).alias("reason"))
    return frame.join(texts, on=text, how="left", nulls_equal=True)


def code_label() -> pl.Expr:
    """The column `code`: `550 5.1.1`, `5.4.1`, `501 implied`; null where there is neither."""
    implied = pl.when(pl.col("implied").is_not_null()).then(pl.lit("implied"))
    label = pl.concat_str(
        pl.col("reply_code").cast(pl.String),
        "enhanced_code",
        implied,
        separator=" ",
        ignore_nulls=True,
    )
    return pl.when(label != "").then(label).alias("code")


def tree(
    key: str,
    title: str,
    frame: pl.DataFrame,
    levels: Sequence[Level],
    measures: Sequence[ListColumn],
    top: int | None,
    *,
    words: Mapping[str, Callable[[str], str]] | None = None,
    note: str = "",
) -> Listing:
    """A listing with a row per name of each level, the most frequent first.

    `frame` has the levels' columns and the measures, which add up. `top` rows are shown under
    each parent, then one that sums up the rest. `words` put a level's names into words.
    """
    names = [m.name for m in measures]
    beside = list(dict.fromkeys(c for level in levels for c in level.beside))
    kept = [_ranked(frame, levels[: n + 1], names) for n in range(len(levels))]
    rows = tuple(_rows(kept, levels, names, beside, top, words or {}))
    return Listing(
        key=key,
        title=title,
        columns=(*measures, *(ListColumn(b, "text") for b in beside), ListColumn("name", "name")),
        rows=rows,
        distinct=kept[0].height,
        note=note if rows else "",
    )


def _ranked(frame: pl.DataFrame, levels: Sequence[Level], measures: Sequence[str]) -> pl.DataFrame:
    """One row per name of the last level, in order under its parents, with its place there."""
    keys = [c for level in levels for c in level.columns]
    parents = [c for level in levels[:-1] for c in level.columns]
    own = list(levels[-1].columns)
    ranked = (
        frame.group_by(keys)
        .agg(pl.col(m).sum() for m in measures)
        .sort(
            *measures,
            *own,
            descending=[True] * len(measures) + [False] * len(own),
            nulls_last=True,
        )
    )
    place = pl.int_range(pl.len(), dtype=pl.UInt32)
    return ranked.with_columns((place.over(parents) if parents else place).alias("_place"))


def _rows(
    kept: Sequence[pl.DataFrame],
    levels: Sequence[Level],
    measures: Sequence[str],
    beside: Sequence[str],
    top: int | None,
    words: Mapping[str, Callable[[str], str]],
) -> Iterator[ListRow]:
    """All rows, depth first."""
    children: list[dict[tuple[Cell, ...], list[dict[str, Cell]]]] = []
    for depth, frame in enumerate(kept):
        parents = [c for level in levels[:depth] for c in level.columns]
        shown = frame if top is None else frame.filter(pl.col("_place") < top)
        hidden = frame.clear() if top is None else frame.filter(pl.col("_place") >= top)
        of: dict[tuple[Cell, ...], list[dict[str, Cell]]] = {}
        for row in shown.iter_rows(named=True):
            of.setdefault(tuple(row[p] for p in parents), []).append(row)
        sums = (*(pl.col(m).sum() for m in measures), pl.len().alias("_more"))
        rest = hidden.group_by(parents).agg(sums) if parents else hidden.select(sums)
        for row in rest.filter(pl.col("_more") > 0).iter_rows(named=True):
            of.setdefault(tuple(row[p] for p in parents), []).append(row)
        children.append(of)

    def under(depth: int, path: tuple[Cell, ...]) -> Iterator[ListRow]:
        level = levels[depth]
        for row in children[depth].get(path, ()):
            told = [row.get(b) if b in level.beside else None for b in beside]
            counts = [row[m] for m in measures]
            if "_more" in row:
                yield ListRow((*counts, *(None for _ in beside), f"({row['_more']} more)"), depth)
                continue
            name = row[level.name]
            if isinstance(name, str) and level.name in words:
                name = words[level.name](name)
            yield ListRow((*counts, *told, name), depth)
            if depth + 1 < len(levels):
                yield from under(depth + 1, (*path, *(row[c] for c in level.columns)))

    yield from under(0, ())
