"""How often a log holds what is being explained. Reads logs, so it needs polars."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from analyzer.exits import Exit
from analyzer.run import Warn, read_report
from reports.article import Article, Comparison, LogLine, Seen
from reports.model import CodeRow, Example, Finding, Report

from .wording import Wording

_ALL: dict[str, Any] = {
    "tz": None, "year": None, "since": None, "until": None, "day": None, "hosts": (), "mtas": (),
    "directions": (), "codes": (), "domains": (), "top": "10", "unrecognised": None,
}  # fmt: skip
MOST = 10
"""Kinds of replies that are told of one article."""


def with_log(
    page: Article | Comparison, logs: tuple[str, ...], now: datetime, warn: Warn
) -> tuple[Article | Comparison, Exit]:
    """Add to a page what the logs hold of it."""
    report, status = read_report(_ALL, logs, now, warn)
    if isinstance(page, Article):
        return replace(page, seen=seen(page, report)), status
    first, second = (replace(a, seen=seen(a, report)) for a in page.articles)
    return replace(page, articles=(first, second)), status


def seen(article: Article, report: Report) -> tuple[Seen, ...]:
    """Return what a report counts of an entry, most frequent first."""
    words = Wording(article.lang)
    rows: list[CodeRow | Finding]
    if article.kind == "rule":
        rows = [finding for finding in report.findings if finding.rule == article.key]
    else:
        rows = [row for row in report.codes if _matches(article, row)]
    if len(article.sides) == 1:
        rows = [row for row in rows if row.direction == article.sides[0].direction]
    rows.sort(key=lambda row: -row.count)
    return tuple(_seen(row, words) for row in rows[:MOST])


def _matches(article: Article, row: CodeRow) -> bool:
    if article.kind == "cause":
        return row.cause == article.cause
    if article.code is None and article.enhanced is None:
        return row.code is not None and article.name[:1] == str(row.code)[:1]
    enhanced = article.enhanced
    if enhanced and not (row.enhanced and enhanced in (row.enhanced, f"X{row.enhanced[1:]}")):
        return False
    return article.code is None or article.code == row.code


def _seen(row: CodeRow | Finding, words: Wording) -> Seen:
    code, first, last = "", "", ""
    if isinstance(row, CodeRow):
        code = " ".join(str(part) for part in (row.code, row.enhanced) if part is not None)
        first, last = _moment(row.first_seen), _moment(row.last_seen)
    heading = words.word("direction_short", row.direction)
    examples = tuple(map(_line, row.examples))
    return Seen(row.direction, heading, code or row.cause, row.count, row.implied, row.share,
                row.peers, first, last, examples)  # fmt: skip


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _line(example: Example) -> LogLine:
    return LogLine(example.file, example.line, example.text)
