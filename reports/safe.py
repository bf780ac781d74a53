"""The one place where text from a log is made harmless, for each kind of output.

A log line is written by whoever talks to the server: it may hold escape sequences that drive
a terminal, letters that turn the reading direction, markup, formulas.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, combining

JOINERS = "\u200c\u200d"
"""Invisible, but Indic scripts are spelt with them: allowed in our own texts."""

# Printable for Python, yet nothing is seen: fillers and selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MOST_MARKS = 4  # on one letter; no script needs more, a tower of them hides the lines above

_ASCII = str.maketrans(
    {"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "·": ".",  # noqa: RUF001
     "→": "->", "×": "x", "≤": "<=", "≥": ">=", "─": "-", "═": "=", "█": "#"}  # noqa: RUF001
)  # fmt: skip


def clean(text: str, keep: str = "") -> str:
    r"""Replace what cannot be seen or moves the cursor by a visible escape such as \x1b."""
    if text.isprintable() and (text.isascii() or not _suspect(text)):
        return text
    shown: list[str] = []
    marks, before = 0, ""
    for char in text:
        kind = category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        hidden = not char.isprintable() or bool(_INVISIBLE.match(char))
        # Between Latin letters a joiner spells nothing: it only makes two names look alike.
        spelt = char in keep and before in ("Lo", "Mn")
        shown.append(escape(char) if (hidden and not spelt) or marks > _MOST_MARKS else char)
        before = kind
    return "".join(shown)


def _suspect(text: str) -> bool:
    return bool(_INVISIBLE.search(text)) or any(category(c) in ("Mn", "Me") for c in text)


def escape(char: str) -> str:
    """Write one character as its number; an undecodable byte (surrogateescape) as that byte."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code < 0x100:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def prose(text: str) -> list[str]:
    """Split our own text into paragraphs, each one line; list items stand alone."""
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*•]|\d+\.)\s)", text.replace("\u00a0", " "))
    joined = (" ".join(block.split()) for block in blocks)
    return [clean(block, JOINERS) for block in joined if block]


def ascii_text(text: str) -> str:
    """Write clean text with ASCII alone: known signs by their twin, the rest by number."""
    if text.isascii():
        return text
    plain = text.translate(_ASCII)
    return "".join(c if c.isascii() else escape(c) for c in plain)


_NARROW = frozenset("─═…·•×→–")  # noqa: RUF001


@lru_cache(8192)
def _cell(char: str) -> int:
    # A vowel sign such as \u093e stands in a cell of its own for the C library's wcwidth and the
    # terminals that follow it, not for rich. Counted, no line can become too long.
    if char in _NARROW or category(char) == "Mc":
        return 1
    from rich.cells import get_character_cell_size  # costs 20 ms; only terminals need it

    return get_character_cell_size(char)


def width(text: str) -> int:
    """Count the columns that clean text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_cell, text))


_VIRAMA = 9
"""Combining class of the sign that joins a consonant to the next one."""


def _begins(text: str, at: int) -> bool:
    """Tell whether a letter begins here: no mark of the last one, no second half of a conjunct."""
    if text[at] in JOINERS or category(text[at])[0] == "M":
        return False
    before = text[max(at - 2, 0) : at].removesuffix("\u200d")[-1:]
    joined = bool(before) and combining(before) == _VIRAMA and category(text[at]) == "Lo"
    return not joined


def head(text: str, room: int) -> str:
    """Return as much of the beginning as `room` columns hold; letters stay whole."""
    if text.isascii():
        return text[: max(room, 0)]
    used = 0
    for at, char in enumerate(text):
        used += _cell(char)
        if used > room:
            cut = next((c for c in range(at, 0, -1) if _begins(text, c)), 0)
            return text[: cut or at]  # a single letter wider than the room is no letter
    return text


def tail(text: str, room: int) -> str:
    """Return as much of the end as `room` columns hold; letters stay whole."""
    if room <= 0:
        return ""
    start = len(text)
    while start and width(text[start - 1]) <= room:
        start -= 1
        room -= width(text[start])
    while 0 < start < len(text) and not _begins(text, start):
        start += 1
    return text[start:]


def shorten(text: str, room: int, *, at: str = "middle", mark: str = "…") -> str:
    """Cut clean text to `room` columns, in the `middle` or at the `end`; the mark says so."""
    if width(text) <= room:
        return text
    left = max(room - width(mark), 0)
    if not left:
        return head(mark, room)
    if at == "end":
        return head(text, left) + mark
    return head(text, left - left // 2) + mark + tail(text, left // 2)


def excerpt(
    text: str, room: int, *, dots: str = "…", space: str = " ", noun: str = "characters"
) -> str:
    """Cut the middle out of a long line and say how many characters are missing."""
    if width(text) <= room:
        return text
    left = max(room - width(f"[{dots} {len(text)} {noun} {dots}]"), 0)  # at most as long
    first, last = head(text, left - left // 2), tail(text, left // 2)
    missing = len(text) - len(first) - len(last)
    mark = f"[{dots} {missing} {noun} {dots}]".replace(" ", space)
    return shorten(f"{first}{mark}{last}", room, mark=dots)


def csv_cell(text: str) -> str:
    """Make text safe for a spreadsheet: what would run as a formula gets an apostrophe."""
    risky = text.lstrip(" ")[:1] in tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001
    return ("'" if risky else "") + clean(text)


# GitHub links addresses and notifies @people in plain text, escaped or not; in code it does not.
_LINK = re.compile(r"(?i)://|@|www\.")
_AT_LINE_START = re.compile(r"\d+[.)]|[-+=#]+")  # a list, a rule, a heading


def markdown(text: str, *, in_table: bool = False) -> str:
    """Escape text for Markdown: it reads as it is written, nothing in it is markup or a link."""
    return _words(clean(text, JOINERS).strip(" "), in_table)


def _words(text: str, in_table: bool = False) -> str:
    return "".join(
        markdown_code(word, in_table=in_table) if _LINK.search(word) else _escape_markdown(word)
        for word in re.split(r"( +)", text)
    )


def _escape_markdown(word: str) -> str:
    shown = re.sub(r"([\\`*_\[\]>|~$])", r"\\\1", word.replace("&", "&amp;"))
    if _AT_LINE_START.fullmatch(shown):
        shown = f"{shown[:-1]}\\{shown[-1]}"
    return shown.replace("<", "&lt;")


def markdown_code(text: str, *, in_table: bool = False) -> str:
    """Wrap log text in a code span that it cannot leave."""
    shown = clean(text)
    if in_table:
        shown = shown.replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    edges = {shown[:1], shown[-1:]}
    pad = " " if shown.strip(" ") and edges & {"`", " "} else ""  # one is taken off by the reader
    fence = "`" * (longest + 1)
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def markdown_prose(text: str) -> str:
    """Escape a paragraph of our own, where `backticks` mark what is to be typed."""
    parts = clean(text, JOINERS).strip(" ").split("`")
    # Two code spans that touch would join their fences.
    if len(parts) % 2 == 0 or "" in parts[1:-1] or any(map(_LINK.search, parts[::2])):
        return markdown(text)
    return "".join(markdown_code(p) if i % 2 else _words(p) for i, p in enumerate(parts))
