"""The report in another language: every text of its own is translated, nothing else is touched."""

import ast
import gzip
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from click.testing import CliRunner
from jinja2 import nodes
from jinja2.ext import extract_from_ast
from report_samples import (
    ACCEPTED,
    BERLIN,
    busy_day,
    code_row,
    empty,
    hostile,
    quiet,
    several_days,
    spiky,
    with_codes,
)

import reports
from analyzer.build import build
from analyzer.cli import main
from analyzer.knowledge import data_files
from analyzer.knowledge.entries import cause_title, data
from analyzer.report_words import report_words, table_words
from analyzer.sections import endings, message_sizes, queue_times, reject_details, troubles
from analyzer.summary import Summary
from parsers.implied import IMPLIED
from reports import figures, html, listings, outline, safe, spikes_page, terminal
from reports.article import Untranslated
from reports.mail import shortened
from reports.model import CodeRow, Finding, Flow, Input, Report, Top, TopRow
from reports.verdict import verdict
from reports.words import ENGLISH, MARK, Words, words_of

ROOT = Path(__file__).parent.parent
SPEAKERS = ("words", "say", "t")
HINDI = tomllib.loads((data_files.ROOT / "hi" / "report.toml").read_text("utf-8"))


def calls(path: str) -> Iterator[ast.Call]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def said_in_code() -> Iterator[str]:
    """Texts that stand in a renderer where they are said."""
    for path in sorted((ROOT / "reports").glob("*.py")):
        for call in calls(f"reports/{path.name}"):
            name = ast.unparse(call.func).split(".")[-1]
            texts = [*map(constant, call.args)]
            if name in SPEAKERS and texts and texts[0]:
                yield texts[0]
            elif name == "count" and "words" in {k.arg for k in call.keywords} and texts[1:]:
                yield from nouns(texts[1], *texts[2:])


def nouns(one: str | None, many: str | None = None) -> Iterator[str]:
    if one:
        yield one
        yield many or f"{one}s"


def said_in_template() -> Iterator[str]:
    environment = html._environment()
    source = (ROOT / "reports/templates/report.html.j2").read_text("utf-8")
    tree = environment.parse(source)
    for _, _, said in extract_from_ast(tree, gettext_functions=("t",)):
        text = said if isinstance(said, str | None) else said[0]  # what fills it comes after
        if text:
            yield text
    for found in tree.find_all(nodes.Filter):
        if found.name == "count" and found.args and isinstance(found.args[0], nodes.Const):
            yield from nouns(found.args[0].value)


def said_from_tables() -> Iterator[str]:
    """Texts that stand in a table, or come with what the analyzer builds."""
    yield from (*figures.SEVERITIES, *figures.MONTHS.split(), *figures.WEEKDAYS)
    yield from (*terminal.FACTS, *terminal.LABELS)
    yield from (*outline.HOUR_COLUMNS, *outline.OWN_NAMES, "peers")
    yield from (name for name, _ in outline.fates(empty().lines))
    for direction, texts in outline.DIRECTIONS.items():
        yield from (direction, *texts)
    for section in outline.sections(empty()):
        yield from section.noun
    for top in build(Summary(), [], zone="UTC").tops:
        yield from (top.title, *top.columns)


def sentences() -> Iterator[str]:
    """Notes and problems as the analyzer and the parsers write them, each blank as `{}`."""
    for path in ("analyzer/build.py", "analyzer/versions.py", "analyzer/inputs.py",
                 "parsers/lines.py", "parsers/compression.py"):  # fmt: skip
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        for node in ast.walk(tree):
            for text in _said(node):
                if " " in text and not text.isupper():
                    yield text


def _said(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Yield) and node.value:
        yield from _texts(node.value)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Call):
        target = node.func if isinstance(node, ast.Call) else _target(node)
        name = ast.unparse(target).split(".")
        if {"notes", "problem", "problems", "Damaged"} & set(name):
            for value in node.args if isinstance(node, ast.Call) else [node.value]:
                yield from _texts(value)


def _target(node: ast.Assign | ast.AugAssign) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


