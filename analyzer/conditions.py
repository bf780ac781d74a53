"""Conditions on a finished report: `--fail-on` ends a run with status 1, `--only-if` keeps quiet.

    spike, spike:502, spike:5xx, spike:5.7.1    a spike, of that code
    gap                                         a host's log is silent and should not be
    problems, spikes, changes                   something needs action, stands out, differs
    NAME OP NUMBER[%]                           a count, or a share of a whole, exactly

OP is > >= < or <=. What a NAME counts, and the whole that a percentage is of:

    sent, deferred, bounced     recipients delivered, put off, refused for good; of delivery
                                attempts, which are all three together
    rejected                    mail refused to clients; of mail offered (received and rejected)
    received, expired           messages taken; recipients given up. Counts only
    unrecognised                lines not understood; of the lines of mail servers
    code:550, code:5xx,         replies given, received and own verdicts with that reply code or
    code:5.7.26                 enhanced code; of all of them

Where the whole is 0 a condition on a share is not met.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import Any, Final

from reports.model import Report, Spike
from reports.outline import actions

from .exits import Exit, Refused

_OPERATORS: Final[dict[str, Callable[[Fraction, Fraction], bool]]] = {
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
}
_SHARES: Final = {
    "sent": "delivery attempts",
    "deferred": "delivery attempts",
    "bounced": "delivery attempts",
    "rejected": "mails offered",
    "unrecognised": "lines of mail servers",
}
"""What a share of each is of."""
_COUNTS: Final = ("received", "expired")
_STATES: Final = ("problems", "spikes", "changes")
_EVENTS: Final = ("spike", "gap")
_CODE = r"[1-9][0-9]{2}|[2-5]xx|[245]\.[0-9]{1,3}\.[0-9]{1,3}"
_COMPARED = re.compile(rf"([a-z]+)(?::({_CODE}))?\s*(>=|<=|>|<)\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)")
_NAMED = re.compile(rf"([a-z]+)(?::({_CODE}))?")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as it was asked for, and what it says."""

    text: str
    name: str
    code: str = ""
    operator: str = ""
    limit: Fraction = Fraction(0)
    """The number; of a percentage, the share (5 % is 1/20)."""
    share: bool = False

    @property
    def needs_spikes(self) -> bool:
        """Whether spikes have to be looked for to tell."""
        return self.name in ("spike", "spikes", "problems")

    @property
    def needs_history(self) -> bool:
        """Whether it compares with the period before."""
        return self.name == "changes"

    @property
    def is_of_spikes(self) -> bool:
        """Whether it is about nothing else."""
        return self.name in ("spike", "spikes")


def parse(text: str) -> Condition:
    """Read a condition; raises Refused with a hint where it is none."""
    given = text.strip().lower()
    if found := _COMPARED.fullmatch(given):
        name, code, operator, number, percent = found.groups(default="")
        if _is_counted(name, code) and (not percent or name in _SHARES or name == "code"):
            limit = Fraction(number) / (100 if percent else 1)
            return Condition(text, name, code, operator, limit, bool(percent))
        if percent and name in _COUNTS:
            raise _refused(text, f"{name} is a count, without %")
    elif found := _NAMED.fullmatch(given):
        name, code = found[1], found[2] or ""
        if name == "spike" or (name in ("gap", *_STATES) and not code):
            return Condition(text, name, code)
        if _is_counted(name, code):
            raise _refused(text, f"how many? for example {given}>0")
    raise _refused(text, _hint(given))


def _is_counted(name: str, code: str) -> bool:
    return bool(code) if name == "code" else not code and name in (*_SHARES, *_COUNTS)


def _refused(text: str, hint: str) -> Refused:
    return Refused(f"condition {text!r}: {hint}", Exit.USAGE)


