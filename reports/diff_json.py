"""A comparison as JSON: versioned, stable keys, nothing rounded or left out."""

from dataclasses import asdict
from typing import Any

from .diff import Change, Diff
from .to_json import dump

SCHEMA_VERSION = 1


def render(diff: Diff) -> str:
    """Write the comparison as one JSON document."""
    return dump(to_dict(diff))


def to_dict(diff: Diff) -> dict[str, Any]:
    """Return the comparison as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "diff",
        "timezone": diff.timezone,
        "a": asdict(diff.a),
        "b": asdict(diff.b),
        "gates": {
            "least_count": diff.least_count,
            "least_ratio": diff.least_ratio,
            "alpha": diff.alpha,
        },
        "changed": diff.changed,
        "notes": diff.notes,
        **{name: [_change(c) for c in table] for name, table in diff.tables.items()},
        "delays": [asdict(d) for d in diff.delays],
        "bytes_per_message": {"a": diff.bytes_per_message[0], "b": diff.bytes_per_message[1]},
    }


def _change(change: Change) -> dict[str, Any]:
    found = asdict(change)
    advice = found.pop("advice") or {}
    return found | {k: advice.get(k) for k in ("title", "how_to_fix", "who_acts", "severity")}
