"""The tables of sections: how their cells are written, and the tables as text and Markdown."""

import re
from collections.abc import Iterator
from datetime import datetime

from . import figures
from .layout import Column, Page, Row, Span
from .model import Cell, ListColumn, Listing, Report
from .safe import markdown as own
from .safe import markdown_code as log
from .words import Words, words_of

_INDENT = 2
_PROGRAMS = frozenset(("exim", "postfix", "sendmail"))
_WORD = re.compile("[A-Za-z]{2}")
_CODE_AND_WORD = re.compile(r"([\d. ]+ )([a-z]+)")


def written(value: Cell, column: ListColumn, clock: figures.Clock, words: Words) -> str:
    """Write a cell of a number, a share, a time or a text of our own."""
    if value is None:
        return "" if column.kind in ("name", "text") else "-"
    match column.kind:
        case "number":
            return figures.number(value) if isinstance(value, int) else f"{value:,}"
        case "bytes":
            return figures.size(value if isinstance(value, int) else round(float(str(value))))
        case "seconds":
            return duration(float(str(value)))
        case "share":
            return figures.share(float(str(value)))
        case "time":
            return clock.time(value) if isinstance(value, datetime) else str(value)
        case "text":
            return said(str(value), words)
        case _:
            return str(value)


def said(text: str, words: Words) -> str:
    """Put a text of our own in the report's language; codes and dates are alike in all."""
    if text in _PROGRAMS or not _WORD.search(text):
        return text
    if found := _CODE_AND_WORD.fullmatch(text):  # 550 5.1.1 implied
        return found[1] + words(found[2])
    return words.sentence(text)


def duration(seconds: float) -> str:
    """Write a time span in the two units that tell most: 0.25 s, 12 s, 3 min, 2 h 05 min."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest:02} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def heading(listing: Listing, words: Words) -> str:
    """Say how many rows of how many are shown."""
    shown, distinct = len(listing.rows), listing.distinct
    if not shown or distinct is None:
        return ""
    return words(
        "top {shown} of {distinct}", shown=figures.number(shown), distinct=figures.number(distinct)
    )


def text(page: Page, report: Report) -> None:
    """Write the tables on a page."""
    words, clock = words_of(report), figures.Clock(report)
    for listing in report.listings:
        page.rule(page.own(said(listing.title, words)), page.own(heading(listing, words)))
        if not listing.rows:
            page.put(page.own(words("None.")), indent=_INDENT)
        else:
            page.table(*_table(page, listing, clock, words), indent=_INDENT)
        if listing.note:
            page.put(Span(page.own(said(listing.note, words)), "dim"), indent=_INDENT)


def _table(
    page: Page, listing: Listing, clock: figures.Clock, words: Words
) -> tuple[list[Column], list[Row]]:
    # Where no name takes the spare room, the first text does.
    flexible = [c.name for c in listing.columns if c.kind in ("name", "text")][:1]
    named = any(c.kind == "name" for c in listing.columns)
    columns = []
    for column in listing.columns:
        head = "" if column.kind == "name" else page.own(said(column.name, words))
        if column.kind == "name":
            columns.append(Column(head, "cut"))
        elif column.kind == "text":
            wraps = not named and column.name in flexible
            columns.append(Column(head, "wrap" if wraps else "text"))
        else:
            columns.append(Column(head))
    rows = []
    for row in listing.rows:
        cells = []
        for value, column in zip(row.cells, listing.columns, strict=True):
            shown = written(value, column, clock, words)
            if column.kind == "name":
                cells.append(Span("  " * row.level + page.log(shown)))
            elif column.kind == "text":
                cells.append(Span("  " * row.level + page.own(shown)))
            else:
                cells.append(Span(page.own("·"), "dim") if value == 0 else Span(page.own(shown)))
        rows.append(Row(cells))
    return columns, rows


def markdown(report: Report) -> Iterator[str]:
    """Write the tables in Markdown."""
    words, clock = words_of(report), figures.Clock(report)
    for listing in report.listings:
        remark = heading(listing, words)
        yield from (f"## {own(said(listing.title, words))}{f' ({remark})' if remark else ''}", "")
        if listing.rows:
            yield (
                "|"
                + "|".join(f" {own(said(c.name, words), in_table=True)} " for c in listing.columns)
                + "|"
            )
            yield (
                "|"
                + "|".join("---" if c.kind in ("name", "text") else "---:" for c in listing.columns)
                + "|"
            )
        for row in listing.rows:
            cells = []
            for value, column in zip(row.cells, listing.columns, strict=True):
                shown = written(value, column, clock, words)
                depth = "&emsp;" * row.level if column.kind in ("name", "text") else ""
                escaped = (
                    log(shown, in_table=True)
                    if column.kind == "name"
                    else own(shown, in_table=True)
                )
                cells.append(f" {depth}{escaped} ")
            yield "|" + "|".join(cells) + "|"
        yield from ([] if listing.rows else [own(words("None."))])
        yield from ("", own(said(listing.note, words)), "") if listing.note else ("",)
