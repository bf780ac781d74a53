"""Rules for reply texts: which are candidates for a reply, and which of them speaks.

The first rule that matches decides, in the order of `rules_for`: the user's own file, software,
providers (only the peer's), generic texts; inside a file from top to bottom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from . import data_files, languages, provider_map
from .literals import literals, longest
from .reply_text import mask, normalise

Table = Mapping[str, Any]
_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
VAGUE = 24
"""Fewer characters of literal text than this do not tell whose words they are."""
USER = "user"
KINDS = (USER, *data_files.RULE_KINDS)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the rules of a file hold: the peers or the software whose words they know."""

    kind: str
    key: str
    name: str
    hosts: tuple[str, ...] = ()
    mta: str = ""
    order: int = 0

    def covers(self, host: str) -> bool:
        """Say whether a host bears one of the names, or stands below one."""
        name = host.lower().rstrip(".")
        return any(name == own or name.endswith(f".{own}") for own in self.hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """What a reply text means; for which direction remedy and `who_acts` are written."""

    id: str
    scope: Scope
    direction: str
    pattern: str
    cause: str
    title: str
    description: str
    how_to_fix: str
    who_acts: str
    severity: int | None = None
    only: bool = False
    reference: str = ""
    verified: bool = False
    examples: tuple[str, ...] = ()
    not_examples: tuple[str, ...] = ()

    def hits(self, masked: str) -> bool:
        """Say whether a line, normalised and masked, is one of the rule's."""
        return compiled(self.pattern).search(masked) is not None

    def holds(self, direction: str | None, host: str | None, mta: str | None) -> bool:
        """Say whether the rule is a candidate; what is not known excludes nothing."""
        if direction is None:
            return not (host and self.scope.hosts) or self.scope.covers(host)
        if self.only and self.direction != direction:
            return False
        if direction == "outbound":
            return not (host and self.scope.hosts) or self.scope.covers(host)
        # The words are our own: a peer's rule holds only where it says so, nor another MTA's.
        if self.scope.hosts:
            return self.direction == direction and not (host and not self.scope.covers(host))
        return not (mta and self.scope.mta) or self.scope.mta == mta


def build(scope: Scope, key: str, table: Table) -> TextRule:
    """Make a rule of its table."""
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in table.items()
    }
    return TextRule(id=key, scope=scope, **values)


def build_scope(kind: str, key: str, table: Table) -> Scope:
    """Make a scope of a file's table `[scope]`, all of which may be left out."""
    hosts = tuple(str(h).lower().rstrip(".") for h in table.get("hosts", ()))
    name, order = str(table.get("name", key)), int(table.get("order", 0))
    return Scope(kind, key, name, hosts, str(table.get("mta", "")), order)


@cache
def scopes() -> tuple[tuple[Scope, str], ...]:
    """Return the scope and name of each of our files, in the order in which they decide."""
    found = []
    for name in data_files.rule_files():
        _, kind, key = name.split("/")
        found.append((build_scope(kind, key, data_files.read(name).get("scope", {})), name))
    kinds = data_files.RULE_KINDS
    return tuple(sorted(found, key=lambda s: (kinds.index(s[0].kind), s[0].order, s[0].key)))


@cache
def file_rules(name: str, lang: str = "en") -> tuple[TextRule, ...]:
    """Return the rules of one of our files, in their order."""
    scope = next(s for s, n in scopes() if n == name)
    tables = languages.load(name, lang)
    return tuple(build(scope, key, tables[key]) for key in tables if key != "scope")


def rules_for(
    direction: str | None = None,
    host: str | None = None,
    mta: str | None = None,
    *,
    user: Iterable[TextRule] = (),
    lang: str = "en",
) -> Iterator[TextRule]:
    """Give the candidates in the order in which they decide; `user` are those of the user's file."""
    yield from (rule for rule in user if rule.holds(direction, host, mta))
    for _, name in scopes():
        yield from (r for r in file_rules(name, lang) if r.holds(direction, host, mta))


def match(
    reply: str, direction: str | None = None, host: str | None = None, mta: str | None = None,
    *, user: Sequence[TextRule] = (), lang: str = "en",
) -> TextRule | None:  # fmt: skip
    """Return the rule that speaks for a reply."""
    return next(iter(hits(reply, direction, host, mta, user=user, lang=lang)), None)


