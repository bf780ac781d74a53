"""Stories of messages as plain text: for a terminal, a pipe or a mail."""

from datetime import date, datetime
from itertools import groupby

from . import figures
from .layout import Page, Span
from .story import Explained, Happening, Recipient, Refusal, Story, Trace, duration, many

LABEL = 12
MOST_RECIPIENTS = 25
"""Recipients that are shown of a message, those in trouble first."""
MOST_HAPPENINGS = 300
SAME = 4
"""Of more happenings that are alike, the first and the last are shown."""

_STYLE = {"good": "", "wait": "yellow", "bad": "red", "": ""}
_TONE = {"delivered": "good", "deferred": "wait", "queued": "wait", "held": "wait",
         "partly delivered": "wait", "mixed": "wait", "unknown": "wait", "bounced": "bad",
         "expired": "bad", "refused": "bad", "discarded": "wait", "deleted": "wait",
         "asked": "", "returned": "bad", "unfinished": "wait"}  # fmt: skip
_ROLES = {
    "received": "received",
    "filtered": "back from the content filter",
    "notice": "notice to the sender",
    "forwarded": "forwarded by an alias",
    "requeued": "put back into the queue",
    "split": "split off",
    "submitted": "handed to this host's daemon",
    "passed on": "passed on to this host",
}


def render(trace: Trace, *, width: int = 80, colour: bool = False, ascii_only: bool = False) -> str:
    """Write what was found, no line wider than `width` columns."""
    page = Page(width, colour=colour, ascii_only=ascii_only)
    if trace.told:
        for story in trace.stories:
            tell(page, story, trace.timezone)
            page.blank()
    else:
        _list(page, trace)
    for note in trace.notes:
        page.put("note:  ", page.log(note), hang=7)
    return str(page)


def tell(page: Page, story: Story, zone: str) -> None:
    """Tell one story."""
    page.put(Span(page.log(_title(story)), "bold"), hang=2)
    page.put(Span(("=" if page.ascii_only else "═") * page.width, "dim"))
    page.put(Span(page.log(story.verdict), _STYLE[_TONE.get(story.outcome, "")]))
    page.blank()
    _head(page, story, zone)
    if story.kind == "refusals":
        _refusals(page, story)
    else:
        _recipients(page, story)
        _happenings(page, story, zone)
    _explained(page, story)
    if story.notes:
        page.blank()
    for note in story.notes:
        page.put("note:  ", page.log(note), hang=7)


def _title(story: Story) -> str:
    if story.kind == "refusals":
        total = sum(r.count for r in story.refusals)
        return f"{many(total, 'refusal')} for {_client(story)}"
    to = [r.address for r in story.recipients]
    more = f" and {len(to) - 1} more" if len(to) > 1 else ""
    return (
        f"{story.queue_id}  {_sender(story.sender)} to {to[0]}{more}"
        if to
        else f"{story.queue_id}  {_sender(story.sender)}"
    )


def _sender(sender: str | None) -> str:
    if sender is None:
        return "(sender not logged)"
    return sender or "<> (a notice)"


def _client(story: Story) -> str:
    known = story.client_name if story.client_name not in ("", "unknown", story.client_ip) else ""
    ip = f"[{story.client_ip}]" if story.client_ip else ""
    return " ".join(filter(None, (known, ip))) or "unknown client"


def _field(page: Page, label: str, text: str) -> None:
    if text:
        page.put(Span(f"{label:{LABEL}}", "dim"), page.log(text), indent=2, hang=2 + LABEL)


def _head(page: Page, story: Story, zone: str) -> None:
    if story.kind == "refusals":
        _field(page, "Client", _client(story))
        _field(page, "Seen", f"{_span(story.start, story.end)} ({zone})")
        return
    _field(page, "From", _sender(story.sender))
    _field(page, "Client", _client(story) if story.client_ip or story.client_name else "")
    _field(page, "Logged in", story.user)
    _field(page, "Message-ID", story.message_id)
    _field(page, "Size", "" if story.size is None else figures.size(story.size))
    _field(page, "Time", f"{_span(story.start, story.end)} ({zone})")
    if story.in_queue is not None:
        _field(page, "In queue", duration(story.in_queue) + (" so far" if story.open else ""))
    several = len(story.hops) > 1
    for number, hop in enumerate(story.hops):
        letter = f"{_letter(number)}  " if several else ""
        role = f"  {_ROLES.get(hop.role, hop.role)}" if several else ""
        role += "".join(f", {outcome} ({address})" for address, outcome in hop.recipients[:1])
        host = f" on {hop.host}" if hop.host else ""
        label = ("Queue ids" if several else "Queue id") if not number else ""
        shown = f"{letter}{hop.queue_id}{host} ({hop.mta.capitalize()}){role}"
        first = [] if number else [Span(f"{label:{LABEL}}", "dim")]
        at = 2 + LABEL
        page.put(*first, page.log(shown), indent=at if number else 2, hang=at + 3 * several)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else str(number + 1)


