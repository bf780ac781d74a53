"""Spikes and gaps as plain values: every field, nothing rounded."""

from dataclasses import asdict
from typing import Any

from .model import Report, Spike


def section(report: Report) -> dict[str, Any]:
    """Give the keys that the report's own JSON has too."""
    return {
        "spikes_state": report.spikes_state,
        "spikes": [spike(one) for one in report.spikes],
        "gaps": [asdict(gap) for gap in report.gaps],
    }


def spike(one: Spike) -> dict[str, Any]:
    """Give a spike with its explanation beside its figures, as a finding has it."""
    found, advice = asdict(one), asdict(one.advice)
    del found["advice"], advice["source"]
    return found | advice