def _texts(node: ast.expr) -> Iterator[str]:
    """Texts of an expression, also from inside a tuple or a comprehension."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield blanks(node.value)
    elif isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
        yield blanks("".join(map(str, parts)))
    elif isinstance(node, ast.Tuple | ast.List):
        for item in node.elts:
            yield from _texts(item)
    elif isinstance(node, ast.ListComp):
        yield from _texts(node.elt)


def blanks(text: str) -> str:
    """Write each blank as `{}`; what is at most a mark between two is none."""
    return re.sub(r"(\{\}){2,}", "{}", re.sub(r"\{[^{}]*\}", "{}", text))


def everything() -> set[str]:
    reasons = {implied.reason for implied in IMPLIED.rows().values()}
    return {*said_in_code(), *said_in_template(), *said_from_tables(), *reasons}


# What the operating system or a library says is handed on as it is.
PASSED_ON = {"{}: {}"}
# A sentence that another one ends with where many files are left out.
LONGER = "{name}: left out, unreadable or not like a mail log: {files} and {count} more"


def said_in_sections() -> set[str]:
    """Every string of the sections: which of them a reader sees is for their own tests."""
    found: set[str] = set()
    for path in (ROOT / "analyzer/sections").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                found |= set(_texts(node))
    return found


def test_every_text_of_the_report_has_its_hindi_and_there_is_no_other() -> None:
    notes = set(sentences()) - PASSED_ON
    asked = everything()
    keys = set(report_words("hi"))
    assert len(notes) >= 11
    assert sorted(asked - keys) == []
    assert sorted(notes - {blanks(k) for k in keys}) == []
    known = notes | said_in_sections() | heard_in_sections()
    unasked = {k for k in keys - asked if blanks(k) not in known}
    assert {k for k in unasked if not is_heard(k)} == {LONGER}


def is_heard(key: str) -> bool:
    """Whether a section says this sentence with its blanks filled in."""
    only = Words("qq", {key: "x"})
    return any(only.sentence(text) == "x" for text in heard_in_sections())


@cache
def heard_in_sections() -> frozenset[str]:
    """What a report of all samples with every section asks for, blanks filled in."""
    words = Listening()
    logs = sorted(str(p) for p in (ROOT / "sample_logs").glob("*.log*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analyzer.build.table_words", lambda lang: words)
        text = report_of(*logs, "--lang", "hi", "--section", "all", "--format", "md")
    assert MARK.strip() not in text.replace("\\", "")
    return frozenset(words.asked)


def listed_in_sections() -> Iterator[str]:
    """Columns, titles, notes and labels of sections, also where no sample has such mail."""
    for path in sorted((ROOT / "analyzer/sections").glob("*.py")):
        for call in calls(f"analyzer/sections/{path.name}"):
            match ast.unparse(call.func).split(".")[-1]:
                case "ListColumn":
                    texts = call.args[:1]
                case "listed" | "tree" | "_listing" | "_series":
                    texts = call.args[1:2]
                case "Listing":
                    texts = [k.value for k in call.keywords if k.arg in ("title", "note")]
                case _:
                    texts = []
            yield from filter(None, map(constant, texts))
    for labels in (message_sizes.SIZES, message_sizes.NUMBERS, queue_times.LIMITS,
                   endings._ENDINGS, troubles._TITLES, reject_details._TITLES):  # fmt: skip
        yield from map(str, labels.values())
    yield from (*queue_times.STAGES, queue_times.LONGER, "larger", "more", "unknown", "implied")
    yield from map(cause_title, data("causes"))


def test_every_text_of_the_sections_has_its_hindi() -> None:
    words = Words("hi", table_words("hi"))
    asked = heard_in_sections() | set(listed_in_sections())
    assert {"Panics", "95 % within", "up to 50 MB", "No such recipient"} <= asked
    assert sorted(t for t in asked if listings.said(t, words).startswith(MARK)) == []


def test_codes_dates_and_programs_stay_in_tables() -> None:
    words = Words("hi", table_words("hi"))
    for text in ("550 5.1.1", "2026-11-23", "13:00", "p95", "postfix"):
        assert listings.said(text, words) == text
    assert listings.said("550 5.1.1 implied", words) == "550 5.1.1 निहित"
    assert listings.said("Nobody says this", words) == MARK + "Nobody says this"


def test_a_text_is_translated_once_and_with_its_blanks() -> None:
    flat = [key for table in HINDI.values() for key in table]
    assert len(flat) == len(set(flat))
    assert set(flat) == set(report_words("hi"))
    for english, hindi in report_words("hi").items():
        assert hindi.strip() == hindi != ""
        assert named(english) == named(hindi), english
        assert "—" not in hindi
        if re.search("[a-z]{3}", re.sub(r"\{\w+\}|\w+\(\)", "", english)):
            assert re.search("[\u0900-\u097f]", hindi), english


def named(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


def test_english_needs_no_file() -> None:
    assert report_words("en") == {}
    assert report_words("xx") == {}


class Listening(Mapping[str, str]):
    """Translates everything to what cannot be mistaken for English, and remembers it."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, english: str) -> str:
        self.asked.add(english)
        return foreign(english)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


