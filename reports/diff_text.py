"""A comparison for the terminal."""

from collections.abc import Iterator
from textwrap import wrap

from . import diff_words as words
from .diff import VERDICTS, Change, Diff, Side
from .figures import number
from .safe import ascii_text, clean, excerpt, prose

_LINE = 140
_COLOURS = {"new": 31, "rose": 31, "fell": 32, "gone": 32, "uneven": 33}


def render(diff: Diff, *, width: int = 80, colour: bool = False, ascii_only: bool = False) -> str:
    """Write the comparison in lines of `width` columns."""
    lines: list[str] = []
    for side in (diff.a, diff.b):
        lines += _side(side, width)
    lines += [f"times in {clean(diff.timezone)}", ""]
    lines += [line for note in diff.notes for line in _block(f"note: {clean(note)}", width)]
    lines += ["", _bold("Totals, per hour covered", colour)]
    lines += _totals(diff.totals, colour)
    if told := words.sizes(diff):
        lines.append(f"  mean size of a received message (not tested): {told}")
    for delay in diff.delays:
        lines.append(
            f"  {delay.what} (not tested): half within {words.seconds(delay.p50_a)} in A,"
            f" {words.seconds(delay.p50_b)} in B"
        )
        lines.append(
            f"    95 % within {words.seconds(delay.p95_a)} in A, {words.seconds(delay.p95_b)} in B"
        )
    for key, title in words.TITLES.items():
        lines += ["", _bold(title, colour), *_table(diff.tables[key], width, colour, key)]
    lines += ["", *_block(words.method(diff), width)]
    text = "\n".join(lines) + "\n"
    return "\n".join(map(ascii_text, text.split("\n"))) if ascii_only else text


def _bold(text: str, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if colour else text


def _coloured(text: str, verdict: str, colour: bool) -> str:
    number_ = _COLOURS.get(verdict)
    return f"\x1b[{number_}m{text}\x1b[0m" if colour and number_ else text


def _block(text: str, width: int, indent: str = "") -> list[str]:
    found = wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
    return found or [""]


def _side(side: Side, width: int) -> list[str]:
    lines = _block(f"{side.name}  {words.period(side)}", width)
    names = ", ".join(clean(n) for n in side.inputs[:5])
    more = f" and {len(side.inputs) - 5} more" if len(side.inputs) > 5 else ""
    lines += _block(names + more, width, "   ")
    if side.hosts:
        lines += _block("hosts: " + ", ".join(excerpt(clean(h), 60) for h in side.hosts[:10]),
                        width, "   ")  # fmt: skip
    return [*lines, *(f"   only: {excerpt(clean(f), _LINE)}" for f in side.filters)]


def _totals(totals: tuple[Change, ...], colour: bool) -> Iterator[str]:
    if not totals:
        yield "  none"
    longest = max((len(c.what) for c in totals), default=0)
    for change in totals:
        rates = [words.rate(r, change.exposure) for r in (change.rate_a, change.rate_b)]
        line = (
            f"  {change.what:{longest}} {number(change.a):>9} {number(change.b):>9}"
            f" {rates[0]:>10} {rates[1]:>10}  "
        )
        yield line + _coloured(f"{change.verdict}, {words.ratio(change)}", change.verdict, colour)


def _table(changes: tuple[Change, ...], width: int, colour: bool, key: str) -> Iterator[str]:
    if not changes:
        yield "  none"
    for verdict, rows in words.groups(changes):
        if verdict not in words.TOLD:
            yield f"  {VERDICTS[verdict]}: {len(rows)}"
            continue
        yield _coloured(f"  {VERDICTS[verdict]}", verdict, colour)
        for change in rows:
            yield from _row(change, width, remedy=key in words.REMEDIES)


def _row(change: Change, width: int, *, remedy: bool) -> Iterator[str]:
    title = f": {clean(change.advice.title)}" if change.advice else ""
    yield from _block(words.name(change) + title, width, "    ")
    rates = [words.rate(r, change.exposure) for r in (change.rate_a, change.rate_b)]
    told = (
        f"{number(change.a)} ({rates[0]}) in A, {number(change.b)} ({rates[1]}) in B:"
        f" {words.ratio(change)} {words.chance(change)}"
    )
    yield from _block(told.rstrip(), width, "      ")
    if remedy and words.explained(change) and change.advice:
        for paragraph in prose(change.advice.how_to_fix):
            yield from _block(f"To fix ({change.advice.who_acts}): {paragraph}", width, "      ")
