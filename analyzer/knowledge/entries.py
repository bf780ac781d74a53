"""What a reply code, an enhanced code and a cause mean, and who has to act.

Facts and texts are data, one table per code or cause; here the most specific one is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, TypeVar

from . import data_files, languages

Table = dict[str, Any]
E = TypeVar("E", bound="Entry")
DIRECTIONS = ("inbound", "outbound", "local")


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
    standard: str = "vendor"
    reference: str = ""
    examples: tuple[str, ...] = ()
    verified: bool = False
    inbound: Side | None = None
    outbound: Side | None = None
    local: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyEntry(Entry):
    """A three-digit reply code; keys of `cause_by_enhanced` are `X.7.1` or `EOD X.7.1`."""

    commands: tuple[str, ...] = ()
    enhanced: tuple[str, ...] = ()
    cause_by_stage: Mapping[str, str] = field(default_factory=dict)
    cause_by_enhanced: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, list[str]] = field(default_factory=dict)
    retry: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancedEntry(Entry):
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


def _data(name: str) -> Mapping[str, Any]:
    return data_files.read(name)


def data(name: str, lang: str = "en") -> Mapping[str, Any]:
    """Return a file of the knowledge base in a language."""
    return _data(name) if lang == "en" else languages.load(name, lang)


def _build(kind: type[E], key: str, table: Table) -> E:
    values: Table = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    values |= {name: Side(**table[name]) for name in DIRECTIONS if name in table}
    return kind(**{"key": key, **values})


def reply_entry(code: int, lang: str = "en") -> ReplyEntry | None:
    """Return what is known of a reply code; none where it is unassigned."""
    table = data("replies", lang).get(f"{code:03}")
    return _build(ReplyEntry, f"{code:03}", table) if table else None


def any_reply(code: int | None, lang: str = "en") -> ReplyEntry | None:
    """Return the entry of a code; an unassigned one is explained from its digits."""
    known = reply_entry(code, lang) if code is not None else None
    if known or code is None:
        return known
    first, second = divmod(code // 10, 10)
    key = f"{first}yz" if 1 <= first <= 5 else "other"
    table: Table = data("replies", lang)[key]
    words = {"code": code, "category": data("labels", lang)["category"][str(second)]}
    texts = {
        name: languages.like(table[name], table[name].format(**words))
        for name in ("title", "description")
    }
    return _build(ReplyEntry, key, table | texts)


def enhanced_entry(enhanced: str, lang: str = "en") -> EnhancedEntry | None:
    """Return what is known of this very code: 5.7.1 told for its class, or X.7.1."""
    entry = any_enhanced(enhanced, enhanced[:1], lang)
    return entry if entry and entry.key.count(".") == 2 else None


def enhanced_table(key: str, lang: str = "en") -> EnhancedEntry:
    """Return the entry of a table such as X.7.1 or X.7.500-699, as it is for all classes."""
    return _build(EnhancedEntry, key, _for_class(data("enhanced", lang)[key], "X"))


def any_enhanced(enhanced: str, digit: str, lang: str = "en") -> EnhancedEntry | None:
    """Return the entry of a code, else of its range, its subject, its class."""
    for key in (*_keys(enhanced), digit):
        table = _for_class(data("enhanced", lang).get(key, {}), digit)
        if table and (digit != "2" or table["cause"] == "ok"):
            return _build(EnhancedEntry, key, table)
    return None


def _keys(enhanced: str) -> Iterator[str]:
    if code := re.fullmatch(r"[245X]\.(\d{1,3})\.(\d{1,3})", enhanced, re.ASCII):
        subject, number = f"X.{int(code[1])}", int(code[2])
        yield f"{subject}.{number}"
        for key in _data("enhanced"):
            span = re.fullmatch(rf"{re.escape(subject)}\.(\d+)-(\d+)", key)
            if span and int(span[1]) <= number <= int(span[2]):
                yield key
        yield subject


def _for_class(table: Table, digit: str) -> Table:
    """Lay a class's sub-table over its table; where that names a cause the old texts go."""
    own: Table = table.get(digit, {})
    gone = {"2", "4", "5", *(DIRECTIONS if "cause" in own else ())}
    return {name: value for name, value in table.items() if name not in gone} | own


@cache
def _cause(cause: str, lang: str = "en") -> CauseEntry:
    key = cause if cause in _data("causes") else "undefined"
    return _build(CauseEntry, key, data("causes", lang)[key] | {"cause": key})


def cause_entry(cause: str, lang: str = "en") -> CauseEntry:
    """Return what is known of a cause; of an unknown one, what is told of `undefined`."""
    return _cause(cause, lang)


def seen_from(cause: str, written_for: str, direction: str) -> str:
    """Return a cause's name at this end of the line, where it was named at the other."""
    if direction == written_for:
        return cause
    entry = _cause(cause)
    return (entry.outbound_as if direction == "outbound" else entry.inbound_as) or cause


