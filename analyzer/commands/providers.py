"""The command `providers`: a user's own map of mailbox providers."""

import click

from analyzer.exits import Exit


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(providers)


@click.group()
def providers() -> None:
    """Which hosts and networks are whose, for --providers.

    \b
    A map is a TOML file with a line for each provider:
      "Example Hosting" = ["mx.example.net", "192.0.2.0/24"]
      google = ["gateway.example.org"]

    \b
    Example:
      smtplens providers check my-providers.toml
    """


@providers.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def check(file: str) -> None:
    """Say line by line what is wrong in a map of your own; status 2 where something is.

    \b
    Example:
      smtplens providers check my-providers.toml
    """
    from analyzer.cli import finish
    from analyzer.knowledge.provider_map import load, problems
    from reports.safe import clean

    found = problems(file)
    if not found:
        own = load(file)
        found = [f"{file}: {len(own.hosts) + len(own.networks)} entries, nothing wrong"]
        status = Exit.DONE
    else:
        status = Exit.USAGE
    finish(("".join(f"{clean(line)}\n" for line in found), status), {"form": "text"})
