"""What to tell the postmaster about a kind of reply: the text rule's words, else the digits'."""

from dataclasses import replace
from functools import lru_cache

from .knowledge import entries, reply_rules
from .knowledge.entries import Advice
from .knowledge.reply_rules import TextRule


@lru_cache(4096)
def advise(
    direction: str,
    code: int | None,
    enhanced: str | None,
    cause: str,
    why: str | None = None,
    lang: str = "en",
    user: tuple[TextRule, ...] = (),
) -> Advice:
    """The most specific texts; `why` is the text rule that named the cause, of `user`, the
    rules of the user's own file, or of ours."""
    by_digits = entries.advise(direction, code, enhanced, cause, lang)
    rule = next((r for r in user if r.id == why), None)
    if rule is None and why is not None:
        rule = reply_rules.rule(why, lang)
    if rule is None:
        return replace(by_digits, who_acts=entries.at_home(direction, by_digits.who_acts))
    told = replace(by_digits, title=rule.title, description=rule.description, source=rule.id)
    by_cause = entries.advise(direction, None, None, cause, lang)
    if rule.direction != direction:
        # Its remedy is written for the other end of the line.
        return replace(
            told,
            when_seen=by_cause.when_seen,
            how_to_fix=by_cause.how_to_fix,
            who_acts=by_cause.who_acts,
            severity=by_cause.severity,
            needs_action=by_cause.needs_action,
        )
    return replace(
        told,
        when_seen=by_cause.when_seen,
        how_to_fix=rule.how_to_fix,
        who_acts=entries.at_home(direction, rule.who_acts),
        severity=by_cause.severity if rule.severity is None else rule.severity,
        needs_action=by_cause.needs_action and rule.who_acts != "nobody",
    )
