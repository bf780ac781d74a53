"""Every line in sample_logs/cases/ gives the event written above it; every rule has a line.

A case is a JSON annotation after `# ` and the line (or lines, up to a blank one) it speaks of:
an object for one event, a list for several, {"fate": ...} for none. Only the columns that are
named are compared; `rule` is the rule that has to take the line.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from parsers.clock import Clock
from parsers.mta import parsers
from parsers.parse import Chunk, parse

CASES = Path(__file__).parent.parent / "sample_logs" / "cases"
CLOCK = Clock(zone="UTC", latest=datetime(2026, 11, 30))


class Case(NamedTuple):
    where: str
    expected: list[dict[str, Any]]
    lines: list[str]


def cases() -> Iterator[Case]:
    for path in sorted(CASES.glob("*.log")):
        expected: list[dict[str, Any]] | None = None
        lines: list[str] = []
        where = ""
        for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], start=1):
            if line.startswith(("# {", "# [")) or not line:
                if expected is not None and lines:
                    yield Case(where, expected, lines)
                    expected = None
                lines = []
                if line:
                    said = json.loads(line[2:])
                    expected = said if isinstance(said, list) else [said]
                    where = f"{path.name}:{number}"
            elif not line.startswith("#"):
                lines.append(line)


ALL = list(cases())


@pytest.mark.parametrize("case", ALL, ids=[c.where for c in ALL])
def test_line_gives_the_event_beside_it(case: Case) -> None:
    parsed = parse(Chunk(pl.Series(case.lines, dtype=pl.String), clock=CLOCK))
    fates = parsed.fates.to_dicts()
    assert len(fates) == len(case.lines)
    events = parsed.events.to_dicts()
    silent = [e for e in case.expected if "fate" in e]
    assert len(events) == len(case.expected) - len(silent), events
    for want in silent:
        assert any(all(str(f[k]) == v for k, v in want.items()) for f in fates), fates
    for got, want in zip(events, [e for e in case.expected if "fate" not in e], strict=True):
        shown = {k: _plain(got[k]) for k in want}
        assert shown == want


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("mta", [m.name for m in parsers()])
def test_every_rule_has_a_case(mta: str) -> None:
    rules = {r.name for m in parsers() if m.name == mta for r in m.rules}
    shown = {e.get("rule") for c in ALL for e in c.expected}
    assert sorted(rules - shown) == []
