"""The list of codes, whole and searched."""

import json

from click.testing import CliRunner, Result

from analyzer import cli
from analyzer.explain.code_list import codes, rule_list
from analyzer.explain.wording import Wording
from analyzer.knowledge import entries
from reports import safe
from reports.pages import render


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["codes", *arguments])


def test_every_code_is_listed_once_and_in_order() -> None:
    page = codes()
    listed = [line.code for line in page.replies]
    assert listed == sorted(k for k in entries.data("replies") if k.isdigit())
    enhanced = [line.code for line in page.enhanced]
    assert sorted(enhanced) == sorted(k for k in entries.data("enhanced") if k.count(".") == 2)
    assert enhanced.index("X.1.2") < enhanced.index("X.1.10")


def test_all_words_have_to_occur() -> None:
    assert {line.code for line in codes(["VRFY"]).replies} >= {"252", "502"}
    both = {line.code for line in codes(["vrfy", "disable_vrfy_command"]).replies}
    assert both <= {line.code for line in codes(["vrfy"]).replies}
    assert "502" in both
    assert codes(["vrfy", "no-such-word"]).replies == ()


def test_a_number_finds_its_code() -> None:
    assert [line.code for line in codes(["5.7.26"]).enhanced] == ["X.7.26"]
    assert "550" in [line.code for line in codes(["550"]).replies]


def test_class_and_standard_select() -> None:
    assert {line.code[0] for line in codes(digit="4").replies} == {"4"}
    assert {line.standard for line in codes(standard="vendor").replies} == {"vendor"}
    assert codes(digit="4", standard="vendor").filters == ("--class 4", "--standard vendor")


def test_the_command_and_its_formats() -> None:
    assert "Cannot verify" in run("vrfy").output
    assert "Nothing found." in run("no-such-word-at-all").output
    assert json.loads(run("--format", "json", "--class", "3").output)["replies"][0]["code"] == "334"
    page = run("--format", "markdown", "vrfy").output
    assert "| `252` | Cannot verify" in page
    assert "RFC 5321" in page
    assert run("--standard", "nonsense").exit_code == 2
    assert run("--class", "1").exit_code == 2


def test_no_line_is_wider_than_the_page() -> None:
    labels = Wording().labels()
    for page in (codes(), rule_list()):
        for width in (60, 80, 140):
            lines = render(page, "text", labels, width=width).splitlines()
            assert max(map(safe.width, lines)) <= width


def test_rules_are_listed_in_the_order_in_which_they_decide() -> None:
    found = [line.rule for line in rule_list().rules]
    assert found.index("postfix.relay-denied") < found.index("google.unauthenticated")
    assert found.index("google.unauthenticated") < found.index("greylisting.named")
    assert [r.rule for r in rule_list(["google", "unauthenticated", "dkim"]).rules]
