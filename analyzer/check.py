"""`smtplens check`: what a log is, and whether its figures can be trusted."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from reports.safe import clean as safe

from .build import line_account
from .inputs import Inputs
from .summarise import ACTIVITY
from .summary import Summary
from .versions import version_labels

MOST_UNRECOGNISED = 0.01
"""Share of unrecognised lines above which a log's figures are not to be trusted."""
SHORTEST_GAP = timedelta(hours=1)
FEWEST_EXPECTED = 50
"""Lines that a silent stretch would have held at the log's usual rate, to be called a gap."""
_SHAPES = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without any line of a host that was busy before and after."""

    host: str | None
    start: datetime
    end: datetime
    expected: int
    """Lines the log would have held there at its usual rate."""


def find_gaps(activity: pl.DataFrame) -> list[Gap]:
    """Silent stretches between the first and the last line of each host."""
    step = timedelta(minutes=ACTIVITY)
    busy = activity.filter(pl.col("bucket").is_not_null()).sort("host", "bucket")
    last, first = pl.col("bucket").max(), pl.col("bucket").min()
    busy = busy.with_columns(
        pl.col("bucket").shift(-1).over("host").alias("next"),
        (pl.col("n").sum() / ((last - first).dt.total_minutes() / ACTIVITY + 1))
        .over("host")
        .alias("rate"),
    )
    silent = (pl.col("next") - pl.col("bucket") - step).alias("silent")
    expected = (pl.col("rate") * silent.dt.total_minutes() / ACTIVITY).alias("expected")
    found = busy.with_columns(silent, expected).filter(
        (pl.col("silent") >= SHORTEST_GAP) & (pl.col("expected") >= FEWEST_EXPECTED)
    )
    return [
        Gap(host, start + step, end, int(lines))
        for host, start, end, lines in found.select(
            "host", "bucket", "next", "expected"
        ).iter_rows()
    ]


def check_report(summary: Summary, inputs: Inputs, zone: str, form: str) -> tuple[str, bool]:
    """The rendered findings, and whether the log can be trusted."""
    facts = _facts(summary, inputs, zone)
    text = (
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n" if form == "json" else _text(facts)
    )
    return text, not facts["doubts"]


def _facts(summary: Summary, inputs: Inputs, zone: str) -> dict[str, Any]:
    tables = summary.tables
    lines = line_account(summary)
    mail = lines.total - lines.foreign
    share = 1 - lines.unrecognised / mail if mail else 0.0
    known = pl.col("mta").is_not_null() & pl.col("fate").is_in(["parsed", "ignored"])
    gaps = find_gaps(tables["activity"])
    sources = tables["sources"]
    styles = sources.filter(pl.col("style").is_not_null()).group_by("style").agg(pl.col("n").sum())
    shapes = tables["shapes"].sort("n", "shape", descending=[True, False]).head(_SHAPES)
    yearless = "rfc3164" in styles["style"]
    given = any(t.clock.year_given for t in inputs.tasks)
    doubts = [*inputs.problems]
    doubts += [f"{t.source.name}: {t.source.problem}" for t in inputs.tasks if t.source.problem]
    if tables["lines"].filter(known).is_empty():
        doubts.append("no line of a mail server was recognised")
    elif share < 1 - MOST_UNRECOGNISED:
        doubts.append(
            f"{1 - share:.1%} of the mail lines are unrecognised (more than {MOST_UNRECOGNISED:.0%})"
        )
    shown = [_gap(g, zone) for g in gaps]
    doubts += [f"nothing was logged{_by(g)} from {g['start']} to {g['end']}" for g in shown]
    zoneless = bool(set(styles["style"]) & {"rfc3164", "exim"})
    return {
        "schema_version": 1,
        "mtas": list(version_labels(tables)),
        "hosts": sorted(sources.filter(pl.col("mta").is_not_null())["host"].drop_nulls().unique()),
        "header_styles": {
            s: int(n) for s, n in styles.sort("n", "style", descending=[True, False]).iter_rows()
        },
        "timezone": zone,
        "timezone_assumed": zoneless,
        "year": "none needed"
        if not yearless
        else "given"
        if given
        else "inferred from the file's time",
        "lines": {
            n: getattr(lines, n) for n in ("total", "parsed", "ignored", "foreign", "unrecognised")
        },
        "understood": round(share, 6),
        "gaps": shown,
        "unrecognised_shapes": shapes.select(
            pl.col("mta").cast(pl.String), "shape", "n", "example"
        ).to_dicts(),
        "foreign_programs": dict(
            tables["foreign"].sort("n", "tag", descending=[True, False]).head(_SHAPES).iter_rows()
        ),
        "inputs": [
            {
                "name": t.source.name,
                "lines": t.source.lines,
                "problem": t.source.problem,
                "rejectlog": t.rejectlog,
            }
            for t in inputs.tasks
        ],
        "notes": list(inputs.notes),
        "doubts": doubts,
    }


def _gap(gap: Gap, zone: str) -> dict[str, Any]:
    start, end = (
        m.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes") for m in (gap.start, gap.end)
    )
    return {"host": gap.host, "start": start, "end": end, "expected_lines": gap.expected}


def _by(gap: dict[str, Any]) -> str:
    return f" by {gap['host']}" if gap["host"] else ""


def _text(facts: dict[str, Any]) -> str:
    lines = facts["lines"]
    out = [
        ("MTAs", ", ".join(facts["mtas"]) or "none recognised"),
        ("hosts", ", ".join(facts["hosts"]) or "not named in the log"),
        (
            "headers",
            ", ".join(f"{s} ({n:,})" for s, n in facts["header_styles"].items())
            or "none recognised",
        ),
        (
            "time zone",
            facts["timezone"]
            + (" (assumed: the stamps name none)" if facts["timezone_assumed"] else ""),
        ),
        ("year", facts["year"]),
        (
            "lines",
            f"{lines['total']:,} = {lines['parsed']:,} parsed + {lines['ignored']:,} ignored"
            f" + {lines['foreign']:,} foreign + {lines['unrecognised']:,} unrecognised",
        ),
        ("understood", f"{facts['understood']:.2%} of the mail lines"),
    ]
    text = [f"{name:<11} {safe(str(value))}" for name, value in out]
    text += [
        f"{'gap':<11} {g['start']} to {g['end']}{safe(_by(g))}, about {g['expected_lines']:,} lines missing"
        for g in facts["gaps"]
    ]
    if facts["unrecognised_shapes"]:
        text += ["", "Commonest unrecognised shapes (N: a number or id)"]
        text += [f"{s['n']:>7,}  {safe(s['shape'])[:70]}" for s in facts["unrecognised_shapes"]]
    if facts["foreign_programs"]:
        text += ["", "Other programs in this log"]
        text += [f"{n:>7,}  {safe(tag)}" for tag, n in facts["foreign_programs"].items()]
    text += ["", *(f"note: {safe(n)}" for n in facts["notes"])] if facts["notes"] else []
    text += [""]
    text += [f"doubt: {safe(d)}" for d in facts["doubts"]] or [
        "No doubts: the figures of this log can be trusted."
    ]
    return "\n".join(text) + "\n"
