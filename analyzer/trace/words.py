"""Events of a story in words, and what the knowledge base has to say of each reply."""

import ipaddress
import re
from dataclasses import dataclass, field

from analyzer.advice import advise
from analyzer.knowledge import entries, reply_rules
from reports import figures
from reports.story import Explained, many

from .join import Event
from .outcome import is_try, passes_on

THIS_HOST = "this host"

_FIRST = re.compile(r"(?<=[.!?])[ \n]+(?=[A-Z0-9`\"(])")
_SHORT = ("e.g.", "i.e.", "etc.", "cf.", "approx.")


def first_step(text: str) -> str:
    """The first thing to do, of an advice's many; what waits for the queue is nothing to do."""
    block = re.split(r"\n\s*\n|\n(?=\s*[-*])", text.strip())[0]
    sentences: list[str] = []
    for piece in _FIRST.split(" ".join(block.split())):
        if sentences and sentences[-1].endswith(_SHORT):
            sentences[-1] += f" {piece}"
        else:
            sentences.append(piece)
    return next((s for s in sentences if not s.startswith("Nothing")), "")


def inside(text: str) -> str:
    """A title in the middle of a sentence: its first letter small, unless the word is a name."""
    word = text.split(" ", 1)[0]
    plain = word == "A" or (word[:1].isupper() and word[1:].islower())
    return text[:1].lower() + text[1:] if plain and word not in _NAMES else text


_NAMES = {"Google", "Gmail", "Microsoft", "Yahoo", "Outlook", "Apple", "Spamhaus", "Postfix",
          "Exim", "Sendmail", "Barracuda", "Mimecast", "Proofpoint", "Cisco", "Comcast"}  # fmt: skip


def provider_name(key: str | None) -> str:
    """What a mailbox provider is called."""
    return reply_rules.provider_name(key)


def server(event: Event) -> str:
    """The server at the other end by name or address; loopback is this host."""
    if is_loopback(event.relay_ip or event.relay_name or ""):
        return THIS_HOST
    name = event.relay_name or ""
    return event.relay_ip or "" if name in ("", "local", "virtual") else name


def is_loopback(text: str) -> bool:
    """Whether an address is a host's own."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def peer(name: str | None, ip: str | None, port: int | None = None) -> str:
    """A host with its address, as logs write it."""
    known = name if name and name not in ("unknown", ip) else ""
    at = f":{port}" if port and port != 25 else ""
    if known and ip:
        return f"{known} [{ip}]{at}"
    return f"{known or (f'[{ip}]' if ip else 'an unknown host')}{at}"


@dataclass(slots=True)
class Notes:
    """The explanations that a story needs, each once."""

    found: list[Explained] = field(default_factory=list)
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def of(self, event: Event) -> int | None:
        """The number of the explanation of an event's reply; None where there is none to give."""
        if event.kind == "delivery" and not is_try(event):
            return None
        return self.add(
            event.direction, event.reply_code, event.enhanced_code, event.cause, event.stage,
            event.why, provider_name(event.provider) or server(event),
        )  # fmt: skip

    def add(
        self,
        direction: str | None,
        code: int | None,
        enhanced: str | None,
        cause: str | None,
        stage: str | None,
        why: str | None,
        by: str,
    ) -> int | None:
        """The same from what a table has."""
        good = code is not None and code < 400
        if direction is None or good or cause == "ok" or (code is None and cause is None):
            return None
        cause = cause or entries.cause_for(direction, code, enhanced, stage or "")
        advice = advise(direction, code, enhanced, cause, why)
        by = by if direction == "outbound" else ""
        key = (direction, advice.title, advice.how_to_fix, by)
        if key not in self._known:
            self._known[key] = len(self.found)
            self.found.append(
                Explained(
                    direction=direction,
                    code=code,
                    enhanced=enhanced,
                    cause=advice.cause,
                    by=by,
                    title=advice.title,
                    description=advice.description,
                    when_seen=advice.when_seen,
                    how_to_fix=advice.how_to_fix,
                    who_acts=entries.who_acts_label(advice.who_acts),
                    first_step="" if advice.who_acts == "nobody" else first_step(advice.how_to_fix),
                    severity=advice.severity,
                    needs_action=advice.needs_action,
                    source=advice.source,
                )
            )
        return self._known[key]


def reply_of(event: Event) -> str:
    """The reply's text, where somebody said something."""
    text = event.reply_text or ""
    own = event.direction == "local" and event.outcome == "sent" and event.reply_code is None
    return "" if own or event.kind in ("queue", "system") else text


