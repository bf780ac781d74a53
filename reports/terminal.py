"""The report as plain text for a terminal, a pipe or a mail."""

from collections.abc import Callable

from . import figures, outline
from .layout import GAP, NBSP, Column, Page, Row, Span
from .model import CodeRow, Report, Top

WIDE = 120
"""From this width on a code's details stand in columns instead of a second line."""
EXAMPLE_LINES = 4
LABEL = 10
LONGEST_BAR = 24


def render(
    report: Report, *, width: int = 80, colour: bool = False, ascii_only: bool = False
) -> str:
    """Write the report, no line wider than `width` columns."""
    page = Page(width, colour=colour, ascii_only=ascii_only)
    for section in SECTIONS:
        section(page, report)
    return str(page)


def heading(page: Page, report: Report) -> None:
    """Say of what and of when this is, from which input, and account for every line."""
    hosts = page.log(figures.listing(report.hosts)) or "unknown host"
    page.put(Span(f"Mail report for {hosts}", "bold"), hang=2)
    software = page.log(figures.listing(report.mtas)) or "no MTA recognised"
    page.put(page.own(figures.period(report)), page.own(" · "), software, hang=2)
    page.put(Span(("=" if page.ascii_only else "═") * page.width, "dim"))
    if report.filters:
        page.put("only:  ", page.log(", ".join(report.filters)), hang=7)
    whole = [i for i in report.inputs if i.problem is None]
    names = figures.listing((f"{i.name} ({figures.count(i.lines, 'line')})" for i in whole), 3)
    if whole:
        page.put("input: ", page.log(names), hang=7)
    for item in report.inputs:
        if item.problem is not None:
            page.put(Span("input: ", "yellow"), page.log(item.name),
                     f" ({figures.count(item.lines, 'line')}): ",
                     Span(page.log(item.problem), "yellow"), hang=7)  # fmt: skip
    if not report.inputs:
        page.put("input: none")
    lines = report.lines
    left = f"{figures.number(lines.unrecognised)}{NBSP}unrecognised"
    page.put(
        f"lines: {figures.number(lines.total)} = {figures.number(lines.parsed)}{NBSP}parsed"
        f" +{NBSP}{figures.number(lines.ignored)}{NBSP}ignored"
        f" +{NBSP}{figures.number(lines.foreign)}{NBSP}foreign ",
        Span(f"+{NBSP}{left}", "yellow" if lines.unrecognised else ""),
        hang=7,
    )


def notes(page: Page, report: Report) -> None:
    """Say what is inferred or missing."""
    for note in report.notes:
        page.put("note:  ", page.own(note), hang=7)


def totals(page: Page, report: Report) -> None:
    """Say what happened to mail."""
    page.rule("Mail")
    if outline.no_mail(report.totals):
        page.put("No mail was received, sent or refused.", indent=2)
        return
    rows = outline.totals(report.totals)
    label = max(len(r.label) for r in rows)
    figure = max(len(figures.number(r.mails)) for r in rows)
    for row in rows:
        count = figures.number(row.mails).rjust(figure)
        page.put(f"{row.label:{label}}  {count}", Span(f"  {row.remark}", "dim"), indent=2)


def codes(page: Page, report: Report) -> None:
    """Write the code table of each direction."""
    if not report.codes:
        page.rule("Replies")
        page.put("No SMTP reply was given or received, as far as this log tells.", indent=2)
        return
    clock = figures.Clock(report)
    for section in outline.sections(report):
        page.rule(page.own(section.title), figures.count(section.replies, *section.noun))
        if not section.rows:
            page.put("None.", indent=2)
            continue
        write = _code_columns if page.width >= WIDE else _code_lines
        write(page, section, clock)
        _implied(page, section)


def _severity(row: CodeRow) -> str:
    return {0: "", 1: "", 2: "yellow"}.get(max(row.advice.severity, 0), "red")


def _zero(page: Page, value: int) -> Span:
    return Span(figures.number(value)) if value else Span(page.own("·"), "dim")


def _digits(page: Page, row: CodeRow) -> list[Span]:
    code = "" if row.code is None else str(row.code)
    enhanced = page.log(row.enhanced or "")
    return [Span(code or page.own("–"), _severity(row)), Span(enhanced, _severity(row))]  # noqa: RUF001


def _code_lines(page: Page, section: outline.Section, clock: figures.Clock) -> None:
    columns = [Column("code", "text"), Column("", "text"), Column("meaning", "wrap"),
               Column("count"), Column("share"), Column(section.peers), Column("rcpts")]  # fmt: skip
    rows = []
    for row in section.rows:
        below = [page.log(row.cause), page.own(clock.span(row.first_seen, row.last_seen))]
        if row.implied:
            every = row.implied == row.count
            below.append("all implied" if every else f"{figures.number(row.implied)} implied")
        cells = [*_digits(page, row), Span(page.own(row.advice.title)),
                 Span(figures.number(row.count)), Span(figures.share(row.share)),
                 _zero(page, row.peers), _zero(page, row.recipients)]  # fmt: skip
        rows.append(Row(cells, [Span(page.own(" · ").join(filter(None, below)), "dim")]))
    page.table(columns, rows, indent=2)


def _code_columns(page: Page, section: outline.Section, clock: figures.Clock) -> None:
    columns = [Column("code", "text"), Column("", "text"), Column("meaning", "wrap"),
               Column("cause", "text"), Column("count"), Column("implied"), Column("share"),
               Column(section.peers), Column("rcpts"), Column("seen", "text")]  # fmt: skip
    rows = [
        Row([*_digits(page, row), Span(page.own(row.advice.title)), Span(page.log(row.cause), "dim"),
             Span(figures.number(row.count)), _zero(page, row.implied),
             Span(figures.share(row.share)), _zero(page, row.peers), _zero(page, row.recipients),
             Span(page.own(clock.span(row.first_seen, row.last_seen)), "dim")])
        for row in section.rows
    ]  # fmt: skip
    page.table(columns, rows, indent=2)


