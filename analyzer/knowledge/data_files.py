"""Reads the knowledge base's files: each whole table only when it is asked for.

A file of 90 kB takes 20 ms to parse; `explain 550` needs one table of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "data"
RULE_KINDS = ("software", "providers", "generic")
"""The kinds of rule files, in the order in which they decide."""

_HEAD = re.compile(r'(?m)^\[(?:"([^"\n]+)"|([A-Za-z0-9_-]+))[^\n]*\][ \t]*(?:#[^\n]*)?$')


class Sections(MutableMapping[str, Any]):
    """The top-level tables of a TOML file. Headers stand at the line's head, nothing else does."""

    def __init__(self, text: str) -> None:
        """Cut the text at its headers."""
        self._texts: dict[str, str] = {}
        self._read: dict[str, Any] = {}
        heads = [*_HEAD.finditer(text)]
        ends = [*(head.start() for head in heads[1:]), len(text)]
        for head, end in zip(heads, ends, strict=False):
            key = head[1] or head[2]
            self._texts[key] = self._texts.get(key, "") + text[head.start() : end]

    def __getitem__(self, key: str) -> Any:
        if key not in self._read:
            self._read[key] = tomllib.loads(self._texts[key])[key]
        return self._read[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._texts.setdefault(key, "")
        self._read[key] = value

    def __delitem__(self, key: str) -> None:
        del self._texts[key]
        self._read.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts  # the inherited one would parse

    def text(self, key: str) -> str:
        """Return the TOML of one table, unread."""
        return self._texts[key]


@cache
def read(name: str) -> Sections:
    """Return a data file by its name, such as `replies` or `hi/rules/providers/google`."""
    path = ROOT / f"{name}.toml"
    return Sections(path.read_text("utf-8") if path.is_file() else "")


def rule_files() -> list[str]:
    """Return the names of the rule files in the order of their kinds and names."""
    return [
        f"rules/{kind}/{path.stem}"
        for kind in RULE_KINDS
        for path in sorted((ROOT / "rules" / kind).glob("*.toml"))
    ]
