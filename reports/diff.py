"""Two periods side by side, as every renderer is given them: counted, tested and explained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .model import Advice

VERDICTS: Final = {
    "new": "New: only in B",
    "rose": "Rose",
    "fell": "Fell",
    "gone": "Gone: only in A",
    "uneven": "Differs, but no more than its own hours and days do",
    "unchanged": "Unchanged",
    "unclear": "Unclear: the range holds both no change and a large one",
    "too few to tell": "Too few to tell",
}
"""What can be said of a row, in the order in which it is told."""
CHANGED: Final = ("new", "rose", "fell", "gone")
SHARES: Final = ("replies", "provider")
"""Exposures that are counts: the rate is a share of them."""

FORMATS: Final = {
    "text": "diff_text:render",
    "json": "diff_json:render",
    "md": "diff_markdown:render",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two periods; times are aware."""

    name: str
    """A or B."""
    inputs: tuple[str, ...]
    start: datetime | None
    end: datetime | None
    hours: float
    """How much of that time the log covers."""
    hosts: tuple[str, ...]
    lines: int
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One number on both sides, and what can be said of its difference."""

    what: str
    """Our own word of a total; empty for codes, findings and providers."""
    a: int
    b: int
    rate_a: float | None
    """Per exposure: a share of the replies (0 to 1), or a number per hour; None without exposure."""
    rate_b: float | None
    ratio: float | None
    """B's rate over A's, over the hours of the day that both cover; None where A has none."""
    low: float | None
    """The ratio's 95 % range; `high` is None where it has no upper end."""
    high: float | None
    p: float | None
    """Of a difference as large by chance, with the unrest of this row's own hours and days."""
    q: float | None
    """The same among all rows of its table (Benjamini and Hochberg)."""
    dispersion: float
    """How much more it varies than events that come one by one."""
    verdict: str
    exposure: str = "hours"
    """hours: per hour covered; replies: of the direction's replies; provider: of the provider's."""
    direction: str = ""
    code: int | None = None
    enhanced: str | None = None
    cause: str = ""
    place: str = ""
    """Mailbox provider or peer; raw text of the log where it is no provider."""
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """Percentiles of a duration, in seconds. Not tested."""

    what: str
    a: int
    b: int
    p50_a: float
    p50_b: float
    p95_a: float
    p95_b: float


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything one comparison says."""

    a: Side
    b: Side
    timezone: str
    totals: tuple[Change, ...]
    codes: tuple[Change, ...]
    findings: tuple[Change, ...]
    providers: tuple[Change, ...]
    delays: tuple[Delay, ...]
    bytes_per_message: tuple[float | None, float | None]
    """Mean size of a received message on both sides. Not tested."""
    least_count: int
    least_ratio: float
    alpha: float
    notes: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[str, tuple[Change, ...]]:
        """The tested tables by name."""
        return {
            "totals": self.totals,
            "codes": self.codes,
            "findings": self.findings,
            "providers": self.providers,
        }

    @property
    def changed(self) -> bool:
        """Whether anything rose, fell, is new or gone."""
        return any(c.verdict in CHANGED for table in self.tables.values() for c in table)


def render(diff: Diff, fmt: str, **options: object) -> str:
    """Render a comparison as `fmt`; only text has options (width, colour, ascii_only)."""
    from importlib import import_module

    module, _, function = FORMATS[fmt].partition(":")
    text: str = getattr(import_module(f".{module}", __package__), function)(diff, **options)
    return text
