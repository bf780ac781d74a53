"""A page of the knowledge base as blocks, the same for text and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from .article import (
    Article,
    CodeLine,
    CodeList,
    Comparison,
    Labels,
    RuleList,
    Seen,
    Side,
    Untranslated,
)


class Title(NamedTuple):
    """The head of the page: codes with what they are called, and a line below."""

    heads: tuple[tuple[str, str], ...]
    below: str = ""


class Heading(NamedTuple):
    """The head of a section."""

    text: str


class Prose(NamedTuple):
    """Paragraphs of our own."""

    text: str


class Fields(NamedTuple):
    """Names with what is to be said of each."""

    rows: tuple[tuple[str, tuple[str, ...]], ...]


class Bullets(NamedTuple):
    """A list of our own sentences."""

    items: tuple[str, ...]


class Quotes(NamedTuple):
    """Lines as they stand in a log or in a dialogue; raw."""

    lines: tuple[str, ...]


class Sides(NamedTuple):
    """A table of two columns with names at the left."""

    heads: tuple[str, str]
    rows: tuple[tuple[str, str, str], ...]


class Listing(NamedTuple):
    """A table; the first column is what one can type, the last one Markdown alone has room for."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Title | Heading | Prose | Fields | Bullets | Quotes | Sides | Listing


def own(text: str) -> str:
    """Mark a text that stands in English in a page of another language."""
    return f"[en] {text}" if isinstance(text, Untranslated) else text


def _fields(rows: Iterable[tuple[str, str | Sequence[str]]]) -> Iterator[Block]:
    made = []
    for label, value in rows:
        values = (value,) if isinstance(value, str) else tuple(value)
        if shown := tuple(own(v) for v in values if v):
            made.append((label, shown))
    if made:
        yield Fields(tuple(made))


def article(page: Article, labels: Labels) -> Iterator[Block]:
    """Lay out one entry."""
    label = {key: own(text) for key, text in labels.items()}
    below = [page.permanence_name] if page.permanence != "none" else []
    below += [page.retry_name] if page.retry != "not-needed" else []
    yield Title(((page.name, own(page.title)),), "; ".join(map(own, below)))
    if page.text:
        yield Heading(label["reply"])
        yield Quotes((page.text,))
    yield Heading(label["description"])
    yield Prose(own(page.description))
    if page.notes:
        yield Heading(label["notes"])
        yield Bullets(tuple(map(own, page.notes)))
    for side in page.sides:
        yield Heading(own(side.heading))
        yield from _fields(_side(side, label))
    yield Heading(label["facts"])
    yield from _fields(_facts(page, label))
    if page.examples:
        yield Heading(label["examples"])
        yield Quotes(tuple(line for text in page.examples for line in text.split("\n")))
    if page.seen is not None:
        yield from _seen(page.seen, label)
    yield Heading(label["how_chosen"])
    yield Bullets(tuple(map(own, page.chosen)))


def _side(side: Side, label: Labels) -> Iterator[tuple[str, str]]:
    yield label["when_seen"], side.when_seen
    yield label["how_to_fix"], side.how_to_fix
    yield label["who_must_act"], side.who
    yield label["severity"], side.severity_name


def _facts(page: Article, label: Labels) -> Iterator[tuple[str, str | Sequence[str]]]:
    yield label["cause"], f"{own(page.cause_title)} ({page.cause})"
    yield label["flow"], page.flow_name
    yield label["commands"], ", ".join(own(t.title) or t.code for t in page.commands)
    yield label["enhanced"], [f"{t.code}  {own(t.title)}" for t in page.enhanced_codes]
    yield label["replies"], [f"{t.code}  {own(t.title)}" for t in page.replies]
    yield label["settings"], [f"{mta}: {names}" for mta, names in page.settings]
    yield label["standard"], page.standard_name
    yield label["reference"], page.reference


def _seen(seen: Sequence[Seen], label: Labels) -> Iterator[Block]:
    from . import figures  # needed for a log only

    yield Heading(label["frequency"])
    if not seen:
        yield Prose(label["not_in_log"])
    for row in seen:
        count = label["replies_count"].format(
            count=figures.number(row.count), share=figures.share(row.share),
            direction=own(row.heading), peers=figures.number(row.peers),
        )  # fmt: skip
        implied = label["implied_count"].format(count=figures.number(row.implied))
        times = label["seen_between"].format(first=row.first, last=row.last) if row.first else ""
        yield Fields(
            ((row.code, tuple(filter(None, (count, implied if row.implied else "", times)))),)
        )
        yield Quotes(tuple(f"{e.file}:{e.line}: {e.text}" for e in row.examples))


def comparison(page: Comparison, labels: Labels) -> Iterator[Block]:
    """Lay out two entries side by side, differences first."""
    label = {key: own(text) for key, text in labels.items()}
    a, b = page.articles
    yield Title(((a.name, own(a.title)), (b.name, own(b.title))), own(page.summary))
    yield Heading(label["key_differences"])
    if page.difference:
        yield Prose(own(page.difference))
    differing = [row for row in page.rows if not row.same]
    yield Sides(
        (a.name, b.name),
        tuple((own(r.label), own(r.values[0]), own(r.values[1])) for r in differing),
    )
    if same := [row for row in page.rows if row.same]:
        told = "; ".join(f"{own(r.label)}: {own(r.values[0])}" for r in same)
        yield from _fields([(label["same"], f"{told}.")])
    if page.when_to_use:
        yield Heading(label["when_to_use"])
        yield from (Prose(own(text)) for text in page.when_to_use)
    for entry in page.articles:
        yield Heading(f"{entry.name}: {own(entry.title)}")
        yield from _fields([(label["description"], entry.description)])
        for side in entry.sides:
            yield Prose(f"{own(side.heading)}:")
            yield from _fields(_side(side, label))
    if page.examples:
        yield Heading(label["example_dialogue"])
        yield from (Quotes(tuple(text.split("\n"))) for text in page.examples)
    for entry in page.articles:
        if entry.seen is not None:
            yield from _seen(
                entry.seen, {**label, "frequency": f"{label['frequency']}: {entry.name}"}
            )
    if page.learn_more:
        yield Heading(label["learn_more"])
        yield Bullets(page.learn_more)


def code_list(page: CodeList, labels: Labels) -> Iterator[Block]:
    """Lay out a list of codes."""
    label = {key: own(text) for key, text in labels.items()}
    heads = (label["code"], label["meaning"], label["standard"], label["reference"])
    for key, lines in (("reply_codes", page.replies), ("enhanced_codes", page.enhanced)):
        if lines:
            yield Heading(f"{label[key]} ({len(lines)})")
            yield Listing(heads, tuple(map(_cells, lines)))
    if not (page.replies or page.enhanced):
        yield Prose(label["nothing_found"])


def _cells(line: CodeLine) -> tuple[str, ...]:
    return line.code, own(line.title), own(line.standard_name), line.reference


def rule_list(page: RuleList, labels: Labels) -> Iterator[Block]:
    """Lay out a list of rules, a table per scope."""
    label = {key: own(text) for key, text in labels.items()}
    heads = (label["rule"], label["meaning"], label["cause"], label["reference"])
    for scope, lines in groupby(page.rules, key=lambda line: line.scope):
        yield Heading(scope)
        yield Listing(heads, tuple((r.rule, own(r.title), r.cause, r.reference) for r in lines))
    if not page.rules:
        yield Prose(label["nothing_found"])
