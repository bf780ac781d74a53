"""Known replies of providers and software are told by a rule, in both languages, with the right cause."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from analyzer.knowledge import entries, languages, reply_rules

DATA = Path(__file__).parent / "data"


class Known(NamedTuple):
    """One line of the file."""

    whose: str
    direction: str
    host: str
    mta: str
    cause: str
    reply: str


def known() -> list[Known]:
    lines = (DATA / "provider_replies.tsv").read_text("utf-8").splitlines()
    return [Known(*line.split("\t")) for line in lines if not line.startswith("#")]


def test_there_are_as_many_as_were_collected() -> None:
    counts = Counter(row.whose for row in known())
    assert sum(counts.values()) == 331
    assert len(counts) == 60


@pytest.mark.parametrize("row", known(), ids=[f"{n} {r.whose}" for n, r in enumerate(known())])
def test_a_rule_names_the_cause(row: Known) -> None:
    rule = reply_rules.match(row.reply, row.direction, row.host or None, row.mta or None)
    # A provider whose servers have no name of their own is known by its words alone.
    rule = rule or reply_rules.match(row.reply, row.direction, None, row.mta or None)
    assert rule is not None
    assert entries.seen_from(rule.cause, rule.direction, row.direction) == row.cause


@pytest.mark.parametrize("lang", [lang for lang in languages.available() if lang != "en"])
def test_every_text_has_a_translation_of_what_it_says_now(lang: str) -> None:
    assert sorted(languages.missing(lang)) == []
    assert sorted(languages.stale(lang)) == []


def test_hindi_is_there() -> None:
    assert "hi" in languages.available()
