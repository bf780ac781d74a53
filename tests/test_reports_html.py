"""The HTML report: one safe file, no script, nothing from elsewhere."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    HOSTILE,
    busy_day,
    empty,
    hostile,
    quiet,
    several_days,
    with_codes,
)

from reports.html import bars, render
from reports.model import Report
from reports.safe import clean

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Collects elements and text, and insists that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.tables: list[list[int]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(0)
        elif tag in ("td", "th"):
            self.tables[-1][-1] += int(dict(attrs).get("colspan") or 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def test_busy_day(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day.html", render(busy_day()))


@pytest.mark.parametrize("make", [busy_day, empty, quiet, several_days, hostile])
def test_well_formed_and_self_contained(make: Callable[[], Report]) -> None:
    page = Page(render(make()))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "input", "base"}
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        if "href" in attributes:
            assert re.fullmatch(r"#action-\d+", attributes["href"] or ""), tag
    policy = {"http-equiv": "Content-Security-Policy",
              "content": "default-src 'none'; style-src 'unsafe-inline'"}  # fmt: skip
    assert ("meta", policy) in page.elements
    for table in page.tables:
        assert len(set(table)) == 1


def test_every_link_has_its_target() -> None:
    page = Page(render(busy_day()))
    targets = [f"#{a['id']}" for _, a in page.elements if "id" in a]
    links = [a["href"] for _, a in page.elements if "href" in a]
    assert targets == ["#action-1", "#action-2", "#action-3", "#action-4"]
    # Each row of the code table leads to what is to be done, and the repeated advice to its like.
    assert sorted(map(str, links)) == sorted([*targets, "#action-1"])


@settings(max_examples=60, deadline=None)
@given(
    (
        st.text(st.characters(codec=None, categories=None), max_size=60)
        | st.sampled_from(HOSTILE)
        | st.text("<>&\"'`/{}%= a", max_size=30)
    ).filter(str.strip)
)
def test_log_text_is_only_text(text: str) -> None:
    shown = render(hostile(text))
    page, plain = Page(shown), Page(render(hostile("x")))
    ours = {"p", "code"}  # paragraphs and `code` of our own prose depend on the text
    tags = sorted(tag for tag, _ in page.elements if tag not in ours)
    assert tags == sorted(tag for tag, _ in plain.elements if tag not in ours)
    assert shown.replace("\n", "").replace("\u200c", "").replace("\u200d", "").isprintable()
    shown.encode()
    assert clean(text, "\u200c\u200d") in page.texts


def test_log_text_is_shown_as_it_is() -> None:
    page = Page(render(hostile("<b>&amp;{{ 7*7 }}\x1b[0m")))
    assert r"<b>&amp;{{ 7*7 }}\x1b[0m" in page.texts


def test_every_count_is_there() -> None:
    page = Page(render(busy_day()))
    for row in busy_day().codes:
        assert f"{row.count:,}" in page.texts
    text = "".join(page.texts)
    assert "1,217,543 = 1,100,470 parsed + 117,070 ignored + 2 foreign + 1 unrecognised" in text
    assert "Nothing to do: inbound greylist (87), protocol (12)" in text


def test_backticks_of_our_own_are_code() -> None:
    assert "with <code>dig +short TXT example.org</code> and" in render(busy_day())
    assert "<code>postmap -q user@example.org &lt;table&gt;</code>" in render(busy_day())


def test_the_bars_are_the_hours() -> None:
    drawn = {name: (most, path) for name, most, path in bars(busy_day())}
    assert list(drawn) == ["received", "sent", "deferrals", "bounced", "expired", "rejected"]
    most, path = drawn["bounced"]
    assert most == 120
    # 120 at three o'clock is the full height; one at one o'clock is seen all the same.
    assert "M31 40v-40.0h8V40z" in path
    assert "M11 40v-1.0h8V40z" in path
    assert drawn["expired"] == (1, "M171 40v-40.0h8V40z")
    assert bars(empty()) == []


def test_the_drawing_has_a_table_beside_it() -> None:
    page = Page(render(busy_day()))
    assert page.count("svg") == 6
    assert [len(t) for t in page.tables if t[0] == 7] == [1 + 1 + 24]


def test_empty_states() -> None:
    text = render(empty())
    assert "No mail was received, sent or refused." in text
    assert "Nothing: there is no reply to explain." in text
    assert "Hour by hour" not in text
    assert "Nothing needs action." in render(quiet())
    assert " hours without mail left out." in render(several_days())


def test_a_severity_off_the_scale_is_no_error() -> None:
    row = busy_day().codes[5]
    odd = replace(row, advice=replace(row.advice, severity=9))
    assert '<span class="s9">now</span>' in render(with_codes(empty(), (odd,)))
