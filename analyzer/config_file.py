"""Reads configuration files and says line by line what is wrong in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import click

from .config import ALL, ConfigFile, Words, every_command, is_secret, login_in, options_of, variable
from .exits import Exit, Refused

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEAD = re.compile(rf"[ \t]*\[[ \t]*({_DOTTED})[ \t]*\]")
_FIELD = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")


class Problem(NamedTuple):
    """What is wrong, and where."""

    file: str
    line: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass
class Loaded:
    """What the files hold."""

    files: list[str] = field(default_factory=list)
    """Those that were there, in the order in which they were read."""
    values: dict[Words, dict[str, Any]] = field(default_factory=dict)
    """By command and parameter name."""
    origins: dict[tuple[Words, str], str] = field(default_factory=dict)
    """`FILE:LINE` by command and parameter name."""
    problems: list[Problem] = field(default_factory=list)


def load(main: click.Group, files: Iterable[ConfigFile]) -> Loaded:
    """Read the files one over the other. Raises Refused where one cannot be read."""
    loaded = Loaded()
    commands = dict(every_command(main))
    for file in files:
        try:
            raw = Path(file.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if file.asked_for:
                raise Refused(f"{file.path}: there is no such file", Exit.USAGE) from None
            continue
        except OSError as error:
            # An ignored file would change what the program does without a word.
            raise Refused(f"{file.path}: {error.strerror}", Exit.USAGE) from error
        loaded.files.append(file.path)
        _read(loaded, file.path, raw, commands)
    return loaded


def _read(loaded: Loaded, path: str, raw: bytes, commands: dict[Words, click.Command]) -> None:
    try:
        text = raw.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        loaded.problems.append(Problem(path, line, "this is not UTF-8"))
        return
    except tomllib.TOMLDecodeError as error:
        loaded.problems.append(_not_toml(path, text, str(error)))
        return
    reader = _Reader(path, _lines(text), commands)
    reader.read(tables)
    loaded.problems += sorted(set(reader.problems), key=lambda p: p.line or 0)
    # [all] of this file first: a command's own table is nearer, and a later file wins as a whole.
    for words, name, value, at in (*reader.shared, *reader.own):
        loaded.values.setdefault(words, {})[name] = value
        loaded.origins[words, name] = f"{path}:{at}" if at else str(path)


def _not_toml(path: str, text: str, said: str) -> Problem:
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return Problem(path, line, f"not TOML: {said[: place.start()] if place else said}")


Found = tuple[Words, str, Any, int | None]
"""Command, parameter name, value, line."""


class _Reader:
    """One file against the commands there are."""

    def __init__(
        self, path: str, lines: dict[Words, int], commands: dict[Words, click.Command]
    ) -> None:
        self._path, self._lines = path, lines
        self._options = {words: options_of(command) for words, command in commands.items()}
        self.shared: list[Found] = []
        self.own: list[Found] = []
        self.problems: list[Problem] = []

    def read(self, tables: dict[str, Any]) -> None:
        """Take every table."""
        for name, table in tables.items():
            at = (name,)
            if not isinstance(table, dict):
                if self._known(name):
                    self._wrong(at, f"{name} stands outside any table; put it under [{ALL}]")
                else:
                    self._wrong(at, f"{name} has to be a table: [{name}]")
            elif name == ALL:
                self._all(table)
            else:
                self._table(at, table)

    def _table(self, at: Words, table: dict[str, Any]) -> None:
        """The table of a command, or of a group with tables of commands in it."""
        words = tuple(part.replace("_", "-") for part in at)
        below = {
            w[len(words)]
            for w, own in self._options.items()
            if own and w[: len(words)] == words != w
        }
        if not self._options.get(words) and not below:
            known = (ALL, *(".".join(w) for w, options in self._options.items() if options))
            self._wrong(at, f"unknown table [{'.'.join(at)}]{meant('.'.join(words), known)}")
            return
        for name, value in table.items():
            inside = (*at, name)
            if name.replace("_", "-") in below and isinstance(value, dict):
                self._table(inside, value)
            elif self._options.get(words):
                self._option(inside, words, value, table)
            elif isinstance(value, dict):
                near = meant(name, below)
                self._wrong(inside, f"unknown table [{'.'.join(inside)}]{near}")
            else:
                tables = ", ".join(f"[{'.'.join(words)}.{b}]" for b in sorted(below))
                self._wrong(inside, f"{name} belongs into one of {tables}")

    def _option(self, at: Words, words: Words, value: Any, table: dict[str, Any]) -> None:
        options = self._options[words]
        key = self._key(at, table)
        if key is None:
            return
        if key not in options:
            self._wrong(at, f"unknown option {at[-1]} in [{'.'.join(words)}]{meant(key, options)}")
            return
        if is_secret(key, options[key]):
            self._refuse_secret(at, variable(words, key))
            return
        try:
            taken = fitted(options[key], value)
        except ValueError as error:
            self._wrong(at, f"{at[-1]} {error}")
            return
        self.own.append((words, str(options[key].name), taken, self._line(at)))

    def _all(self, table: dict[str, Any]) -> None:
        for name, value in table.items():
            at = (ALL, name)
            key = self._key(at, table)
            if key is None:
                continue
            having = {words: own[key] for words, own in self._options.items() if key in own}
            if not having:
                self._wrong(at, f"unknown option {name} in [{ALL}]{meant(key, self._keys())}")
            elif any(is_secret(key, option) for option in having.values()):
                self._refuse_secret(at, variable((ALL,), key))
            for words, option in having.items():
                try:
                    taken = fitted(option, value)
                except ValueError as error:
                    alone = "" if len(having) == 1 else f" for `smtplens {' '.join(words)}`"
                    self._wrong(at, f"{name} {error}{alone}")
                    break
                self.shared.append((words, str(option.name), taken, self._line(at)))

    def _key(self, at: Words, table: dict[str, Any]) -> str | None:
        """The name as on the command line; None where it stands there in both spellings."""
        key = at[-1].replace("_", "-")
        first = next(name for name in table if name.replace("_", "-") == key)
        if first == at[-1]:
            return key
        self._wrong(at, f"{at[-1]} is the same option as {first}")
        return None

    def _known(self, name: str) -> bool:
        return name.replace("_", "-") in self._keys()

    def _keys(self) -> set[str]:
        return {key for own in self._options.values() for key in own}

    def _refuse_secret(self, at: Words, name: str) -> None:
        said = f"{at[-1]} is a secret and does not belong into a configuration file"
        self._wrong(at, f"{said}; use {name} in the environment, or an option that names a file")

    def _wrong(self, at: Words, text: str) -> None:
        self.problems.append(Problem(self._path, self._line(at), text))

    def _line(self, at: Words) -> int | None:
        """The line of an option, else of the table around it."""
        parts = (self._lines.get(at[:n]) for n in range(len(at), 0, -1))
        return next((line for line in parts if line), None)


def fitted(option: click.Option, value: Any) -> Any:
    """A value of a file as click takes it. Raises ValueError: what it has to be instead."""
    if option.count:
        return _one(click.INT, option, value)
    if option.is_flag and option.is_bool_flag:
        if not isinstance(value, bool):
            raise ValueError(f"has to be true or false, not {_kind(value)}")
        return value
    if not option.multiple and option.nargs == 1:
        return _one(option.type, option, value)
    if not isinstance(value, list):
        raise ValueError(f"has to be a list, like [{_shown(value)}], not {_kind(value)}")
    if option.multiple and option.nargs != 1:
        return [_several(option, item) for item in value]
    if option.multiple:
        return [_one(option.type, option, item) for item in value]
    return _several(option, value)


def _several(option: click.Option, value: Any) -> list[Any]:
    if not isinstance(value, list) or (option.nargs > 0 and len(value) != option.nargs):
        raise ValueError(f"has to be a list of {option.nargs}")
    parts = getattr(option.type, "types", None) or [option.type] * len(value)
    return [_one(kind, option, item) for kind, item in zip(parts, value, strict=True)]


def _one(kind: click.ParamType[Any], option: click.Option, value: Any) -> Any:
    """A single value; what stands on disk is looked for when the command runs."""
    number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, type(click.INT)):
        wanted, fits = "a whole number", number
    elif isinstance(kind, type(click.FLOAT)):
        wanted, fits = "a number", number or isinstance(value, float)
    elif isinstance(kind, type(click.BOOL)):
        wanted, fits = "true or false", isinstance(value, bool)
    else:
        # A reply code or a count is a number to whoever writes it.
        wanted, fits = "a text", isinstance(value, str) or number
        value = str(value) if number else value
    if not fits:
        raise ValueError(f"has to be {wanted}, not {_kind(value)}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("holds a NUL")
    if login_in(value):
        raise ValueError("holds a password, which does not belong into a configuration file")
    if not isinstance(kind, click.Path | click.File):
        try:
            kind.convert(value, option, None)
        except click.BadParameter as error:
            near = meant(value, getattr(kind, "choices", ()))
            raise ValueError(f"= {_shown(value)}: {error.message.rstrip('.')}{near}") from error
    return value


def _kind(value: Any) -> str:
    names = {
        bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list",
        dict: "a table",
    }  # fmt: skip
    return names.get(type(value), "a date or time; put it in quotes")


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def meant(word: Any, known: Iterable[str]) -> str:
    """A hint at the nearest of the words there are; empty where none is near."""
    near = get_close_matches(str(word), sorted(map(str, known)), 1)
    return f"; did you mean {near[0]}?" if near else ""


def _lines(text: str) -> dict[Words, int]:
    """The line of each table and of each key, as far as they can be told without a parser."""
    found: dict[Words, int] = {}
    table: Words = ()
    for number, line in enumerate(text.splitlines(), 1):
        if head := _HEAD.match(line):
            table = _parts(head[1])
            found.setdefault(table, number)
        elif key := _FIELD.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> Words:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
