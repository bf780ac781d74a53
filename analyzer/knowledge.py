"""What a reply code, an enhanced code and a cause mean, and who has to act.

All facts and texts are data: `knowledge_data/*.toml`, one table per code or cause; this module
finds the most specific table that applies. A file is read on first use and kept.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from typing import Any, TypeVar

Table = dict[str, Any]

DIRECTIONS = ("inbound", "outbound", "local")
STAGES = tuple("CONNECT HELO STARTTLS AUTH MAIL RCPT DATA EOD VRFY EXPN ETRN OTHER".split())
COMMANDS = (*STAGES, *"BDAT BURL RSET NOOP HELP QUIT ATRN TURN".split())
STANDARDS = ("standards-track", "experimental", "obsolete", "registry-only", "expired-draft",
             "vendor", "not SMTP", "unassigned")  # fmt: skip
RETRY = tuple("no yes minutes days slower split after-fix 4xx-only by-class".split())


@dataclass(frozen=True, slots=True)
class Side:
    """What there is to say for one direction."""

    when_seen: str
    how_to_fix: str
    who_acts: str
    severity: int
    needs_action: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every table has. `detail`: how much it tells; of two entries the higher speaks."""

    key: str
    title: str
    description: str
    cause: str = "undefined"
    detail: int = 3
    inbound: Side | None = None
    outbound: Side | None = None
    local: Side | None = None

    def side(self, direction: str) -> Side | None:
        """Return the texts for a direction; none where this entry has nothing to add."""
        return {"inbound": self.inbound, "outbound": self.outbound}.get(direction, self.local)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEntry(Entry):
    """What reply codes and enhanced codes have in common."""

    standard: str = "unassigned"
    reference: str = ""
    examples: tuple[str, ...] = ()
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEntry(CodeEntry):
    """A three-digit reply code; `cause_by_enhanced` keys are `X.7.1` or `EOD X.7.1`."""

    commands: tuple[str, ...] = ()
    enhanced: tuple[str, ...] = ()
    cause_by_stage: Mapping[str, str] = field(default_factory=dict)
    cause_by_enhanced: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancedEntry(CodeEntry):
    """An enhanced code; `yields`: too vague to name the cause against a reply code."""

    detail: int = 4
    replies: tuple[int, ...] = ()
    yields: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseEntry(Entry):
    """A cause; `inbound_as` and `outbound_as` name it from the other end of the line."""

    retry: str
    inbound_as: str = ""
    outbound_as: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to tell the postmaster about one kind of reply."""

    title: str
    description: str
    when_seen: str
    how_to_fix: str
    who_acts: str
    severity: int
    needs_action: bool
    cause: str
    source: str


E = TypeVar("E", bound=Entry)


@cache
def _data(name: str) -> Table:
    file = resources.files("analyzer") / "knowledge_data" / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _build(cls: type[E], key: str, table: Table) -> E:
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    values |= {name: Side(**table[name]) for name in DIRECTIONS if name in table}
    return cls(key=key, **values)


@cache
def reply_entry(code: int) -> ReplyEntry | None:
    """Return what is known of a reply code; none where it is unassigned."""
    table = _data("replies").get(f"{code:03}")
    return _build(ReplyEntry, f"{code:03}", table) if table else None


def _explained(code: int) -> ReplyEntry:
    """Explain an unassigned code from its digits: the class, then the category."""
    first, second = divmod(code // 10, 10)
    key = f"{first}yz" if 1 <= first <= 5 else "other"
    table = dict(_data("replies")[key])
    if 2 <= first <= 5:
        table["description"] += " " + _data("labels")["category"][str(second)]
    for name in ("title", "description"):
        table[name] = table[name].replace("{code}", str(code))
    return _build(ReplyEntry, key, table)


def enhanced_entry(enhanced: str) -> EnhancedEntry | None:
    """Return what is known of this very enhanced code, told for its class (5.7.1, 4.7.1, X.7.1)."""
    entry = _find_enhanced(enhanced, enhanced[:1])
    return entry if entry and entry.key.count(".") == 2 else None


@cache
def _find_enhanced(enhanced: str, digit: str) -> EnhancedEntry | None:
    """Return the table of a code, else of its range, its subject, its class."""
    match = re.fullmatch(r"[245X]\.(\d{1,3})\.(\d{1,3})", enhanced)
    if not match:
        return None
    subject, number = int(match[1]), int(match[2])
    data = _data("enhanced")
    ranges = (key for top, low, high, key in _ranges() if top == subject and low <= number <= high)
    for key in (f"X.{subject}.{number}", *ranges, f"X.{subject}", digit):
        if key in data:
            table = {name: v for name, v in data[key].items() if name not in ("2", "4", "5")}
            table |= data[key].get(digit, {})
            if digit != "2" or table["cause"] == "ok":
                return _build(EnhancedEntry, key, table)
    return None


@cache
def _ranges() -> list[tuple[int, int, int, str]]:
    """Return the keys like X.7.500-699 as numbers, the narrowest first."""
    found = [(re.fullmatch(r"X\.(\d+)\.(\d+)-(\d+)", key), key) for key in _data("enhanced")]
    numbers = [(int(m[1]), int(m[2]), int(m[3]), key) for m, key in found if m]
    return sorted(numbers, key=lambda r: r[2] - r[1])


@cache
def _cause(cause: str) -> CauseEntry:
    table = _data("causes")
    known = cause if cause in table else "undefined"
    return _build(CauseEntry, known, table[known])


def _for_code(code: int | None, enhanced: str | None) -> EnhancedEntry | None:
    """Return the enhanced code's entry in the class of the reply: its first digit decides."""
    if not enhanced:
        return None
    first = code // 100 if code is not None else 0
    entry = _find_enhanced(enhanced, str(first) if 2 <= first <= 5 else enhanced[0])
    return None if entry and code is not None and entry.key.isdigit() else entry


