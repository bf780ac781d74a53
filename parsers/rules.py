"""What a rule is, and how a table of rules runs over a frame of lines.

A rule names one kind of line: cheap literal tests first, then one pattern anchored at the
line's head whose named groups are event columns. Rules are tried in the table's order and a
line belongs to the first rule that takes it; what no rule takes is unrecognised.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from operator import and_, or_
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

# The queries are small and written as they should run: planning them again costs more than it gives.
_AS_WRITTEN = pl.QueryOptFlags.none().update(comm_subexpr_elim=True)


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
    has_any: tuple[str, ...] = ()
    """The text contains one of these."""
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
    certain: bool = False
    """The literal tests alone tell the kind: a line that the pattern does not fit, and no later
    rule, is such an event with nothing known of it. Where nothing of it is read, the pattern
    is not tried."""

    def captures(self) -> list[str]:
        """Names of the pattern's groups."""
        return re.findall(r"\(\?P?<([a-z_]+)>", self.pattern)


class Wanted(NamedTuple):
    """What the reader of the events will look at; the rest is not worked out."""

    columns: frozenset[str]
    texts_of: frozenset[str] = frozenset()
    """Kinds whose reply_text is read, if `columns` has it, unless the mail was sent."""
    quiet: frozenset[str] = frozenset()
    """Kinds that nobody looks at unless they carry an outcome, a size or a reply: such lines
    are recognised and accounted for, and give no event."""

    def of(self, rule: Rule) -> frozenset[str]:
        """The columns of a rule's events that are read."""
        # A rule whose events differ in kind says so only when it runs.
        kind = rule.set.get("kind")
        told = (kind is None or kind in self.texts_of) and rule.set.get("outcome") != "sent"
        return self.columns if told else self.columns - {"reply_text", "enhanced_from"}

    def skips(self, rule: Rule) -> bool:
        """Whether a rule's events say nothing to this reader."""
        told = {*rule.captures(), *rule.set, *rule.derive}
        return (
            rule.set.get("kind") in self.quiet
            and rule.implied is None
            and rule.expand is None
            and told.isdisjoint({"outcome", "size", REPLY, "reply_code"})
        )


class Taken(NamedTuple):
    """The lines one rule took: their row numbers, and their events (None for ignored lines)."""

    rule: Rule
    rows: pl.Series
    events: pl.DataFrame | None


HEAD = 2
"""Characters of a text's head that tell which rules may take it."""


def heads_of(rules: Iterable[Rule]) -> list[str]:
    """The heads that `starts` literals of these rules have."""
    return sorted({start[:HEAD] for rule in rules for start in rule.starts if len(start) >= HEAD})


def may_take(rule: Rule, head: str | None) -> bool:
    """Whether a rule may take texts with this head (None: a head that no rule names)."""
    if not rule.starts or any(len(start) < HEAD for start in rule.starts):
        return True
    return any(start[:HEAD] == head for start in rule.starts)


def run(
    rules: Sequence[Rule], lines: pl.DataFrame, wanted: Wanted | None = None
) -> tuple[list[Taken], pl.DataFrame]:
    """Give each line to the first rule that takes it; returns what was taken and what is left.

    `lines` has row, queue_id and text. `wanted` limits what is worked out.
    """
    taken: list[Taken] = []
    left = lines
    for rule in rules:
        if left.is_empty():
            break
        got, left = _offer(_prepared(rule, wanted), left, wanted)
        if got is not None:
            taken.append(got)
    for rule in rules:
        if rule.certain and not left.is_empty():
            got, left = _offer(_prepared(_bare(rule), wanted), left, wanted)
            if got is not None:
                taken.append(got)
    return taken, left


@cache
def _bare(rule: Rule) -> Rule:
    """A rule by its literals alone."""
    return replace(rule, pattern="", derive={}, expand=None)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A rule with its query built once."""

    rule: Rule
    silent: bool
    """Only the line numbers are wanted."""
    tested: bool
    """The literal tests are all there is to ask."""
    test: pl.Expr | None
    """Test with literals only; None where there is none."""
    groups: list[pl.Expr]
    steps: list[list[pl.Expr]]
    """Columns worked out from the groups, in stages that need each other."""
    events: list[pl.Expr] | None
    """The event's columns; None where they are known only after `expand`."""
    columns: frozenset[str]
    """The event columns that are wanted."""

    def query(self, lines: pl.LazyFrame) -> pl.LazyFrame:
        """The lines that the rule takes, as its events where that is known before `expand`."""
        taken = lines.select(self.groups)
        if self.silent:
            return taken if self.tested else taken.filter("_hit").select("row")
        taken = taken.unnest("_groups").filter(pl.col("_hit").is_not_null())
        for step in self.steps:
            taken = taken.with_columns(step)
        return taken.drop("_hit") if self.events is None else taken.select(self.events)


