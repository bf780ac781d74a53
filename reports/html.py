"""The report as one HTML file: no script, nothing loaded from anywhere, fit to mail or print."""

from functools import cache
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import figures, outline
from .model import Report
from .safe import JOINERS, clean, prose

T = TypeVar("T")
BAR = 10
"""Width of an hour in the drawing; the height of a row of bars is 40."""


def render(report: Report) -> str:
    """Write the report as a self-contained page."""
    days, skipped = outline.days(report)
    actions = outline.actions(report)
    numbers = {id(action.row): number for number, action in enumerate(actions, start=1)}
    return _environment().get_template("report.html.j2").render(
        report=report,
        clock=figures.Clock(report),
        totals=[] if outline.no_mail(report.totals) else outline.totals(report.totals),
        sections=list(outline.sections(report)),
        actions=actions,
        number_of=lambda row: numbers.get(id(row)),
        idle=outline.idle(report),
        days=days,
        skipped=skipped,
        columns=outline.HOUR_COLUMNS,
        bars=bars(report),
        bar=BAR,
    )  # fmt: skip


def bars(report: Report) -> list[tuple[str, int, str]]:
    """Draw the hours: name, largest value and SVG path, for every column that has any mail."""
    found = []
    for name, get in outline.HOUR_COLUMNS.items():
        values = [get(h.flow) for h in report.hours]
        most = max(values, default=0)
        if most > 0:
            steps = [f"M{i * BAR + 1} 40v-{max(v / most * 40, 1):.1f}h{BAR - 2}V40z"
                     for i, v in enumerate(values) if v > 0]  # fmt: skip
            found.append((name, most, "".join(steps)))
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_harmless,
    )
    environment.filters |= {
        "code": figures.code,
        "count": figures.count,
        "day": figures.day,
        "number": figures.number,
        "period": figures.period,
        "prose": _prose,
        "severity": figures.severity,
        "share": figures.share,
    }
    return environment


def _harmless(value: T) -> T | str:
    """Clean every value that the template prints; markup is what the template made itself."""
    return (
        clean(value, JOINERS) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def _prose(text: str) -> Markup:
    """Set our own paragraphs, with `backticks` as code."""
    shown = Markup()
    for paragraph in prose(text):
        parts = paragraph.split("`")
        if len(parts) % 2 == 0:
            parts = [paragraph]
        pieces = (Markup("<code>{}</code>").format(p) if i % 2 else Markup.escape(p)
                  for i, p in enumerate(parts))  # fmt: skip
        shown += Markup("<p>{}</p>").format(Markup().join(pieces))
    return shown