def _span(first: datetime, last: datetime) -> str:
    begin = f"{first:%Y-%m-%d %H:%M:%S}"
    if last.replace(microsecond=0) == first.replace(microsecond=0):
        return begin
    same = first.date() == last.date()
    return f"{begin} to {last:%H:%M:%S}" if same else f"{begin} to {last:%Y-%m-%d %H:%M:%S}"


def _recipients(page: Page, story: Story) -> None:
    if not story.recipients:
        return
    order = sorted(story.recipients, key=lambda r: (_TONE.get(r.outcome, "") == "good",))
    page.rule("Recipients", many(len(order), "recipient") if len(order) > 1 else "")
    for who in order[:MOST_RECIPIENTS]:
        _recipient(page, story, who)
    left = order[MOST_RECIPIENTS:]
    if left:
        outcomes = sorted({r.outcome for r in left})
        page.put(
            Span(f"and {figures.number(len(left))} more: {', '.join(outcomes)}", "dim"), indent=2
        )


def _recipient(page: Page, story: Story, who: Recipient) -> None:
    tone = _STYLE[_TONE.get(who.outcome, "")]
    facts = [f" {who.outcome}"]
    if who.after is not None and who.outcome != "queued":
        when = ", last tried after" if who.outcome == "deferred" else " after"
        facts[0] += f"{when} {duration(who.after)}"
    if who.tries:
        facts.append(many(who.tries, "try", "tries"))
    page.put(
        Span(page.log(who.address), "bold"),
        Span(page.own(" " + " · ".join(facts)), tone),
        indent=2,
        hang=4,
    )
    if who.original:
        page.put(Span("written to ", "dim"), page.log(who.original), indent=6)
    said = " ".join(filter(None, (str(who.code or ""), who.enhanced or "", who.reply)))
    if said or who.relay:
        by = f"{who.relay}: " if who.relay else ""
        number = f" [{who.explained + 1}]" if who.explained is not None else ""
        page.put(
            Span(page.log(by), "dim"), page.excerpt(said, page.width * 5), number, indent=6, hang=8
        )


