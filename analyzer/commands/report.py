"""The command `report`."""

from typing import Any

import click

from analyzer.exits import Exit

from .delivering import delivering
from .judging import judging
from .options import (
    anonymizing,
    formed,
    from_history,
    looking,
    munging,
    output,
    providers,
    reading,
    rules,
    selecting,
    wording,
)


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(report)


def _list_sections(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from analyzer.cli import finish
    from analyzer.sections import all_sections
    from reports.model import STANDARD

    others = (s for s in all_sections() if s.name not in STANDARD)
    named = [*STANDARD.items(), *((s.name, s.about) for s in others)]
    width = max(len(name) for name, _ in named)
    text = "".join(f"{name:{width}}  {about}\n" for name, about in named)
    finish((text, Exit.DONE), {"form": "text"})
    ctx.exit()


@click.command()
@reading
@selecting
@from_history
@click.option(
    "--section",
    metavar="NAME,...",
    help="Only these sections, or `all` (default: the standard ones).",
)
@click.option(
    "--list-sections",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_list_sections,
    help="List the sections there are.",
)
@rules
@providers
@munging
@click.option(
    "--raw",
    is_flag=True,
    help="Count mail at every hop, also where a content filter puts it back into the queue.",
)
@formed
@click.option(
    "--unrecognised",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the lines that were not understood to FILE.",
)
@click.option(
    "--summary-out",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write all counts to FILE too: `report` merges such files of several hosts, `diff`"
    " compares them. Without --section it holds every section.",
)
@click.option("--no-report", is_flag=True, help="Print no report.")
@looking
@wording
@anonymizing
@delivering
@judging
@output
def report(**options: Any) -> None:
    """Report what was replied, how often, what it means and what to do.

    \b
    Example:
      smtplens report /var/log/mail.log -d yesterday
    """
    from analyzer.cli import end, finish, logs_of, now, warn
    from analyzer.crew import gather_crew

    logs = options["logs"] if options["history"] else logs_of(options["logs"])
    crew = None if options["unrecognised"] else gather_crew(logs)
    from analyzer.run import make_report

    def write(text: str) -> None:
        if not options["no_report"]:
            finish((text, Exit.DONE), options)

    _, status = make_report(options, logs, now(), warn, crew, write)
    end(status)