@cache
def _prepared(rule: Rule, wanted: Wanted | None) -> _Prepared:
    text = pl.col("text")
    tests = [text.str.contains(literal, literal=True) for literal in rule.has]
    if rule.starts:
        tests.insert(0, reduce(or_, (text.str.starts_with(head) for head in rule.starts)))
    if rule.has_any:
        tests.append(text.str.contains_any(list(rule.has_any)))
    silent = rule.ignore or (wanted is not None and wanted.skips(rule))
    tested = silent and rule.certain
    columns = frozenset(SCHEMA) if wanted is None else wanted.of(rule)
    steps, needed = _steps(rule, columns)
    captured = [n for n in rule.captures() if n in needed]
    if silent:
        fits = [] if tested else [text.str.contains(f"^(?:{rule.pattern})").alias("_hit")]
        groups = [pl.col("row"), *fits]
    else:
        groups = [
            pl.col("row"),
            *(pl.col(n) for n in ("queue_id", "text") if n in needed - {*captured}),
        ]
        pattern = _without_groups(rule.pattern, {*rule.captures()} - {*captured})
        groups.append(text.str.extract_groups(f"^(?<_hit>)(?:{pattern})").alias("_groups"))
    made = {"queue_id", *captured, *(e.meta.output_name() for step in steps for e in step)}
    return _Prepared(
        rule=rule,
        silent=silent,
        tested=tested,
        test=reduce(and_, tests) if tests else None,
        groups=groups,
        steps=steps,
        events=None if rule.expand is not None else _told(rule, made, columns, wanted),
        columns=columns,
    )


def _told(
    rule: Rule, have: Collection[str], columns: frozenset[str], wanted: Wanted | None
) -> list[pl.Expr]:
    """The columns of an event, of those there are; with the rule itself where all is wanted."""
    names = [n for n in SCHEMA if n in have and n in columns and n != "mta"]
    mta = pl.lit(rule.name.partition(".")[0], dtype=SCHEMA["mta"]).alias("mta")
    return [
        pl.col("row"),
        *(pl.col(n).cast(SCHEMA[n], strict=False) for n in names),
        *([pl.col(IMPLIED_BY)] if IMPLIED_BY in have else []),
        mta,
        *([pl.lit(rule.name).alias("rule")] if wanted is None else []),
    ]


def _without_groups(pattern: str, names: set[str]) -> str:
    """The pattern with these groups not captured: what is not captured costs less."""
    return re.sub(r"\(\?P?<([a-z_]+)>", lambda m: "(?:" if m[1] in names else m[0], pattern)


def _steps(rule: Rule, columns: frozenset[str]) -> tuple[list[list[pl.Expr]], set[str]]:
    """Expressions in stages that need each other, and the columns they all start from."""
    derived = dict(rule.derive)
    needed = columns | {"queue_id"}
    if rule.expand is not None:
        # What it reads is its own business.
        needed = needed | {*rule.captures(), *derived, "text"}
    # From the last to the first: an expression is kept for a column or for a later one.
    kept: dict[str, pl.Expr] = {}
    for name, expr in reversed(derived.items()):
        if name in needed or name.startswith("_"):
            kept[name] = expr.alias(name)
            needed = needed | {*expr.meta.root_names()}
    steps: list[list[pl.Expr]] = []
    if REPLY in rule.captures():
        of_reply = {e.meta.output_name(): e for e in reply_columns(pl.col(REPLY))}
        steps.append([e for n, e in of_reply.items() if n in needed or n == "reply_code"])
        needed = needed | {REPLY}
    stage: list[pl.Expr] = []
    for expr in reversed(kept.values()):
        if {*expr.meta.root_names()} & {e.meta.output_name() for e in stage}:
            steps.append(stage)
            stage = []
        stage.append(expr)
    known = {*rule.captures(), *derived, *(e.meta.output_name() for s in steps for e in s)}
    constants = [
        pl.lit(value, dtype=SCHEMA[name]).alias(name)
        for name, value in rule.set.items()
        if name not in known and name in needed
    ]
    steps.append([*stage, *constants])
    if rule.implied is not None:
        filled = _imply(rule.implied, printed="reply_code" in known)
        steps.append([e for e in filled if e.meta.output_name() in {*needed, IMPLIED_BY}])
    return [s for s in steps if s], set(needed)


def _offer(
    prepared: _Prepared, lines: pl.DataFrame, wanted: Wanted | None
) -> tuple[Taken | None, pl.DataFrame]:
    query, passed, many = lines.lazy(), None, lines.height
    if prepared.test is not None:
        passed = lines.select(prepared.test.alias("test")).to_series()
        many = int(passed.sum())
        if not many:
            return None, lines
        if many < lines.height:
            query = query.filter(passed)
    got = prepared.query(query).collect(engine="in-memory", optimizations=_AS_WRITTEN)
    if got.is_empty():
        return None, lines
    rows = got.get_column("row")
    if rows.len() == lines.height:
        left = lines.clear()
    elif passed is not None and rows.len() == many:
        left = lines.filter(~passed)
    else:
        left = lines.filter(~lines["row"].is_in(rows.implode()))
    if prepared.silent:
        return Taken(prepared.rule, rows, None), left
    return Taken(prepared.rule, rows, _expanded(prepared, got, wanted)), left


def _expanded(prepared: _Prepared, hits: pl.DataFrame, wanted: Wanted | None) -> pl.DataFrame:
    if prepared.rule.expand is None:
        return hits
    hits = prepared.rule.expand(hits)
    return hits.select(_told(prepared.rule, hits.columns, prepared.columns, wanted))


def _imply(name: str, *, printed: bool) -> list[pl.Expr]:
    """Fill in the reply that the line proves, where none is printed."""
    code = pl.lit(IMPLIED[name].code, dtype=pl.UInt16)
    implied = pl.lit("implied", dtype=Evidence)
    if not printed:
        return [code.alias("reply_code"), implied.alias("evidence"), pl.lit(name).alias(IMPLIED_BY)]
    said = pl.col("reply_code").is_not_null()
    return [
        pl.col("reply_code").fill_null(code),
        pl.when(said).then(pl.col("evidence")).otherwise(implied).alias("evidence"),
        pl.when(~said).then(pl.lit(name)).alias(IMPLIED_BY),
    ]
