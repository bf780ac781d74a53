"""The CSV report: one line per row, no formulas."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, busy_day, empty, hostile

from reports.to_csv import COLUMNS, render


def test_busy_day(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day.csv", render(busy_day()))


def test_every_row_is_there_with_its_count() -> None:
    rows = list(csv.DictReader(io.StringIO(render(busy_day()), newline="")))
    shown = {(r["direction"], r["code"], r["enhanced"]): int(r["count"]) for r in rows}
    assert shown == {
        (c.direction, str(c.code or ""), c.enhanced or ""): c.count for c in busy_day().codes
    }
    assert rows[0]["first_seen"] == "2026-11-22T00:00:12+01:00"
    assert rows[0]["share"] == "0.863082"


def test_an_empty_report_is_a_heading() -> None:
    assert render(empty()) == ",".join(COLUMNS) + "\r\n"


def test_quoting_follows_rfc_4180() -> None:
    row = replace(busy_day().codes[0], cause='a,"b"')
    line = render(replace(empty(), codes=(row,))).split("\r\n")[1]
    assert line.startswith('inbound,250,2.0.0,"a,""b""",1204,')


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec=None, categories=None), max_size=40) | st.sampled_from(HOSTILE))
def test_no_cell_is_a_formula_or_breaks_its_line(text: str) -> None:
    shown = render(hostile(text))
    assert shown.replace("\r\n", "").isprintable()
    rows = list(csv.reader(io.StringIO(shown, newline="")))
    assert len(rows) == shown.count("\r\n") == 11
    for row in rows:
        assert len(row) == len(COLUMNS)
        assert not any(cell.lstrip(" ").startswith(tuple("=+-@\t\r")) for cell in row)


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    row = replace(busy_day().codes[0], cause=text)
    rows = list(csv.DictReader(io.StringIO(render(replace(empty(), codes=(row,))), newline="")))
    assert rows[0]["cause"].startswith("'")
