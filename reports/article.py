"""What the renderers of the knowledge base are given: entries explained, compared, listed.

Text of the knowledge base is our own; `query`, `text` and the examples of a log are raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Labels = Mapping[str, str]
"""What a reader sees besides the texts themselves, by key; `labels.toml`."""


class Untranslated(str):
    """A text that stands in English because its translation is missing or stale."""

    __slots__ = ()


class Side(NamedTuple):
    """What an entry means for one direction."""

    direction: str
    """inbound, outbound or local"""
    heading: str
    when_seen: str
    how_to_fix: str
    who_acts: str
    who: str
    """`who_acts` in words"""
    severity: int
    severity_name: str
    needs_action: bool


class Term(NamedTuple):
    """A code and what it is called."""

    code: str
    title: str


class LogLine(NamedTuple):
    """A line of the reader's log; raw text."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, repr=False, eq=False)
class Seen:
    """How often the reader's log holds the reply, for one direction."""

    direction: str
    heading: str
    code: str
    count: int
    implied: int
    share: float
    peers: int
    first: str
    last: str
    examples: tuple[LogLine, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Article:
    """One entry, explained."""

    query: str
    kind: str
    """rule, enhanced, reply, class or cause: which sort of entry speaks"""
    key: str
    code: int | None
    enhanced: str | None
    text: str = ""
    """The reply that was pasted, on one line; raw."""
    name: str
    """How the entry is called by number: `550 5.7.26`."""
    title: str
    description: str
    cause: str
    cause_title: str
    permanence: str
    permanence_name: str
    retry: str
    retry_name: str
    flow: str = ""
    flow_name: str = ""
    sides: tuple[Side, ...] = ()
    standard: str = ""
    standard_name: str = ""
    reference: str = ""
    commands: tuple[Term, ...] = ()
    enhanced_codes: tuple[Term, ...] = ()
    replies: tuple[Term, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    verified: bool = True
    lang: str = "en"
    seen: tuple[Seen, ...] | None = None
    """None: no log was asked about."""


class Row(NamedTuple):
    """One row of a comparison."""

    key: str
    label: str
    values: tuple[str, str]

    @property
    def same(self) -> bool:
        """Say whether the two agree."""
        return self.values[0] == self.values[1]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Comparison:
    """Two entries side by side."""

    articles: tuple[Article, Article]
    summary: str
    """What the pair of classes means, in a sentence."""
    difference: str = ""
    when_to_use: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    examples: tuple[str, ...] = ()
    learn_more: tuple[str, ...] = ()
    lang: str = "en"


class CodeLine(NamedTuple):
    """One line of the list of codes."""

    code: str
    title: str
    standard: str
    standard_name: str
    reference: str
    cause: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class CodeList:
    """Codes that were asked for."""

    words: tuple[str, ...]
    replies: tuple[CodeLine, ...]
    enhanced: tuple[CodeLine, ...]
    lang: str = "en"
    filters: tuple[str, ...] = field(default=())


class RuleLine(NamedTuple):
    """One line of the list of rules."""

    scope: str
    rule: str
    title: str
    direction: str
    cause: str
    reference: str


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class RuleList:
    """The rules for reply texts, in the order in which they decide."""

    words: tuple[str, ...]
    rules: tuple[RuleLine, ...]
    lang: str = "en"
