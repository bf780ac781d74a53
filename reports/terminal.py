"""The report as plain text for a terminal, a pipe or a mail."""

from collections.abc import Callable, Sequence

from . import figures, listings, outline, safe, spikes_text
from .layout import GAP, NBSP, Column, Page, Row, Span
from .model import Advice, CodeRow, Finding, Input, Report, Top
from .words import words_of

WIDE = 120
"""From this width on a code's details stand in columns instead of a second line."""
EXAMPLE_LINES = 4
FACTS = ("only:", "input:", "note:", "lines:")
LABELS = ("Meaning", "Seen when", "To fix", "Who acts", "Implied", "Lines")
LONGEST_BAR = 24


def render(
    report: Report, *, width: int = 80, colour: bool = False, ascii_only: bool = False
) -> str:
    """Write the report, no line wider than `width` columns."""
    page = Page(width, colour=colour, ascii_only=ascii_only, words=words_of(report))
    heading(page, report)
    notes(page, report)
    for name, section in SECTIONS.items():
        if name in report.shown:
            section(page, report)
    listings.text(page, report)
    return str(page)


def heading(page: Page, report: Report) -> None:
    """Say of what and of when this is, from which input, and account for every line."""
    words = page.words
    hosts = _names(page, report.hosts) or page.say("unknown host")
    page.put(Span(page.say("Mail report for {hosts}", hosts=hosts), "bold"), hang=2)
    software = _names(page, report.mtas) or page.say("no MTA recognised")
    page.put(page.own(figures.period(report)), page.own(" · "), software, hang=2)
    page.put(Span(("=" if page.ascii_only else "═") * page.width, "dim"))
    if report.filters:
        _fact(page, "only:", page.log(", ".join(report.filters)))
    whole = [i for i in report.inputs if i.problem is None]
    if whole:
        names = figures.listing((_input(page, i) for i in whole), 3, words)
        _fact(page, "input:", page.own(names))
    for item in report.inputs:
        if item.problem is not None:
            problem = Span(page.own(words.sentence(item.problem)), "yellow")
            _fact(page, "input:", f"{_input(page, item)}: ", problem, style="yellow")
    if not report.inputs:
        _fact(page, "input:", page.say("none"))
    lines = report.lines
    fates = [
        f"{figures.number(n)}{NBSP}{page.say(name).replace(' ', NBSP)}"
        for name, n in outline.fates(lines)
    ]
    _fact(
        page,
        "lines:",
        f"{figures.number(lines.total)} = " + f" +{NBSP}".join(fates[:-1]) + " ",
        Span(f"+{NBSP}{fates[-1]}", "yellow" if lines.unrecognised else ""),
    )


def _names(page: Page, names: Sequence[str]) -> str:
    return page.own(figures.listing(map(page.log, names), words=page.words))


def _name(page: Page, text: str) -> str:
    return page.say(text) if text in outline.OWN_NAMES else page.log(text)


def _input(page: Page, item: Input) -> str:
    lines = figures.count(item.lines, "line", words=page.words)
    return f"{_name(page, item.name)} ({page.own(lines)})"


def _fact(page: Page, label: str, *spans: Span | str, style: str = "") -> None:
    room = 1 + max(safe.width(page.say(fact)) for fact in FACTS)
    page.put(Span(_padded(page.say(label), room), style), *spans, hang=room)


def _padded(text: str, room: int) -> str:
    return text + " " * (room - safe.width(text))


def notes(page: Page, report: Report) -> None:
    """Say what is inferred or missing."""
    for note in report.notes:
        _fact(page, "note:", page.own(page.words.sentence(note)))


def totals(page: Page, report: Report) -> None:
    """Say what happened to mail."""
    page.rule(page.say("Mail"))
    if outline.no_mail(report.totals):
        page.put(page.say("No mail was received, sent or refused."), indent=2)
        return
    rows = [(page.own(r.label), r) for r in outline.totals(report.totals, page.words)]
    room = max(safe.width(label) for label, _ in rows)
    figure = max(len(figures.number(r.mails)) for _, r in rows)
    for label, row in rows:
        count = figures.number(row.mails).rjust(figure)
        remark = Span(f"  {page.own(row.remark)}", "dim")
        page.put(f"{_padded(label, room)}  {count}", remark, indent=2)


