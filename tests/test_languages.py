"""Translations: laid over the English field by field, stale and missing ones known and marked."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer import cli
from analyzer.explain.answer import explain
from analyzer.explain.compare import compare
from analyzer.explain.wording import Wording
from analyzer.knowledge import data_files, entries, languages, translators
from reports.article import Untranslated
from reports.pages import render

TITLE = str(entries.data("replies")["550"]["title"])
HERE = data_files.ROOT


@pytest.fixture
def lang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for a third language, `qq`, beside the files that there are."""
    root = tmp_path / "data"
    root.mkdir()
    for path in HERE.iterdir():
        if path.name != "qq":
            (root / path.name).symlink_to(path)
    (root / "qq").mkdir()
    forget()
    monkeypatch.setattr(data_files, "ROOT", root)
    yield root / "qq"
    monkeypatch.undo()
    forget()


def forget() -> None:
    data_files.read.cache_clear()
    languages.load.cache_clear()
    entries._cause.cache_clear()
    entries.advise.cache_clear()


def write(folder: Path, name: str, text: str) -> None:
    path = folder / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    forget()


def stamped(text: str, english: str) -> str:
    return f'{{ of = "{languages.digest(english)}", text = "{text}" }}'


def test_one_folder_makes_a_language(lang: Path) -> None:
    assert "qq" not in languages.available()
    write(lang, "replies", "")
    assert "qq" in languages.available()
    assert languages.preferred({"LANG": "qq_QQ.UTF-8"}) == "qq"
    assert languages.preferred({"LC_ALL": "en_GB", "LANG": "qq_QQ"}) == "en"
    assert languages.preferred({"LC_MESSAGES": "qq@latin", "LANG": "en_GB"}) == "qq"


def test_a_translation_is_laid_over_field_by_field(lang: Path) -> None:
    write(lang, "replies", f"[550]\ntitle = {stamped('ऐक्स', TITLE)}\n")
    entry = entries.reply_entry(550, "qq")
    english = entries.reply_entry(550)
    assert entry
    assert english
    assert entry.title == "ऐक्स"
    assert not isinstance(entry.title, Untranslated)
    assert entry.description == english.description
    assert isinstance(entry.description, Untranslated)
    assert (entry.cause, entry.commands, entry.examples) == (
        english.cause, english.commands, english.examples,
    )  # fmt: skip
    assert entry.inbound
    assert isinstance(entry.inbound.how_to_fix, Untranslated)
    assert not isinstance(english.description, Untranslated)


def test_a_stale_translation_falls_back_and_is_listed(lang: Path) -> None:
    write(lang, "replies", '[550]\ntitle = { of = "00000000", text = "alt" }\n')
    entry = entries.reply_entry(550, "qq")
    assert entry
    assert entry.title == TITLE
    assert isinstance(entry.title, Untranslated)
    assert languages.stale("qq") == ["replies.toml [550] title: the English has changed"]


def test_what_is_missing_unstamped_or_gone_is_listed(lang: Path) -> None:
    everything = sum(len(languages.texts(name)) for name in languages.names())
    assert len(languages.missing("qq")) == everything > 3000
    write(lang, "replies", '[550]\ntitle = "neu"\n[550.inbound]\nwhen_sen = "x"\n')
    assert languages.stale("qq") == [
        "replies.toml [550] title: not stamped",
        "replies.toml [550.inbound] when_sen: no such text in English",
    ]
    assert len(languages.missing("qq")) == everything - 1
    entry = entries.reply_entry(550, "qq")
    assert entry
    assert entry.title == "neu"


