"""The command `cron`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.exits import Exit

from .delivering import delivering
from .judging import judging
from .options import (
    anonymizing,
    bundle,
    formed,
    looking,
    munging,
    output,
    providers,
    rules,
    wording,
)

if TYPE_CHECKING:
    from analyzer.history.running import Due, Run

F = TypeVar("F", bound=Callable[..., Any])


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(cron)


_SENT = ("mail_to", "mail_file", "prometheus", "webhook")
"""Options of what leaves the machine, or is left on it."""

history_option = click.option(
    "--history",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The history's file (default: history.db in $STATE_DIRECTORY, /var/lib/smtplens or"
    " ~/.local/state/smtplens).",
)

keeping = bundle(
    click.option(
        "--keep-hours",
        type=click.IntRange(1),
        default=400,
        show_default=True,
        metavar="DAYS",
        help="How long counts by the hour are kept.",
    ),
    click.option(
        "--keep-names",
        type=click.IntRange(1),
        default=35,
        show_default=True,
        metavar="DAYS",
        help="How long senders, recipients, clients, relays and example lines are kept.",
    ),
    click.option(
        "--keep-minutes",
        type=click.IntRange(1),
        default=3,
        show_default=True,
        metavar="DAYS",
        help="How long counts by the minute are kept.",
    ),
    click.option(
        "--keep-top",
        type=click.IntRange(0),
        default=1000,
        show_default=True,
        metavar="N",
        help="Names of each kind that are kept of a day once it is over; 0 keeps all.",
    ),
    click.option(
        "--queue-lifetime",
        type=click.IntRange(1),
        default=10,
        show_default=True,
        metavar="DAYS",
        help="After this time a message that never left the queue counts as it was last seen.",
    ),
)


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@history_option
@click.option(
    "--period",
    type=click.Choice(["since-last", "day", "week", "none"]),
    default="since-last",
    show_default=True,
    help="What is reported: what was read since the last report, the last whole day or week (once,"
    " by the first run after it), or nothing.",
)
@click.option("--dry-run", is_flag=True, help="Read and show; keep nothing, send nothing.")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long for another run to end (default: refuse at once).",
)
@click.option(
    "--tz",
    metavar="ZONE",
    help="Zone in which the history's days begin, and of stamps without one; named once, by the"
    " first run (default: this machine's).",
)
@click.option(
    "--section",
    metavar="NAME,...",
    help="Only these sections of the report (default: the standard ones). A history counts those"
    " that its first run names.",
)
@rules
@providers
@munging
@formed
@looking
@wording
@keeping
@anonymizing
@judging
@delivering
@output
def cron(**options: Any) -> None:
    """Read what came since the last run, keep it in the history, and report.

    Each LOG is followed through its rotations: name.1, name-20261123, compressed or not.

    \b
    Examples:
      smtplens cron /var/log/mail.log
      smtplens cron /var/log/mail.log --period day --mail-to postmaster@example.org
    """
    from analyzer.cli import end, now, warn
    from analyzer.conditions import conditions_of
    from analyzer.history.place import history_file
    from analyzer.history.running import cron_run
    from analyzer.sending.plan import plan_of

    if not options["logs"]:
        raise click.UsageError("name the logs to read", click.get_current_context())
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    path = history_file(options["history"], os.environ, root=root)
    moment = now()
    options["compares"] = True
    if options["dry_run"]:
        options |= dict.fromkeys(_SENT)
    # Before a line is read: what cannot be sent or told is no use later.
    plan_of(options)
    for name in ("fail_on", "only_if"):
        conditions_of(options, name)
    with cron_run(path, options["logs"], options, moment) as run:
        for text in (*run.problems, *run.notes):
            warn(text)
        if run.added is not None:
            for name in run.added.not_mail:
                warn(f"{name}: nothing in it was recognised as a mail log")
        due = run.due()
        status = run.status if due is None else _report(run, due, options)
        if due is None and options["dry_run"] and run.added is not None:
            warn(f"{run.added.lines} lines would be added")
    end(status)


def _report(run: Run, due: Due, options: dict[str, Any]) -> Exit:
    from analyzer.cli import finish, warn
    from analyzer.history.reporting import report_due
    from analyzer.publish import publish, ready

    ready(options)
    report = report_due(run, due, options)

    def write(text: str) -> None:
        finish((text, Exit.DONE), options)

    _, status = publish(report, options, run.status, run.now, warn, write)
    if status is not Exit.INPUT or run.status is Exit.INPUT:
        # What could not be sent is due again in the next run.
        run.reported(due)
    return status
