"""What a rule is, and how a table of rules runs over a frame of lines.

A rule names one kind of line: cheap literal tests first, then one pattern anchored at the
line's head whose named groups are event columns. Rules are tried in the table's order and a
line belongs to the first rule that takes it; what no rule takes is unrecognised.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

import polars as pl

from .event import SCHEMA, Evidence
from .implied import IMPLIED
from .smtp_reply import reply_columns

# Names a pattern's group may have besides event columns: `reply` is taken apart by smtp_reply;
# a leading underscore marks scratch that only `derive` and `expand` see.
REPLY = "reply"
# Internal column: the row of implied.IMPLIED that a code comes from.
IMPLIED_BY = "implied"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One kind of line and the event it stands for.

    `pattern` is matched at the head of the text that follows header and queue id. Keep it
    one-pass (ASCII classes, no ambiguity): that is three times faster (design.md).
    """

    name: str
    starts: tuple[str, ...] = ()
    """The text begins with one of these."""
    has: tuple[str, ...] = ()
    """The text contains every one of these."""
    pattern: str = ""
    """Regular expression, anchored at the head; named groups are event columns."""
    services: tuple[str, ...] = ()
    """Only lines of these daemons (last part of the tag); none: any. Lines whose daemon is
    unknown are offered to every rule."""
    set: Mapping[str, str | int] = field(default_factory=dict)
    """Columns that are the same for every such line."""
    implied: str | None = None
    """Row of implied.IMPLIED that gives the reply where the line prints none."""
    derive: Mapping[str, pl.Expr] = field(default_factory=dict)
    """Columns computed from the captured groups."""
    expand: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    """One line to several events (or none); keeps the column `row`."""
    ignore: bool = False
    """Known and of no interest: accounted for, no event."""

    def cheap(self) -> pl.Expr:
        """Test with literals only; true where the pattern is worth running."""
        tests = [pl.col("text").str.contains(literal, literal=True) for literal in self.has]
        if self.starts:
            heads = [pl.col("text").str.starts_with(head) for head in self.starts]
            tests.insert(0, reduce(lambda a, b: a | b, heads))
        return reduce(lambda a, b: a & b, tests) if tests else pl.lit(True)

    def captures(self) -> list[str]:
        """Names of the pattern's groups."""
        return re.findall(r"\(\?P?<([a-z_]+)>", self.pattern)


class Wanted(NamedTuple):
    """What the reader of the events will look at; the rest is not worked out."""

    columns: frozenset[str]
    quiet: frozenset[str] = frozenset()
    """Kinds that nobody looks at unless they carry an outcome, a size or a reply: such lines
    are recognised and accounted for, and give no event."""

    def skips(self, rule: Rule) -> bool:
        """Whether a rule's events say nothing to this reader."""
        told = {*rule.captures(), *rule.set, *rule.derive}
        return (
            rule.set.get("kind") in self.quiet
            and rule.implied is None
            and rule.expand is None
            and told.isdisjoint({"outcome", "size", "reply", "reply_code"})
        )


class Taken(NamedTuple):
    """The lines one rule took: their row numbers, and their events (None for ignored lines)."""

    rule: Rule
    rows: pl.Series
    events: pl.DataFrame | None


def run(
    rules: Sequence[Rule], lines: pl.DataFrame, wanted: Wanted | None = None
) -> tuple[list[Taken], pl.DataFrame]:
    """Give each line to the first rule that takes it; returns what was taken and what is left.

    `lines` has `row` and `text` and whatever else the events should carry (`queue_id`).
    `wanted` limits what is worked out.
    """
    taken: list[Taken] = []
    left = lines
    for rule in rules:
        if left.is_empty():
            break
        got, left = _offer(rule, left, wanted)
        if got is not None:
            taken.append(got)
    return taken, left


def _offer(
    rule: Rule, lines: pl.DataFrame, wanted: Wanted | None
) -> tuple[Taken | None, pl.DataFrame]:
    test = lines.select(rule.cheap().alias("test")).to_series()
    if test.len() == 1 and lines.height != 1:
        test = test.new_from_index(0, lines.height)
    if not test.any():
        return None, lines
    whole = bool(test.all())
    hits = lines if whole else lines.filter(test)
    left = lines.clear() if whole else lines.filter(~test)
    if wanted is not None and (rule.ignore or wanted.skips(rule)):
        # Only whether the line is one of these: no groups, a third of the time.
        fits = hits.get_column("text").str.contains(f"^(?:{rule.pattern})")
        if not fits.all():
            left = pl.concat([left, hits.filter(~fits)])
            hits = hits.filter(fits)
        return (Taken(rule, hits["row"], None) if hits.height else None), left
    if rule.pattern:
        hits = hits.drop(rule.captures(), strict=False)
        groups = pl.col("text").str.extract_groups(f"^(?<_hit>)(?:{rule.pattern})")
        hits = hits.with_columns(groups.alias("_groups")).unnest("_groups")
        missed = hits["_hit"].is_null()
        if missed.any():
            left = pl.concat(
                [left, lines.filter(pl.col("row").is_in(hits.filter(missed)["row"].implode()))]
            )
            hits = hits.filter(~missed)
            if hits.is_empty():
                return None, left
        hits = hits.drop("_hit")
    return Taken(rule, hits["row"], None if rule.ignore else _events(rule, hits, wanted)), left


def _events(rule: Rule, hits: pl.DataFrame, wanted: Wanted | None) -> pl.DataFrame:
    if REPLY in hits.columns:
        hits = hits.with_columns(reply_columns(pl.col(REPLY), wanted and wanted.columns)).drop(
            REPLY
        )
    if rule.derive:
        for name, expr in rule.derive.items():
            hits = hits.with_columns(expr.alias(name))
    constants = [
        pl.lit(value, dtype=SCHEMA[name]).alias(name)
        for name, value in rule.set.items()
        if name not in hits.columns
    ]
    if constants:
        hits = hits.with_columns(constants)
    if rule.implied is not None:
        hits = _imply(rule.implied, hits)
    if rule.expand is not None:
        hits = rule.expand(hits)
    keep = [
        pl.col(n).cast(SCHEMA[n], strict=False)
        for n in hits.columns
        if n in SCHEMA and (wanted is None or n in wanted.columns)
    ]
    named = [pl.col(IMPLIED_BY)] if IMPLIED_BY in hits.columns else []
    return hits.select("row", *keep, *named)


def _imply(name: str, hits: pl.DataFrame) -> pl.DataFrame:
    """Fill in the reply that the line proves, where none is printed."""
    implied = IMPLIED[name]
    if "reply_code" not in hits.columns:
        hits = hits.with_columns(
            pl.lit(None, dtype=pl.UInt16).alias("reply_code"),
            pl.lit(None, dtype=Evidence).alias("evidence"),
        )
    printed = pl.col("reply_code").is_not_null()
    return hits.with_columns(
        pl.col("reply_code").fill_null(implied.code),
        pl.when(printed)
        .then(pl.col("evidence"))
        .otherwise(pl.lit("implied", dtype=Evidence))
        .alias("evidence"),
        pl.when(~printed).then(pl.lit(name)).alias(IMPLIED_BY),
    )
