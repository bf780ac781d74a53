"""The commands `config check` and `config show`."""

import click

from analyzer.exits import Exit


def register(main: click.Group) -> None:
    """Add the commands."""
    main.add_command(config)


@click.group()
def config() -> None:
    """Look at the configuration: what is wrong in it, what it makes of every option.

    Options come from the command line, else from SMTPLENS_<COMMAND>_<OPTION> or
    SMTPLENS_ALL_<OPTION> in the environment, else from the user's file, else from
    /etc/smtplens.toml. A file has a table for each command and one, [all], for what they share.

    \b
    Examples:
      smtplens config check
      smtplens config show
    """


@config.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
def check(file: str | None) -> None:
    """Say line by line what is wrong in FILE, or in the files and variables in use.

    Ends with status 2 where something is. What only a log can tell (whether a host is in it) is
    not asked.

    \b
    Example:
      smtplens config check /etc/smtplens.toml
    """
    from analyzer.cli import finish
    from analyzer.config import configuration_of
    from analyzer.config_shown import check as checked
    from reports.safe import clean

    configuration = configuration_of(click.get_current_context())
    found = checked(configuration, file)
    if not found:
        read = [file] if file else configuration.loaded.files
        found_nothing = [f"{name}: nothing wrong" for name in read]
        told = found_nothing or ["there is no configuration file; nothing wrong"]
    else:
        told = found
    text = "".join(f"{clean(line)}\n" for line in told)
    finish((text, Exit.USAGE if found else Exit.DONE), {"form": "text"})


@config.command("show")
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
def show(form: str) -> None:
    """Show every option of every command, and whether a file, a variable or nobody set it.

    The text form is a configuration file; what is a default stands there as a comment.

    \b
    Example:
      smtplens config show --format json
    """
    from analyzer.cli import finish
    from analyzer.config import configuration_of
    from analyzer.config_shown import effective, show_json, show_text

    context = click.get_current_context()
    configuration, found = configuration_of(context), list(effective(context))
    make = show_json if form == "json" else show_text
    finish((make(configuration, found), Exit.DONE), {"form": form})