def test_stamping_writes_the_hash_and_keeps_the_rest(lang: Path) -> None:
    rule = next(iter(k for k in data_files.read("rules/providers/google") if k != "scope"))
    write(lang, "rules/providers/google", f'["{rule}"]\ntitle = "q\\"\\\\\\t\\u0001é"\n')
    write(lang, "enhanced", '["X.1.1".4.inbound]\nwhen_seen = """a\nb"""\n["X.1.1"]\ntitle = "t"\n')
    changed = translators.stamp("qq")
    assert changed == ["enhanced.toml", "google.toml"]
    assert languages.stale("qq") == []
    found = tomllib.loads((lang / "rules/providers/google.toml").read_text("utf-8"))
    assert found[rule]["title"]["text"] == 'q"\\\t\x01é'
    found = tomllib.loads((lang / "enhanced.toml").read_text("utf-8"))
    assert found["X.1.1"]["4"]["inbound"]["when_seen"]["text"] == "a\nb"
    assert found["X.1.1"]["title"]["of"] == languages.digest(
        entries.data("enhanced")["X.1.1"]["title"]
    )
    before = (lang / "enhanced.toml").read_bytes()
    assert translators.stamp("qq") == []
    assert (lang / "enhanced.toml").read_bytes() == before


def test_the_translators_command(lang: Path) -> None:
    write(lang, "replies", '[550]\ntitle = "neu"\n')
    done = CliRunner().invoke(translators.main, ["qq"])
    assert "not stamped" in done.output
    assert "missing: " in done.output
    done = CliRunner().invoke(translators.main, ["qq", "--stamp"])
    assert "stamped replies.toml" in done.output
    assert "0 stale" in done.output
    assert CliRunner().invoke(translators.main, ["../x"]).exit_code == 2


def test_english_in_a_page_of_another_language_is_marked(lang: Path) -> None:
    label = entries.data("labels")["labels"]["description"]
    write(lang, "labels", f"[labels]\ndescription = {stamped('विवरण', label)}\n")
    write(lang, "replies", f"[550]\ntitle = {stamped('ऐक्स', TITLE)}\n")
    labels = Wording("qq").labels()
    article = explain("550", lang="qq")
    shown = render(article, "text", labels)
    assert shown.startswith("550  ऐक्स\n")
    assert "\nविवरण ─" in shown
    assert "[en] The most overloaded code" in " ".join(shown.split())
    assert "[en] " not in render(explain("550"), "text", Wording().labels())
    told = render(article, "json", labels)
    assert '"description"' in told
    assert '"title"' not in told.split('"untranslated"')[1]
    assert r"\[en\] " in render(compare("251", "502", lang="qq"), "markdown", labels)


def test_unassigned_codes_and_causes_stay_marked(lang: Path) -> None:
    write(lang, "causes", "")
    entry = entries.any_reply(577, "qq")
    assert entry
    assert isinstance(entry.title, Untranslated)
    assert "577" in entry.title
    assert isinstance(entries.cause_title("policy", "qq"), Untranslated)
    assert isinstance(entries.advise("outbound", 577, None, None, "qq").title, Untranslated)


def test_the_option_chooses_the_language(lang: Path) -> None:
    write(lang, "replies", f"[550]\ntitle = {stamped('ऐक्स', TITLE)}\n")
    run = CliRunner().invoke
    assert "ऐक्स" in run(cli.main, ["explain", "550", "--lang", "qq"]).output
    assert "ऐक्स" in run(cli.main, ["explain", "550"], env={"LC_ALL": "qq_QQ.UTF-8"}).output
    assert "ऐक्स" not in run(cli.main, ["explain", "550"], env={"LC_ALL": "C"}).output
    assert "ऐक्स" in run(cli.main, ["codes", "ऐक्स", "--lang", "qq"]).output
    assert run(cli.main, ["explain", "550", "--lang", "../en"]).exit_code == 2


@pytest.mark.parametrize("name", languages.names())
def test_every_text_to_translate_is_text(name: str) -> None:
    for path, text in languages.texts(name).items():
        assert text.strip() == text, (name, path)


def test_translations_that_there_are_have_nothing_that_english_has_not() -> None:
    for found in languages.available()[1:]:
        assert [s for s in languages.stale(found) if "no such text" in s] == []
