"""The report as the body of a webhook: one small JSON object; see docs/alerts.md."""

from typing import Any

from . import outline
from .model import Finding, Report, Spike
from .to_json import dump, to_dict
from .verdict import verdict

SCHEMA_VERSION = 1
MOST_PROBLEMS = 50
MOST_SPIKES = 20
MOST_HOSTS = 100


def render(report: Report, *, complete: bool = True) -> str:
    """Write what a receiver needs to tell and to sort; the lists are bounded."""
    whole = to_dict(report)
    problems = [action.finding for action in outline.actions(report)]
    sentence = verdict(report, complete=complete)
    body: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": "report",
        "verdict": sentence,
        # Chat services print this key of whatever they are sent.
        "text": sentence,
        "complete": complete and all(i.problem is None for i in report.inputs),
        "language": report.lang,
        "period": whole["period"],
        "hosts": report.hosts[:MOST_HOSTS],
        "mtas": report.mtas,
        "filters": report.filters,
        "lines": whole["lines"],
        "totals": whole["totals"],
        "problems_total": len(problems),
        "problems": [_problem(finding) for finding in problems[:MOST_PROBLEMS]],
        "spikes_state": report.spikes_state,
        "spikes_total": len(report.spikes),
        "spikes": [_spike(spike) for spike in report.spikes[:MOST_SPIKES]],
        "link": None,
    }
    return dump(body)


def _problem(finding: Finding) -> dict[str, Any]:
    advice = finding.advice
    return {
        "direction": finding.direction,
        "cause": finding.cause,
        "place": finding.place,
        "title": advice.title,
        "severity": advice.severity,
        "who_acts": advice.who_acts,
        "how_to_fix": advice.how_to_fix,
        "count": finding.count,
        "implied": finding.implied,
        "share": finding.share,
        "codes": [
            {"code": c.code, "enhanced": c.enhanced, "count": c.count} for c in finding.codes
        ],
        "link": None,
    }


def _spike(spike: Spike) -> dict[str, Any]:
    return {
        "host": spike.host,
        "direction": spike.direction,
        "code": spike.code,
        "enhanced": spike.enhanced,
        "cause": spike.cause,
        "by": spike.by,
        "name": spike.name,
        "onset": spike.onset,
        "onset_is_minute": spike.onset_is_minute,
        "start": spike.start,
        "end": spike.end,
        "observed": spike.observed,
        "expected": spike.expected,
        "p_day": spike.p_day,
        "part_of_another": spike.part_of is not None,
        "title": spike.advice.title,
        "link": None,
    }
