"""What `smtplens spikes` does, from options to text and exit status."""

from datetime import datetime
from typing import Any

from analyzer.anonymize.whole import anonymize_report, pseudonyms_of
from analyzer.conditions import conditions_of, met
from analyzer.crew import Crew
from analyzer.exits import Exit, Refused
from analyzer.run import Warn, read_report
from analyzer.terminal import look_of
from reports.spikes_page import ALL, json, text

WHAT_IS_MISSING = {"section": "spikes", "top": "10", "unrecognised": None, "whole_log": True}
"""Options of `report` that `spikes` has not."""


def make_spikes(
    options: dict[str, Any],
    logs: tuple[str, ...],
    now: datetime,
    warn: Warn,
    crew: Crew | None = None,
) -> tuple[str, Exit]:
    """The rendered spikes, empty where `--only-if` is not met, and how the run ends."""
    names = pseudonyms_of(options)
    fail_on = conditions_of(options, "fail_on")
    only_if = conditions_of(options, "only_if")
    if options["by"] and any("." in code for code in options["codes"]):
        raise Refused("--by goes with a reply code (550, 5xx), not with 5.7.1", Exit.USAGE)
    why = _number(options["explain_why"])
    report, status = read_report({**options, **WHAT_IS_MISSING}, logs, now, warn, crew)
    if why and why not in {s.id for s in report.spikes}:
        raise Refused(f"--explain-why {why}: there is no spike of that number", Exit.USAGE)
    judged = met(fail_on, report)
    for told in judged:
        warn(f"--fail-on: {told}")
    shown = not only_if or bool(met(only_if, report))
    if names is not None:
        report = anonymize_report(report, names)
    rendered = ""
    if shown and options["form"] == "json":
        rendered = json(report)
    elif shown:
        rendered = text(report, why, **look_of(options))
    return rendered, max(status, Exit.CONDITION if judged else Exit.DONE)


def _number(text: str | None) -> int | None:
    """The spike that is asked about; ALL for every one, None for none."""
    if text is None:
        return None
    return ALL if text == "all" else int(text)
