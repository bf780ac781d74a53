"""Short texts from labels.toml in one language, filled in."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.knowledge import entries, languages


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a language."""

    lang: str = "en"

    def word(self, kind: str, value: object) -> str:
        """Return what to call a value; itself where it has no name."""
        return entries.word(kind, str(value), self.lang)

    def fill(self, kind: str, key: str, **values: object) -> str:
        """Return a sentence with its blanks filled in."""
        text = self.word(kind, key)
        return languages.like(text, text.format(**values))

    def label(self, key: str) -> str:
        """Return a heading or the name of a field."""
        return self.word("labels", key)

    def labels(self) -> dict[str, str]:
        """Return all headings and names of fields."""
        return dict(entries.data("labels", self.lang)["labels"])
