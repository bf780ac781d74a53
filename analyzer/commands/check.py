"""The command `check`."""

from typing import Any

import click

from .options import output, reading


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(check)


@click.command()
@reading
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
@click.option(
    "--unrecognised",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the lines that were not understood to FILE.",
)
@output
def check(**options: Any) -> None:
    """Say what a log is and how well it is understood, before you trust a number.

    Ends with status 1 where the log cannot be trusted: gaps, too many unrecognised lines.

    \b
    Example:
      smtplens check /var/log/mail.log
    """
    from analyzer.cli import finish, logs_of, now, warn
    from analyzer.run import make_check

    finish(make_check(options, logs_of(options["logs"]), now(), warn), options)
