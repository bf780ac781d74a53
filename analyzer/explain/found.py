"""All that is known of what somebody asks about, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.knowledge.entries import EnhancedEntry, ReplyEntry

from .pasted import Asked
from .wording import Wording

if TYPE_CHECKING:
    from analyzer.knowledge.reply_rules import TextRule

PERMANENCE = {"2": "positive", "3": "intermediate", "4": "transient", "5": "permanent"}


@dataclass(frozen=True, eq=False, repr=False)
class Found:
    """All that is known of what was asked."""

    asked: Asked
    words: Wording
    rules: tuple[TextRule, ...] = ()
    reply: ReplyEntry | None = None
    enhanced: EnhancedEntry | None = None
    cause: str = "undefined"

    @property
    def rule(self) -> TextRule | None:
        """The rule that speaks."""
        return self.rules[0] if self.rules else None

    @property
    def best(self) -> ReplyEntry | EnhancedEntry | None:
        """The code that tells more."""
        found = [e for e in (self.reply, self.enhanced) if e]
        return max(found, key=lambda entry: entry.detail) if found else None

    @property
    def digit(self) -> str:
        """The class: the reply's first digit, else the enhanced code's."""
        asked = self.asked
        if asked.code is not None:
            return f"{asked.code:03}"[0]
        return (asked.enhanced or asked.digit)[:1]