def _hint(given: str) -> str:
    word = (re.match("[a-z]*", given) or [""])[0]
    names = (*_SHARES, *_COUNTS, *_STATES, *_EVENTS, "code")
    if word == "code" or (word in _EVENTS and ":" in given):
        return f"{word}: wants a code: 550, 5xx or 5.7.1"
    if word in names:
        return "an operator (> >= < <=) and a number, like bounced>5% or code:550>10"
    near = get_close_matches(word, names, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


def conditions_of(options: dict[str, Any], name: str) -> tuple[Condition, ...]:
    """The conditions of `--fail-on` or `--only-if`; raises Refused for one that cannot be told."""
    asked: Iterable[str] = options.get(name) or ()
    found = tuple(parse(text) for text in asked)
    if any(c.needs_history for c in found) and not options.get("compares"):
        raise Refused("condition 'changes': only `cron` knows the period before", Exit.USAGE)
    return found


def met(conditions: Sequence[Condition], report: Report) -> tuple[str, ...]:
    """What to say of each condition that is met: the condition and the figure."""
    told = ((c, _figure(c, report)) for c in conditions)
    return tuple(f"{c.text}: {figure}" for c, figure in told if figure)


def _figure(condition: Condition, report: Report) -> str:
    """The figure that meets a condition; empty where it is not met."""
    match condition.name:
        case "spike" | "spikes":
            return _spikes(report, condition.code)
        case "gap":
            return _gaps(report)
        case "problems":
            return _problems(report)
        case "changes":
            return "; ".join(report.changes or ())
    count, whole = _counted(condition, report)
    test = _OPERATORS[condition.operator]
    if not condition.share:
        return f"{count:,}" if test(Fraction(count), condition.limit) else ""
    if not whole or not test(Fraction(count, whole), condition.limit):
        return ""
    return f"{count:,} of {whole:,} {_SHARES.get(condition.name, 'replies')} ({count / whole:.4%})"


def _counted(condition: Condition, report: Report) -> tuple[int, int]:
    """The count and the whole it is a share of; 0 where there is none."""
    flow, name = report.totals, condition.name
    delivered = {"sent": flow.sent, "deferred": flow.deferrals, "bounced": flow.bounced}
    if name in delivered:
        return delivered[name], sum(delivered.values())
    if name == "rejected":
        return flow.rejected, flow.received + flow.rejected
    if name == "unrecognised":
        return report.lines.unrecognised, report.lines.total - report.lines.foreign
    if name == "code":
        mine = sum(row.count for row in report.codes if _is(row.code, row.enhanced, condition.code))
        return mine, sum(row.count for row in report.codes)
    return (flow.received if name == "received" else flow.expired), 0


def _is(code: int | None, enhanced: str | None, asked: str) -> bool:
    if "." in asked:
        return enhanced == asked
    if asked.endswith("xx"):
        return code is not None and code // 100 == int(asked[0])
    return code == int(asked)


def _is_of(spike: Spike, asked: str) -> bool:
    """Whether a spike is one of a code: its own, or that of more than half of its replies."""
    mostly = spike.commonest
    own = _is(spike.code, spike.enhanced, asked)
    return own or (mostly.count * 2 > spike.observed and _is(mostly.code, mostly.enhanced, asked))


def _spikes(report: Report, code: str) -> str:
    found = [s for s in report.spikes if not code or _is_of(s, code)]
    if not found:
        return ""
    worst = found[0]
    named = worst.enhanced or worst.code or worst.cause or "own verdicts"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"{worst.direction} {named} since {worst.onset:%Y-%m-%d %H:%M}, {worst.observed:,} where"
        f" {worst.expected:.3g} were expected{more}"
    )


def _gaps(report: Report) -> str:
    if not report.gaps:
        return ""
    gap = report.gaps[0]
    more = f" and {len(report.gaps) - 1} more" if len(report.gaps) > 1 else ""
    host = f" by {gap.host}" if gap.host else ""
    return f"nothing logged{host} from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M}{more}"


def _problems(report: Report) -> str:
    """Findings that need action, spikes, gaps, inputs that were not read to their end."""
    counts = {
        "findings need action": len(actions(report)),
        "spikes": sum(s.part_of is None for s in report.spikes),
        "gaps": len(report.gaps),
        "inputs broken": sum(i.problem is not None for i in report.inputs),
    }
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n)
