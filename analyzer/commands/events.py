"""The command `events`."""

from typing import Any

import click

from .options import anonymizing, output, reading, rules, selecting


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(events)


@click.command()
@reading
@selecting
@rules
@click.option(
    "--format",
    "form",
    default="ndjson",
    type=click.Choice(["ndjson", "csv", "parquet"]),
    show_default=True,
)
@anonymizing
@output
def events(**options: Any) -> None:
    """Print one row per event: what happened, when, with which reply.

    \b
    Example:
      smtplens events mail.log --code 550 | head
    """
    from analyzer.cli import end, logs_of, now, warn
    from analyzer.run import write_events

    end(write_events(options, logs_of(options["logs"]), now(), warn))
