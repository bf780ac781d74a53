"""What a report says of spikes and gaps, before any format is chosen."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from . import figures
from .model import Gap, Report, Spike, SpikePart, SpikeParts
from .safe import clean
from .words import Words

LABELS: Final = ("Since", "Seen", "Compared", "Estimate", "This rule", "Beware", "Mostly",
          "By hour", "clients", "networks", "relays", "providers", "senders at", "rcpts at",
          "Meaning", "To fix", "Who acts")  # fmt: skip
"""What stands before a fact."""
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = ".:-=+*#@"
_SMALLEST: Final = 1e-300


class Fact(NamedTuple):
    """A sentence of our own and what it is about."""

    label: str
    text: str


def is_shown(report: Report) -> bool:
    """Whether there is anything to say, or the reader asked whether there is."""
    return bool(report.spikes or report.gaps or report.spikes_asked)


def nothing(report: Report, words: Words) -> str:
    """Say in one line why no spike is listed."""
    match report.spikes_state:
        case "short":
            return words("The log covers too little time to say what is unusual in it.")
        case "filtered":
            return words("Not looked for: with --code there is nothing to compare with.")
        case "":
            return words("Not looked for.")
        case _:
            return words("Nothing stands out.")


def code(spike: Spike, words: Words) -> str:
    """Write which replies these are: `502`, `550 5.1.1`, or their cause."""
    digits = [str(spike.code) if spike.code is not None else "", clean(spike.enhanced or "")]
    named = " ".join(filter(None, digits))
    return named or clean(spike.cause or "") or words("own verdicts")


def title(spike: Spike, words: Words) -> str:
    """Write what the replies mean."""
    return words.own(spike.advice.title)


def minute(clock: figures.Clock, spike: Spike) -> str:
    """Write when it began, to the minute; an hour where only that is known."""
    return clock.time(spike.onset).rpartition(":")[0]


def facts(spike: Spike, clock: figures.Clock, words: Words) -> Iterator[Fact]:
    """Say when, how many, against what, how sure, and how often this rule says so."""
    since, end = minute(clock, spike), clock.time(spike.ended).rpartition(":")[0]
    if spike.onset_is_minute:
        yield Fact(words("Since"), words("{since}, until {end}", since=since, end=end))
    else:
        told = words("the hour from {since}, until {end}", since=since, end=end)
        yield Fact(words("Since"), told)
    yield Fact(words("Seen"), seen(spike, words))
    yield Fact(words("Compared"), compared(spike, words))
    yield Fact(words("Estimate"), estimate(spike, words))
    yield Fact(words("This rule"), fired(spike, words))
    if spike.after_gap:
        told = words("The log has a gap shortly before: perhaps a queue was flushed.")
        yield Fact(words("Beware"), told)
    if mostly := common(spike, words):
        yield Fact(words("Mostly"), mostly)


def fired(spike: Spike, words: Words) -> str:
    """Say how often this rule gives an alarm for such replies."""
    days = figures.count(spike.fired_days, "day", words=words)
    if not spike.fired:
        return words("would have given no alarm on the {days} before", days=days)
    alarms = figures.count(spike.fired, "alarm", words=words)
    return words("would have given {alarms} on the {days} before", alarms=alarms, days=days)


def seen(spike: Spike, words: Words) -> str:
    """Say how many there were, and how many there should have been."""
    hours = (spike.end - spike.start).total_seconds() / 3600
    return words(
        "{observed} from {first} to {last}, {ratio} times the {expected} expected (99 % of such {hours}: {low} to {high}); {share} of the refusals then",
        observed=figures.number(spike.observed),
        first=f"{spike.start:%H:%M}",
        last=f"{spike.end:%H:%M}",
        ratio=rounded(spike.ratio),
        expected=rounded(spike.expected),
        hours=words("hours") if hours <= 1 else words("stretches"),
        low=figures.number(spike.low),
        high=figures.number(spike.high),
        share=figures.share(spike.share),
    )


def compared(spike: Spike, words: Words) -> str:
    """Say what the expectation comes from."""
    if spike.baseline == "log":
        return words("unusual within this log (no history): with its share of all traffic")
    return words(
        "history by the hour of the week, worth {hours} hours; last days at {level} of their level",
        hours=rounded(spike.comparable),
        level=figures.share(spike.factor),
    )


def estimate(spike: Spike, words: Words) -> str:
    """Say how likely chance is, and that this is a model's word."""
    return words(
        "p {p}, q {q} by the model, no guarantee; dispersion {dispersion}",
        p=probability(spike.p),
        q=probability(spike.q),
        dispersion=rounded(spike.dispersion),
    )


