"""A comparison as Markdown, for a ticket or a wiki."""

import re
from collections.abc import Iterator

from . import diff_words as words
from .diff import VERDICTS, Change, Diff
from .figures import number
from .safe import markdown as own
from .safe import markdown_code as log
from .safe import markdown_prose, prose

_HEADS = "| | A | B | rate A | rate B | B over A (95 %) | |\n|---|---:|---:|---:|---:|---|---|"


def render(diff: Diff) -> str:
    """Write the comparison in GitHub's Markdown."""
    lines = ["# Comparison of A and B", ""]
    for side in (diff.a, diff.b):
        lines.append(f"- **{side.name}**: {own(words.period(side))}")
        lines += [f"  - {log(name)}" for name in side.inputs[:5]]
        lines += [f"  - only: {log(f)}" for f in side.filters]
        lines += [f"  - host: {log(host)}" for host in side.hosts[:10]]
    lines += [f"- note: {own(note)}" for note in diff.notes]
    lines += ["", "## Totals, per hour covered", "", _HEADS]
    lines += [_line(change) for change in diff.totals]
    lines.append("")
    if told := words.sizes(diff):
        lines.append(f"- mean size of a received message (not tested): {told}")
    for d in diff.delays:
        lines.append(
            f"- {d.what} (not tested): half within {words.seconds(d.p50_a)} in A,"
            f" {words.seconds(d.p50_b)} in B; 95 % within {words.seconds(d.p95_a)} in A,"
            f" {words.seconds(d.p95_b)} in B"
        )
    for key, title in words.TITLES.items():
        lines += ["", f"## {title}", "", *_table(diff.tables[key], key)]
    lines += ["", own(words.method(diff))]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _line(change: Change) -> str:
    cells = (
        log(words.name(change), in_table=True),
        number(change.a),
        number(change.b),
        *(own(words.rate(r, change.exposure)) for r in (change.rate_a, change.rate_b)),
        own(words.ratio(change)),
        f"**{change.verdict}** {own(words.chance(change))}".rstrip(),
    )
    return f"| {' | '.join(cells)} |"


def _table(changes: tuple[Change, ...], key: str) -> Iterator[str]:
    told = [c for c in changes if c.verdict in words.TOLD]
    if told:
        yield _HEADS
        yield from map(_line, told)
        yield ""
    for verdict, rows in words.groups(changes):
        if verdict not in words.TOLD:
            yield f"- {VERDICTS[verdict]}: {len(rows)}"
    if not changes:
        yield "None."
    for change in filter(words.explained, told if key in words.REMEDIES else ()):
        if change.advice is None:
            continue
        yield ""
        yield f"**{log(words.name(change))}**: {own(change.advice.title)}"
        fix = " ".join(map(markdown_prose, prose(change.advice.how_to_fix)))
        yield f"To fix ({own(change.advice.who_acts)}): {fix}"
