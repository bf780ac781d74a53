"""What a report says in one sentence: the subject of a mail, the head of a message elsewhere."""

import re

from . import figures, outline
from .model import Report, Spike
from .safe import clean
from .words import Words, words_of

NAMED_HOSTS = 2
LONGEST_HOST = 64
_UNSAFE = re.compile(r"[^\w.:-]|[\u0300-\u036f]")


def verdict(report: Report, *, complete: bool = True) -> str:
    """Say of which host this is and what is wrong there, the worst first.

    `complete` is False where an input is missing or broke off: then nothing is called usual.
    """
    words = words_of(report)
    return f"{who(report, words)}: {', '.join(what(report, words, complete=complete))}"


def who(report: Report, words: Words) -> str:
    """Name the hosts, of many the first few; nothing but letters, digits and `.:-_` is left."""
    hosts = [_UNSAFE.sub("_", clean(host))[:LONGEST_HOST] for host in report.hosts]
    return figures.listing(hosts, NAMED_HOSTS, words) or words("unknown host")


def what(report: Report, words: Words, *, complete: bool) -> list[str]:
    """List what someone has to know: problems, then what is missing; or that there is nothing."""
    found: list[str] = []
    problems = len(outline.actions(report))
    if problems:
        found.append(figures.count(problems, "problem", words=words))
    spikes = [spike for spike in report.spikes if spike.part_of is None]
    if spikes:
        found.append(spiked(report, spikes[0], words))
    if spikes[1:]:
        found.append(figures.count(len(spikes) - 1, "more spike", words=words))
    if report.gaps:
        found.append(
            figures.count(len(report.gaps), "gap in the log", "gaps in the log", words=words)
        )
    if not complete or any(i.problem is not None for i in report.inputs):
        found.append(words("input incomplete"))
    if not report.codes and outline.no_mail(report.totals):
        found.append(words("no mail seen"))
    return found or [words("nothing unusual")]


def spiked(report: Report, spike: Spike, words: Words) -> str:
    """Name what rose and when: the date only where the report covers several."""
    digits = (str(spike.code or ""), clean(spike.enhanced or ""))
    series = " ".join(filter(None, digits)) or words("refusals")
    several = report.start and report.end and report.start.date() != report.end.date()
    when = f"{spike.onset:%Y-%m-%d %H:%M}" if several else f"{spike.onset:%H:%M}"
    if spike.onset_is_minute:
        return words("{series} spiked at {time}", series=series, time=when)
    return words("{series} spiked after {time}", series=series, time=when)
