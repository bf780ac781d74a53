"""A page of fixed width: wrapped text, rules and tables, in colour or in ASCII.

Every string enters through `Page.log`, `Page.own` or `Page.prose`; every line leaves through
`Page.put`, which never lets one be wider than the page.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, zip_longest
from typing import Literal, NamedTuple

from . import safe
from .words import ENGLISH, Words

SGR = {"bold": "1", "dim": "2", "red": "31", "yellow": "33"}
GAP = 2
NBSP = "\u00a0"
"""Where a line is not to be broken; written as a space. None comes in from a log."""
LEAST_FLEXIBLE = 14
"""A flexible column narrower than this turns the table into a list."""


class Span(NamedTuple):
    """A piece of a line and its style, one of SGR or nothing."""

    text: str
    style: str = ""


class Column(NamedTuple):
    """A column: numbers to the right, text to the left; `wrap` and `cut` take the spare room."""

    head: str
    kind: Literal["number", "text", "wrap", "cut"] = "number"


class Row(NamedTuple):
    """A row; `below` is set under its flexible cell, `above` is a heading before it."""

    cells: Sequence[Span]
    below: Sequence[Span] = ()
    above: Sequence[Span] = ()


class Page:
    """Collects the lines of a report."""

    def __init__(
        self,
        width: int,
        *,
        colour: bool = False,
        ascii_only: bool = False,
        words: Words = ENGLISH,
    ) -> None:
        """Begin an empty page."""
        self.words = words
        self.width = max(width, 20)
        self.colour = colour
        self.ascii_only = ascii_only
        self.dots = "..." if ascii_only else "…"
        self.lines: list[str] = []

    def log(self, text: str) -> str:
        """Take in text that came from a log."""
        return self._plain(safe.clean(text))

    def own(self, text: str) -> str:
        """Take in a short text of our own."""
        return self._plain(safe.clean(text, safe.JOINERS))

    def prose(self, text: str) -> list[str]:
        """Take in a longer text of our own, as paragraphs."""
        return [self._plain(p) for p in safe.prose(text)]

    def say(self, english: str, **values: object) -> str:
        """Take in a text of the report's own, given in English; what fills it is clean already."""
        return self.own(self.words(english, **values))

    def excerpt(self, text: str, room: int) -> str:
        """Take in a line of a log, its middle cut out beyond `room` columns."""
        noun = self.say("characters")
        return safe.excerpt(self.log(text), room, dots=self.dots, space=NBSP, noun=noun)

    def bar(self, value: int, most: int, length: int) -> str:
        """Draw a bar; whatever is more than nothing is seen."""
        eighths = -(-value * length * 8 // most) if most > 0 else 0
        if self.ascii_only:
            return "#" * -(-eighths // 8)
        whole, part = divmod(eighths, 8)
        return "█" * whole + "▏▎▍▌▋▊▉"[part - 1 : part]

    def _plain(self, text: str) -> str:
        return safe.ascii_text(text) if self.ascii_only else text

    def put(self, *spans: Span | str, indent: int = 0, hang: int | None = None) -> None:
        """Write a line; what does not fit goes on below, indented by `hang`."""
        hang = indent if hang is None else hang
        pieces = [s if isinstance(s, Span) else Span(s) for s in spans]
        if indent + sum(safe.width(p.text) for p in pieces) <= self.width:
            self._emit(indent, pieces)
            return
        for number, line in enumerate(fold(pieces, self.width - indent, self.width - hang)):
            self._emit(hang if number else indent, line)

    def _emit(self, indent: int, pieces: Iterable[Span]) -> None:
        groups = groupby(pieces, key=lambda p: p.style)
        shown = [Span("".join(p.text for p in group), style) for style, group in groups]
        while shown and not shown[-1].text.strip():
            shown.pop()
        if shown:
            shown[-1] = shown[-1]._replace(text=shown[-1].text.rstrip())
        text = "".join(map(self._paint, shown))
        self.lines.append(" " * indent + text if text else "")

    def _paint(self, span: Span) -> str:
        # Cleaned once more on the way out: nothing that forgot the entrance gets through.
        text = self.own(span.text.replace(NBSP, " "))
        if not (self.colour and span.style and text.strip()):
            return text
        return f"\x1b[{SGR[span.style]}m{text}\x1b[0m"

    def blank(self) -> None:
        """Leave one empty line, never two."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def rule(self, title: str, right: str = "") -> None:
        """Write a heading with a rule up to what stands at its right."""
        self.blank()
        stroke = "-" if self.ascii_only else "─"
        right = f" {right}" if right else ""
        room = self.width - safe.width(title) - safe.width(right) - 1
        self.put(Span(title, "bold"), Span(f" {stroke * max(room, 2)}{right}", "dim"))
        self.blank()

    def spare(self, columns: Sequence[Column], rows: Sequence[Row], indent: int = 0) -> int:
        """Count the columns of the page that a table would leave free."""
        return self._spare(_widths(columns, rows), indent, GAP)

    def _spare(self, widths: Sequence[int], indent: int, gap: int) -> int:
        return self.width - indent - sum(widths) - gap * (len(widths) - 1)

    def table(self, columns: Sequence[Column], rows: Sequence[Row], indent: int = 0) -> None:
        """Write a table; where the page is too narrow for it, each row as a list of values."""
        widths = _widths(columns, rows)
        flexible = next((i for i, c in enumerate(columns) if c.kind in ("wrap", "cut")), None)
        natural = widths[flexible] if flexible is not None else 0
        least = min(natural, LEAST_FLEXIBLE)
        for gap in (GAP, 1):
            spare = self._spare(widths, indent, gap) + natural - least
            if spare >= 0:
                break
        write: Callable[..., None] = self._values
        below = indent + GAP
        if spare >= 0:
            write = partial(self._cells, gap=gap)
            if flexible is not None:
                widths[flexible] = least + spare
                below += sum(widths[:flexible]) + gap * flexible
        write(columns, widths, [Span(c.head, "dim") for c in columns], indent)
        for row in rows:
            if row.above:
                self.blank()
                self.put(*row.above, indent=indent)
            write(columns, widths, row.cells, indent)
            if row.below:
                self.put(*row.below, indent=below, hang=below + GAP)

    def _cells(
        self,
        columns: Sequence[Column],
        widths: Sequence[int],
        cells: Sequence[Span],
        indent: int,
        gap: int = GAP,
    ) -> None:
        stacks = [
            [safe.shorten(s.text, w, mark=self.dots)] if c.kind == "cut" else wrap(s.text, w)
            for c, s, w in zip(columns, cells, widths, strict=True)
        ]
        for level in zip_longest(*stacks, fillvalue=""):
            line: list[Span | str] = []
            for text, cell, column, width in zip(level, cells, columns, widths, strict=True):
                pad = " " * (width - safe.width(text))
                shown = Span(text, cell.style)
                line += ["" if not line else " " * gap]
                line += [pad, shown] if column.kind == "number" else [shown, pad]
            self.put(*line, indent=indent)

    def _values(
        self, columns: Sequence[Column], _: Sequence[int], cells: Sequence[Span], indent: int
    ) -> None:
        if all(s.text == c.head for c, s in zip(columns, cells, strict=True)):
            return
        line = [
            Span(f"{c.head}{NBSP}{s.text}  " if c.kind == "number" else f"{s.text}  ", s.style)
            for c, s in zip(columns, cells, strict=True)
            if s.text.strip()
        ]
        self.put(*line, indent=indent, hang=indent + 4)

    def __str__(self) -> str:
        """Join the lines."""
        return "\n".join(self.lines).rstrip("\n") + "\n"


def _widths(columns: Sequence[Column], rows: Sequence[Row]) -> list[int]:
    return [max(map(safe.width, (c.head, *(r.cells[i].text for r in rows))))
            for i, c in enumerate(columns)]  # fmt: skip


def wrap(text: str, width: int) -> list[str]:
    """Break one clean text into lines of at most `width` columns."""
    if safe.width(text) <= width:
        return [text]
    return ["".join(s.text for s in line).rstrip() for line in fold([Span(text)], width, width)]


def fold(spans: Iterable[Span], first: int, rest: int) -> Iterator[list[Span]]:
    """Break spans at spaces into lines: the first of width `first`, the others of `rest`."""
    line: list[Span] = []
    used, room = 0, first
    for token, style in _tokens(spans):
        text = token
        if used and used + safe.width(text) > room:
            yield line
            line, used, room = [], 0, rest
        while safe.width(text) > room:
            piece = safe.head(text, room) or text[0]
            yield [Span(piece, style)]
            text, room = text[len(piece) :], rest
        if text and (used or not text.isspace()):
            line.append(Span(text, style))
            used += safe.width(text)
    if line:
        yield line


def _tokens(spans: Iterable[Span]) -> Iterator[tuple[str, str]]:
    for span in spans:
        for token in re.findall(r" +|[^ ]+", span.text):
            yield token, span.style
