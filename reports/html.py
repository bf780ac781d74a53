"""The report as one HTML file: no script, nothing loaded from anywhere, fit to mail or print."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from . import figures, listings, outline, spikes
from .model import Report
from .safe import JOINERS, clean, prose
from .words import Words, words_of

T = TypeVar("T")
BAR = 10
"""Width of an hour in the drawing; the height of a row of bars is 40."""


def render(report: Report, template: str = "report.html.j2") -> str:
    """Write the report as a self-contained page; another template may show it for mail."""
    words, clock = words_of(report), figures.Clock(report)
    days, skipped = outline.days(report)
    actions = outline.actions(report)
    numbers: dict[tuple[object, ...], int] = {}
    for number, action in enumerate(actions, start=1):
        for code in action.finding.codes:
            key = (action.finding.direction, action.finding.cause, code.code, code.enhanced)
            numbers.setdefault(key, number)
    return _environment().get_template(template).render(
        report=report,
        words=words,
        t=_saying(words),
        clock=clock,
        fates=outline.fates(report.lines),
        totals=[] if outline.no_mail(report.totals) else outline.totals(report.totals, words),
        sections=list(outline.sections(report)),
        actions=actions,
        number_of=lambda r: numbers.get((r.direction, r.cause, r.code, r.enhanced)),
        idle=outline.idle(report),
        days=days,
        skipped=skipped,
        columns=outline.HOUR_COLUMNS,
        bars=bars(report),
        spikes=spikes,
        spikes_alone=sum(s.part_of is None for s in report.spikes),
        bar=BAR,
        remark=lambda listing: listings.heading(listing, words),
        said=lambda text: listings.said(text, words),
        cell=lambda value, column: listings.written(value, column, clock, words),
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
        "code": _in_words(figures.code),
        "codes": _in_words(figures.codes),
        "count": _in_words(figures.count),
        "day": _in_words(figures.day),
        "name": _in_words(outline.name),
        "number": figures.number,
        "period": figures.period,
        "prose": _in_words(_prose),
        "reasons": _in_words(outline.reasons),
        "severity": _in_words(figures.severity),
        "share": figures.share,
        "shown": _in_words(outline.shown),
    }
    return environment


def _in_words(write: Callable[..., str | list[str]]) -> Callable[..., str | list[str]]:
    """Make a filter of a function that needs to know the report's language."""

    @pass_context
    def filtered(context: Context, *values: Any) -> str | list[str]:
        return write(*values, words=context["words"])

    return filtered


def _saying(words: Words) -> Callable[..., Markup]:
    """Give the template its own texts; a blank takes text or what the template has marked up."""

    def say(english: str, **values: object) -> Markup:
        text = Markup(escape(_harmless(words.pattern(english))))  # noqa: S704
        return text.format(**{k: _harmless(v) for k, v in values.items()}) if values else text

    return say


def _harmless(value: T) -> T | str:
    """Clean every value that the template prints; markup is what the template made itself."""
    return (
        clean(value, JOINERS) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def _prose(text: str, words: Words) -> Markup:
    """Set our own paragraphs, with `backticks` as code."""
    shown = Markup()
    code = Markup("<code>{}</code>")
    if words.lang != "en":
        code = Markup('<code lang="en" translate="no">{}</code>')
    for paragraph in prose(words.own(text)):
        parts = paragraph.split("`")
        if len(parts) % 2 == 0:
            parts = [paragraph]
        pieces = (code.format(p) if i % 2 else Markup.escape(p)
                  for i, p in enumerate(parts))  # fmt: skip
        shown += Markup("<p>{}</p>").format(Markup().join(pieces))
    return shown
