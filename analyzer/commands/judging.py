"""Options that judge a report: when a run fails, and when it keeps quiet."""

import click

from .options import bundle


def _conditions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no condition before a log is read."""
    if values:
        from analyzer.conditions import parse

        for value in values:
            parse(value)
    return values


judging = bundle(
    click.option(
        "--fail-on",
        "fail_on",
        multiple=True,
        metavar="COND",
        callback=_conditions,
        help="End with status 1 where this holds (may be repeated): spike, spike:502, gap,"
        " bounced>5%, deferred>100, rejected>20%, unrecognised>1%, code:550>10%, code:5.7.26>0."
        " Percentages are of delivery attempts, of mail offered (rejected), of all replies (code)"
        " or of mail lines.",
    ),
    click.option(
        "--only-if",
        "only_if",
        multiple=True,
        metavar="COND",
        callback=_conditions,
        help="Print and send nothing unless this holds: problems, spikes, changes (in `cron`: tested against the period before),"
        " or a condition as for --fail-on.",
    ),
)