def foreign(english: str) -> str:
    """Put a letter of Devanagari for each Latin one outside of blanks."""
    pieces = re.split(r"(\{\w+\})", english)
    return "".join(
        p if p.startswith("{") else re.sub("[A-Za-z]", lambda m: chr(0x915 + ord(m[0]) % 32), p)
        for p in pieces
    )


def rare() -> Report:
    """What else a report may have to say."""
    row = code_row("sideways", None, None, "", 7, ACCEPTED, implied=3)
    bad = replace(busy_day().codes[5], cause="", code=None, enhanced=None, implied=120)
    some = replace(bad, direction="local", implied=1)
    tops = (Top("relays", "Relays", ("sent",), (), 0),
            Top("senders", "Senders", ("bytes",), (TopRow("(local)", (1,)),), 9))  # fmt: skip
    report = replace(with_codes(busy_day(), (row, bad, some)), tops=tops, hosts=(), mtas=())
    return replace(
        report,
        hosts=tuple("12345678"),
        inputs=(Input("standard input", 1), *(Input(str(n), 2) for n in range(5))),
        totals=Flow(*[1] * 11),
        start=report.start and report.start.replace(year=2025),
    )


def single() -> Report:
    """One of each, from nowhere."""
    bad = replace(busy_day().codes[5], count=1)
    report = with_codes(busy_day(), (bad, replace(bad, direction="local")))
    return replace(report, inputs=(), findings=report.findings[:1])


def unlooked(state: str) -> Callable[[], Report]:
    """No spike, and why."""

    def make() -> Report:
        return replace(quiet(), spikes_asked=True, spikes_state=state)  # type: ignore[arg-type]

    make.__name__ = f"spikes_{state or 'not_looked_for'}"
    return make


STATES = ("", "looked", "short", "filtered")
SAMPLES: tuple[Callable[[], Report], ...] = (
    *(busy_day, several_days, quiet, empty, rare, single, spiky),
    *map(unlooked, STATES),
)
STYLES: list[dict[str, Any]] = [{"width": 60}, {"width": 80}, {"width": 140}, {"width": 200}]


def rendered(report: Report) -> Iterator[str]:
    yield from (reports.render(report, "text", **style) for style in STYLES)
    yield from (reports.render(report, form) for form in ("md", "html"))
    yield from (verdict(report, complete=complete) for complete in (True, False))
    yield terminal.render(replace(shortened(report, 1), notes=report.notes))


@pytest.mark.parametrize("make", SAMPLES)
def test_nothing_of_its_own_is_left_in_english(make: Callable[[], Report]) -> None:
    words = Listening()
    report = without_latin(make(), words)
    for text in rendered(report):
        text = re.sub(r"<style>.*?</style>|<[^>]*>|&\w+;", " ", text, flags=re.DOTALL)
        assert set(re.findall("[A-Za-z]+", text)) - {"B", "kB", "MB"} == set()
    assert words.asked <= everything() | set(report.notes) | raw_sentences(report)


def without_latin(report: Report, words: Mapping[str, str]) -> Report:
    """The report with its advice in that language and with digits where the log speaks."""
    kept = {"lang", "words", "direction", "notes", "problem", "implied_reasons", "filters"}
    advice = {"title", "description", "when_seen", "how_to_fix", "who_acts"}
    ours = {"columns", "key", "kind", "baseline", "spikes_state"}

    def plain(value: Any, name: str = "", parent: str = "") -> Any:
        if name in kept | ours or (name == "title" and parent == "Top"):
            return value
        if isinstance(value, str):
            if name in advice:
                return foreign(value)
            return value if value in outline.OWN_NAMES else re.sub("[A-Za-z]", "7", value)
        if isinstance(value, tuple):
            return tuple(plain(item, name, parent) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value).__name__
            return replace(
                value,
                **{f.name: plain(getattr(value, f.name), f.name, kind) for f in fields(value)},
            )
        return value

    found: Report = plain(report)
    return replace(found, lang="qq", words=words, filters=("--7",) if report.filters else ())


def raw_sentences(report: Report) -> set[str]:
    """Sentences that come from elsewhere, and directions nobody heard of."""
    found = {str(i.problem) for i in report.inputs}
    rows: tuple[CodeRow | Finding, ...] = (*report.codes, *report.findings)
    for row in rows:
        found |= {row.direction, row.direction.capitalize(), *row.implied_reasons}
    return found | {text for top in report.tops for text in (top.title, *top.columns)}


