"""How a comparison's numbers and names are written; the same in text and Markdown."""

from collections.abc import Iterable

from .diff import CHANGED, SHARES, VERDICTS, Change, Diff, Side
from .figures import count, number, share, size
from .safe import clean

TITLES = {
    "codes": "Replies, as shares of the replies of the same direction",
    "findings": "Refusals by cause and place, as shares of the replies of the same direction",
    "providers": "Mailbox providers: refusals as shares of each one's replies",
}
TOLD = (*CHANGED, "uneven")
"""Verdicts whose rows are told one by one; of the others the number is told."""
REMEDIES = ("findings",)
"""Tables whose risen rows come with what to do; the replies' rows are the same once more."""
_LONGEST = 80


def period(side: Side) -> str:
    """Write what a side covers."""
    if side.start is None or side.end is None:
        return f"no dated lines, {count(side.lines, 'line')}"
    last = (
        f"{side.end:%H:%M:%S}"
        if side.start.date() == side.end.date()
        else (f"{side.end:%Y-%m-%d %H:%M:%S}")
    )
    lines = count(side.lines, "line")
    return f"{side.start:%Y-%m-%d %H:%M:%S} to {last}, {side.hours:,.1f} hours covered, {lines}"


def name(change: Change) -> str:
    """Write what a row is: `inbound 550 5.1.1 no-such-user`."""
    if change.what:
        return change.what
    digits = [str(change.code) if change.code is not None else "", clean(change.enhanced or "")]
    parts = [change.direction, *digits, clean(change.cause), clean(change.place)]
    return " ".join(p if len(p) <= _LONGEST else p[: _LONGEST - 1] + "…" for p in parts if p)


def rate(value: float | None, exposure: str) -> str:
    """Write a rate: 1.2 % or 51.4/h."""
    if value is None:
        return "-"
    if exposure in SHARES:
        return share(value)
    return f"{value:,.1f}/h" if value >= 10 else f"{value:,.2f}/h"


def ratio(change: Change) -> str:
    """Write how many times as much B is: `1.90 times (1.50 to 2.41)`."""
    low = "0" if change.low is None else factor(change.low)
    bounds = f"{low} or more" if change.high is None else f"{low} to {factor(change.high)}"
    if change.ratio is None or (change.a == 0 and change.b):
        return f"({bounds})"
    return f"{factor(change.ratio)} times ({bounds})"


def factor(value: float) -> str:
    """Write a factor with as many digits as it is worth."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def chance(change: Change) -> str:
    """Write the adjusted p of a row."""
    q = change.q
    return "" if q is None else "p < 0.001" if q < 0.001 else f"p = {q:.3f}"


def groups(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    """Rows by verdict, those without any left out."""
    rows = list(changes)
    found = [(v, [c for c in rows if c.verdict == v]) for v in VERDICTS]
    return [(verdict, group) for verdict, group in found if group]


def explained(change: Change) -> bool:
    """Whether a row comes with its remedy: it rose or is new."""
    return change.verdict in ("new", "rose") and change.advice is not None


def sizes(diff: Diff) -> str:
    """Write the mean size of messages on both sides."""
    a, b = (None if v is None else size(round(v)) for v in diff.bytes_per_message)
    return "" if a is None or b is None else f"{a} in A, {b} in B"


def seconds(value: float) -> str:
    """Write a duration."""
    return (
        f"{value:,.0f} s" if value >= 100 else f"{value:,.1f} s" if value >= 1 else f"{value:.3f} s"
    )


def method(diff: Diff) -> str:
    """Say what was tested, and what the words mean."""
    return (
        f"A difference is told from {number(diff.least_count)} on either side and a factor of"
        f" {diff.least_ratio:g} on, where its own hours and days vary less; at most"
        f" {diff.alpha:.0%} of what is told should be chance. Ranges are 95 %."
    )
