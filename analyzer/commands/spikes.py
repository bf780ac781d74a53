"""The command `spikes`."""

from typing import Any

import click

from .judging import judging
from .options import anonymizing, from_history, looking, output, reading, rules, selecting, wording


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(spikes)


@click.command()
@reading
@selecting
@from_history
@click.option(
    "--by",
    type=click.Choice(
        ["client", "client-net", "sender-domain", "recipient-domain", "provider", "cause"]
    ),
    help="Also look at each of these by itself.",
)
@rules
@judging
@click.option(
    "--explain-why",
    is_flag=False,
    flag_value="all",
    metavar="[=ID]",
    help="Show how the p of each spike, or of that one, was worked out.",
)
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
@looking
@wording
@anonymizing
@output
def spikes(**options: Any) -> None:
    """Find what was refused or put off far more often than usual, since when and by whom.

    An hour is compared with the same hour of other days where the logs cover two weeks, else with
    the rest of the log. What is before --since is compared with, too: give older logs along.

    \b
    Examples:
      smtplens spikes /var/log/mail.log* -d yesterday
      smtplens spikes mail.log --code 502 --by client-net --explain-why
      smtplens spikes mail.log --fail-on spike:5xx --only-if spikes
    """
    from analyzer.cli import finish, logs_of, now, warn
    from analyzer.crew import gather_crew

    why = options["explain_why"]
    if why not in (None, "all") and not why.isdigit():
        # `--explain-why LOG`: the word after it is a log.
        options["logs"], options["explain_why"] = (why, *options["logs"]), "all"
    logs = options["logs"] if options["history"] else logs_of(options["logs"])
    crew = gather_crew(logs)
    from analyzer.spikes.command import make_spikes

    finish(make_spikes(options, logs, now(), warn, crew), options)