def _implied(page: Page, section: outline.Section) -> None:
    """Give the reason for each implied code, below its table."""
    implied = outline.implied(section)
    if implied:
        page.blank()
        page.put("Implied: the log proves the reply without printing its code.", indent=2)
    for code, reason in implied:
        page.put(Span(f"{page.log(code)}: {page.log(reason)}", "dim"), indent=4, hang=6)


def actions(page: Page, report: Report) -> None:
    """Explain what someone must act on; sum up the rest."""
    found = outline.actions(report)
    page.rule("What needs action", figures.count(len(found), "finding") if found else "")
    if not report.codes:
        page.put("Nothing: there is no reply to explain.", indent=2)
    elif not found:
        page.put("Nothing needs action.", indent=2)
    for number, action in enumerate(found, start=1):
        _action(page, number, action)
    idle = outline.idle(report)
    if idle:
        page.blank()
        page.put(Span("Nothing to do: ", "dim"), page.log(idle), indent=2, hang=4)


def _action(page: Page, number: int, action: outline.Action) -> None:
    row, advice = action.row, action.row.advice
    page.blank()
    code = page.log(f"{row.direction} {figures.code(row)}")
    count = f"{figures.number(row.count)} ({figures.share(row.share)})"
    page.put(f"{number}. ", Span(page.own(advice.title), "bold"), indent=2, hang=5)
    page.put(Span(figures.severity(advice.severity), _severity(row)),
             page.own(" · "), code, page.own(" · "), count, indent=5)  # fmt: skip
    if action.like is None:
        _labelled(page, "Meaning", advice.description)
        _labelled(page, "Seen when", advice.when_seen)
        _labelled(page, "To fix", advice.how_to_fix)
        _labelled(page, "Who acts", advice.who_acts)
    else:
        like = page.log(figures.code(action.like))
        page.put(f"Same meaning and same fix as {row.direction} {like} above.", indent=5)
    if row.implied:
        many = "all" if row.implied == row.count else figures.number(row.implied)
        reasons = "; ".join(row.implied_reasons) or "no reason given"
        _labelled(page, "Implied", f"{many} of {figures.number(row.count)}: {reasons}")
    _examples(page, row)


def _labelled(page: Page, label: str, text: str) -> None:
    for number, paragraph in enumerate(page.prose(text)):
        if number:
            page.put(paragraph, indent=5 + LABEL)
        else:
            page.put(Span(f"{label:{LABEL}}", "dim"), paragraph, indent=5, hang=5 + LABEL)


def _examples(page: Page, row: CodeRow) -> None:
    label = Span(f"{'Lines':{LABEL}}", "dim")
    indent = 5 + LABEL
    room = (page.width - indent) * EXAMPLE_LINES * 9 // 10
    for number, example in enumerate(row.examples[:3]):
        where = f"{page.log(example.file)}:{example.line}"
        page.put(*([] if number else [label]), where, indent=indent if number else 5, hang=indent)
        page.put(Span(page.excerpt(example.text, room), "dim"), indent=indent)


def hours(page: Page, report: Report) -> None:
    """Write what happened in each hour of each real date."""
    days, skipped = outline.days(report)
    if not days:
        return
    page.rule("Hour by hour")
    name = outline.busiest(report)
    counts = [outline.HOUR_COLUMNS[name](h.flow) for d in days for _, h in d.hours]
    columns = [Column("hour", "text"), *map(Column, outline.HOUR_COLUMNS)]
    rows = []
    for day in days:
        above: list[Span] = [Span(figures.day(day.date), "bold")]
        for label, hour in day.hours:
            cells = [_zero(page, get(hour.flow)) for get in outline.HOUR_COLUMNS.values()]
            rows.append(Row([Span(label), *cells], above=above))
            above = []
    bar = min(page.spare(columns, rows, indent=2) - GAP, LONGEST_BAR)
    remarks = []
    if bar >= LONGEST_BAR // 4 and any(counts):
        columns.append(Column("", "text"))
        drawn = [Span(page.bar(count, max(counts), bar), "dim") for count in counts]
        rows = [r._replace(cells=[*r.cells, d]) for r, d in zip(rows, drawn, strict=True)]
        remarks.append(f"Bars: {name}, at most {figures.number(max(counts))} in an hour.")
    if skipped:
        remarks.append(f"{figures.count(skipped, 'hour')} without mail left out.")
    page.table(columns, rows, indent=2)
    page.blank()
    if remarks:
        page.put(Span(" ".join(remarks), "dim"), indent=2)


def tops(page: Page, report: Report) -> None:
    """Write the top lists."""
    for top in report.tops:
        shown = f"top {figures.number(len(top.rows))} of {figures.number(top.distinct)}"
        page.rule(page.own(top.title), shown if top.rows else "")
        _top(page, top)


def _top(page: Page, top: Top) -> None:
    if not top.rows:
        page.put("None.", indent=2)
        return
    columns = [*(Column(page.own(c)) for c in top.columns), Column("", "cut")]
    rows = [Row([*(_zero(page, c) for c in row.counts), Span(page.log(row.name))])
            for row in top.rows]  # fmt: skip
    page.table(columns, rows, indent=2)


SECTIONS: tuple[Callable[[Page, Report], None], ...] = (
    heading, notes, totals, codes, actions, hours, tops,
)  # fmt: skip
"""The sections in their order."""
