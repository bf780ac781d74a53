"""Text from a log is harmless in every kind of output."""

import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_samples import HOSTILE
from rich.cells import cell_len

from reports import safe

MARKDOWN = MarkdownIt("commonmark").enable("table")
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)


def test_no_character_that_is_unseen_or_moves_the_cursor_survives() -> None:
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    blank = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
    blank |= set(
        map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
    )
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        shown = safe.clean(char)
        if category(char) in bad or char in blank:
            assert shown.isascii(), hex(code)
            assert shown.startswith("\\"), hex(code)
        elif category(char) != "Zs":
            assert shown == char, hex(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain <x@example.org>", "plain <x@example.org>"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b2J", r"\x9b2J"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("\udcff\ud800", r"\xff\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\x7f", r"\x7f"),
        ("Grüße 日本 नमस्ते", "Grüße 日本 नमस्ते"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + r"\u0301" * 2),
        ("क्\u200dष", r"क्\u200dष"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert safe.clean(text) == shown


def test_a_joiner_stays_only_where_it_spells() -> None:
    assert safe.clean("क्\u200dष", safe.JOINERS) == "क्\u200dष"
    assert safe.clean("pay\u200cpal", safe.JOINERS) == r"pay\u200cpal"
    assert safe.clean("\u200d", safe.JOINERS) == r"\u200d"


def test_our_own_text_keeps_its_joiners_and_its_paragraphs() -> None:
    assert safe.prose("क्\u200dष\nzwei\u00a0drei\n\nvier\x1b\n- five\n2. six") == [
        "क्\u200dष zwei drei",
        r"vier\x1b",
        "- five",
        "2. six",
    ]


@given(ANY_TEXT)
def test_clean_is_settled_after_once(text: str) -> None:
    shown = safe.clean(text)
    assert safe.clean(shown) == shown
    shown.encode()


@given(ANY_TEXT, st.integers(0, 80), st.sampled_from(["middle", "end"]))
def test_shorten_keeps_to_the_room_and_shows_the_cut(text: str, room: int, at: str) -> None:
    whole = safe.clean(text)
    shown = safe.shorten(whole, room, at=at)
    assert cell_len(shown) <= room
    if cell_len(whole) <= room:
        assert shown == whole
    elif room:
        assert "…" in shown
        first, _, last = shown.partition("…") if at == "end" else shown.rpartition("…")
        assert whole.startswith(first) or "…" in whole
        assert whole.endswith(last) or "…" in whole


def test_shorten_exactly() -> None:
    assert safe.shorten("abcdefghij", 7) == "abc…hij"
    assert safe.shorten("abcdefghij", 7, at="end") == "abcdef…"
    assert safe.shorten("abcdefghij", 7, mark="...") == "ab...ij"
    assert safe.shorten("日本語日本語", 8) == "日本…語"
    assert safe.shorten("ae\u0301\u0301bcdef", 4) == "ae\u0301\u0301…f"
    assert safe.shorten("abc", 2, mark="...") == ".."


def test_excerpt_says_how_much_is_missing() -> None:
    shown = safe.excerpt("a" * 50 + "b" * 50, 60)
    first, _, rest = shown.partition("[… ")
    count, _, last = rest.partition(" characters …]")
    assert len(shown) <= 60
    assert len(first) + len(last) + int(count) == 100
    assert set(first) == {"a"}
    assert set(last) == {"b"}
    assert safe.excerpt("short", 60) == "short"


@given(ANY_TEXT, st.integers(1, 120))
def test_excerpt_keeps_to_the_room(text: str, room: int) -> None:
    assert cell_len(safe.excerpt(safe.clean(text * 5), room)) <= room


@given(ANY_TEXT)
def test_ascii_text_is_ascii(text: str) -> None:
    shown = safe.ascii_text(safe.clean(text))
    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", " =", "＝", "＋"])  # noqa: RUF001
def test_a_formula_becomes_text(first: str) -> None:
    assert safe.csv_cell(first + "1").startswith("'")


def test_other_cells_stay() -> None:
    assert safe.csv_cell("a=b") == "a=b"
    assert safe.csv_cell("") == ""
    assert safe.csv_cell("x\n=1") == r"x\n=1"


def _inner(source: str) -> tuple[set[str], str]:
    """Return the kinds of inline tokens and the text that a reader sees."""
    tokens = [t for block in MARKDOWN.parse(source) for t in block.children or ()]
    return {t.type for t in tokens}, "".join(t.content for t in tokens)


@given(ANY_TEXT | st.lists(st.sampled_from(HOSTILE), max_size=4).map(" ".join)
       | st.text("`|\\*_[]()<>!&#-+=1. a@:/w~$", max_size=30))  # fmt: skip
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    for render, wanted in (
        (safe.markdown, safe.clean(text, safe.JOINERS).strip(" ")),
        (safe.markdown_code, safe.clean(text)),
    ):
        kinds, shown = _inner(f"x {render(text)} y")
        assert kinds <= {"text", "text_special", "code_inline"}
        assert shown == f"x {wanted} y"


@given(st.text("`|\\*_[]()<>!&#-+=1. a@:/w~$", max_size=30))
def test_markdown_prose_is_text_and_code_alone(text: str) -> None:
    kinds, shown = _inner(f"x {safe.markdown_prose(text)} y")
    assert kinds <= {"text", "text_special", "code_inline"}
    assert shown.replace("`", "") == f"x {text.strip(' ')} y".replace("`", "")


@pytest.mark.parametrize("text", ["# x", "- x", "1. x", "> x", "---", "===", "+ x", "    x", "```"])
def test_markdown_at_the_start_of_a_line_is_a_paragraph(text: str) -> None:
    kinds = [t.type for t in MARKDOWN.parse(safe.markdown(text))]
    assert kinds == ["paragraph_open", "inline", "paragraph_close"]


@given(st.text("|`\\ax ", min_size=1, max_size=20))
def test_a_table_keeps_its_cells(text: str) -> None:
    source = f"|a|b|\n|---|---|\n|{safe.markdown_code(text, in_table=True)}|{safe.markdown(text)}|"
    cells = [t.type for t in MARKDOWN.parse(source)].count("td_open")
    assert cells == 2


def test_prose_code_is_code() -> None:
    assert safe.markdown_prose("run `a_b *c*` on x_y") == r"run `a_b *c*` on x\_y"


def test_code_that_touches_code_is_left_as_text() -> None:
    assert safe.markdown_prose("`a``b`") == r"\`a\`\`b\`"


# Columns the cursor moved by in xterm, VTE, Konsole and tmux (asked with DSR), all alike.
MEASURED = {
    "abc": 3, "का": 2, "कि": 2, "की": 2, "हिन्दी": 5, "क्षेत्र": 4, "प्रेषक": 4,
    "व्यवस्थापक": 8, "नज़र रखें": 6, "स्थिति": 5,
}  # fmt: skip


@pytest.mark.parametrize("text", MEASURED)
def test_devanagari_is_as_wide_as_terminals_make_it(text: str) -> None:
    assert safe.width(text) == MEASURED[text]


SYLLABLES = ("क", "ष", "का", "कि", "हिं", "क्षि", "स्त्री", "प्रे", "दृ", "ष्टि", "ज्ञा", "कौं", "ज़", "र्\u200dया",
             "क्\u200cष", "ॐ", "a", "।")  # fmt: skip


def _starts(parts: list[str]) -> set[int]:
    """Where a letter may begin: an explicit non-joiner parts a conjunct."""
    whole = "".join(parts)
    ends = {len("".join(parts[:n])) for n in range(len(parts) + 1)}
    return ends | {n + 1 for n, char in enumerate(whole) if char == "\u200c"}


@given(st.lists(st.sampled_from(SYLLABLES), max_size=30), st.integers(5, 30))
def test_no_cut_goes_through_a_letter(parts: list[str], room: int) -> None:
    text = "".join(parts)
    starts = _starts(parts)
    first, last = safe.head(text, room), safe.tail(text, room)
    assert text.startswith(first)
    assert text.endswith(last)
    assert {len(first), len(text) - len(last)} <= starts
    assert max(safe.width(first), safe.width(last)) <= room
    # It is as much as there is room for.
    longer = [n for n in starts if n > len(first)]
    assert not longer or safe.width(text[: min(longer)]) > room


def test_a_letter_wider_than_the_room_is_cut_all_the_same() -> None:
    tower = "क्" * 40
    assert 0 < safe.width(safe.head(tower, 6)) <= 6
    assert safe.width(safe.shorten(tower, 9)) <= 9
