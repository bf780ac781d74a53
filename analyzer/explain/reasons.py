"""How an entry was chosen, and what to be careful about."""

from __future__ import annotations

from collections.abc import Iterator

from .found import PERMANENCE, Found


def chosen(found: Found) -> Iterator[str]:
    """Give the steps of the choice, a sentence each."""
    asked, words, best = found.asked, found.words, found.best
    code = None if asked.code is None else f"{asked.code:03}"
    values = {"code": code, "enhanced": asked.enhanced, "group": best.key if best else ""}

    def say(key: str, **more: object) -> str:
        return words.fill("chosen", key, **(values | more))

    yield say("read", how=words.word("read_as", asked.how))
    if asked.direction:
        yield say("side", direction=words.word("direction", asked.direction))
    if rule := found.rule:
        named = asked.how == "name"
        yield say("named") if named else say("rule", rule=rule.id, scope=rule.scope.name)
        if later := [r.id for r in found.rules[1:6]]:
            yield say("others", rules=", ".join(later))
        providers = any(r.scope.kind == "providers" and r.scope.hosts for r in found.rules)
        if providers and not asked.host and not named:
            yield say("all-providers")
    elif best is None:
        yield say("class" if asked.digit else "cause")
    else:
        if asked.reply:
            yield say("no-rule")
        yield from map(say, _deciding(found))


def _deciding(found: Found) -> Iterator[str]:
    """Name which code decided and why."""
    reply, enhanced, best = found.reply, found.enhanced, found.best
    if best is not None and best is enhanced:
        if enhanced.key.count(".") < 2:
            yield "subject"
        else:
            yield "enhanced" if reply else "enhanced-alone"
    elif reply and not reply.key.isdigit():
        yield "unassigned"
    else:
        yield "reply" if enhanced else "reply-alone"


def notes(found: Found) -> Iterator[str]:
    """Give what contradicts or is not proven, a sentence each."""
    asked, words, rule = found.asked, found.words, found.rule
    if asked.implied:
        yield words.fill("notes", "implied", code=asked.code)
    if asked.code is not None and asked.enhanced and asked.enhanced[0] != "X":
        first, second = (PERMANENCE.get(d, "none") for d in (found.digit, asked.enhanced[0]))
        if first != second:
            names = {
                "first": words.word("permanence", first),
                "second": words.word("permanence", second),
            }
            yield words.fill("notes", "mismatch", code=asked.code, enhanced=asked.enhanced, **names)
    if rule and asked.direction not in (None, rule.direction):
        name = words.word("direction", rule.direction)
        yield words.fill("notes", "other-direction", direction=name)
    told = rule or found.best
    own = rule is not None and rule.scope.kind == "user"
    if told and not told.verified and not own:
        yield words.word("notes", "unverified")
