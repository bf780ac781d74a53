"""The command `diff`."""

from collections.abc import Callable
from typing import Any

import click

from .options import F, _code, anonymizing, bundle, looking, output, rules


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(diff)


def _period(side: str, first: str) -> Callable[[F], F]:
    return bundle(
        click.option(f"--{side}-date", metavar="DAY", help=f"{first}: one whole day of the log."),
        click.option(f"--{side}-since", metavar="TIME", help=f"{first}: from here on."),
        click.option(f"--{side}-until", metavar="TIME", help=f"{first}: before this time."),
    )


@click.command()
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--a", multiple=True, metavar="FILE", help="An input of A (may be repeated).")
@click.option("--b", multiple=True, metavar="FILE", help="An input of B (may be repeated).")
@_period("a", "A")
@_period("b", "B")
@click.option(
    "--history",
    metavar="FILE",
    type=click.Path(exists=True),
    help="Compare two periods of a history instead of logs.",
)
@click.option("--tz", metavar="ZONE", help="Zone of the output and of stamps without one.")
@click.option(
    "--year",
    type=click.IntRange(1970, 9000),
    help="Year of the first line, where stamps carry none.",
)
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="Only lines of this host.")
@click.option("--mta", "mtas", multiple=True, type=click.Choice(["postfix", "exim", "sendmail"]))
@click.option(
    "--direction",
    "directions",
    multiple=True,
    type=click.Choice(["inbound", "outbound", "local"]),
)
@click.option(
    "--code",
    "codes",
    multiple=True,
    metavar="CODE",
    callback=_code,
    help="Only replies 550, 5xx or 5.7.1.",
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="NAME",
    help="Only this sender's or recipient's domain.",
)
@rules
@click.option(
    "--least-count",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Events that one side must have for a difference to be told.",
)
@click.option(
    "--least-ratio",
    type=click.FloatRange(1, min_open=True),
    default=1.25,
    show_default=True,
    help="Factor by which rates must differ to be told.",
)
@click.option(
    "--format",
    "form",
    default="text",
    type=click.Choice(["text", "json", "md"]),
    show_default=True,
)
@click.option(
    "--fail-on",
    type=click.Choice(["change"]),
    help="End with status 1 where anything rose, fell, is new or gone.",
)
@looking
@anonymizing
@output
def diff(**options: Any) -> None:
    """Compare two periods: what rose, fell, is new or gone, by more than chance.

    An input is a log, a directory of logs, or a summary that `report --summary-out` wrote.

    \b
    Examples:
      smtplens diff mail.log.1 mail.log
      smtplens diff --a-date yesterday --b-date today /var/log/mail.log*
      smtplens diff --a mx1-old.summary --a mx2-old.summary --b mx1.summary --b mx2.summary
    """
    from analyzer.cli import finish, now, warn
    from analyzer.diff_run import make_diff

    finish(make_diff(options, options["inputs"], now(), warn), options)
