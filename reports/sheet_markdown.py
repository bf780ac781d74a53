"""A page of the knowledge base as Markdown, for a ticket or a wiki."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .safe import clean, excerpt, markdown_prose, prose
from .safe import markdown as escaped
from .safe import markdown_code as code
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

LONGEST_QUOTE = 600


def render(blocks: Iterable[Block]) -> str:
    """Write the page in GitHub's Markdown."""
    lines = [line for block in blocks for line in (*_WRITE[type(block)](block), "")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _title(block: Title) -> Iterator[str]:
    heads = (f"{code(name)} {escaped(title)}" for name, title in block.heads)
    yield f"# {' / '.join(heads)}"
    yield ""
    yield _flat(block.below)


def _flat(text: str) -> str:
    return " ".join(map(markdown_prose, prose(text)))


def _heading(block: Heading) -> Iterator[str]:
    yield f"## {escaped(block.text)}"


def _prose(block: Prose) -> Iterator[str]:
    for paragraph in prose(block.text):
        yield markdown_prose(paragraph)
        yield ""


def _fields(block: Fields) -> Iterator[str]:
    for label, values in block.rows:
        if len(values) == 1:
            yield f"- **{escaped(label)}:** {_flat(values[0])}"
        else:
            yield f"- **{escaped(label)}:**"
            yield from (f"  - {_flat(value)}" for value in values)


def _bullets(block: Bullets) -> Iterator[str]:
    yield from (f"- {_flat(item)}" for item in block.items)


def _quotes(block: Quotes) -> Iterator[str]:
    for line in block.lines:
        yield f"- {code(excerpt(clean(line.replace(chr(10), ' ')), LONGEST_QUOTE))}"


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sides(block: Sides) -> Iterator[str]:
    yield _cells(["", *(code(head, in_table=True) for head in block.heads)])
    yield "|---|---|---|"
    for row in block.rows:
        yield _cells(escaped(cell, in_table=True) for cell in row)


def _listing(block: Listing) -> Iterator[str]:
    yield _cells(escaped(head, in_table=True) for head in block.heads)
    yield "|---|---|---|---|"
    for first, *rest in block.rows:
        yield _cells([code(first, in_table=True), *(escaped(text, in_table=True) for text in rest)])


_WRITE: dict[type[Block], Callable[..., Iterator[str]]] = {
    Title: _title, Heading: _heading, Prose: _prose, Fields: _fields, Bullets: _bullets,
    Quotes: _quotes, Sides: _sides, Listing: _listing,
}  # fmt: skip
