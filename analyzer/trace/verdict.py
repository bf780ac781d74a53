"""The verdict on a message in one sentence: what became of it, why, who acts, what comes first."""

from collections import Counter
from collections.abc import Sequence

from reports.story import Explained, Recipient, Refusal, duration

from .words import inside

# The worst first; what is said of the reason is said of these.
_ORDER = ("bounced", "expired", "refused", "deferred", "held", "queued", "unknown", "discarded",
          "deleted", "asked", "returned", "unfinished", "delivered")  # fmt: skip
_EXPLAINED = ("bounced", "expired", "refused", "deferred", "queued")
_VERB = {
    "bounced": "refused", "expired": "given up", "refused": "refused at the door",
    "deferred": "still put off", "held": "on hold", "queued": "still queued",
    "unknown": "without a logged ending", "discarded": "discarded", "deleted": "deleted",
    "delivered": "delivered", "asked": "only asked about", "returned": "returned",
    "unfinished": "never received",
}  # fmt: skip


def outcome(recipients: Sequence[Recipient], otherwise: str) -> str:
    """One word for a message: its recipients' outcome where they agree."""
    found = {r.outcome for r in recipients}
    if len(found) > 1:
        return "partly delivered" if "delivered" in found else "mixed"
    return next(iter(found), otherwise)


def verdict(
    recipients: Sequence[Recipient],
    explained: Sequence[Explained],
    otherwise: str,
    *,
    reason: int | None = None,
    said: str = "",
    log_ends: str = "",
) -> tuple[str, str]:
    """What became of it, alone and with who acts and what comes first.

    `otherwise` is the message's own outcome where no recipient is known, `reason` the number of
    its explanation, `said` what the mail server wrote of it.
    """
    if not recipients:
        why = None if reason is None else explained[reason]
        told = inside(why.title) if why else said
        start = _ALONE.get(otherwise, "Nothing final is in these logs")
        return _both(f"{start}: {told}" if told else start, why)
    worst = min(recipients, key=lambda r: _ORDER.index(r.outcome))
    known = worst.explained is not None and worst.outcome in _EXPLAINED
    why = explained[worst.explained or 0] if known else None
    if len(recipients) == 1:
        return _both(_single(worst, why, log_ends), why, waits=worst.outcome == "deferred")
    counts = Counter(r.outcome for r in recipients)
    if len(counts) == 1 and worst.outcome == "delivered":
        last = max((r.after for r in recipients if r.after is not None), default=None)
        within = f" within {duration(last)}" if last is not None else ""
        return _both(f"Delivered to all {len(recipients)} recipients{within}", None)
    if len(counts) == 1:
        start = f"All {len(recipients)} recipients {_VERB[worst.outcome]}"
    else:
        start = f"Delivered to {counts['delivered']} of {len(recipients)} recipients"
        rest = [f"{counts[o]} {_VERB[o]}" for o in _ORDER if counts[o] and o != "delivered"]
        start = f"{start}, {', '.join(rest)}"
    reasons = {r.explained for r in recipients if r.outcome == worst.outcome}
    which = "the worst, " if len(reasons) > 1 else ""
    detail = f": {which}{worst.address}: {_reason(worst, why)}" if why else ""
    return _both(start + detail, why, waits=worst.outcome == "deferred")


def _both(what: str, why: Explained | None, *, waits: bool = False) -> tuple[str, str]:
    if why is not None and waits and why.how_to_fix.startswith("Nothing"):
        return _sentence(what), _sentence(what, "nothing to do yet, the queue tries again")
    return _sentence(what), _sentence(what, _act(why))


_ALONE = {
    "queued": "Still queued, no delivery was tried in these logs",
    "refused": "Rejected before it was queued",
    "held": "On hold until somebody releases it",
    "discarded": "Accepted and thrown away, as this server is set up to do",
    "deleted": "Deleted from the queue by hand",
    "expired": "Given up after too long in the queue",
    "returned": "Returned to the sender",
    "asked": "Not sent: this server only asked whether the address would be taken",
    "unfinished": "Begun, but no message is logged: the client stopped before it was there, or the"
    " log ends here",
    "unknown": "It left the queue, but what became of its recipients is not in these logs",
}


def _single(who: Recipient, why: Explained | None, log_ends: str) -> str:
    tries = f" after {who.tries} tries" if who.tries > 1 else ""
    took = f" {duration(who.after)} after it came in" if who.after is not None else ""
    if who.outcome == "delivered":
        if not who.relay:
            return f"Delivered to {who.address} on this host{tries}{',' if took else ''}{took}"
        how = tries or " at the first try"
        return (
            f"Delivered to {who.address}: {who.relay} accepted it{how}{',' if took else ''}{took}"
        )
    if who.outcome == "bounced":
        start = "Refused" if why and why.by else "Undeliverable"
        return f"{start}{_by(why)}{tries}: {_reason(who, why)}"
    if who.outcome == "expired":
        after = f" after {duration(who.after)}" if who.after else ""
        count = f" and {who.tries} tries" if who.tries > 1 else ""
        return f"Given up{after}{count}: {_put_off(who, why, 'kept putting it off')}"
    if who.outcome == "deferred":
        count = f" after {who.tries} tries" if who.tries > 1 else ""
        return f"Not delivered{count} and still queued when the log ends ({log_ends}): {_put_off(who, why, 'puts it off')}"
    if who.outcome == "refused":
        return f"Rejected before it was queued: {_reason(who, why)}"
    return _ALONE.get(who.outcome, who.outcome)


def _put_off(who: Recipient, why: Explained | None, verb: str) -> str:
    return f"{why.by} {verb}, {_reason(who, why)}" if why and why.by else _reason(who, why)


def _by(why: Explained | None) -> str:
    return f" by {why.by}" if why and why.by else ""


def _reason(who: Recipient, why: Explained | None) -> str:
    return inside(why.title) if why else who.reply or "no reason is logged"


def _act(why: Explained | None) -> str:
    if why is None:
        return ""
    if not why.first_step:
        return "nobody has to act"
    return f"{why.who_acts} has to act: {inside(why.first_step)}"


def _sentence(*parts: str) -> str:
    text = "; ".join(p.rstrip(" .") for p in parts if p)
    return f"{text}." if text and text[-1] not in ".!?" else text


def refusals(rows: Sequence[Refusal], explained: Sequence[Explained]) -> tuple[str, str]:
    """What one client was refused, alone and with who acts."""
    refused = [r for r in rows if r.refused]
    if not refused:
        return _both(
            f"Not refused, but noticed: {', '.join(dict.fromkeys(r.what for r in rows))}", None
        )
    total, top = sum(r.count for r in refused), refused[0]
    why = None if top.explained is None else explained[top.explained]
    times = "Rejected" if total == 1 else f"Rejected {total:,} times"
    mostly = "" if len(refused) == 1 else "mostly "
    reason = f": {mostly}{inside(why.title)}" if why else ""
    return _both(f"{times} before queueing{reason}", why)
