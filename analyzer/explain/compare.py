"""Two codes side by side: differences first, computed from the data of any two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analyzer.exits import Exit, Refused
from analyzer.knowledge import entries
from reports.article import Article, Comparison, Row, Term

from .answer import explain
from .wording import Wording

if TYPE_CHECKING:
    from analyzer.knowledge.reply_rules import TextRule

MACHINE_READABLE = (220, 221, 251, 421, 551)
"""Whose text programs may read (RFC 5321 4.2)."""


def compare(a: str, b: str, *, user: Sequence[TextRule] = (), lang: str = "en") -> Comparison:
    """Compare any two codes, the smaller one first."""
    words = Wording(lang)
    first, second = sorted((explain(code, user=user, lang=lang) for code in (a, b)), key=_place)
    if (first.kind, first.name, first.key) == (second.kind, second.name, second.key):
        raise Refused(words.fill("notes", "same-code", name=first.name), Exit.USAGE)
    pair = entries.data("pairs", lang).get(f"{first.name}-{second.name}", {})
    rows = [*_rows(first, second, words)]
    return Comparison(
        articles=(first, second),
        summary=_summary(first, second, words),
        difference=pair.get("difference", ""),
        when_to_use=tuple(filter(None, [pair.get("when_to_use", "")])),
        rows=(*(r for r in rows if not r.same), *(r for r in rows if r.same)),
        examples=tuple(pair.get("example", ())),
        learn_more=tuple(pair.get("learn_more", ()) or dict.fromkeys(_references(first, second))),
        lang=lang,
    )


def _place(article: Article) -> tuple[str, str]:
    """Order codes by their class, then reply codes before enhanced ones; then the rest."""
    return _digit(article) or "9", f"{article.code or ''}".rjust(3, "~") + article.name


def _digit(article: Article) -> str:
    return article.name[:1] if article.name[:1] in "2345" else ""


def _summary(first: Article, second: Article, words: Wording) -> str:
    """Say what the two classes mean side by side."""
    digits = f"{_digit(first)}{_digit(second)}"
    return words.word("class_pair", digits) if len(digits) == 2 else ""


def _references(*articles: Article) -> Iterator[str]:
    for article in articles:
        for part in article.reference.split("; "):
            document, _, sections = part.partition(", ")
            if document.startswith("RFC "):
                name = document.rsplit(" ", 1)[0] if document.count(" ") > 1 else document
                yield document
                yield from (f"{name} {section}" for section in sections.split(", ") if section)


def _rows(first: Article, second: Article, words: Wording) -> Iterator[Row]:
    both = (first, second)

    def row(key: str, values: tuple[str, str]) -> Iterator[Row]:
        if all(values):
            yield Row(key, words.label(key), values)

    yield from row("class", _pair(both, "permanence_name"))
    yield from row("retry", _pair(both, "retry_name"))
    yield from row("flow", _pair(both, "flow_name"))
    for direction in entries.DIRECTIONS[:2]:
        who = [[s.who for s in a.sides if s.direction == direction] for a in both]
        yield from row(
            f"who_{direction}", (who[0][0] if who[0] else "", who[1][0] if who[1] else "")
        )
    yield from _shared("commands", [a.commands for a in both], words, titled=False)
    yield from row("category", (_category(first, words), _category(second, words)))
    yield from row("cause", _pair(both, "cause_title"))
    yield from _shared("enhanced", [a.enhanced_codes for a in both], words, titled=True)
    yield from row("standard", _pair(both, "standard_name"))
    yield from row("reference", _pair(both, "reference"))
    codes = [a.code for a in both]
    if None not in codes:
        yes, no = words.label("machine_yes"), words.label("machine_no")
        told = [yes if code in MACHINE_READABLE else no for code in codes]
        yield from row("machine_text", (told[0], told[1]))


def _pair(both: tuple[Article, Article], name: str) -> tuple[str, str]:
    return getattr(both[0], name), getattr(both[1], name)


def _shared(
    key: str, terms: Sequence[Sequence[Term]], words: Wording, *, titled: bool
) -> Iterator[Row]:
    """Tell what only one of them has from what both have."""
    a, b = terms
    if not (a or b):
        return

    def listed(found: Sequence[Term]) -> str:
        if titled:
            return "; ".join(f"{t.code} {t.title}".strip() for t in found)
        return ", ".join(t.title or t.code for t in found)

    none = words.label("none")
    only = [[t for t in own if t not in other] for own, other in ((a, b), (b, a))]
    if any(only):
        values = (listed(only[0]) or none, listed(only[1]) or none)
        yield Row(f"{key}_only", words.label(f"{key}_only"), values)
    if common := [t for t in a if t in b]:
        yield Row(f"{key}_both", words.label(f"{key}_both"), (listed(common), listed(common)))


def _category(article: Article, words: Wording) -> str:
    """Name the group: the second digit of a reply code, the subject of an enhanced code."""
    if article.code is not None:
        digit = f"{article.code:03}"[1]
        return f"{digit}: {words.word('category_name', digit)}"
    if article.enhanced:
        subject = article.enhanced.split(".")[1]
        return f"X.{subject}: {words.word('subject_name', subject)}"
    return ""
