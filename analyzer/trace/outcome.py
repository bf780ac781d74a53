"""What became of each recipient of a message in the end, over all its hops."""

from collections.abc import Iterator
from dataclasses import dataclass

from .join import Event, Group, Hop, Link
from .links import ABOUT, NOTICE

NOTICES = (NOTICE, ABOUT)
_SETTLED = {"sent": "delivered", "bounced": "bounced", "expired": "expired",
            "discarded": "discarded", "held": "held"}  # fmt: skip
# What is logged as a deferral, though nobody was asked: Exim waits for the retry time, Postfix'
# error mailer repeats what was said before.
_NO_TRY_RULES = ("retry time not reached", "delivery temporarily suspended")
_NO_TRY_SERVICES = ("error", "retry")


@dataclass(frozen=True, slots=True)
class Fate:
    """A recipient's outcome and the event that decided it; none where nothing was tried."""

    address: str
    original: str
    outcome: str
    hop: Hop
    event: Event | None
    tries: int = 0


def is_try(event: Event) -> bool:
    """Whether a delivery event stands for a real attempt."""
    said = event.reply_text or ""
    return event.service not in _NO_TRY_SERVICES and not said.startswith(_NO_TRY_RULES)


def passes_on(event: Event) -> bool:
    """Whether it is sendmail-msp's handing over, which the event table calls no delivery."""
    return event.kind == "queue" and event.recipient is not None and event.enhanced_code is not None


def mail_hops(group: Group) -> list[Hop]:
    """The hops of the message itself, without the notices about it.

    Of a story that begins with a notice, whose message no log shows, the notice is the message.
    """
    notices = {id(link.target) for link in group.links if link.kind in NOTICES}
    below = set(notices)
    grown = True
    while grown:
        more = {id(k.target) for k in group.links if id(k.source) in below} - below
        grown = bool(more)
        below |= more
    return [h for h in group.hops if id(h) not in below]


def fates(group: Group) -> list[Fate]:
    """All recipients, each once, in the order in which their names first appear."""
    hops = mail_hops(group)
    found = [fate for hop in hops for fate in hop_fates(group, hop, hops)]
    seen: dict[tuple[str, str, int], Fate] = {}
    for fate in found:
        seen.setdefault((fate.address.lower(), fate.original.lower(), id(fate.hop)), fate)
    return list(seen.values())


def hop_fates(group: Group, hop: Hop, within: list[Hop] | None = None) -> list[Fate]:
    """The recipients of one hop that go on to none of the hops `within` (all, if not given)."""
    onward = {id(k.event): k for k in group.links if k.kind not in NOTICES}
    return list(_of_hop(hop, onward, group.hops if within is None else within))


def _of_hop(hop: Hop, onward: dict[int, Link], hops: list[Hop]) -> Iterator[Fate]:
    tried: dict[tuple[str, str], list[Event]] = {}
    for event in hop.events:
        settles = event.kind == "delivery" and event.outcome is not None
        waits = event.kind == "queue" and event.mta == "sendmail"
        if event.recipient is not None and (settles or waits):
            key = event.recipient.lower(), (event.orig_recipient or "").lower()
            tried.setdefault(key, []).append(event)
    for events in tried.values():
        last = events[-1]
        link = onward.get(id(last)) or _same_link(hop, last, onward)
        if link is not None and any(h is link.target for h in hops):
            if not _knows_recipients(link.target):
                yield _fate(link.target, last, None, 0)
            continue
        yield _fate(hop, last, last, sum(map(is_try, events)))
    known = {recipient for recipient, _ in tried}
    for event in hop.events:
        to = (event.recipient or "").lower()
        if event.kind != "reject" or not to or to in known or event.outcome == "warned":
            continue
        known.add(to)
        outcome = "refused" if event.refused else unsettled(hop)
        yield Fate(event.recipient or "", event.orig_recipient or "", outcome, hop, event)


def _same_link(hop: Hop, event: Event, onward: dict[int, Link]) -> Link | None:
    """The link that an event shares with one before it: all recipients went the same way."""
    for link in onward.values():
        same = link.source is hop and link.event.names == event.names
        if same and event.names is not None and link.event.link == event.link:
            return link
    return None


def _knows_recipients(hop: Hop) -> bool:
    return any(e.kind == "delivery" and e.recipient is not None for e in hop.events)


def _fate(hop: Hop, named: Event, event: Event | None, tries: int) -> Fate:
    address, original = named.recipient or "", named.orig_recipient or ""
    if event is not None and passes_on(event):
        return Fate(address, original, "delivered", hop, event, tries)
    if event is not None and event.kind == "queue":
        event = None
    outcome = _SETTLED.get(event.outcome or "", "") if event else ""
    if outcome == "bounced" and event is not None and event.cause == "expired":
        outcome = "expired"
    return Fate(address, original, outcome or unsettled(hop, event), hop, event, tries)


def unsettled(hop: Hop, event: Event | None = None) -> str:
    """What is to be said of recipients about whom nothing final was logged."""
    if hop.expired:
        return "expired"
    whole = [e for e in hop.events if e.refused and (e.stage == "EOD" or not e.recipient)]
    if whole:
        return "refused"
    if any(e.outcome == "discarded" or e.rule == "exim.discarded-all" for e in hop.events):
        by_hand = any(e.rule in ("exim.removed-by", "exim.cancelled") for e in hop.events)
        return "deleted" if by_hand else "discarded"
    if any(e.kind == "probe" for e in hop.events):
        return "asked"
    if hop.removed is not None:
        return "deleted" if hop.removed.service == "postsuper" else "unknown"
    if _held(hop):
        return "held"
    if event is not None:
        return "deferred"
    if returned(hop):
        return "returned"
    begun = hop.key[1] == "postfix" and all(e.kind in ("received", "reject") for e in hop.events)
    return "unfinished" if begun else "queued"


def returned(hop: Hop) -> str:
    """Why Sendmail sent a message back at once, without a line for any recipient."""
    if any(e.kind == "delivery" for e in hop.events):
        return ""
    told = (e.reply_text or "" for e in hop.events if e.rule == "sendmail.notice")
    return next((t for t in told if t and not t.startswith("Return receipt")), "")


def _held(hop: Hop) -> bool:
    """Whether it was put on hold and nothing was done with it since."""
    held = False
    for event in hop.events:
        released = event.rule in ("exim.unfrozen",) or event.reply_text == "released from hold"
        if event.outcome == "held":
            held = True
        elif released or event.kind == "delivery":
            held = False
    return held