def hits(
    reply: str, direction: str | None = None, host: str | None = None, mta: str | None = None,
    *, user: Sequence[TextRule] = (), lang: str = "en",
) -> list[TextRule]:  # fmt: skip
    """Return all candidates that match a reply, the one that speaks first."""
    line = mask(normalise(reply))
    found = [r for r in _possible(line, direction, host, mta, user, lang) if r.hits(line)]
    if host:
        return found
    # Not the peer's own rules alone were tried: of the providers' the most telling one speaks, and
    # vague ones of a provider that the reply does not name wait for the generic texts.
    order = {rule.id: _telling(line, rule) for rule in found if _of_provider(rule)}
    telling = sorted(filter(_of_provider, found), key=lambda r: order[r.id], reverse=True)
    first = [r for r in found if r.scope.kind in (USER, "software")]
    vague = [r for r in telling if order[r.id] < (True, 0) and order[r.id][1] < VAGUE]
    sure = [r for r in telling if r not in vague]
    return [*first, *sure, *(r for r in found if r.scope.kind == "generic"), *vague]


def _of_provider(rule: TextRule) -> bool:
    return rule.scope.kind == "providers"


def _telling(line: str, rule: TextRule) -> tuple[bool, int]:
    """Rank a provider's rule: the reply names one of its hosts, and how much text is matched."""
    names = [*_NAME.findall(line.lower()), *(["google.com"] if line.endswith("- gsmtp") else [])]
    key = rule.scope.key
    own = any(rule.scope.covers(n) or any(p.startswith(key) for p in n.split(".")) for n in names)
    return own, longest(rule.pattern)


def _possible(
    line: str, direction: str | None, host: str | None, mta: str | None,
    user: Iterable[TextRule], lang: str,
) -> Iterator[TextRule]:  # fmt: skip
    """Give the candidates whose pattern's literal part stands in the line; few tables are read."""
    yield from (rule for rule in user if rule.holds(direction, host, mta))
    lower = line.lower()
    for scope, name in scopes():
        if scope.hosts and host and not scope.covers(host):
            continue
        tables, source = languages.load(name, lang), data_files.read(name)
        for key in tables:
            if key != "scope" and _perhaps(source.text(key), lower):
                rule = build(scope, key, tables[key])
                if rule.holds(direction, host, mta):
                    yield rule


_PATTERN = re.compile(r"(?m)^pattern = (?:'''(.*?)'''|'([^'\n]*)')[ \t]*(?:#.*)?$", re.DOTALL)


def literals_of(table: str) -> tuple[str, ...]:
    """Return the literals of the pattern in a table that was not parsed yet."""
    found = _PATTERN.search(table)
    return literals(found[1] if found[1] is not None else found[2]) if found else ()


def _perhaps(table: str, line: str) -> bool:
    found = literals_of(table)
    return not found or any(text in line for text in found)


def rule(key: str, lang: str = "en") -> TextRule | None:
    """Return the rule of an id."""
    for scope, name in scopes():
        if key in data_files.read(name) and key != "scope":
            return build(scope, key, languages.load(name, lang)[key])
    return None


def provider_of(host: str, ip: str | None = None) -> Scope | None:
    """Return the provider that a host is of; of nested names the longest decides.

    The user's own map goes first; see provider_map.py.
    """
    if own := provider_map.used().provider_of(host, ip):
        ours = (scope for scope, _ in scopes() if scope.kind == "providers" and scope.key == own)
        return next(ours, Scope("providers", own, own))
    covering = [
        (max(len(own) for own in scope.hosts if Scope("", "", "", (own,)).covers(host)), scope)
        for scope, _ in scopes()
        if scope.kind == "providers" and scope.covers(host)
    ]
    return max(covering, key=lambda found: found[0])[1] if covering else None


def provider_name(key: str | None) -> str:
    """Return what people call the provider of a key; of a user's own map the key is the name."""
    ours = (s.name for s, _ in scopes() if s.kind == "providers" and s.key == key)
    return next(ours, key or "")


@lru_cache(2048)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern, once; classes such as `\\d` are Unicode's, as in polars."""
    return re.compile(pattern)
