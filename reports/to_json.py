"""The report as JSON: versioned, with stable keys in a fixed order, nothing rounded or cut.

`language` is that of the advice; keys, values of a fixed set, notes and reasons are English.
"""

import json
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

from . import spikes_json
from .model import CodeRow, Finding, Listing, Report, Top
from .safe import clean

SCHEMA_VERSION = 1

_PERHAPS_UNSEEN = re.compile("[^\n -~]")
_LONE = re.compile("[\ud800-\udfff]")


def render(report: Report) -> str:
    """Write the report as one JSON document."""
    return dump(to_dict(report))


def dump(value: Any) -> str:
    """Write plain values as JSON that is safe to print."""
    text = json.dumps(_repair(value), ensure_ascii=False, indent=2, allow_nan=False)
    return _PERHAPS_UNSEEN.sub(_seen, text) + "\n"


def _seen(match: re.Match[str]) -> str:
    # Whoever prints the file to a terminal is safe, and the value stays what it was.
    char = match[0]
    return char if char.isprintable() else json.dumps(char)[1:-1]


def to_dict(report: Report) -> dict[str, Any]:
    """Return the report as plain values, ready for JSON."""
    found = {
        "schema_version": SCHEMA_VERSION,
        "language": report.lang,
        "hosts": report.hosts,
        "mtas": report.mtas,
        "period": {"start": report.start, "end": report.end, "timezone": report.timezone},
        "filters": report.filters,
        "inputs": [asdict(i) for i in report.inputs],
        "lines": asdict(report.lines),
        "notes": report.notes,
        "totals": asdict(report.totals),
        "codes": [_code(row) for row in report.codes],
        "findings": [_finding(finding) for finding in report.findings],
        **spikes_json.section(report),
        "hours": [{"start": h.start, **asdict(h.flow)} for h in report.hours],
        "tops": [_top(top) for top in report.tops],
        "sections": [_listing(listing) for listing in report.listings],
    }
    return {key: _repair(value) for key, value in found.items()}


def _code(row: CodeRow) -> dict[str, Any]:
    advice = row.advice
    return {
        "direction": row.direction,
        "code": row.code,
        "enhanced": row.enhanced,
        "cause": row.cause,
        "count": row.count,
        "implied": row.implied,
        "implied_reasons": row.implied_reasons,
        "share": row.share,
        "peers": row.peers,
        "recipients": row.recipients,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "title": advice.title,
        "description": advice.description,
        "when_seen": advice.when_seen,
        "how_to_fix": advice.how_to_fix,
        "who_acts": advice.who_acts,
        "severity": advice.severity,
        "needs_action": advice.needs_action,
        "source": advice.source,
        "examples": [asdict(e) for e in row.examples],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    advice = asdict(finding.advice)
    found = asdict(finding)
    del found["advice"], found["examples"], advice["source"]
    return found | advice | {"examples": [asdict(e) for e in finding.examples]}


def _listing(listing: Listing) -> dict[str, Any]:
    return {
        "key": listing.key,
        "title": listing.title,
        "columns": [asdict(column) for column in listing.columns],
        "distinct": listing.distinct,
        "note": listing.note,
        "rows": [{"level": row.level, "cells": list(row.cells)} for row in listing.rows],
    }


def _top(top: Top) -> dict[str, Any]:
    rows = [{"name": r.name, "counts": r.counts} for r in top.rows]
    return {"key": top.key, "title": top.title, "columns": top.columns,
            "distinct": top.distinct, "rows": rows}  # fmt: skip


def _repair(value: Any) -> Any:
    """Make a value JSON's own: lists, ISO times, text without half characters."""
    if isinstance(value, str):
        return _LONE.sub(lambda m: clean(m[0]), value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _repair(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_repair(item) for item in value]
    return value
