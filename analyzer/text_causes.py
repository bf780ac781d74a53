"""What distinct reply texts say of the cause, for a whole column of them at once.

Polars finds which rules' literal parts stand in which texts, in one pass for all rules. Only
those few patterns are tried, with Python's `re`: compiling them anew for every chunk, as polars
would, takes longer than the log's whole parsing.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import polars as pl

from .knowledge import data_files, entries, provider_map, reply_rules
from .knowledge.reply_rules import Scope, TextRule
from .knowledge.reply_text import LONGEST, MASKS

_NOBODY = "host.invalid"
"""A peer that no provider's rule is for."""
_REMEMBERED = 200_000
Answer = tuple[str | None, str | None]
"""Cause and rule."""

_known: dict[tuple[str, str | None, str | None, tuple[TextRule, ...]], dict[str, Answer]] = {}


class _Entry(NamedTuple):
    """A rule that is not read yet."""

    scope: Scope
    file: str
    key: str
    literals: tuple[str, ...]
    """One of these stands in every text that it matches; none: it has to be tried."""


@cache
def _entries() -> tuple[_Entry, ...]:
    """All rules in the order in which they decide."""
    return tuple(
        _Entry(scope, name, key, reply_rules.literals_of(data_files.read(name).text(key)))
        for scope, name in reply_rules.scopes()
        for key in data_files.read(name)
        if key != "scope"
    )


@cache
def _places() -> dict[str, list[int]]:
    """Literal part: places of the rules that have it."""
    found: dict[str, list[int]] = {}
    for place, entry in enumerate(_entries()):
        for literal in entry.literals or ("",):
            found.setdefault(literal, []).append(place)
    return found


@lru_cache(4096)
def _rule(place: int) -> TextRule:
    entry = _entries()[place]
    return reply_rules.build(entry.scope, entry.key, data_files.read(entry.file)[entry.key])


@lru_cache(65536)
def provider_of(host: str | None, ip: str | None = None) -> str | None:
    """The provider that a peer is of."""
    scope = reply_rules.provider_of(host or "", ip) if host or ip else None
    return scope.key if scope else None


provider_map.remembers(provider_of.cache_clear)


def masked(lines: pl.Expr) -> pl.Expr:
    """Lines with what differs from mail to mail masked; what is longer than any reply is cut."""
    lines = lines.str.head(LONGEST)
    for pattern, text in MASKS:
        lines = lines.str.replace_all(pattern, text)
    return lines


def roughly_masked(lines: pl.Expr) -> pl.Expr:
    """Lines with the masks that make most of them one."""
    for pattern, text in (MASKS[1], MASKS[7]):
        lines = lines.str.replace_all(pattern, text)
    return lines


def decide(
    texts: pl.Series,
    direction: str,
    mta: str | None,
    provider: str | None,
    user: tuple[TextRule, ...] = (),
) -> pl.DataFrame:
    """Columns text_cause and why of masked texts, null where no rule speaks; the user's own
    rules come first."""
    known = _known.setdefault((direction, mta, provider, user), {})
    if len(known) > _REMEMBERED:
        known.clear()
    new = pl.Series("text", [t for t in texts.unique().drop_nulls() if t not in known], pl.String)
    if new.len():
        places = _places()
        literals = [literal for literal in places if literal]
        found = new.str.to_lowercase().str.extract_many(literals, overlapping=True)
        always = places.get("", [])
        for text, hits in zip(new, found, strict=True):
            candidates = sorted({p for literal in hits for p in places[literal]}.union(always))
            known[text] = _of_user(user, text, direction, mta) or _first(
                candidates, text, direction, mta, provider
            )
    answers = [known.get(text, (None, None)) for text in texts]
    return pl.DataFrame(
        answers, schema={"text_cause": pl.String(), "why": pl.String()}, orient="row"
    )


def _of_user(
    user: tuple[TextRule, ...], text: str, direction: str, mta: str | None
) -> Answer | None:
    for rule in user:
        if rule.holds(direction, None, mta) and rule.hits(text):
            return entries.seen_from(rule.cause, rule.direction, direction), rule.id
    return None


def _first(
    candidates: list[int], text: str, direction: str, mta: str | None, provider: str | None
) -> Answer:
    for place in candidates:
        scope = _entries()[place].scope
        if scope.hosts and direction == "outbound" and scope.key != provider:
            continue
        rule = _rule(place)
        host = scope.hosts[0] if scope.hosts and scope.key == provider else _NOBODY
        if rule.holds(direction, host, mta) and reply_rules.compiled(rule.pattern).search(text):
            return entries.seen_from(rule.cause, rule.direction, direction), rule.id
    return None, None
