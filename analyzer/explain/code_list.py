"""The list of codes, whole or searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.knowledge import entries, reply_rules
from analyzer.knowledge.entries import EnhancedEntry, ReplyEntry
from analyzer.knowledge.reply_rules import TextRule
from reports.article import CodeLine, CodeList, RuleLine, RuleList

from .wording import Wording


def codes(
    words: Sequence[str] = (), *, digit: str = "", standard: str = "", lang: str = "en"
) -> CodeList:
    """Return the codes that hold all words, of one class and standard where asked."""
    wording = Wording(lang)
    wanted = [word.casefold() for word in words]
    filters = [f"--class {digit}"] if digit else []
    filters += [f"--standard {standard}"] if standard else []
    found: dict[str, list[CodeLine]] = {"replies": [], "enhanced": []}
    for kind, entry, shown in _entries(lang):
        if digit and shown[0] not in (digit, "X"):
            continue
        if standard and entry.standard != standard:
            continue
        text = _searched(entry, shown).casefold()
        if all(word in text for word in wanted):
            found[kind].append(_line(entry, shown, wording))
    return CodeList(
        words=tuple(words),
        replies=tuple(found["replies"]),
        enhanced=tuple(found["enhanced"]),
        lang=lang,
        filters=tuple(filters),
    )


def _entries(lang: str) -> Iterator[tuple[str, ReplyEntry | EnhancedEntry, str]]:
    """Give every code's entry with the number it is listed by."""
    for key in sorted(k for k in entries.data("replies") if k.isdigit()):
        if reply := entries.reply_entry(int(key), lang):
            yield "replies", reply, key
    for key in sorted(filter(_numbered, entries.data("enhanced")), key=_by_number):
        yield "enhanced", entries.enhanced_table(key, lang), key


def _numbered(key: str) -> bool:
    return key.count(".") == 2


def _by_number(key: str) -> list[int]:
    return [int(part.split("-")[0]) for part in key.split(".")[1:]]


def _searched(entry: ReplyEntry | EnhancedEntry, shown: str) -> str:
    settings = entry.settings if isinstance(entry, ReplyEntry) else {}
    names = [name for mta, values in settings.items() for name in (mta, *values)]
    dotted = [shown.replace("X", digit) for digit in "245"] if shown[0] == "X" else []
    return "\n".join((shown, *dotted, entry.title, entry.description, entry.cause, *names))


def _line(entry: ReplyEntry | EnhancedEntry, shown: str, words: Wording) -> CodeLine:
    standard = words.word("standard", entry.standard)
    return CodeLine(shown, entry.title, entry.standard, standard, entry.reference, entry.cause)


def rule_list(
    words: Sequence[str] = (), *, user: Sequence[TextRule] = (), lang: str = "en"
) -> RuleList:
    """Return the rules that hold all words, in the order in which they decide."""
    wanted = [word.casefold() for word in words]
    found = [
        RuleLine(r.scope.name, r.id, r.title, r.direction, r.cause, r.reference)
        for r in reply_rules.rules_for(user=user, lang=lang)
        if all(word in _of_rule(r).casefold() for word in wanted)
    ]
    return RuleList(words=tuple(words), rules=tuple(found), lang=lang)


def _of_rule(rule: TextRule) -> str:
    texts = (rule.id, rule.scope.name, rule.title, rule.description, rule.cause)
    return "\n".join((*texts, *rule.examples))
