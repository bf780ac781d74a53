"""The Markdown report: the same figures; log text stays text."""

import re
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from report_samples import HOSTILE, LOG, busy_day, empty, hostile, several_days

from reports.markdown import render
from reports.model import Report

JOINERS = re.compile("[\u200c\u200d]")
MARKDOWN = MarkdownIt("commonmark").enable("table")
HOSTILE_TEXT = (
    st.text(st.characters(codec=None, categories=None), max_size=60)
    | st.sampled_from(HOSTILE)
    | st.text("`|\\*_[]()<>!&#-+=1. a@:/w~$", max_size=30)
).filter(str.strip)


def tokens(report: Report) -> list[Token]:
    found = []
    for block in MARKDOWN.parse(render(report)):
        found += [block, *(block.children or ())]
    return found


def test_busy_day(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day.md", render(busy_day()))


def test_a_table_for_each_direction_each_day_and_each_top_list() -> None:
    kinds = [t.type for t in tokens(busy_day())]
    assert kinds.count("table_open") == 1 + 3 + 1 + 2
    assert "html_block" not in kinds


@settings(max_examples=150, deadline=None)
@given(HOSTILE_TEXT)
def test_log_text_is_neither_markup_nor_link_nor_structure(text: str) -> None:
    shown = tokens(hostile(text))
    plain = tokens(hostile("x"))
    kinds = {t.type for t in shown}
    assert kinds <= {t.type for t in plain} | {"text_special", "code_inline"}
    for kind in ("heading_open", "table_open", "tr_open", "td_open", "th_open", "strong_open"):
        assert sum(t.type == kind for t in shown) == sum(t.type == kind for t in plain), kind
    assert JOINERS.sub("", render(hostile(text)).replace("\n", "")).isprintable()


def test_links_and_people_are_code() -> None:
    text = render(replace(busy_day(), notes=("see http://evil.example and ask @root",)))
    assert "- note: see `http://evil.example` and ask `@root`\n" in text


def test_every_count_is_there() -> None:
    text = render(busy_day())
    for row in busy_day().codes:
        assert f" {row.count:,} |" in text
    assert "1,217,543 = 1,100,470 parsed + 117,070 ignored + 2 foreign + 1 unrecognised" in text
    assert f"`{LOG}:2101`" in text


def test_empty_and_several_days() -> None:
    assert "No mail was received, sent or refused." in render(empty())
    assert "Nothing needs action." in render(empty())
    days = render(several_days())
    assert "### 2026-10-25 Sunday\n" in days
    assert " hours without mail left out.\n" in days
