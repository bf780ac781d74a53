"""Reads a user's file of rules and says line by line what is wrong in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.exits import Exit, Refused

from . import entries
from .patterns import wrong_in
from .reply_rules import USER, TextRule, build, build_scope
from .reply_text import mask, normalise

FIELDS = tuple(f.name for f in fields(TextRule) if f.name not in ("id", "scope"))
REQUIRED = (
    "direction", "pattern", "cause", "title", "description", "how_to_fix", "who_acts", "examples",
)  # fmt: skip
SCOPE_FIELDS = ("name", "hosts", "mta", "order")
KINDS: dict[str, type] = {
    "only": bool, "verified": bool, "severity": int, "order": int,
    "examples": list, "not_examples": list, "hosts": list,
}  # fmt: skip
_NAMES = {bool: "true or false", int: "a number", list: "a list of texts", str: "a text"}


class Problem(NamedTuple):
    """What is wrong, and in which line."""

    line: int
    text: str


def problems(path: str) -> list[str]:
    """Say what is wrong in a file, `file:line: what`, in the order of its lines."""
    found = sorted(set(_check(*_read(path))), key=lambda p: p.line)
    return [f"{path}:{line}: {text}" for line, text in found]


def load(path: str) -> list[TextRule]:
    """Return the rules of a user's file; refuse it where something is wrong in it."""
    text, found = _read(path)
    wrong = sorted(_check(text, found))
    if wrong:
        more = f" (and {len(wrong) - 1} more: smtplens rules check)" if wrong[1:] else ""
        raise Refused(f"{path}:{wrong[0].line}: {wrong[0].text}{more}", Exit.USAGE)
    tables = tomllib.loads(text)
    scope = build_scope(USER, Path(path).stem, tables.pop("scope", {}))
    return [build(scope, key, table) for key, table in tables.items()]


def _read(path: str) -> tuple[str, list[Problem]]:
    raw = Path(path).read_bytes()
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        return "", [Problem(raw.count(b"\n", 0, error.start) + 1, "this is not UTF-8")]


def _check(text: str, found: list[Problem]) -> Iterator[Problem]:
    yield from found
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        yield Problem(line, f"not TOML: {said[: place.start()] if place else said}")
        return
    lines = _Lines(text)
    sound: list[TextRule] = []
    for key, table in tables.items():
        if not isinstance(table, dict):
            yield Problem(lines.of("", key), f"{key!r} stands outside any table")
        elif key == "scope":
            yield from _fields(lines, key, table, SCOPE_FIELDS)
        else:
            wrong = [*_fields(lines, key, table, FIELDS), *_rule(lines, key, table)]
            yield from wrong
            if not wrong:
                sound.append(build(build_scope(USER, "user", {}), key, table))
    yield from _examples(lines, sound)


class _Lines:
    """Finds the line of a table or of a field in it."""

    def __init__(self, text: str) -> None:
        self._found: dict[tuple[str, str], int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if head := re.match(r"""[ \t]*\[[ \t]*(?:"([^"]*)"|'([^']*)'|([\w-]+))""", line):
                table = next(filter(None, head.groups()), "")
                self._found.setdefault((table, ""), number)
            elif field := re.match(r"""[ \t]*["']?([\w-]+)["']?[ \t]*=""", line):
                self._found.setdefault((table, field[1]), number)

    def of(self, table: str, field: str = "") -> int:
        """Return the line of a field, else of its table."""
        return self._found.get((table, field)) or self._found.get((table, ""), 1)


def _fields(
    lines: _Lines, key: str, table: dict[str, Any], names: tuple[str, ...]
) -> Iterator[Problem]:
    for name, value in table.items():
        line = lines.of(key, name)
        kind: type = KINDS.get(name, str)
        if name not in names:
            yield Problem(line, f"unknown field {name!r}{_meant(name, names)}")
        elif type(value) is not kind or not _all_texts(value):
            yield Problem(line, f"{name} has to be {_NAMES[kind]}")


def _all_texts(value: Any) -> bool:
    return not isinstance(value, list) or all(isinstance(item, str) for item in value)


def _rule(lines: _Lines, key: str, table: dict[str, Any]) -> Iterator[Problem]:
    for name in REQUIRED:
        if not table.get(name):
            yield Problem(lines.of(key), f"[{key}] has no {name}")
    words = {
        "direction": entries.DIRECTIONS,
        "cause": tuple(entries.data("causes")),
        "who_acts": tuple(entries.data("labels")["who_acts"]),
    }
    for name, known in words.items():
        value = table.get(name)
        if isinstance(value, str) and value and value not in known:
            yield Problem(lines.of(key, name), f"unknown {name} {value!r}{_meant(value, known)}")
    if isinstance(table.get("severity"), int) and table["severity"] not in range(5):
        yield Problem(lines.of(key, "severity"), "severity goes from 0 to 4")
    if isinstance(table.get("pattern"), str):
        for text in wrong_in(table["pattern"]):
            yield Problem(lines.of(key, "pattern"), text)


def _meant(word: str, known: Iterable[str]) -> str:
    known = tuple(known)
    if close := get_close_matches(word, known, 1):
        return f"; did you mean {close[0]!r}?"
    return f"; one of {', '.join(known)}" if len(known) <= 6 else ""


def _examples(lines: _Lines, rules: list[TextRule]) -> Iterator[Problem]:
    """Hold each example against its own rule and the ones before it."""
    for number, rule in enumerate(rules):
        for example in rule.examples:
            line = mask(normalise(example))
            earlier = next((r for r in rules[:number] if r.hits(line)), None)
            if not rule.hits(line):
                yield Problem(lines.of(rule.id, "examples"), f"the pattern does not match {line!r}")
            elif earlier:
                text = f"the earlier rule [{earlier.id}] takes {line!r}"
                yield Problem(lines.of(rule.id, "examples"), text)
        for example in rule.not_examples:
            line = mask(normalise(example))
            if rule.hits(line):
                yield Problem(lines.of(rule.id, "not_examples"), f"the pattern matches {line!r}")