def test_the_samples_ask_for_nearly_everything() -> None:
    words = Listening()
    for make in SAMPLES:
        report = replace(make(), lang="qq", words=words)
        assert all(rendered(report))
        assert spikes_page.text(report, spikes_page.ALL)
    reasons = {implied.reason for implied in IMPLIED.rows().values()}
    dated = {*figures.MONTHS.split(), *figures.WEEKDAYS, "watch", "info"}
    names = {*outline.OWN_NAMES, "Recipients", "Clients", "Destination domains", "messages"}
    # Said where there is much; the tests of mails and of the verdict ask for these.
    long = {t for t in HINDI["sent"] if " mail " in t} | set(HINDI["verdict"])
    assert everything() - words.asked - reasons - dated - names - long == set()


def test_a_missing_text_stays_english_and_is_marked() -> None:
    words = Words("hi", {"Mail": "मेल", "{count} more": "{count} और"})
    assert words("Mail") == "मेल"
    assert words("{count} more", count=3) == "3 और"
    assert words("Replies") == MARK + "Replies"
    assert words("all of {whole}", whole="{x}") == MARK + "all of {x}"
    assert words.own(Untranslated("text")) == MARK + "text"
    assert words.own("पाठ") == "पाठ"
    assert ENGLISH("Replies") == "Replies"
    assert ENGLISH.sentence("any {text}") == "any {text}"


def test_a_filled_sentence_is_known_again() -> None:
    words = Words("hi", report_words("hi"))
    many = "/var/log: left out, unreadable or not like a mail log: a, b and 3 more"
    assert words.sentence(many).endswith(": a, b और 3 अन्य")
    few = words.sentence("/var/log: left out, unreadable or not like a mail log: a, b")
    assert few.startswith("/var/log: ")
    assert few.endswith(": a, b")
    # What fills a blank is never read as one.
    assert "{year} {0}" in words.sentence("{year} {0}: no mail log in this directory")
    assert words.sentence("/x: Permission denied") == MARK + "/x: Permission denied"


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_marks_are_seen_in_every_format(form: str) -> None:
    day = busy_day()
    advice = replace(day.codes[5].advice, title=Untranslated("Only in English"))
    codes = (replace(day.codes[5], advice=advice),)
    report = replace(with_codes(day, codes), lang="hi", words=report_words("hi"))
    text = reports.render(report, form)
    assert re.search(r"\\?\[en\\?\] Only in English", text)
    assert 'lang="hi"' in text or form != "html"


def hindi(report: Report) -> Report:
    """The report in Hindi; one text of its advice has no translation."""

    def told(row: Any) -> Any:
        new = {
            "title": "नीति के कारण अस्वीकार",
            "description": "दूरस्थ सर्वर की नीति यह मेल नहीं लेती।",
            "when_seen": Untranslated("A rule of theirs hit."),
            "who_acts": "आपका अपना व्यवस्थापक",
            "how_to_fix": "`dig +short TXT example.org` से SPF रिकॉर्ड देखें।\n\nफिर कोशिश करें।",
        }
        return replace(row, advice=replace(row.advice, **new))

    return replace(
        report,
        codes=tuple(map(told, report.codes)),
        findings=tuple(map(told, report.findings)),
        lang="hi",
        words=report_words("hi"),
        notes=("Time stamps without a year: 2026 is taken for the first line (--year).",),
        inputs=(*report.inputs[:1], replace(
            report.inputs[1], problem="the gzip data breaks off after line 9")),
    )  # fmt: skip


