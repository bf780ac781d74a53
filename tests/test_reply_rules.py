"""Rules for reply texts: each hits what it is for, in Python and in polars alike."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from analyzer import cli
from analyzer.knowledge import data_files, entries, reply_rules
from analyzer.knowledge.literals import literals
from analyzer.knowledge.patterns import wrong_in
from analyzer.knowledge.reply_rules import Scope, TextRule, hits, match, provider_of, rules_for
from analyzer.knowledge.reply_text import MASKS, mask, normalise
from analyzer.knowledge.rules_check import load, problems

RULES = list(rules_for())
IDS = [rule.id for rule in RULES]
EXAMPLES = [(rule, example) for rule in RULES for example in rule.examples]
NEAR = [(rule, example) for rule in RULES for example in rule.not_examples]


def line_of(example: str) -> str:
    return mask(normalise(example))


def decided(rule: TextRule, example: str) -> TextRule | None:
    """The rule that speaks where the scope of a rule is the place."""
    host = rule.scope.hosts[0] if rule.scope.hosts else "mx.example.net"
    return match(example, rule.direction, host, rule.scope.mta or None)


def test_there_are_rules_of_every_kind_and_no_id_twice() -> None:
    assert {rule.scope.kind for rule in RULES} == set(data_files.RULE_KINDS)
    assert len(set(IDS)) == len(IDS) > 330


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_rule_is_whole(rule: TextRule) -> None:
    assert list(wrong_in(rule.pattern)) == []
    assert rule.cause in entries.data("causes")
    assert rule.who_acts in entries.data("labels")["who_acts"]
    assert rule.direction in entries.DIRECTIONS
    assert rule.severity is None or rule.severity in range(5)
    assert rule.id.split(".")[0] == rule.scope.key
    assert rule.examples
    for text in (rule.title, rule.description, rule.how_to_fix):
        assert text
        assert text == text.strip()


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{r.id}: {e}" for r, e in EXAMPLES])
def test_an_example_hits_its_own_rule_and_no_earlier_one(rule: TextRule, example: str) -> None:
    assert rule.hits(normalise(example))
    assert rule.hits(line_of(example)), line_of(example)
    file = f"rules/{rule.scope.kind}/{rule.scope.key}"
    inside = (r for r in reply_rules.file_rules(file) if r.holds(rule.direction, None, None))
    assert next(r.id for r in inside if r.hits(line_of(example))) == rule.id
    told = decided(rule, example)
    assert told
    if told.id != rule.id:  # a generic text that a software's own rule knows better
        assert KIND_ORDER[told.scope.kind] <= KIND_ORDER[rule.scope.kind]
        causes = {entries.seen_from(told.cause, told.direction, d) for d in ("inbound", "outbound")}
        assert rule.cause in causes | {told.cause}, told.id


KIND_ORDER = {kind: place for place, kind in enumerate(reply_rules.KINDS)}


@pytest.mark.parametrize(("rule", "example"), NEAR, ids=[f"{r.id}: {e}" for r, e in NEAR])
def test_a_near_miss_does_not_hit(rule: TextRule, example: str) -> None:
    told = decided(rule, example)
    assert told is None or told.id != rule.id


def test_patterns_agree_between_python_and_polars() -> None:
    texts = sorted({line_of(e) for r in RULES for e in (*r.examples, *r.not_examples)})
    column = pl.Series(texts)
    for rule in RULES:
        ours = [rule.hits(text) for text in texts]
        assert column.str.contains(rule.pattern).to_list() == ours, rule.id


def test_masks_agree_between_python_and_polars() -> None:
    texts = sorted({normalise(e) for r in RULES for e in (*r.examples, *r.not_examples)})
    column = pl.Series(texts)
    for pattern, text in MASKS:
        assert list(wrong_in(pattern)) == []
        column = column.str.replace_all(pattern, text)
    assert column.to_list() == [mask(text) for text in texts]


def test_what_every_match_holds_is_in_every_match() -> None:
    for rule in RULES:
        assert all(literals(rule.pattern)), rule.id
        for example in rule.examples:
            line = line_of(example).lower()
            assert any(text in line for text in literals(rule.pattern)), (rule.id, line)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("abc", ("abc",)),
        ("(?i)^ABC d?e", ("abc ",)),
        ("a(bcd|efg)h", ("bcd", "efg")),
        ("a(bcd|[0-9])", ("a",)),
        ("(one|two)?x", ("x",)),
        ("a|b", ("a", "b")),
        ("a|.*", ()),
        ("[0-9]{3} (user|mailbox) (unknown|gone)+", ("user", "mailbox")),
        (r"\[x\] \d", ("[x] ",)),
        ("(?:abc){0,3}d", ("d",)),
        ("ab{2}c", ("ab",)),
    ],
)
def test_literals_of_a_pattern(pattern: str, found: tuple[str, ...]) -> None:
    assert literals(pattern) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("550 5.1.1 no", "550 5.1.1 no"),
        ("550-5.1.1 a\n550 5.1.1 b", "550 5.1.1 a b"),
        ("550-5.1.1 a\r\n550-5.1.1  b\r\n550 5.1.1 c", "550 5.1.1 a  b c"),
        ("550-a 550 b", "550 a b"),
        (r"550-5.1.1 a\n550 5.1.1 b", "550 5.1.1 a b"),
        ("550 5.1.1: no", "550 5.1.1 no"),
        ("550 see 551 for more", "550 see 551 for more"),
        ("421", "421"),
        ("  4.4.1 connect to x: Connection timed out ", "4.4.1 connect to x: Connection timed out"),
        ("", ""),
    ],
)
def test_a_reply_is_joined_to_one_line(text: str, line: str) -> None:
    assert normalise(text) == line


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<a.b+c@mail.example.com>: gone", "<user@example.org>: gone"),
        ("no bob@d1.test here.", "no user@example.org here."),
        ("<nosuch>... User unknown", "<user>... User unknown"),
        ("<>: Sender refused, <DATA>: refused", "<>: Sender refused, <DATA>: refused"),
        ("[198.51.100.7] listed", "[192.0.2.1] listed"),
        ("127.0.0.2 and 127.255.255.254", "127.0.0.2 and 127.255.255.254"),
        ("[2a02:1234:5::17] and fe80::1", "[2001:db8::1] and 2001:db8::1"),
        ("size 1234 of 123456", "size 1234 of 00000"),
        ("id 4AMBA1Xq009119 X", "id 00000 X"),
        ("queued 1xVUSS-00001Q-1W", "queued 00000"),
        ("see c2-20si22cat.127 - gsmtp", "see 00000 - gsmtp"),
        ("header. - gsmtp", "header. - gsmtp"),
        ("550 5.7.515 S3140 dnsbl-1.uceprotect.net", "550 5.7.515 S3140 dnsbl-1.uceprotect.net"),
    ],
)
def test_what_differs_from_mail_to_mail_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@given(st.text())
def test_any_text_can_be_held_against_the_rules(text: str) -> None:
    assert isinstance(hits(text), list)


def test_the_peer_decides_which_providers_rules_hold() -> None:
    text = "550-5.7.26 This mail has been blocked because the sender is unauthenticated."
    google = match(text, "outbound", "gmail-smtp-in.l.google.com.")
    assert google
    assert google.id == "google.unauthenticated"
    other = match(text, "outbound", "mx.example.net")
    assert other is None or other.scope.kind != "providers"
    assert "google.unauthenticated" in [rule.id for rule in hits(text, "outbound")]
    named = match(f"{text} abc12-20si22cat.127 - gsmtp", "outbound")
    assert named
    assert named.id == "google.unauthenticated"


def test_an_unknown_peers_vague_words_are_not_taken_for_a_providers() -> None:
    told = match("451 4.7.1 Greylisted, come back", "outbound")
    assert told
    assert told.scope.kind == "generic"


def test_a_host_belongs_to_a_provider_at_a_dot() -> None:
    google = provider_of("aspmx.l.google.com")
    assert google
    assert google.key == "google"
    assert provider_of("GOOGLE.com.") == google
    assert provider_of("notgoogle.com") is None
    assert provider_of("google.com.evil.example") is None


def test_our_own_words_are_those_of_our_own_mta() -> None:
    scope = Scope("software", "postfix", "Postfix", mta="postfix")
    rule = reply_rules.build(scope, "postfix.x", {**MINIMAL, "direction": "inbound"})
    assert rule.holds("inbound", None, "postfix")
    assert not rule.holds("inbound", None, "exim")
    assert rule.holds("outbound", "mx.example.net", "exim")
    assert rule.holds(None, None, None)
    only = reply_rules.build(scope, "postfix.x", {**MINIMAL, "direction": "inbound", "only": True})
    assert not only.holds("outbound", None, "postfix")


MINIMAL = {
    "direction": "outbound", "pattern": "no", "cause": "policy", "title": "t", "description": "d.",
    "how_to_fix": "f.", "who_acts": "nobody", "examples": ["550 no"],
}  # fmt: skip


def written(path: Path, **change: object) -> str:
    table = {k: v for k, v in (MINIMAL | change).items() if v is not None}
    lines = [f"{key} = {value!r}".replace("True", "true") for key, value in table.items()]
    path.write_text("\n".join(['["mine.one"]', *lines, ""]), "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        ({"directon": "inbound"}, 10, "'directon'; did you mean 'direction'"),
        ({"cause": "greylst"}, 4, "did you mean 'greylist'"),
        ({"who_acts": "own-admn"}, 8, "did you mean 'own-admin'"),
        ({"direction": "sideways"}, 2, "inbound, outbound, local"),
        ({"title": ""}, 1, "has no title"),
        ({"how_to_fix": None}, 1, "has no how_to_fix"),
        ({"severity": 5}, 10, "0 to 4"),
        ({"severity": True}, 10, "a number"),
        ({"only": "yes"}, 10, "true or false"),
        ({"examples": "550 no"}, 9, "a list of texts"),
        ({"pattern": "(no"}, 3, "not valid"),
        ({"pattern": "(?=n)no"}, 3, "look-ahead"),
        ({"pattern": "(?P<x>no)(?P=x)?"}, 3, "back-references"),
        ({"pattern": "no*+"}, 3, "possessive"),
        ({"pattern": "n(?i:o)"}, 3, "start only"),
        ({"pattern": "[[n]]o"}, 3, "not valid"),
        ({"examples": ["550 yes"]}, 9, "does not match '550 yes'"),
        ({"not_examples": ["550 nope"]}, 10, "matches '550 nope'"),
    ],
)
def test_a_mistake_in_a_users_file_is_named(
    tmp_path: Path, change: dict[str, object], line: int, said: str
) -> None:
    path = written(tmp_path / "mine.toml", **change)
    assert [p for p in problems(path) if p.startswith(f"{path}:{line}: ") and said in p], problems(
        path
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [('a = "\n', 1), ('["x"]\ny =\n', 2), ("[x]\na = 1\na = 2\n", 3), ("a = [", 1)],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    assert problems(str(path))[0].startswith(f"{path}:{line}: not TOML")


def test_an_earlier_rule_that_takes_an_example_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    first = Path(written(path)).read_text("utf-8")
    path.write_text(first + first.replace("mine.one", "mine.two"), "utf-8")
    assert problems(str(path)) == [f"{path}:18: the earlier rule [mine.one] takes '550 no'"]


def test_a_users_rules_come_first(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.toml", pattern="greylist", examples=["451 greylisted"])
    user = load(path)
    told = match("451 4.7.1 Greylisted; greylist", "outbound", user=user)
    assert told
    assert told.id == "mine.one"


def test_commands_for_rules(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.toml"), written(tmp_path / "bad.toml", cause="no")
    run = CliRunner().invoke
    done = run(cli.main, ["rules", "check", good])
    assert (done.exit_code, done.output) == (0, f"{good}: 1 rule, nothing wrong\n")
    done = run(cli.main, ["rules", "check", bad], standalone_mode=True)
    assert done.exit_code == 2
    assert f"{bad}:4: unknown cause 'no'" in done.output
    assert run(cli.main, ["rules", "check", str(tmp_path / "none.toml")]).exit_code == 2
    listed = run(cli.main, ["rules", "list", "google", "unauthenticated"])
    assert "google.unauthenticated" in listed.output
    assert "yahoo" not in listed.output


def test_our_files_are_read_as_toml_reads_them() -> None:
    for name in (*("replies", "enhanced", "causes", "labels", "pairs"), *data_files.rule_files()):
        sections = data_files.read(name)
        whole = tomllib.loads((data_files.ROOT / f"{name}.toml").read_text("utf-8"))
        assert dict(walk(sections)) == whole, name


def walk(sections: data_files.Sections) -> Iterator[tuple[str, object]]:
    for key in sections:
        yield key, sections[key]
