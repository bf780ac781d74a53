"""The page: wrapping, tables and their narrow form, and the last check on the way out."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reports.layout import Column, Page, Row, Span, wrap
from reports.safe import clean


def lines(page: Page) -> list[str]:
    return str(page).rstrip("\n").split("\n")


def test_wrap_breaks_at_spaces_and_inside_what_is_too_long() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("one  two", 20) == ["one  two"]
    assert wrap("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]
    assert wrap("日本語日本語", 5) == ["日本", "語日", "本語"]
    assert wrap("", 5) == [""]


@given(st.text(max_size=80), st.integers(4, 40))
def test_wrap_loses_nothing_but_spaces(text: str, width: int) -> None:
    shown = clean(text)
    parts = wrap(shown, width)
    assert all(cell_len(part) <= width for part in parts)
    assert "".join(parts).replace(" ", "") == shown.replace(" ", "")


def test_what_forgot_the_entrance_is_cleaned_on_the_way_out() -> None:
    page = Page(80, colour=True)
    page.put("a\x1b[2Jb", Span("c\nd", "red"))
    assert str(page) == "a\\x1b[2Jb\x1b[31mc\\nd\x1b[0m\n"


def test_a_hanging_indent() -> None:
    page = Page(20)
    page.put(Span("Label  ", "dim"), "one two three four five", indent=2, hang=9)
    assert lines(page) == ["  Label  one two", "         three four", "         five"]


def test_a_style_goes_on_over_a_break_and_is_closed_on_each_line() -> None:
    page = Page(20, colour=True)
    page.put(Span("one two three four five", "red"))
    assert lines(page) == ["\x1b[31mone two three four\x1b[0m", "\x1b[31mfive\x1b[0m"]


COLUMNS = [Column("code", "text"), Column("meaning", "wrap"), Column("count")]
ROWS = [
    Row([Span("250"), Span("Accepted"), Span("1,204")], below=[Span("all day")]),
    Row([Span("550"), Span("No such recipient at all"), Span("7")], above=[Span("later")]),
]


def test_a_table_fills_the_page() -> None:
    page = Page(32)
    page.table(COLUMNS, ROWS, indent=1)
    assert lines(page) == [
        " code  meaning             count",
        " 250   Accepted            1,204",
        "         all day",
        "",
        " later",
        " 550   No such recipient       7",
        "       at all",
    ]


def test_a_cut_column_stays_on_one_line() -> None:
    page = Page(24)
    columns = [Column("n"), Column("", "cut")]
    page.table(columns, [Row([Span("7"), Span("a-very-long-name@example.org")])])
    assert lines(page)[-1] == "7  a-very-lon…xample.org"


def test_without_room_a_row_becomes_a_list() -> None:
    page = Page(24)
    page.table(COLUMNS, ROWS)
    assert lines(page) == [
        "250  Accepted",
        "    count 1,204",
        "  all day",
        "",
        "later",
        "550  No such recipient",
        "    at all  count 7",
    ]


def test_a_bar_is_never_longer_than_its_room_and_never_nothing() -> None:
    page = Page(80)
    assert page.bar(0, 100, 10) == ""
    assert page.bar(1, 1000, 10) == "▏"
    assert page.bar(50, 100, 10) == "█" * 5
    assert page.bar(100, 100, 10) == "█" * 10
    assert page.bar(0, 0, 10) == ""
    plain = Page(80, ascii_only=True)
    assert plain.bar(1, 1000, 10) == "#"
    assert plain.bar(100, 100, 10) == "#" * 10


def test_empty_lines_do_not_pile_up() -> None:
    page = Page(80)
    page.blank()
    page.put("a")
    page.blank()
    page.blank()
    page.put("b")
    assert str(page) == "a\n\nb\n"
