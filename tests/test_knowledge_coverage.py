"""Every code that a registry, a vendor or a list knows is in the knowledge base."""

import re
import tomllib
from pathlib import Path

import pytest

from analyzer.knowledge import entries
from analyzer.knowledge.entries import (
    DIRECTIONS,
    EnhancedEntry,
    advise,
    enhanced_entry,
    reply_entry,
)

FACTS = tomllib.loads((Path(__file__).parent / "data/registered_codes.toml").read_text("utf-8"))
BASIC: list[int] = FACTS["basic"]
REGISTERED: dict[str, list[int]] = FACTS["enhanced"]
VENDOR: list[str] = FACTS["vendor"]


def members(code: str) -> list[str]:
    """Return the first and the last code of a range, or the one code."""
    subject, numbers = code.rsplit(".", 1)
    return [f"{subject}.{number}" for number in numbers.split("-")]


def entry(code: str) -> EnhancedEntry:
    found = enhanced_entry(code)
    assert found, code
    return found


def test_the_lists_are_whole() -> None:
    assert len(set(BASIC)) == len(BASIC) == 89
    assert len(REGISTERED) == 81
    assert len(set(VENDOR)) == len(VENDOR) == 50


@pytest.mark.parametrize("code", BASIC)
def test_every_reply_code_has_its_own_table(code: int) -> None:
    found = reply_entry(code)
    assert found
    assert found.key == str(code)
    assert found.reference
    assert found.examples


@pytest.mark.parametrize(("code", "replies"), REGISTERED.items())
def test_every_registered_enhanced_code_has_its_own_table(code: str, replies: list[int]) -> None:
    found = entry(code)
    assert found.key == code
    assert found.standard in ("standards-track", "experimental", "obsolete", "expired-draft")
    assert re.search(r"RFC \d{4} \d|IANA registry", found.reference)
    assert found.verified
    assert found.examples
    assert set(replies) <= set(found.replies)


@pytest.mark.parametrize("code", VENDOR)
def test_every_vendor_code_is_found_by_its_number_or_its_range(code: str) -> None:
    for member in members(code):
        found = entry(member)
        assert found.standard == "vendor"
        assert found.cause != "undefined"
        assert found.verified == (found.key not in FACTS["unverified"])


@pytest.mark.parametrize("code", [*REGISTERED, *VENDOR])
def test_every_enhanced_code_tells_each_side_what_to_do(code: str) -> None:
    for digit, direction in ((d, s) for d in "45" for s in DIRECTIONS):
        told = advise(direction, None, members(code)[0].replace("X", digit, 1))
        assert told.title
        assert told.when_seen
        assert told.how_to_fix
        assert told.who_acts in entries._data("labels")["who_acts"]


@pytest.mark.parametrize(("code", "vendor"), FACTS["collisions"].items())
def test_a_number_with_a_second_meaning_says_whose_it_is(code: str, vendor: str) -> None:
    assert vendor in entry(code).description


def test_classes_and_subjects_have_a_fall_back() -> None:
    keys = ["2", "4", "5", *(f"X.{subject}" for subject in range(8))]
    assert [key for key in keys if key not in entries._data("enhanced")] == []