def codes(page: Page, report: Report) -> None:
    """Write the code table of each direction."""
    if not report.codes:
        page.rule(page.say("Replies"))
        page.put(
            page.say("No SMTP reply was given or received, as far as this log tells."), indent=2
        )
        return
    clock = figures.Clock(report)
    for section in outline.sections(report):
        count = figures.count(section.replies, *section.noun, words=page.words)
        page.rule(page.say(section.title), page.own(count))
        if not section.rows:
            page.put(page.say("None."), indent=2)
            continue
        write = _code_columns if page.width >= WIDE else _code_lines
        write(page, section, clock)
        _implied(page, section)


def _severity(advice: Advice) -> str:
    return {0: "", 1: "", 2: "yellow"}.get(max(advice.severity, 0), "red")


def _zero(page: Page, value: int) -> Span:
    return Span(figures.number(value)) if value else Span(page.own("·"), "dim")


def _digits(page: Page, row: CodeRow) -> list[Span]:
    code = page.own("–") if row.code is None else str(row.code)  # noqa: RUF001
    style = _severity(row.advice)
    return [Span(code, style), Span(page.log(row.enhanced or ""), style)]


def _code_lines(page: Page, section: outline.Section, clock: figures.Clock) -> None:
    say = page.say
    columns = [Column(say("code"), "text"), Column("", "text"), Column(say("meaning"), "wrap"),
               Column(say("count")), Column(say("share")), Column(say(section.peers)),
               Column(say("rcpts"))]  # fmt: skip
    rows = []
    for row in section.rows:
        below = [page.log(row.cause), page.own(clock.span(row.first_seen, row.last_seen))]
        if row.implied:
            every, some = row.implied == row.count, figures.number(row.implied)
            below.append(say("all implied") if every else say("{count} implied", count=some))
        cells = [*_digits(page, row), Span(page.own(page.words.own(row.advice.title))),
                 Span(figures.number(row.count)), Span(figures.share(row.share)),
                 _zero(page, row.peers), _zero(page, row.recipients)]  # fmt: skip
        rows.append(Row(cells, [Span(page.own(" · ").join(filter(None, below)), "dim")]))
    page.table(columns, rows, indent=2)


def _code_columns(page: Page, section: outline.Section, clock: figures.Clock) -> None:
    say = page.say
    columns = [Column(say("code"), "text"), Column("", "text"), Column(say("meaning"), "wrap"),
               Column(say("cause"), "text"), Column(say("count")), Column(say("implied")),
               Column(say("share")), Column(say(section.peers)), Column(say("rcpts")),
               Column(say("seen"), "text")]  # fmt: skip
    rows = [
        Row([*_digits(page, row), Span(page.own(page.words.own(row.advice.title))),
             Span(page.log(row.cause), "dim"),
             Span(figures.number(row.count)), _zero(page, row.implied),
             Span(figures.share(row.share)), _zero(page, row.peers), _zero(page, row.recipients),
             Span(page.own(clock.span(row.first_seen, row.last_seen)), "dim")])
        for row in section.rows
    ]  # fmt: skip
    page.table(columns, rows, indent=2)


def _implied(page: Page, section: outline.Section) -> None:
    """Give the reason for each implied code, below its table."""
    implied = outline.implied(section, page.words)
    if implied:
        page.blank()
        said = page.say("Implied: the log proves the reply without printing its code.")
        page.put(said, indent=2)
    for code, reason in implied:
        page.put(Span(f"{page.own(code)}: {page.own(reason)}", "dim"), indent=4, hang=6)


def actions(page: Page, report: Report) -> None:
    """Explain what someone must act on; sum up the rest."""
    found = outline.actions(report)
    count = page.own(figures.count(len(found), "finding", words=page.words))
    page.rule(page.say("What needs action"), count if found else "")
    if not report.codes:
        page.put(page.say("Nothing: there is no reply to explain."), indent=2)
    elif not found:
        page.put(page.say("Nothing needs action."), indent=2)
    for number, action in enumerate(found, start=1):
        _action(page, number, action)
    idle = outline.idle(report)
    if idle:
        page.blank()
        page.put(Span(f"{page.say('Nothing to do:')} ", "dim"), page.own(idle), indent=2, hang=4)