@cache
def cause_for(direction: str, code: int | None, enhanced: str | None, stage: str) -> str:
    """Return the cause that the digits alone prove: the pair, the enhanced code, the reply."""
    entry = _for_code(code, enhanced)
    reply = reply_entry(code) if code is not None else None
    first = str(code)[:1] if code is not None else (enhanced or "")[:1]
    if first in ("2", "3") and (code is None or 200 <= code <= 399):
        return "ok"
    told = (c for c in _told(code, entry, reply, stage) if c not in ("", "ok", "undefined"))
    cause = _cause(next(told, "undefined"))
    return (cause.outbound_as if direction == "outbound" else cause.inbound_as) or cause.key


def _told(
    code: int | None, entry: EnhancedEntry | None, reply: ReplyEntry | None, stage: str
) -> Iterator[str]:
    if reply and entry:
        yield reply.cause_by_enhanced.get(f"{stage} {entry.key}", "")
        yield reply.cause_by_enhanced.get(entry.key, "")
    if entry and not entry.yields:
        yield entry.cause
    if reply:
        yield reply.cause_by_stage.get(stage, "")
        yield reply.cause
    if entry:
        yield entry.cause
    if code is not None:
        yield _explained(code).cause


def advise(
    direction: str, code: int | None, enhanced: str | None, cause: str | None = None
) -> Advice:
    """Return the most specific texts for what was seen; never fails, whatever the digits."""
    decided = _cause(cause or cause_for(direction, code, enhanced, ""))
    found: list[Entry] = [(reply_entry(code) or _explained(code))] if code is not None else []
    if entry := _for_code(code, enhanced):
        found.append(entry)
    found = found or [decided]
    best = max(found, key=lambda e: e.detail)
    own = _cause(best.cause)
    same = decided.key in ("undefined", own.key, own.inbound_as, own.outbound_as)
    order = [best, decided] if same else [decided, best]
    order += [*found, _cause("undefined")]
    wanted = ("local", "outbound") if direction == "local" else (direction,)
    side = next(side for name in wanted for e in order if (side := e.side(name)))
    act = side.needs_action
    if act is None:
        own_side = decided.side(direction) or decided.outbound
        act = side.who_acts != "nobody" and bool(own_side and own_side.needs_action)
    told = [e.key for e in found] + ([] if same else [decided.key])
    text = best.description if same else f"{best.description} {decided.description}"
    return Advice(best.title, text, side.when_seen, side.how_to_fix, side.who_acts,
                  side.severity, act, decided.key, " + ".join(told))  # fmt: skip


def cause_title(cause: str) -> str:
    """Return the short name of a cause."""
    return _cause(cause).title


def who_acts_label(who: str) -> str:
    """Return who has to act, in words."""
    labels: dict[str, str] = _data("labels")["who_acts"]
    return labels.get(who, who)


def problems() -> list[str]:
    """Check the data: what is missing, misspelt or contradicts itself."""
    return [f"{name}.toml [{key}]: {text}" for name, cls in _FILES.items()
            for key, table in _data(name).items() for text in _wrong(cls, key, table)]  # fmt: skip