def test_hindi_text(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day-hi.txt", reports.render(hindi(busy_day()), "text"))


def test_hindi_html(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day-hi.html", reports.render(hindi(busy_day()), "html"))


def test_hindi_keeps_to_the_page_and_its_columns_line_up() -> None:
    for width in range(60, 201):
        text = reports.render(hindi(busy_day()), "text", width=width)
        assert max(map(safe.width, text.split("\n"))) <= width
        parts = re.split(r"\n.*──.*\n", text)
        tables = [re.findall(r"(?m)^  [\d–]+ .*?%", part) for part in parts]  # noqa: RUF001
        assert [len(table) for table in tables if table] == [4, 3, 1]
        assert all(len({safe.width(row) for row in table}) <= 1 for table in tables), width


def test_a_hindi_page_says_what_is_not_hindi() -> None:
    text = reports.render(hindi(busy_day()), "html")
    assert text.count("<html ") == text.count('<html lang="hi">') == 1
    assert '<code lang="en" translate="no">dig +short TXT example.org</code>' in text
    assert "<code>" not in text


def test_another_language_changes_no_number_and_no_date() -> None:
    for make in (busy_day, several_days):
        for form in ("text", "md", "html"):
            english = reports.render(make(), form)
            other = reports.render(replace(make(), lang="qq", words=Listening()), form)
            assert sorted(numbers(english)) == sorted(numbers(other))


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:[,.:-]\d+)*", re.sub("<[^>]*>", " ", text))


def test_a_date_may_stand_in_another_order() -> None:
    report = replace(several_days(), lang="hi", words=report_words("hi"))
    moment = report.hours[0].start.astimezone(BERLIN)
    assert figures.Clock(report).time(moment) == "24 अक्टू॰ 00:00:00"


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_hostile_text_is_no_pattern(form: str) -> None:
    text = "{year} {0} {x!r} {"
    report = replace(hostile(text), lang="hi", words=report_words("hi"))
    assert "{year}" in reports.render(report, form)


def test_json_keeps_its_keys_and_names_the_language() -> None:
    import json

    day = hindi(busy_day())
    found, english = (json.loads(reports.render(r, "json")) for r in (day, busy_day()))
    assert (found["language"], english["language"]) == ("hi", "en")
    assert list(found) == list(english)
    assert found["findings"][0]["title"] == "नीति के कारण अस्वीकार"
    assert found["findings"][0]["cause"] == english["findings"][0]["cause"]
    assert found["tops"] == english["tops"]
    assert words_of(day).lang == "hi"


LOG = "sample_logs/postfix-rfc3164.log"


def report_of(*arguments: str, **environment: str) -> str:
    clean = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": None}
    done = CliRunner().invoke(
        main,
        ["report", *arguments, "--tz", "UTC", "--year", "2026"],
        env={**clean, **environment},
    )
    assert done.exit_code in (0, 3), done.output
    return done.stdout


def test_the_option_and_the_locale_choose_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    asked = report_of(LOG, "--lang", "hi")
    assert asked.startswith("mx1 की मेल रिपोर्ट\n")
    assert report_of(LOG, LC_ALL="hi_IN.UTF-8") == asked
    assert report_of(LOG, LC_MESSAGES="hi_IN", LANG="en_US") == asked
    english = report_of(LOG)
    assert english.startswith("Mail report for mx1\n")
    assert report_of(LOG, "--lang", "en", LC_ALL="hi_IN.UTF-8") == english
    assert CliRunner().invoke(main, ["report", LOG, "--lang", "../hi"]).exit_code == 2


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_a_real_report_is_hindi_throughout(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    logs = (LOG, "sample_logs/exim-mainlog.log")
    text = report_of(*logs, "--lang", "hi", "--section", "all", "--format", form)
    assert MARK.strip() not in text.replace("\\", "")


def test_advice_in_json_and_csv_follows_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    import csv
    import io
    import json

    monkeypatch.chdir(ROOT)
    rows = json.loads(report_of(LOG, "--lang", "hi", "--format", "json"))
    other = json.loads(report_of(LOG, "--format", "json"))
    assert rows["language"] == "hi"
    for mine, theirs in zip(rows["findings"], other["findings"], strict=True):
        for name in ("title", "description", "how_to_fix"):
            assert re.search("[\u0900-\u097f]", mine[name]), mine[name]
            assert mine[name] != theirs[name]
        same = set(mine) - {"title", "description", "when_seen", "how_to_fix", "who_acts"}
        assert {k: mine[k] for k in same} == {k: theirs[k] for k in same}
    table = list(csv.DictReader(io.StringIO(report_of(LOG, "--lang", "hi", "--format", "csv"))))
    assert [row["title"] for row in table] == [row["title"] for row in rows["codes"]]


def test_a_damaged_file_is_said_in_hindi(tmp_path: Path) -> None:
    packed = gzip.compress((ROOT / LOG).read_bytes() * 9)
    (tmp_path / "log.gz").write_bytes(packed[: len(packed) // 2])
    text = report_of(str(tmp_path / "log.gz"), "--lang", "hi", "--format", "md")
    assert re.search(r"\*\*पंक्ति \d+ के बाद gzip डेटा अधूरा टूट जाता है\*\*", text)


def test_what_is_no_name_is_translated_and_names_are_not() -> None:
    words = Words("hi", report_words("hi"))
    assert outline.name("(local)", words) == "(स्थानीय)"
    assert outline.name("sent", words) == "sent"