def in_reply(code: int | None, enhanced: str | None, lang: str = "en") -> EnhancedEntry | None:
    """Return the enhanced code's entry in the class of the reply, whose first digit decides."""
    digit = {2: "2", 3: "2", 4: "4", 5: "5"}.get((code or 0) // 100, (enhanced or "")[:1])
    entry = any_enhanced(enhanced or "", digit, lang)
    return None if entry and code is not None and entry.key.isdigit() else entry


@lru_cache(4096)
def cause_for(direction: str, code: int | None, enhanced: str | None, stage: str) -> str:
    """Return the cause that the digits prove: by the pair, the enhanced code, the reply code."""
    if (code // 100 in (2, 3)) if code is not None else (enhanced or "").startswith("2"):
        return "ok"
    entry, reply = in_reply(code, enhanced), any_reply(code)
    own = [entry.cause] if entry and entry.cause != "ok" else []
    told = [] if entry and entry.yields else [*own]
    if entry and reply:
        pairs = reply.cause_by_enhanced
        told = [pairs.get(f"{stage} {entry.key}", ""), pairs.get(entry.key, ""), *told]
    if reply:
        told += [reply.cause_by_stage.get(stage, ""), reply.cause]
    why = _cause(next((c for c in told + own if c not in ("", "undefined")), "undefined"))
    return (why.outbound_as if direction == "outbound" else why.inbound_as) or why.key


@lru_cache(4096)
def advise(
    direction: str,
    code: int | None,
    enhanced: str | None,
    cause: str | None = None,
    lang: str = "en",
) -> Advice:
    """Return the most specific texts for what was seen; whatever the digits, it never fails."""
    why = _cause(cause or cause_for(direction, code, enhanced, ""), lang)
    entries: tuple[Entry | None, ...] = (any_reply(code, lang), in_reply(code, enhanced, lang))
    found: list[Entry] = [e for e in entries if e] or [why]
    best = max(found, key=lambda entry: entry.detail)
    own = _cause(best.cause, lang)
    same = why.key in ("undefined", own.key, own.inbound_as, own.outbound_as)
    order = [*([best, why] if same else [why, best]), *found, _cause("undefined", lang)]
    names = (direction,) if direction in DIRECTIONS[:2] else ("local", "outbound")
    side: Side = next(filter(None, (getattr(e, name) for name in names for e in order)))
    usual: Side | None = getattr(why, names[0]) or why.outbound
    needs = bool(usual and usual.needs_action) and side.who_acts != "nobody"
    needs = needs if side.needs_action is None else side.needs_action
    text = best.description
    if not same:
        text = languages.like(text, f"{best.description} {why.description}")
    source = " + ".join([e.key for e in found] + ([] if same else [why.key]))
    told = (side.when_seen, side.how_to_fix, side.who_acts, side.severity)
    return Advice(best.title, text, *told, needs, why.key, source)


def cause_title(cause: str, lang: str = "en") -> str:
    """Return the short name of a cause."""
    return _cause(cause, lang).title


def at_home(direction: str, who: str) -> str:
    """Call this server's admin by that name, whichever end of the line it is."""
    here = {"outbound": "sending-admin", "inbound": "recipient-admin"}.get(direction)
    return "own-admin" if who == here else who


def who_acts_label(who: str, lang: str = "en") -> str:
    """Return who has to act, in words."""
    return word("who_acts", who, lang)


def word(kind: str, value: str, lang: str = "en") -> str:
    """Return what to call a value of a field, from labels.toml."""
    found: str = data("labels", lang)[kind].get(value, value)
    return found


def problems() -> list[str]:
    """Check the data: name what is missing, misspelt or at odds with the rest."""
    kinds = {"replies": ReplyEntry, "enhanced": EnhancedEntry, "causes": CauseEntry}
    rows = ((n, key, _wrong(c, key, t)) for n, c in kinds.items() for key, t in _data(n).items())
    return [f"{name} [{key}]: {text}" for name, key, texts in rows for text in texts]


def _wrong(kind: type[Entry], key: str, table: Table) -> Iterator[str]:
    yield from _misspelt(table)
    try:
        entry = [_build(kind, key, _for_class(table, digit)) for digit in "245X"][-1]
    except TypeError as error:
        yield str(error)
        return
    for example in entry.examples:
        codes = re.findall(r"\b[245](\.\d+\.\d+)", example)[:1]
        if not (example.startswith(key) or any(key in _keys(f"X{code}") for code in codes)):
            yield f"not an example of it: {example}"


def _misspelt(table: Table) -> Iterator[str]:
    words = dict(_data("labels")) | dict.fromkeys(
        ("cause", "inbound_as", "outbound_as"), _data("causes")
    )
    for name, value in table.items():
        if name.startswith("cause_by_"):
            stages = [key.split()[0] for key in value if not key.startswith("X.")]
            yield from _misspelt({"cause": [*value.values()], "commands": stages})
        elif isinstance(value, dict):
            yield from _misspelt(value)
        else:
            items = [str(item) for item in (value if isinstance(value, list) else [value])]
            wrong = (item for item in items if not item or item not in words.get(name, [item]))
            yield from (f"{name} = {item!r}" for item in wrong)
