"""What a code, a reply or a line means: the most specific entry that applies is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzer.exits import Exit, Refused
from analyzer.knowledge import entries
from reports.article import Article

from . import pasted
from .explained import article
from .found import Found
from .pasted import Asked
from .wording import Wording

if TYPE_CHECKING:
    from analyzer.knowledge.reply_rules import TextRule


def explain(
    query: str,
    *,
    direction: str | None = None,
    host: str | None = None,
    user: Sequence[TextRule] = (),
    lang: str = "en",
) -> Article:
    """Explain what was asked; `user` are the rules of the user's own file."""
    words = Wording(lang)
    if not query.strip():
        raise Refused(words.word("notes", "nothing"), Exit.USAGE)
    asked = pasted.read(query)
    asked = replace(asked, direction=direction or asked.direction, host=host or asked.host)
    if asked.enhanced and asked.enhanced[0] not in "245X":
        raise Refused(words.fill("notes", "not-enhanced", enhanced=asked.enhanced), Exit.USAGE)
    found = _named(asked, words, user) or _looked_up(asked, words, user)
    if not (found.rules or found.best or asked.digit or found.asked.how == "name"):
        raise Refused(words.fill("notes", "unknown", query=query[:200].strip()), Exit.USAGE)
    return article(found)


def _named(asked: Asked, words: Wording, user: Sequence[TextRule]) -> Found | None:
    """Find a rule or a cause by its name."""
    if asked.how != "name":
        return None
    from analyzer.knowledge import reply_rules

    own = next((rule for rule in user if rule.id == asked.name), None)
    if rule := own or reply_rules.rule(asked.name, words.lang):
        direction = asked.direction or rule.direction
        return _with_codes(replace(asked, direction=direction), words, (rule,))
    if asked.name in entries.data("causes"):
        return Found(asked, words, cause=asked.name)
    return _looked_up(replace(asked, how="text"), words, user)


def _looked_up(asked: Asked, words: Wording, user: Sequence[TextRule]) -> Found:
    rules: list[TextRule] = []
    if asked.reply and asked.code not in range(200, 400):
        from analyzer.knowledge import reply_rules  # digits alone need none

        rules = reply_rules.hits(asked.reply, asked.direction, asked.host, asked.mta,
                                 user=user, lang=words.lang)  # fmt: skip
    return _with_codes(asked, words, tuple(rules))


def _with_codes(asked: Asked, words: Wording, rules: tuple[TextRule, ...]) -> Found:
    enhanced, code = asked.enhanced, asked.code
    if code is None and rules and asked.how == "name":
        shown = pasted.read(rules[0].examples[0]) if rules[0].examples else asked
        code, enhanced = shown.code, shown.enhanced
        asked = replace(asked, code=code, enhanced=enhanced)
    direction = asked.direction or (rules[0].direction if rules else "outbound")
    if enhanced and enhanced[0] == "X":
        entry = entries.any_enhanced(enhanced, "5", words.lang)
    else:
        entry = entries.in_reply(code, enhanced, words.lang)
    reply = entries.any_reply(code, words.lang)
    if rules:
        cause = entries.seen_from(rules[0].cause, rules[0].direction, direction)
    elif asked.digit:
        cause = "ok" if asked.digit in "23" else "undefined"
    else:
        cause = entries.cause_for(direction, code, enhanced, asked.stage)
    return Found(asked, words, rules, reply, entry, cause)