def common(spike: Spike, words: Words) -> str:
    """Name the commonest kind of reply, where the series holds several."""
    if spike.enhanced is not None or not spike.commonest.count:
        return ""
    kind = spike.commonest
    digits = " ".join(filter(None, (str(kind.code or ""), clean(kind.enhanced or ""))))
    cause = clean(spike.commonest_cause)
    if digits == code(spike, words) and spike.cause == cause:
        return ""
    return f"{digits} {cause} ({figures.number(kind.count)})".strip()


def remedy(spike: Spike, words: Words) -> list[Fact]:
    """Give the knowledge base's words as they are; see Words.own."""
    advice = spike.advice
    return [
        Fact(words("Meaning"), advice.description),
        Fact(words("To fix"), advice.how_to_fix),
        Fact(words("Who acts"), advice.who_acts),
    ]


def kind(parts: SpikeParts, words: Words) -> str:
    """Write what kind of names these are."""
    match parts.kind:
        case "clients":
            return words("clients")
        case "networks":
            return words("networks")
        case "relays":
            return words("relays")
        case "providers":
            return words("providers")
        case "sender_domains":
            return words("senders at")
        case _:
            return words("rcpts at")


def heading(spike: Spike, words: Words) -> str:
    """Write what a spike is of, but for the names of the log in it."""
    return f"{code(spike, words)} {words(spike.direction)} · {title(spike, words)}"


def names(spike: Spike, report: Report) -> list[str]:
    """List the names of the log that a heading has: what it is grouped by, and its host."""
    host = spike.host if len(report.hosts) > 1 else ""
    return [name for name in (spike.name, host) if name]


def member(part: SpikePart) -> str:
    """Write how much a name adds."""
    return f"{figures.share(part.share)}, {figures.number(part.count)}"


def strip(spike: Spike, *, ascii_only: bool = False) -> str:
    """Draw the hours of the day, a sign each; what the log does not cover is a `?`."""
    signs = _ASCII if ascii_only else _BLOCKS
    most = max((h.count or 0 for h in spike.hours), default=0)
    drawn = ""
    for hour in spike.hours:
        if hour.count is None:
            drawn += "?"
        elif not hour.count:
            drawn += "_" if ascii_only else "·"
        else:
            drawn += signs[-(-hour.count * len(signs) // most) - 1]
    return drawn


def strip_remark(spike: Spike, words: Words) -> str:
    """Say what the strip shows."""
    most = max((h.count or 0 for h in spike.hours), default=0)
    return words(
        "{date}, hour by hour; at most {most}",
        date=f"{spike.began:%Y-%m-%d}",
        most=figures.number(most),
    )


def gap(found: Gap, words: Words) -> str:
    """Say where the log is silent; the host stands beside it."""
    last = f"{found.end:%H:%M}" if found.start.date() == found.end.date() else _moment(found.end)
    return words(
        "Nothing was logged from {start} to {end}; about {lines} lines are missing.",
        start=_moment(found.start),
        end=last,
        lines=figures.number(found.expected_lines),
    )


def _moment(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def rounded(value: float) -> str:
    """Write three digits that count."""
    if value >= 100:
        return figures.number(round(value))
    return f"{value:.3g}"


def probability(value: float) -> str:
    """Write a p or q."""
    if value < _SMALLEST:
        return "<1e-300"
    return f"{value:.2g}"
