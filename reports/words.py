"""The report's own words in its reader's language. English stands in the code, as the key.

What has no translation stays English and is marked, so that nobody takes it for a quotation.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .article import Untranslated

if TYPE_CHECKING:
    from .model import Report

MARK = "[en] "
NONE: Mapping[str, str] = MappingProxyType({})


class _Sentence(NamedTuple):
    """A sentence with blanks: how to know it and how it reads in the other language."""

    english: re.Pattern[str]
    translated: str


class Words:
    """Puts English texts of the report into its language."""

    def __init__(self, lang: str = "en", texts: Mapping[str, str] = NONE) -> None:
        """Take English texts with their translations; blanks are `{named}` on both sides."""
        self.lang = lang
        self._texts = texts

    def __call__(self, english: str, **values: object) -> str:
        """Return a text with its blanks filled in."""
        text = self.pattern(english)
        return text.format(**values) if values else text

    def pattern(self, english: str) -> str:
        """Return a text with its blanks still in it."""
        if self.lang == "en":
            return english
        return self._texts.get(english) or MARK + english

    def own(self, text: str) -> str:
        """Return a text of the knowledge base, which comes in the language; marked if it is not."""
        return MARK + text if isinstance(text, Untranslated) else text

    def sentence(self, english: str) -> str:
        """Return a sentence whose blanks are filled in already: a note, a reason, a problem."""
        if self.lang == "en" or english in self._texts:
            return self(english)
        for sentence in self._sentences:
            if found := sentence.english.fullmatch(english):
                return sentence.translated.format(**found.groupdict())
        return MARK + english

    @cached_property
    def _sentences(self) -> list[_Sentence]:
        # What says most itself comes first: of two that fit, the other took words for a value.
        own = {key: len(_WORD.findall(_BLANK.sub("", key))) for key in self._texts if "{" in key}
        keys = sorted((k for k, n in own.items() if n >= _LEAST), key=lambda k: -own[k])
        return [_Sentence(_expression(key), self._texts[key]) for key in keys]


_BLANK = re.compile(r"\{\w+\}")
_WORD = re.compile(r"\w+")
_LEAST = 4
"""Words of its own that a sentence needs: `{first} to {then}` would be found in any."""


def _expression(pattern: str) -> re.Pattern[str]:
    parts = (
        re.escape(text) + (f"(?P<{name}>.+)" if name else "")
        for text, name, _, _ in Formatter().parse(pattern)
    )
    return re.compile("".join(parts), re.DOTALL)


ENGLISH = Words()


def words_of(report: "Report") -> Words:
    """Return the words of the report's language."""
    return Words(report.lang, report.words)
