"""The patterns of rules: what Python's `re` and Rust's regex both understand alike."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

_PIECE = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<group>\(\?[^:)]*[:)]?)|(?P<other>.)",
    re.DOTALL,
)
_REPEATED = re.compile(r"(?:[*+?]|\{[0-9,]*\})\+")
_COUNT = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_SHARED_ESCAPES = "dDwWsSbBnrtfvaAxuU"


def wrong_in(pattern: str) -> Iterator[str]:
    """Say why a pattern cannot be used; the same words for Python and Rust."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        yield f"the pattern is not valid: {error}"
        return
    start = re.match(r"\(\?[a-z]+\)", pattern)
    if start and start[0] not in ("(?i)", "(?s)", "(?is)", "(?si)"):
        yield f"flags {start[0]} cannot be used; (?i) at the start can"
    plain = ""
    for piece in _PIECE.finditer(pattern, start.end() if start else 0):
        text = piece[0]
        plain += "x" if piece["escape"] or piece["set"] else text
        if piece["escape"]:
            yield from _escape(text)
        elif piece["set"]:
            yield from _set(text)
        elif piece["group"]:
            yield from _group(text)
    if _REPEATED.search(plain):
        yield "possessive repeats (*+ ++ ?+) cannot be used"
    if "{" in _COUNT.sub("", plain) or "}" in _COUNT.sub("", plain):
        yield "a brace that counts nothing has to be written \\{ or \\}"


def _escape(text: str) -> Iterator[str]:
    char = text[1]
    if char.isdigit():
        yield f"back-references such as {text} cannot be used"
    elif char in "<>":
        yield f"{text} means something else in Rust; write {char}"
    elif char.isalpha() and char not in _SHARED_ESCAPES:
        yield f"{text} is not known to both Python and Rust"


def _set(text: str) -> Iterator[str]:
    inner = text[1:-1]
    if any(sign in inner for sign in ("&&", "--", "~~")) or re.search(r"(?<!\\)\[", inner):
        yield f"{text} means something else in Rust; put a backslash before [ & - ~ in a set"


def _group(text: str) -> Iterator[str]:
    if text.startswith(("(?=", "(?!", "(?<=", "(?<!")):
        yield "look-ahead and look-behind cannot be used"
    elif text.startswith("(?>"):
        yield "atomic groups cannot be used"
    elif text.startswith(("(?P=", "(?(")):
        yield "back-references and conditions cannot be used"
    elif re.match(r"\(\?[a-z-]*[a-z][a-z-]*[:)]", text):
        yield f"flags such as {text} can stand at the start only, as (?i)"
