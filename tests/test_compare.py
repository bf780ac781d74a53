"""Two codes side by side: what differs comes first, and it is computed from the data."""

import itertools
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer import cli
from analyzer.exits import Refused
from analyzer.explain.compare import compare
from analyzer.explain.wording import Wording
from analyzer.knowledge import entries
from reports import safe
from reports.article import Comparison
from reports.pages import render

ROOT = Path(__file__).parent.parent
CODES = [key for key in entries.data("replies") if key.isdigit()]
PAIRS = [key.split("-") for key in entries.data("pairs")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["compare", *arguments])


def text_of(a: str, b: str) -> str:
    return " ".join(render(compare(a, b), "text", Wording().labels()).split())


def row(page: Comparison, key: str) -> tuple[str, str]:
    return next(r.values for r in page.rows if r.key == key)


def test_251_and_502_tell_all_that_the_starting_page_tells() -> None:
    shown = text_of("251", "502")
    for told in (
        "success", "permanent refusal",  # 2yz against 5yz
        "another server", "relay", "sends the mail on",  # 251
        "does not offer it", "EXPN", "TURN", "VRFY",  # 502
        "Nothing, the mail is on its way", "new address",
        "test mail", "EHLO answer",
        "Description", "When you see it", "How to fix", "Key differences", "When to use which",
        "Learn more",
    ):  # fmt: skip
        assert told in shown, told
    # and what it leaves out
    for told in ("252", "7.3", "4.2.4", "disable_vrfy_command", "scanners"):
        assert told in shown, told


def test_251_and_502_differ_where_they_do() -> None:
    page = compare("502", "251")
    assert [a.name for a in page.articles] == ["251", "502"]
    assert row(page, "class") == ("success", "permanent refusal")
    assert row(page, "retry")[0].startswith("not needed")
    assert row(page, "category") == ("5: mail system", "0: syntax and missing commands")
    assert row(page, "commands_both")[0].split(", ")[0] == "VRFY"
    assert row(page, "commands_only")[0] == "RCPT"
    assert row(page, "machine_text")[0].startswith("yes")
    assert row(page, "machine_text")[1].startswith("no")
    assert "first is done" in page.summary


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_written_pair_is_shown(a: str, b: str) -> None:
    table = entries.data("pairs")[f"{a}-{b}"]
    page = compare(b, a)
    assert page.difference == table["difference"]
    assert page.when_to_use == (table["when_to_use"],)
    assert len(page.examples) in (0, 2)


def test_differences_stand_before_what_is_the_same() -> None:
    for a, b in itertools.islice(itertools.combinations(CODES, 2), 0, None, 17):
        same = [r.same for r in compare(a, b).rows]
        assert same == sorted(same), (a, b)
        assert not all(same), (a, b)


def test_any_two_codes_can_be_compared() -> None:
    labels = Wording().labels()
    codes = [*CODES[::6], "577", "199", "2.1.5", "4.2.2", "5.7.1", "X.7.26", "5.7.606", "4xx"]
    for a, b in itertools.combinations(codes, 2):
        page = compare(a, b)
        shown = render(page, "text", labels)
        assert max(map(safe.width, shown.splitlines())) <= 80, (a, b)
        assert "{" not in re.sub(r"`[^`]*`", "", page.summary), (a, b)
        assert json.loads(render(page, "json", labels))["page"] == "comparison"


def test_the_class_decides_the_order_of_the_two() -> None:
    assert [a.name for a in compare("550", "4.7.1").articles] == ["4.7.1", "550"]
    assert compare("550", "4.7.1").summary == compare("4.7.1", "550").summary


def test_a_code_is_not_compared_with_itself() -> None:
    with pytest.raises(Refused, match="itself"):
        compare("550", "550")
    assert run("550", "550").exit_code == 2
    assert run("550").exit_code == 2


def test_the_command_and_its_formats() -> None:
    assert run("251", "502").output == run("502", "251").output
    page = run("--format", "markdown", "251", "502").output
    assert page.startswith("# `251` Not local, will be forwarded / `502` Command not implemented")
    assert "|  | `251` | `502` |" in page
    told = json.loads(run("--format", "json", "421", "450").output)
    assert [a["code"] for a in told["articles"]] == [421, 450]
    assert {"key", "label", "values"} == set(told["rows"][0])


def test_both_are_counted_in_a_log() -> None:
    log = str(ROOT / "sample_logs/postfix-rfc3164.log")
    told = json.loads(run("--format", "json", "450", "550", "--log", log).output)
    first, second = (a["seen"] for a in told["articles"])
    assert sum(s["count"] for s in second) == 9
    assert {s["code"][:3] for s in first} == {"450"}
    assert {s["code"][:3] for s in second} == {"550"}
