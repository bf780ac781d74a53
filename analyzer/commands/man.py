"""The command `man`."""

import click

from analyzer.exits import Exit


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(man)


@click.command()
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.option(
    "--list",
    "listed",
    is_flag=True,
    help="List the names of all pages instead; such a name is taken for COMMAND too.",
)
def man(words: tuple[str, ...], listed: bool) -> None:
    """Print the manual page of smtplens, or of one command, in roff.

    \b
    Examples:
      smtplens man | man -l -
      smtplens man report > smtplens-report.1
    """
    from importlib.metadata import version

    from analyzer.cli import finish
    from analyzer.man import page, pages

    main = click.get_current_context().find_root().command
    if not isinstance(main, click.Group):
        raise TypeError("no main group")
    known = pages(main)
    words = known.get(words[0], words) if words else words
    try:
        text = "".join(f"{name}\n" for name in known) if listed else ""
        text = text or page(main, words, version("smtplens"))
    except KeyError as error:
        raise click.UsageError(f"there is no command {' '.join(words)!r}") from error
    finish((text, Exit.DONE), {"form": "roff"})
