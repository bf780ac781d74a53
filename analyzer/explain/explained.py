"""What was found of a code or a reply, put into words for each side of the line."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.knowledge import entries
from analyzer.knowledge.entries import EnhancedEntry
from reports.article import Article, Side, Term

from . import pasted
from .found import PERMANENCE, Found
from .reasons import chosen, notes

TRIED_AGAIN = ("yes", "minutes", "days", "slower", "split")


def article(found: Found) -> Article:
    """Write the article."""
    asked, words, rule, best, reply = found.asked, found.words, found.rule, found.best, found.reply
    cause = entries.cause_entry(found.cause, words.lang)
    kind, key = _kind(found)
    title, description = cause.title, cause.description
    if rule:
        title, description = rule.title, rule.description
    elif best:
        title, description = best.title, best.description
    elif asked.digit:
        title, description = (words.word(f"class_{w}", asked.digit) for w in ("title", "text"))
    permanence = PERMANENCE.get(found.digit, "none")
    retry = _retry(found, cause.retry)
    standard = best.standard if best and not rule else ""
    told = rule or best
    flow = _flow(found)
    shown = reply if rule is None else None
    codes = [f"{asked.code:03}" if asked.code is not None else "", asked.enhanced or ""]
    kinds = "retry" if retry in entries.data("labels")["retry"] else "retry_by_class"
    return Article(
        query=asked.query[: pasted.LONGEST],
        kind=kind,
        key=key,
        code=asked.code,
        enhanced=asked.enhanced,
        text=asked.reply if asked.how != "name" else "",
        name=" ".join(filter(None, codes)) or (f"{asked.digit}yz" if asked.digit else key),
        title=title,
        description=description,
        cause=found.cause,
        cause_title=cause.title,
        permanence=permanence,
        permanence_name=words.word("permanence", permanence),
        retry=retry,
        retry_name=words.word(kinds, retry),
        flow=flow,
        flow_name=words.word("flow", flow) if flow else "",
        sides=tuple(_sides(found)),
        standard=standard,
        standard_name=words.word("standard", standard) if standard else "",
        reference=told.reference if told else "",
        commands=tuple(Term(c, words.word("commands", c)) for c in (shown.commands if shown else ())),
        enhanced_codes=tuple(_enhanced_terms(found)),
        replies=tuple(_reply_terms(found)),
        settings=tuple((m, ", ".join(names)) for m, names in (shown.settings if shown else {}).items()),
        examples=told.examples if told else (),
        chosen=tuple(chosen(found)),
        notes=tuple(notes(found)),
        verified=told.verified if told else True,
        lang=words.lang,
    )  # fmt: skip


def _kind(found: Found) -> tuple[str, str]:
    if found.rule:
        return "rule", found.rule.id
    best = found.best
    if best is None:
        return ("class", f"{found.asked.digit}yz") if found.asked.digit else ("cause", found.cause)
    if isinstance(best, EnhancedEntry):
        return ("class" if best.key.isdigit() else "enhanced"), best.key
    return ("reply" if best.key.isdigit() else "class"), best.key


def _flow(found: Found) -> str:
    """Say what becomes of the mail; after the recipients a refusal is about the whole message."""
    flow = found.reply.flow if found.reply else ""
    whole = flow == "recipient-refused" and found.asked.stage in ("MAIL", "DATA", "EOD")
    return "message-refused" if whole else flow


def _retry(found: Found, usual: str) -> str:
    """Say whether sending it again helps; the reply's class overrules what is usual."""
    if found.rule is None and found.reply and found.best is found.reply:
        usual = found.reply.retry or usual
    if found.digit in ("2", "3"):
        return "not-needed"
    if usual in ("by-class", "4xx-only") and found.digit in ("4", "5"):
        return "yes" if found.digit == "4" else "no"
    if found.digit == "4" and usual == "no":
        return "in-vain"
    return "later-anew" if found.digit == "5" and usual in TRIED_AGAIN else usual


def _sides(found: Found) -> Iterator[Side]:
    asked, words, rule = found.asked, found.words, found.rule
    directions = [asked.direction] if asked.direction else ["inbound", "outbound"]
    if rule and not asked.direction:
        other = [] if rule.only or rule.direction == "local" else directions
        directions = [rule.direction, *(d for d in other if d != rule.direction)]
    elif not asked.direction and any(e and e.local for e in (found.reply, found.enhanced)):
        directions.append("local")
    for direction in directions:
        cause = found.cause
        if rule:
            cause = entries.seen_from(rule.cause, rule.direction, direction)
        elif not (asked.direction or asked.how == "name" or asked.digit):
            cause = entries.cause_for(direction, asked.code, asked.enhanced, asked.stage)
        enhanced = asked.enhanced.replace("X", "5") if asked.enhanced else None
        codes = (None, None) if rule else (asked.code, enhanced)
        told = entries.advise(direction, *codes, cause, words.lang)
        fix, who, severity, needs = (
            told.how_to_fix, told.who_acts, told.severity, told.needs_action,
        )  # fmt: skip
        if rule and rule.direction == direction:
            fix, who = rule.how_to_fix, rule.who_acts
            severity = severity if rule.severity is None else rule.severity
            needs = needs and who != "nobody"
        who = entries.at_home(direction, who)
        yield Side(direction, words.word("direction", direction), told.when_seen, fix, who,
                   words.word("who_acts", who), severity, words.word("severity", severity),
                   needs)  # fmt: skip


def _enhanced_terms(found: Found) -> Iterator[Term]:
    if found.reply and found.rule is None:
        for code in found.reply.enhanced:
            entry = entries.any_enhanced(code, code[:1], found.words.lang)
            yield Term(code, entry.title if entry else "")


def _reply_terms(found: Found) -> Iterator[Term]:
    if found.enhanced and found.rule is None and found.best is found.enhanced:
        for code in found.enhanced.replies:
            entry = entries.reply_entry(code, found.words.lang)
            yield Term(str(code), entry.title if entry else "")
