"""Spikes and gaps as plain text."""

from . import figures, safe, spikes
from .layout import Page, Span
from .model import Report, Spike, SpikeParts
from .words import words_of

LEFT = 5
"""Columns before the facts of a spike."""


def section(page: Page, report: Report) -> None:
    """Say what is unusual; nothing at all where nothing is and nobody asked."""
    if not spikes.is_shown(report):
        return
    words = words_of(report)
    alone = [s for s in report.spikes if s.part_of is None]
    count = figures.count(len(alone), "spike", words=words) if alone else ""
    page.rule(page.say("Spikes"), page.own(count))
    for gap in report.gaps:
        host = [page.own(" · "), page.log(gap.host)] if gap.host else []
        page.put(Span(page.say("Gap"), "yellow"), *host, page.own(": "),
                 page.own(spikes.gap(gap, words)), indent=2, hang=4)  # fmt: skip
    if not report.spikes:
        page.put(page.own(spikes.nothing(report, words)), indent=2)
    clock = figures.Clock(report)
    told: dict[str, int] = {}
    for spike in report.spikes:
        page.blank()
        _heading(page, report, spike)
        if spike.part_of is None:
            _facts(page, spike, clock)
            _remedy(page, spike, told)
        else:
            page.put(page.own(spikes.seen(spike, words)), indent=LEFT)


def _heading(page: Page, report: Report, spike: Spike) -> None:
    words = page.words
    named = [t for n in spikes.names(spike, report) for t in (page.own(" · "), page.log(n))]
    part: list[Span] = []
    if spike.part_of is not None:
        part = [Span(" " + page.say("(part of {number})", number=spike.part_of), "dim")]
    digits, space, rest = page.own(spikes.heading(spike, words)).partition(" ")
    page.put(
        f"{spike.id}. ", Span(digits, "red"), Span(space + rest, "bold"), *named, *part,
        indent=2, hang=LEFT,
    )  # fmt: skip


def _facts(page: Page, spike: Spike, clock: figures.Clock) -> None:
    words = page.words
    for label, text in spikes.facts(spike, clock, words):
        _labelled(page, label, page.own(text))
    drawn = spikes.strip(spike, ascii_only=page.ascii_only)
    remark = page.own(spikes.strip_remark(spike, words))
    _labelled(page, words("By hour"), page.own(drawn), Span(f"  {remark}", "dim"))
    for parts in spike.parts:
        _parts(page, parts)


def _parts(page: Page, parts: SpikeParts) -> None:
    spans: list[Span | str] = []
    for part in parts.rows:
        spans += [page.own(", ") if spans else "", page.log(part.name)]
        spans.append(Span(page.own(f" ({spikes.member(part)})"), "dim"))
    if more := parts.distinct - len(parts.rows):
        spans.append(page.own(", " if spans else ""))
        spans.append(page.say("{count} more", count=figures.number(more)))
    _labelled(page, spikes.kind(parts, page.words), *spans)


def _remedy(page: Page, spike: Spike, told: dict[str, int]) -> None:
    """Explain the code; what was explained above is named by its number."""
    words, key = page.words, spike.advice.description + spike.advice.how_to_fix
    if key in told:
        same = page.say("Same meaning and same fix as {number} above.", number=told[key])
        page.put(same, indent=LEFT)
        return
    told[key] = spike.id
    for label, text in spikes.remedy(spike, words):
        shown = page.prose(words.own(text))
        for number, paragraph in enumerate(shown):
            _labelled(page, "" if number else label, paragraph)


def _labelled(page: Page, label: str, *spans: Span | str) -> None:
    room = 1 + max(safe.width(page.words(text)) for text in spikes.LABELS)
    if not label:
        page.put(*spans, indent=LEFT + room)
        return
    shown = page.own(label)
    pad = " " * (room - safe.width(shown))
    page.put(Span(shown + pad, "dim"), *spans, indent=LEFT, hang=LEFT + room)
