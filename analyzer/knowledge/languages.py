"""Translations of the knowledge base: laid over the English tables, field by field.

`data/<lang>/` mirrors the English files. A translated text is an inline table
`{ of = "1a2b3c4d", text = "..." }`, where `of` is the hash of the English it translates; a
translator writes a plain string, and `python -m analyzer.languages <lang> --stamp` completes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from reports.article import Untranslated

from . import data_files

Table = dict[str, Any]
Path = tuple[str, ...]

FILES = ("replies", "enhanced", "causes", "pairs", "labels")
TEXTS = frozenset(
    ("title", "description", "when_seen", "how_to_fix", "difference", "when_to_use")
)  # fmt: skip
"""The fields that are translated; of `labels` every string is."""


def available() -> tuple[str, ...]:
    """Return the languages there are: English and one folder for each other."""
    found = {path.parent.name for path in data_files.ROOT.glob("*/*.toml")}
    return ("en", *sorted(found))


def preferred(environment: Mapping[str, str]) -> str:
    """Return the language that the locale asks for, where there is one."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if locale := environment.get(name):
            language = locale.replace("-", "_").split(".")[0].split("@")[0].split("_")[0].lower()
            return language if language in available() else "en"
    return "en"


def digest(english: str) -> str:
    """Return what a translation remembers its English by."""
    import hashlib  # takes 5 ms, and English needs none

    return hashlib.sha256(english.encode()).hexdigest()[:8]


def like(pattern: str, text: str) -> str:
    """Mark a text made from another as untranslated where that one is."""
    return Untranslated(text) if isinstance(pattern, Untranslated) else text


class Overlay(Mapping[str, Any]):
    """A file in another language; each table is laid over when it is asked for."""

    def __init__(self, name: str, lang: str) -> None:
        """Open the English file and its translation."""
        self._english = data_files.read(name)
        self._other = data_files.read(f"{lang}/{name}")
        self._whole = name == "labels"
        self._laid: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._laid:
            english, other = self._english[key], self._other.get(key, {})
            self._laid[key] = lay(english, other, every=self._whole)
        return self._laid[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._english)

    def __len__(self) -> int:
        return len(self._english)

    def __contains__(self, key: object) -> bool:
        return key in self._english


@cache
def load(name: str, lang: str) -> Mapping[str, Any]:
    """Return a data file in a language; what is not translated stands there in English, marked."""
    return data_files.read(name) if lang == "en" else Overlay(name, lang)


def lay(english: Table, other: Any, *, every: bool = False) -> Table:
    """Lay a translated table over its English one."""
    own: Table = other if isinstance(other, dict) else {}
    laid: Table = {}
    for key, value in english.items():
        if isinstance(value, dict):
            laid[key] = lay(value, own.get(key), every=every)
        elif _is_text(key, value, every):
            laid[key] = _fresh(value, own.get(key)) or Untranslated(value)
        else:
            laid[key] = value
    return laid


def _is_text(key: str, value: object, every: bool) -> bool:
    if not isinstance(value, str) or not value:
        return False
    # RCPT and the like are the same in every language.
    return any(map(str.islower, value)) if every else key in TEXTS


def _fresh(english: str, found: Any) -> str:
    """Return a translation that is not older than its English; unstamped counts as fresh."""
    if isinstance(found, str):
        return found
    if isinstance(found, dict) and found.get("of") == digest(english):
        return str(found.get("text", ""))
    return ""


def texts(name: str) -> dict[Path, str]:
    """Return every text of an English file that is to be translated, by its path."""
    return dict(_walk(data_files.read(name), (), name == "labels"))


def _walk(table: Mapping[str, Any], path: Path, every: bool) -> Iterator[tuple[Path, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _walk(value, (*path, key), every)
        elif _is_text(key, value, every):
            yield (*path, key), value


def translated(name: str, lang: str) -> dict[Path, Any]:
    """Return every text of a translated file, by its path: plain strings and stamped ones."""
    return dict(_leaves(data_files.read(f"{lang}/{name}"), ()))


def _leaves(table: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value.keys() != {"of", "text"}:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def names() -> list[str]:
    """Return the names of the English files."""
    return [*FILES, *data_files.rule_files()]


def missing(lang: str) -> list[str]:
    """Name the English texts that have no translation."""
    return [
        _where(name, path)
        for name in names()
        for path in texts(name).keys() - translated(name, lang).keys()
    ]


def stale(lang: str) -> list[str]:
    """Name the translations whose English changed or went, and those that bear no stamp."""
    found = []
    for name in names():
        english = texts(name)
        for path, value in translated(name, lang).items():
            if path not in english:
                found.append(f"{_where(name, path)}: no such text in English")
            elif not isinstance(value, dict):
                found.append(f"{_where(name, path)}: not stamped")
            elif value["of"] != digest(english[path]):
                found.append(f"{_where(name, path)}: the English has changed")
    return found


def _where(name: str, path: Path) -> str:
    return f"{name}.toml [{'.'.join(path[:-1])}] {path[-1]}"


if __name__ == "__main__":
    from .translators import main

    main()
