"""Pages of the knowledge base in each format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from . import sheet
from .article import Article, CodeList, Comparison, Labels, RuleList, Untranslated

FORMATS = ("text", "json", "markdown")
Page = Article | Comparison | CodeList | RuleList
_KINDS = {Article: "article", Comparison: "comparison", CodeList: "codes", RuleList: "rules"}


def render(page: Page, fmt: str, labels: Labels, **look: Any) -> str:
    """Write a page; only text has options (width, colour, ascii_only)."""
    if fmt == "json":
        from .to_json import SCHEMA_VERSION, dump

        plain = _plain(page)
        found = {"schema_version": SCHEMA_VERSION, "page": _KINDS[type(page)], **plain}
        return dump(found | {"untranslated": [*_untranslated(page, "")]})
    blocks = _blocks(page, labels)
    if fmt == "markdown":
        from .sheet_markdown import render as markdown

        return markdown(blocks)
    from .sheet_text import render as text

    return text(blocks, **look)


def _blocks(page: Page, labels: Labels) -> Iterator[sheet.Block]:
    if isinstance(page, Article):
        return sheet.article(page, labels)
    if isinstance(page, Comparison):
        return sheet.comparison(page, labels)
    return (
        sheet.code_list(page, labels)
        if isinstance(page, CodeList)
        else sheet.rule_list(page, labels)
    )


def _plain(value: Any) -> Any:
    if names := _names(value):
        return {name: _plain(getattr(value, name)) for name in names}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _names(value: Any) -> tuple[str, ...]:
    """Name the fields of a value that has some."""
    found: tuple[str, ...] = getattr(value, "_fields", ())
    return tuple(f.name for f in fields(value)) if is_dataclass(value) else found


def _untranslated(value: Any, path: str) -> Iterator[str]:
    """Name the values that stand in English."""
    if isinstance(value, Untranslated):
        yield path
    elif names := _names(value):
        for name in names:
            yield from _untranslated(getattr(value, name), f"{path}.{name}".lstrip("."))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _untranslated(item, f"{path}[{number}]")