def _happenings(page: Page, story: Story, zone: str) -> None:
    if not story.happenings:
        return
    days = {h.time.date() for h in story.happenings}
    on = f"{figures.day(min(days))} " if len(days) == 1 else ""
    page.rule("Story", page.log(f"{on}({zone})"))
    several = len(story.hops) > 1
    day: date | None = None
    fine = _fine(story)
    shown_of = story.happenings
    if len(shown_of) > MOST_HAPPENINGS:
        shown_of = (*shown_of[: MOST_HAPPENINGS // 2], *shown_of[-MOST_HAPPENINGS // 2 :])
        left = many(len(story.happenings) - len(shown_of), "happening")
        page.put(Span(f"{left} in the middle left out; --format json has all", "dim"), indent=2)
    for first, alike in groupby(shown_of, key=_likeness):
        run = list(alike)
        shown = run if len(run) <= SAME else [run[0], run[-1]]
        for number, item in enumerate(shown):
            if item.time.date() != day and len(days) > 1:
                day = item.time.date()
                page.put(Span(figures.day(day), "bold"), indent=2)
            repeated = number > 0 and first is not None and len(run) > 1
            _happening(page, item, _letter(item.hop) if several else "", fine, again=repeated)
            if number == 0 and len(run) > SAME:
                page.put(Span(f"... and {figures.number(len(run) - 2)} more times the same", "dim"),
                         indent=_indent(several, fine))  # fmt: skip


def _likeness(item: Happening) -> tuple[object, ...]:
    return item.hop, item.what, item.code, item.enhanced, item.reply


def _fine(story: Story) -> bool:
    """Whether the logs tell more than whole seconds."""
    return any(h.time.microsecond for h in story.happenings)


def _indent(several: bool, fine: bool) -> int:
    return 2 + len("00:00:00") + (4 if fine else 0) + 2 + (3 if several else 0)


def _happening(
    page: Page, item: Happening, letter: str, fine: bool, *, again: bool = False
) -> None:
    time = f"{item.time:%H:%M:%S}" + (f".{item.time.microsecond // 1000:03}" if fine else "")
    hang = _indent(bool(letter), fine)
    times = f" (logged {figures.number(item.count)} times)" if item.count > 1 else ""
    mark = Span(f"{letter}  " if letter else "", "dim")
    page.put(Span(f"{time}  ", "dim"), mark, Span(page.log(item.what) + times, _STYLE[item.outcome]),
             indent=2, hang=hang)  # fmt: skip
    said = " ".join(filter(None, (str(item.code or ""), item.enhanced or "", item.reply)))
    number = f" [{item.explained + 1}]" if item.explained is not None else ""
    if again:
        if said:
            page.put(Span(f"the same reply{number}", "dim"), indent=hang)
        return
    if said:
        implied = " (code implied)" if item.implied else ""
        page.put(
            Span(page.excerpt(said, page.width * 4) + implied, "dim"),
            number,
            indent=hang,
            hang=hang,
        )


def _refusals(page: Page, story: Story) -> None:
    page.rule("Refused")
    for row in story.refusals:
        _refusal(page, row)


def _refusal(page: Page, row: Refusal) -> None:
    count = f" {figures.number(row.count)} times" if row.count > 1 else ""
    page.put(Span(page.log(row.what) + count, "bold"), Span(f"  {_span(row.first, row.last)}", "dim"),
             indent=2, hang=4)  # fmt: skip
    said = " ".join(filter(None, (str(row.code or ""), row.enhanced or "", row.reply)))
    number = f" [{row.explained + 1}]" if row.explained is not None else ""
    implied = " (code implied)" if row.implied else ""
    if said:
        first = "first: " if row.count > 1 and row.reply else ""
        page.put(
            Span(first, "dim"),
            page.excerpt(said, page.width * 3),
            implied,
            number,
            indent=6,
            hang=8,
        )
    for sender, recipient, n in row.pairs:
        times = f" ({figures.number(n)})" if row.count > 1 else ""
        to = f" to {recipient}" if recipient else ""
        page.put(page.log(f"{sender or '<>'}{to}") + times, indent=6, hang=8)
    if row.more_pairs:
        page.put(
            Span(f"and {figures.number(row.more_pairs)} other pairs of addresses", "dim"), indent=6
        )
    where = f"{row.place.file}:{row.place.line}"
    ids = f", queue id {', '.join(row.queue_ids)}" if row.queue_ids else ""
    page.put(Span(page.log(f"{where}{ids}"), "dim"), indent=6, hang=8)


def _explained(page: Page, story: Story) -> None:
    if not story.explained:
        return
    page.rule("What it means")
    for number, item in enumerate(story.explained, start=1):
        if number > 1:
            page.blank()
        _explanation(page, number, item)


def _explanation(page: Page, number: int, item: Explained) -> None:
    codes = " ".join(filter(None, (str(item.code or ""), item.enhanced or "")))
    tail = page.own(" · ").join(filter(None, (page.log(codes), page.log(item.by))))
    page.put(f"[{number}] ", Span(page.own(item.title), "bold"),
             Span(page.own(" · ") + tail if tail else "", "dim"), indent=2, hang=6)  # fmt: skip
    for label, text in (("Meaning", item.description), ("Seen when", item.when_seen),
                        ("To fix", item.how_to_fix), ("Who acts", item.who_acts)):  # fmt: skip
        for n, paragraph in enumerate(page.prose(text)):
            head = "" if n else label
            page.put(Span(f"{head:10}", "dim"), paragraph, indent=6, hang=16)


def _list(page: Page, trace: Trace) -> None:
    stories = trace.stories
    total = many(trace.total, "story", "stories")
    newest = f", the newest {len(stories)}" if len(stories) < trace.total else ""
    page.put(Span(page.log(trace.query), "bold"), f": {total}{newest}", hang=2)
    page.put(Span(("=" if page.ascii_only else "═") * page.width, "dim"))
    day: date | None = None
    for story in stories:
        if story.start.date() != day:
            day = story.start.date()
            page.put(Span(f"{figures.day(day)} ({page.log(trace.timezone)})", "dim"))
        _entry(page, story)
    page.blank()
    ids = [s.queue_id for s in stories if s.queue_id]
    if ids:
        page.put(Span("One story: ", "dim"), page.log(f"smtplens trace {ids[-1]} ..."), hang=2)
    page.put(Span("All of them: ", "dim"), "--all", hang=2)


def _entry(page: Page, story: Story) -> None:
    tone = _STYLE[_TONE.get(story.outcome, "")]
    if story.kind == "refusals":
        total = sum(r.count for r in story.refusals)
        who = f"{many(total, 'refusal')} for {_client(story)}"
        head = "-"
    else:
        to = [r.address for r in story.recipients]
        more = f" +{len(to) - 1}" if len(to) > 1 else ""
        who = f"{story.sender if story.sender else '<>'} to {to[0] if to else '?'}{more}"
        head = story.queue_id
    page.put(
        f"{story.start:%H:%M:%S}  ",
        Span(page.log(head), "bold"),
        "  ",
        page.log(who),
        indent=2,
        hang=12,
    )
    page.put(Span(page.log(story.summary), tone), indent=12)
