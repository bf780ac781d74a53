"""The manual pages hold what the commands have, and roff takes them without a complaint."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from unicodedata import normalize

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from analyzer.cli import main
from analyzer.exits import Exit
from analyzer.man import STATUSES, escape, page, pages

PAGES = pages(main)


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*above, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


def command_of(words: tuple[str, ...]) -> click.Command:
    found: click.Command = main
    for word in words:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found


def plain(roff: str) -> str:
    """What stands in the page, without the roff."""
    text = re.sub(r"\\f[BIR]|\\&", "", roff)
    for mark, char in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ha", "^"),
                       (r"\(ti", "~"), (r"\(dq", '"'), (r"\(rs", "\\")):  # fmt: skip
        text = text.replace(mark, char)
    return re.sub(r"\\\[u([0-9A-F_]+)\]", lambda m: _glyph(m[1]), text)


def _glyph(name: str) -> str:
    return normalize("NFC", "".join(chr(int(part, 16)) for part in name.split("_")))


def groff(source: str) -> tuple[str, str]:
    """What groff says of a page and makes of it; where there is none, nothing and the words."""
    if shutil.which("groff") is None:
        return "", plain(source)
    command = ["groff", "-man", "-Tutf8", "-ww", "-b", "-rCHECKSTYLE=3", "-P-cbou"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr, done.stdout


def smtplens_man(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["man", *arguments], prog_name="smtplens")
    assert done.exit_code == 0, done.output
    return done.stdout


def test_there_is_a_page_for_every_command() -> None:
    assert set(PAGES.values()) == {(), *commands(main)}
    assert smtplens_man("--list").splitlines() == list(PAGES)
    assert smtplens_man("rules", "list") == smtplens_man("smtplens-rules-list")


@pytest.mark.parametrize("words", PAGES.values(), ids=list(PAGES))
def test_page_of_a_command_holds_all_its_options(words: tuple[str, ...]) -> None:
    text = plain(page(main, words, "1"))
    names = {name for p in command_of(words).params for name in p.opts if name.startswith("-")}
    options = text.split(".SH OPTIONS\n")[1].split(".SH ")[0]
    headings = re.findall(r"^\.TP\n(.*)$", options, re.M)
    found = {word.strip(",") for line in headings for word in line.split()}
    assert names | {"-h", "--help"} <= found
    for parameter in command_of(words).params:
        if isinstance(parameter, click.Option) and parameter.help and not parameter.hidden:
            assert " ".join(parameter.help.split()) in options


def test_page_of_the_program_holds_every_option_of_every_command() -> None:
    text = plain(page(main, (), "1"))
    for words in commands(main):
        part = text.split(f".SS smtplens {' '.join(words)}\n")[1]
        part = re.split(r"^\.S[SH] ", part, flags=re.M)[0]
        found = {
            w.strip(",") for line in re.findall(r"^\.TP\n(.*)$", part, re.M) for w in line.split()
        }
        for parameter in command_of(words).params:
            if isinstance(parameter, click.Option):
                assert set(parameter.opts) <= found


def test_every_exit_status_is_in_every_page() -> None:
    assert set(STATUSES) == set(Exit)
    for words in PAGES.values():
        part = plain(page(main, words, "1")).split(".SH EXIT STATUS\n")[1].split(".SH ")[0]
        assert re.findall(r"^([0-9]+)$", part, re.M) == [str(int(status)) for status in Exit]


def test_page_names_the_variables_that_work() -> None:
    text = plain(page(main, ("report",), "1"))
    command = command_of(("report",))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar:
            assert f"\n{parameter.envvar[0]}\n" in text
    assert "\nSMTPLENS_CONFIG\n" in plain(page(main, (), "1"))


def test_examples_keep_their_lines() -> None:
    text = plain(page(main, ("compare",), "1"))
    assert ".EX\nsmtplens compare 251 502\nsmtplens compare 4.7.1 5.7.1 --log" in text
    assert "\b" not in text


def test_page_of_no_command_is_refused() -> None:
    done = CliRunner().invoke(main, ["man", "reprot"], prog_name="smtplens")
    assert done.exit_code == 2


REQUESTS = {"TH", "SH", "SS", "PP", "TP", "RS", "RE", "EX", "EE", "nh", "ad", "nr"}


@pytest.mark.parametrize("words", PAGES.values(), ids=list(PAGES))
def test_page_is_sound_roff(words: tuple[str, ...]) -> None:
    lines = page(main, words, "1").splitlines()
    requests = [line[1:].split()[0] for line in lines if line.startswith(".")]
    assert set(requests) <= REQUESTS
    assert all(line and not line.startswith("'") for line in lines)
    for opened, closed in (("RS", "RE"), ("EX", "EE")):
        assert requests.count(opened) == requests.count(closed)
    # After .TP stand the tag and, on a line of its own, the text.
    for at, line in enumerate(lines):
        if line == ".TP":
            assert not lines[at + 1].startswith(".")
            assert not lines[at + 2].startswith(".")
    warned, shown = groff("\n".join(lines) + "\n")
    assert warned == ""
    assert "EXIT STATUS" in shown


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1)


@given(TEXTS)
def test_no_text_becomes_markup(text: str) -> None:
    made = escape(text)
    assert made.isascii()
    assert made.isprintable()
    assert not made.startswith((".", "'"))
    # A backslash begins one of our own escapes, or none.
    assert re.sub(r"\\(?:&|-|\((?:rs|aq|ga|ha|ti|dq)|\[u[0-9A-F_]+\])", "", made).find("\\") == -1


def test_roff_prints_a_text_as_it_stands() -> None:
    texts = [
        ".SH no heading",
        "'no request",
        r"a\fBb\n(c",
        "-x --long `a` ^~ \"q\" 'r'",
        "\u00e9 \u0939",
    ]
    source = ".TH X 1\n.nh\n.ad l\n" + "".join(f".PP\n{escape(text)}\n" for text in texts)
    warned, shown = groff(source)
    assert warned == ""
    for text in texts:
        assert text in shown