def what(event: Event, onward: str | None, alone: str | None) -> str:
    """An event in words; empty: nothing to tell.

    `onward`: the queue id it goes on as. `alone`: the message's only recipient, not named again.
    """
    if event.kind == "received" or (
        event.kind == "queue" and event.direction == "local" and not event.recipient
    ):
        return _received(event)
    if event.kind == "delivery" or passes_on(event):
        text = _delivery(event, onward)
        known = alone is not None and (event.recipient or "").lower() == alone.lower()
        return text if known or not event.recipient else f"{event.recipient}: {text}"
    if event.kind == "probe":
        verb = "would be taken" if event.outcome == "accepted" else "would be refused"
        return f"{event.recipient}: {verb} by {peer(event.relay_name, event.relay_ip)}"
    if event.kind == "attempt":
        return f"{peer(event.relay_name, event.relay_ip, event.relay_port)} would not take it"
    if event.kind == "reject":
        return _refused(event)
    if event.kind == "auth":
        return f"login refused{f' for {event.sasl_user}' if event.sasl_user else ''}"
    if event.kind == "queue":
        return _queue(event)
    if event.kind == "system" or (event.kind == "session" and event.outcome == "warned"):
        return f"remark: {event.reply_text}" if event.reply_text else ""
    if (
        event.kind == "session"
        and event.mta == "sendmail"
        and event.rule.startswith("sendmail.from")
    ):
        return "the client ended the transaction without a message"
    if event.kind == "session" and event.direction == "inbound" and event.reply_text:
        return f"session: {event.reply_text}"
    return ""


def _received(event: Event) -> str:
    if event.link == "again":
        return f"put back into the queue; it was {event.names} before"
    if event.link == "about":
        return f"made as a notice about {event.names}"
    if event.client_ip is None and event.direction == "local":
        text = "given in on this host"
    else:
        text = f"received from {peer(event.client_name, event.client_ip)}"
    if event.sasl_user:
        text += f", logged in as {event.sasl_user}"
    return text


def _delivery(event: Event, onward: str | None) -> str:
    where = peer(event.relay_name, event.relay_ip, event.relay_port)
    if (onward and event.outcome == "sent") or passes_on(event):
        local = event.relay_ip is None and event.direction == "local"
        text = "forwarded" if local else f"handed to {where}"
        return f"{text}; goes on as {onward}" if onward else text
    if event.outcome == "sent":
        if event.direction == "outbound" or event.relay_ip:
            return f"delivered to {where}"
        return _own_words(event)
    if event.outcome == "deferred":
        if not is_try(event):
            return "not tried again yet"
        by = f" by {where}" if event.direction == "outbound" else ""
        return f"put off{by}"
    if event.outcome in ("bounced", "expired"):
        if event.cause == "expired" or event.outcome == "expired":
            return "given up"
        return f"refused by {where}" if event.direction == "outbound" else "undeliverable"
    return event.outcome or "no result logged"


def _own_words(event: Event) -> str:
    said = event.reply_text or ""
    if event.rule == "exim.discarded-all":
        return f"discarded ({said})"
    if said.lower() in ("sent", ""):
        return "delivered on this host"
    return said if said.startswith(("delivered", "forwarded")) else f"delivered: {said}"


def _refused(event: Event) -> str:
    which = {"warned": "warned about", "held": "put on hold", "discarded": "discarded"}
    verb = which.get(event.outcome or "", "refused")
    by = "" if event.direction == "local" else " by this server"
    who = event.recipient or ("the message" if event.stage in ("EOD", "DATA") else "")
    at = f" at {event.stage}" if event.stage and event.stage != "OTHER" and not who else ""
    return f"{who + ': ' if who else ''}{verb}{by}{at}"


def _queue(event: Event) -> str:
    if event.link == "notice":
        text = (event.reply_text or "").partition(": ")[0] if event.mta == "postfix" else "notice"
        given_up = "given up, " if event.outcome == "expired" else ""
        why = f" ({event.reply_text})" if event.mta == "sendmail" and event.reply_text else ""
        return f"{given_up}{text} made as {event.names}{why}"
    if event.link == "clone":
        return f"split off as {event.names}"
    if event.outcome == "removed":
        return "deleted from the queue" if event.service == "postsuper" else "out of the queue"
    if event.outcome == "expired":
        return f"given up: {event.reply_text or 'too long in the queue'}"
    if event.outcome == "held":
        return event.reply_text or "put on hold"
    if event.outcome == "discarded":
        return event.reply_text or "discarded"
    if event.size is not None:
        rcpts = f" for {many(event.nrcpt, 'recipient')}" if event.nrcpt else ""
        return f"into the queue: {figures.size(event.size)}{rcpts}"
    return event.reply_text or ""
