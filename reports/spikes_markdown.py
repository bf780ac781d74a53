"""Spikes and gaps in Markdown."""

from . import figures, spikes
from .model import Report, Spike, SpikeParts
from .safe import markdown as own
from .safe import markdown_code as log
from .safe import markdown_prose, prose
from .words import Words


def section(report: Report, words: Words) -> list[str]:
    """Say what is unusual; nothing where nothing is and nobody asked."""
    if not spikes.is_shown(report):
        return []
    found = [f"## {words('Spikes')}", ""]
    for gap in report.gaps:
        host = f" {log(gap.host)}" if gap.host else ""
        found += [f"- **{words('Gap')}**{host}: {own(spikes.gap(gap, words))}"]
    if not report.spikes:
        found += ["", own(spikes.nothing(report, words))]
    clock = figures.Clock(report)
    for spike in report.spikes:
        found += ["", *_spike(spike, report, clock, words)]
    return [*found, ""]


def _spike(spike: Spike, report: Report, clock: figures.Clock, words: Words) -> list[str]:
    named = "".join(f" · {log(name)}" for name in spikes.names(spike, report))
    part = ""
    if spike.part_of is not None:
        part = " " + own(words("(part of {number})", number=spike.part_of))
    found = [f"### {spike.id}. {own(spikes.heading(spike, words))}{named}{part}", ""]
    facts = [(f.label, own(f.text)) for f in spikes.facts(spike, clock, words)]
    facts.append((words("By hour"), f"{log(spikes.strip(spike))} "
                  f"{own(spikes.strip_remark(spike, words))}"))  # fmt: skip
    facts += [(spikes.kind(parts, words), _names(parts, words)) for parts in spike.parts]
    found += [f"- **{own(label)}:** {text}" for label, text in facts]
    if spike.part_of is None:
        for label, text in spikes.remedy(spike, words):
            told = " ".join(map(markdown_prose, prose(words.own(text))))
            found += ["", f"**{own(label)}:** {told}"]
    return found


def _names(parts: SpikeParts, words: Words) -> str:
    told = [f"{log(part.name)} ({own(spikes.member(part))})" for part in parts.rows]
    if more := parts.distinct - len(parts.rows):
        told.append(own(words("{count} more", count=figures.number(more))))
    return ", ".join(told)
