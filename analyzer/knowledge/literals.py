"""What every match of a pattern holds: most patterns are ruled out without compiling them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_PIECE = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?[a-z]*:|\?P?<\w+>)?)"
    r"|(?P<close>\))|(?P<bar>\|)|(?P<repeat>[?*+]\??|\{[0-9,]*\}\??)|(?P<other>.)",
    re.DOTALL,
)
_FLAGS = re.compile(r"\(\?[a-z]+\)")
_MAY_BE_NONE = re.compile(r"[?*]|\{(?:0|,)")

Literals = tuple[str, ...]
"""Any match holds one of them at least; empty: nothing is known."""


@lru_cache(4096)
def literals(pattern: str) -> Literals:
    """Return texts, in lower case, of which every match of a pattern holds one."""
    flags = _FLAGS.match(pattern)
    pieces = [
        (m.lastgroup or "", m[0]) for m in _PIECE.finditer(pattern, flags.end() if flags else 0)
    ]
    return _alternatives(iter([*pieces, ("close", ")")]))


def longest(pattern: str) -> int:
    """Say how much literal text every match of a pattern holds: how telling it is."""
    return min(map(len, literals(pattern)), default=0)


def _alternatives(pieces: Iterator[tuple[str, str]]) -> Literals:
    """Read up to the group's end; each alternative has to bring literals of its own."""
    found: list[Literals] = []
    ended = False
    while not ended:
        best, ended = _sequence(pieces)
        found.append(best)
    return tuple(text for best in found for text in best) if all(found) else ()


def _sequence(pieces: Iterator[tuple[str, str]]) -> tuple[Literals, bool]:
    """Read one alternative: its most telling literals, and whether the group ends with it."""
    best: Literals = ()
    run = ""  # letters that follow each other
    last: Literals = ()  # what the piece before brings, as long as it may yet be repeated

    def better(other: Literals) -> Literals:
        return max(best, other, key=lambda texts: min(map(len, texts), default=0))

    for kind, text in pieces:
        if kind == "repeat":
            if _MAY_BE_NONE.match(text):
                run, last = run[:-1], ()
            best, run, last = better((run,) if run else last), "", ()
            continue
        if last:
            best, last = better(last), ()
        literal = (
            text[-1] if kind == "other" or (kind == "escape" and not text[1].isalnum()) else ""
        )
        if literal and (kind == "escape" or literal not in ".^$"):
            run += literal.lower()
            continue
        if run:
            best, run = better((run,)), ""
        if kind == "open":
            last = _alternatives(pieces)
        elif kind in ("bar", "close"):
            return best, kind == "close"
    return best, True
