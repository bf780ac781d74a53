"""What the renderers say themselves, in another language: knowledge/data/<lang>/report.toml.

Its keys are the English texts as they stand in the code, its values the translations. Tables
group them for the translator and mean nothing.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from reports.article import Untranslated

from .knowledge import data_files
from .knowledge.entries import cause_title, data


@cache
def report_words(lang: str) -> Mapping[str, str]:
    """Return the translations by their English; none for English or where there is no file."""
    path = data_files.ROOT / lang / "report.toml"
    return dict(_texts(tomllib.loads(path.read_text("utf-8")))) if path.is_file() else {}


@cache
def table_words(lang: str) -> Mapping[str, str]:
    """Return the translations with those of the causes' names, which stand in tables of counts."""
    if lang == "en":
        return {}
    names = {
        cause_title(key): other
        for key in data("causes")
        if not isinstance(other := cause_title(key, lang), Untranslated)
    }
    return {**names, **report_words(lang)}


def _texts(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _texts(value)
        else:
            yield key, value
