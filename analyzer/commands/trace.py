"""The command `trace`; it stands in the group of cli.py."""

from typing import Any

import click

from .options import anonymizing, looking, output, providers, reading


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(trace)


@click.command()
@click.argument("what", metavar="QUEUE_ID|ADDRESS|MESSAGE-ID|IP")
@reading
@click.option(
    "--all", "every", is_flag=True, help="Tell every story; without it, several are listed."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="At most the newest N (default: 20; with --all, all).",
)
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
@looking
@providers
@anonymizing
@output
def trace(**options: Any) -> None:
    """Tell what became of a message: every hop, every reply, why, and what to do.

    Looks for a queue id, an address, a Message-ID, a login or a client's IP, over all hosts and
    files given. A pipe is kept in a temporary file while it is searched.

    \b
    Examples:
      smtplens trace 157B419693C /var/log/mail.log
      smtplens trace alice@example.org /var/log/mail.log*
      smtplens trace 203.0.113.9 --all /var/log/mail.log
    """
    from analyzer import cli
    from analyzer.trace.run import make_trace

    logs = cli.logs_of(options["logs"])
    cli.finish(make_trace(options, logs, cli.now(), cli.warn), options)
