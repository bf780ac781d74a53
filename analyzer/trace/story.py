"""A group of hops to its story, as the renderers are given it."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from reports.story import Happening, Place, Recipient, Story, duration
from reports.story import Hop as ShownHop

from .join import Event, Group, Hop, Link
from .links import ABOUT, AGAIN, CLONE, FORWARDED, HANDED, NOTICE
from .outcome import Fate, fates, hop_fates, mail_hops, returned, unsettled
from .verdict import outcome, verdict
from .words import Notes, peer, reply_of, server, what

_ROLES = {
    FORWARDED: "forwarded",
    AGAIN: "requeued",
    CLONE: "split",
    NOTICE: "notice",
    ABOUT: "notice",
}
_TONE = {"sent": "good", "accepted": "good", "deferred": "wait", "held": "wait", "warned": "wait",
         "bounced": "bad", "expired": "bad", "rejected": "bad", "discarded": "bad"}  # fmt: skip


def story(group: Group, zone: str, log_ends: datetime | None) -> Story:
    """The story of one message."""
    tell = _Teller(group, ZoneInfo(zone))
    return tell.story(log_ends)


class _Teller:
    def __init__(self, group: Group, zone: ZoneInfo) -> None:
        self.group, self.zone = group, zone
        self.mail = mail_hops(group)
        self.first = self.mail[0]
        self.number = {id(hop): n for n, hop in enumerate(group.hops)}
        self.notes = Notes()

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def story(self, log_ends: datetime | None) -> Story:
        first, arrival = self.first, self.first.arrival
        # The recipients' reasons get the first numbers.
        recipients = tuple(self.recipient(f) for f in fates(self.group))
        otherwise = unsettled(self.mail[-1])
        open_ = any(self.open(h) for h in self.mail)
        end = max(h.end for h in self.mail)
        settled = [r.after for r in recipients if r.after is not None]
        until = max(end, log_ends or end) if open_ else end
        stay = (until - first.start).total_seconds() if arrival else None
        if otherwise in ("refused", "unfinished") and not any(r.tries for r in recipients):
            stay = None
        if stay is not None and settled:
            stay = max(stay, *settled)
        ends = self.local(log_ends or end)
        shown = f"{ends:%Y-%m-%d %H:%M:%S}"
        turned = next((e for e in self.mail[-1].events if e.refused), None)
        short, whole = verdict(
            recipients,
            self.notes.found,
            otherwise,
            reason=self.notes.of(turned) if turned and otherwise == "refused" else None,
            said=returned(self.mail[-1]) if otherwise == "returned" else "",
            log_ends=shown,
        )
        return Story(
            kind="message",
            queue_id=first.key[2],
            outcome=outcome(recipients, otherwise),
            summary=short,
            verdict=whole,
            start=self.local(first.start),
            end=self.local(end),
            sender=first.sender,
            message_id=next((h.message_id for h in self.mail if h.message_id), ""),
            client_name=(arrival.client_name or "") if arrival and arrival.client_ip else "",
            client_ip=(arrival.client_ip or "") if arrival else "",
            user=(arrival.sasl_user or "") if arrival else "",
            size=first.first("size"),
            in_queue=stay,
            open=open_,
            recipients=recipients,
            hops=tuple(self.hop(h) for h in self.group.hops),
            happenings=tuple(self.happenings()),
            explained=tuple(self.notes.found),
            notes=tuple(self.remarks(recipients, open_)),
        )

    def open(self, hop: Hop) -> bool:
        """Whether the logs do not show its end."""
        if hop.removed is not None:
            return False
        if hop.key[1] != "sendmail":
            ended = any(e.refused and e.stage == "EOD" for e in hop.events)
            return not ended and unsettled(hop) not in (
                "deleted",
                "discarded",
                "refused",
                "returned",
                "unfinished",
            )
        mine = [f for f in fates(self.group) if f.hop is hop]
        waiting = any(f.outcome in ("deferred", "queued", "held") for f in mine)
        # What Sendmail took out of its queue it says of each recipient only.
        return waiting or (
            not returned(hop)
            and not any(e.recipient for e in hop.events)
            and unsettled(hop) == "queued"
        )

    def recipient(self, fate: Fate) -> Recipient:
        event, reason = fate.event, fate.event
        if fate.outcome in ("expired", "deferred"):
            reason = self.last_refusal(fate) or event
        said = reason or event
        after = None
        if event is not None and self.first.arrival is not None and fate.outcome != "refused":
            ends = fate.hop.end if fate.outcome == "expired" else event.time
            after = max((ends - self.first.start).total_seconds(), 0.0)
            # Stamps of whole seconds know less than the mail server's own clock.
            known = [e.delay for h in self.mail for e in h.events if e.delay and e.time <= ends]
            after = max(after, *known) if known and after < 2 else after
        return Recipient(
            address=fate.address,
            original=fate.original,
            outcome=fate.outcome,
            hop=self.number[id(fate.hop)],
            time=None if event is None else self.local(event.time),
            after=after,
            tries=fate.tries,
            delays=tuple(event.delays or ()) if event else (),
            relay=peer(said.relay_name, said.relay_ip, said.relay_port)
            if said and server(said)
            else "",
            code=said.reply_code if said else None,
            enhanced=said.enhanced_code if said else None,
            reply=(said.reply_text or "") if said else "",
            explained=self.notes.of(reason) if reason is not None else None,
        )

    def last_refusal(self, fate: Fate) -> Event | None:
        """The last reply of a server that put the recipient off: why it never got through."""
        for event in reversed(fate.hop.events):
            mine = (event.recipient or "").lower() == fate.address.lower()
            if mine and event.outcome == "deferred" and event.reply_code is not None:
                return event
        return None

    def hop(self, hop: Hop) -> ShownHop:
        host, mta, queue_id = hop.key
        link = next((k for k in self.group.links if k.target is hop), None)
        return ShownHop(
            host=host or "",
            mta=mta,
            queue_id=queue_id,
            role="received" if link is None else self.role(link),
            parent=None if link is None else self.number[id(link.source)],
            start=self.local(hop.start),
            end=self.local(hop.end),
            open=self.open(hop),
            complete=hop.arrival is not None or link is not None,
            recipients=()
            if hop in self.mail
            else tuple((f.address, f.outcome) for f in hop_fates(self.group, hop)),
        )

    def role(self, link: Link) -> str:
        if link.kind != HANDED:
            return _ROLES[link.kind]
        if link.source.key[0] != link.target.key[0]:
            return "passed on"
        return "submitted" if link.event.kind == "queue" else "filtered"

    def happenings(self) -> list[Happening]:
        onward = {id(k.event): k.target.key[2] for k in self.group.links}
        found: list[Happening] = []
        queued: set[int] = set()
        addresses = {f.address for f in fates(self.group)}
        alone = next(iter(addresses)) if len(addresses) == 1 else None
        events = [(e, n) for n, hop in enumerate(self.group.hops) for e in hop.events]
        # Sorting is stable: events of one hop keep their order.
        for event, hop in sorted(events, key=lambda pair: pair[0].time):
            goes_on = onward.get(id(event))
            if event.link == HANDED and goes_on is None and event.names in onward.values():
                goes_on = event.names
            text = what(event, goes_on, alone)
            if event.message_id and not text and len(self.group.hops[hop].events) == 1:
                text = f"logged with Message-ID {event.message_id}"
            if event.kind == "queue" and event.size is not None and not event.outcome:
                if hop in queued and event.mta == "postfix":
                    # Each time it comes to its turn again.
                    continue
                queued.add(hop)
            if not text:
                continue
            found.append(
                Happening(
                    time=self.local(event.time),
                    hop=hop,
                    what=text,
                    outcome=_TONE.get(event.outcome or "", ""),
                    code=event.reply_code,
                    enhanced=event.enhanced_code if event.reply_code or reply_of(event) else None,
                    implied=event.evidence == "implied",
                    reply=reply_of(event),
                    explained=self.notes.of(event),
                    count=event.count,
                    place=Place(event.file, event.line),
                )
            )
        return found

    def remarks(self, recipients: Sequence[Recipient], open_: bool) -> list[str]:
        """What the reader must know of the limits of this story."""
        found = []
        if self.first.arrival is None and not self._is_notice(self.first):
            found.append("its arrival is not in these logs: an earlier file may have it")
        if open_ and not all(r.outcome == "held" for r in recipients):
            found.append(
                "its end is not in these logs: it may still be queued, or a later file has it"
            )
        for hop in self.mail:
            expected = int(hop.first("nrcpt") or 0)
            known = {e.recipient for e in hop.events if e.kind == "delivery"}
            missing = expected - len(known)
            if known and missing > 0 and self.open(hop):
                found.append(
                    f"{hop.key[2]} has {expected} recipients; of {missing} nothing is logged yet"
                )
        slow = [r for r in recipients if r.delays and sum(r.delays) >= 10 and r.tries == 1]
        if slow:
            worst = max(slow, key=lambda r: sum(r.delays))
            names = ("coming in", "waiting in the queue", "connecting", "sending")
            part = max(range(4), key=lambda n: worst.delays[n])
            found.append(
                f"most of the {duration(sum(worst.delays))} to {worst.address} went by"
                f" {names[part]}: {duration(worst.delays[part])}"
            )
        return found

    def _is_notice(self, hop: Hop) -> bool:
        """Whether it was made here: such messages have no line of arrival."""
        return hop.sender == "" and hop.key[1] == "postfix"
