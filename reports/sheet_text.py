"""A page of the knowledge base as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Literal

from . import safe
from .layout import GAP, Column, Page, Row, Span, wrap
from .sheet import (
    Block,
    Bullets,
    Fields,
    Heading,
    Listing,
    Prose,
    Quotes,
    Sides,
    Title,
)

INDENT = 2
WIDEST_LABEL = 18
LONGEST_QUOTE = 800
"""Characters of a log line; its middle is cut out beyond."""


def render(
    blocks: Iterable[Block], *, width: int = 80, colour: bool = False, ascii_only: bool = False
) -> str:
    """Write the page, no line wider than `width` columns."""
    page = Page(width, colour=colour, ascii_only=ascii_only)
    for block in blocks:
        _WRITE[type(block)](page, block)
    return str(page)


def _title(page: Page, block: Title) -> None:
    room = max(safe.width(page.log(name)) for name, _ in block.heads) + GAP
    for name, title in block.heads:
        shown = page.log(name)
        pad = " " * (room - safe.width(shown))
        page.put(Span(f"{shown}{pad}", "bold"), Span(page.own(title), "bold"), hang=room)
    page.put(Span(("=" if page.ascii_only else "═") * page.width, "dim"))
    if block.below:
        page.put(page.own(block.below))


def _heading(page: Page, block: Heading) -> None:
    page.rule(page.own(block.text))


def _prose(page: Page, block: Prose) -> None:
    page.blank()
    for paragraph in page.prose(block.text):
        page.put(paragraph, indent=INDENT)


def _fields(page: Page, block: Fields) -> None:
    labels = [page.log(label) for label, _ in block.rows]
    room = min(max(map(safe.width, labels)), WIDEST_LABEL) + GAP
    for label, (_, values) in zip(labels, block.rows, strict=True):
        left = [*wrap(label, room - GAP)]
        for number, value in enumerate(values):
            for text in page.prose(value) or [""]:
                shown = left.pop(0) if left else ""
                pad = " " * (room - safe.width(shown))
                key = Span(f"{shown}{pad}", "dim")
                page.put(key, text, indent=INDENT, hang=INDENT + room + (GAP if number else 0))


def _bullets(page: Page, block: Bullets) -> None:
    mark = "- " if page.ascii_only else "• "
    for item in block.items:
        page.put(mark, page.own(item), indent=INDENT, hang=INDENT + GAP)


def _quotes(page: Page, block: Quotes) -> None:
    page.blank()
    for line in block.lines:
        page.put(
            page.excerpt(line.replace("\n", " "), LONGEST_QUOTE), indent=INDENT, hang=INDENT + 4
        )
    page.blank()


def _sides(page: Page, block: Sides) -> None:
    names = [page.own(name) for name, *_ in block.rows]
    left = min(max(map(safe.width, names), default=0), WIDEST_LABEL)
    column = (page.width - INDENT - left - 2 * GAP) // 2
    heads = [page.log(head) for head in block.heads]
    page.blank()
    _row(page, [Span(""), *(Span(head, "bold") for head in heads)], [left, column, column])
    for row in block.rows:
        cells = [Span(page.own(row[0]), "dim"), *(Span(page.own(cell)) for cell in row[1:])]
        _row(page, cells, [left, column, column])
    page.blank()


def _row(page: Page, cells: list[Span], widths: list[int]) -> None:
    stacks = [wrap(cell.text, width) for cell, width in zip(cells, widths, strict=True)]
    for level in zip_longest(*stacks, fillvalue=""):
        line: list[Span | str] = []
        for text, cell, width in zip(level, cells, widths, strict=True):
            line += [Span(text, cell.style), " " * (width - safe.width(text) + GAP)]
        page.put(*line[:-1], indent=INDENT)


def _listing(page: Page, block: Listing) -> None:
    kinds: tuple[Literal["text", "wrap"], ...] = ("text", "wrap", "text")
    columns = [Column(head, kind) for head, kind in zip(block.heads, kinds, strict=False)]
    styles = ("bold", "", "dim")
    rows = [
        Row([Span(page.own(c), style) for c, style in zip(cells, styles, strict=False)])
        for cells in block.rows
    ]
    page.table(columns, rows, indent=INDENT)


_WRITE: dict[type[Block], Callable[..., None]] = {
    Title: _title, Heading: _heading, Prose: _prose, Fields: _fields, Bullets: _bullets,
    Quotes: _quotes, Sides: _sides, Listing: _listing,
}  # fmt: skip