def _action(page: Page, number: int, action: outline.Action) -> None:
    finding, advice, words = action.finding, action.finding.advice, page.words
    page.blank()
    place = [page.own(" · "), page.log(finding.place)] if finding.place else []
    page.put(
        f"{number}. ", Span(page.own(words.own(advice.title)), "bold"), *place, indent=2, hang=5
    )
    codes = page.own(figures.codes(finding, words=words))
    said = " ".join(filter(None, (page.say(finding.direction), codes)))
    count = f"{figures.number(finding.count)} ({figures.share(finding.share)})"
    severity = page.own(figures.severity(advice.severity, words))
    page.put(Span(severity, _severity(advice)), page.own(" · "), count,
             page.own(" · "), page.log(finding.cause), page.own(" · "), said,
             indent=5)  # fmt: skip
    if action.like is None:
        _labelled(page, "Meaning", advice.description)
        _labelled(page, "Seen when", advice.when_seen)
        _labelled(page, "To fix", advice.how_to_fix)
        _labelled(page, "Who acts", advice.who_acts)
    else:
        same = page.say("Same meaning and same fix as {number} above.", number=action.like)
        page.put(same, indent=5)
    if finding.implied:
        whole, some = figures.number(finding.count), figures.number(finding.implied)
        every = finding.implied == finding.count
        part = (
            words("all of {whole}", whole=whole)
            if every
            else words("{part} of {whole}", part=some, whole=whole)
        )
        _labelled(page, "Implied", f"{part}: {'; '.join(outline.reasons(finding, words))}")
    _examples(page, finding)


def _label(page: Page, label: str) -> str:
    """Write a label as wide as the widest one."""
    return _padded(page.say(label), 1 + max(safe.width(page.say(text)) for text in LABELS))


def _labelled(page: Page, label: str, text: str) -> None:
    shown = _label(page, label)
    hang = 5 + safe.width(shown)
    for number, paragraph in enumerate(page.prose(page.words.own(text))):
        if number:
            page.put(paragraph, indent=hang)
        else:
            page.put(Span(shown, "dim"), paragraph, indent=5, hang=hang)


def _examples(page: Page, row: Finding) -> None:
    label = Span(_label(page, "Lines"), "dim")
    indent = 5 + safe.width(label.text)
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
    words = page.words
    page.rule(page.say("Hour by hour"))
    name = outline.busiest(report)
    counts = [outline.HOUR_COLUMNS[name](h.flow) for d in days for _, h in d.hours]
    columns = [Column(page.say("hour"), "text")]
    columns += [Column(page.say(column)) for column in outline.HOUR_COLUMNS]
    rows = []
    for day in days:
        above: list[Span] = [Span(page.own(figures.day(day.date, words)), "bold")]
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
        most = figures.number(max(counts))
        remarks.append(
            page.say("Bars: {name}, at most {most} in an hour.", name=words(name), most=most)
        )
    if skipped:
        left_out = figures.count(skipped, "hour", words=words)
        remarks.append(page.say("{hours} without mail left out.", hours=left_out))
    page.table(columns, rows, indent=2)
    page.blank()
    if remarks:
        page.put(Span(" ".join(remarks), "dim"), indent=2)


def tops(page: Page, report: Report) -> None:
    """Write the top lists."""
    for top in report.tops:
        shown = page.own(outline.shown(top, page.words))
        page.rule(page.say(top.title), shown if top.rows else "")
        _top(page, top)


def _top(page: Page, top: Top) -> None:
    if not top.rows:
        page.put(page.say("None."), indent=2)
        return
    columns = [*(Column(page.say(c)) for c in top.columns), Column("", "cut")]
    rows = [Row([*(_zero(page, c) for c in row.counts), Span(_name(page, row.name))])
            for row in top.rows]  # fmt: skip
    page.table(columns, rows, indent=2)


SECTIONS: dict[str, Callable[[Page, Report], None]] = {
    "mail": totals,
    "replies": codes,
    "findings": actions,
    "spikes": spikes_text.section,
    "hours": hours,
    "tops": tops,
}
"""The standard sections in their order."""
