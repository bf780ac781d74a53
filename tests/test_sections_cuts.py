"""However a log is cut, the sections say the same; whatever stands in it, they say something."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_samples import bent_samples, day_of, logs
from section_reader import SAMPLE_LOGS, cells, listings_of

NAMES = (
    *("queue_times", "providers", "transports", "relayed", "message_sizes", "hosts", "edomains"),
    *("rejections", "errors", "percentages"),
)


@given(logs(25), st.integers(200, 6000))
@settings(max_examples=15, deadline=None)
def test_any_cut_gives_the_same(log: list[str], size: int) -> None:
    assert listings_of(log, *NAMES, size=size) == listings_of(log, *NAMES)


@pytest.mark.parametrize("size", [2000, 9000])
@pytest.mark.parametrize(
    "name", ["exim-mainlog.log", "postfix-rfc3164.log", "postfix-newyear.log", "sendmail-auth.log"]
)
def test_any_cut_of_a_real_log_gives_the_same(name: str, size: int) -> None:
    log = SAMPLE_LOGS / name
    whole = listings_of(log, *NAMES)
    assert listings_of(log, *NAMES, size=size) == whole
    assert any(listing.rows for listing in whole.values())


@given(st.lists(bent_samples(), max_size=30))
@settings(max_examples=15, deadline=None)
def test_whatever_a_log_says_is_survived(lines: list[str]) -> None:
    for listing in listings_of(lines, *NAMES, top=3).values():
        assert len(listing.rows) == len(cells(listing))


def test_a_top_list_is_the_head_of_the_whole() -> None:
    log = day_of(200)
    whole, short = listings_of(log, *NAMES), listings_of(log, *NAMES, top=2)
    trees = {"providers.codes", "percentages.kinds"}
    cut = 0
    for key, listing in short.items():
        if key in trees:
            continue
        rows = cells(listing)
        assert rows == cells(whole[key])[: len(rows)]
        assert listing.distinct == whole[key].distinct
        cut += len(rows) < len(whole[key].rows)
    assert cut > 5


def test_names_are_those_of_the_listings() -> None:
    for key, listing in listings_of([], *NAMES).items():
        assert key.partition(".")[0] in NAMES
        assert listing.title
