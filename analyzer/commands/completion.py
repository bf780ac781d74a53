"""The command `completion`, and what the shell is offered for values that click does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from analyzer.exits import Exit

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Values = Callable[[], Iterable[tuple[str, str]]]
"""Values and a word on each."""

SHELLS = ("bash", "zsh", "fish")


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(completion)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that teaches a shell to complete smtplens.

    \b
    Examples:
      smtplens completion bash > /etc/bash_completion.d/smtplens
      smtplens completion zsh > ~/.zfunc/_smtplens
      smtplens completion fish > ~/.config/fish/completions/smtplens.fish
    """
    from click.shell_completion import get_completion_class

    from analyzer.cli import finish

    main = click.get_current_context().find_root().command
    writer = get_completion_class(shell)
    if writer is None:
        raise click.UsageError(f"click knows no {shell}")
    script = writer(main, {}, "smtplens", "_SMTPLENS_COMPLETE").source()
    finish((script, Exit.DONE), {"form": "script"})


def _sections() -> Iterator[tuple[str, str]]:
    from analyzer.sections import all_sections
    from reports.model import STANDARD

    yield from STANDARD.items()
    yield from ((section.name, section.about) for section in all_sections())
    yield "all", "all of them"


def _codes() -> Iterator[tuple[str, str]]:
    from analyzer.knowledge import entries

    for code, entry in entries.data("replies").items():
        if code.isdigit():
            yield code, str(entry.get("title", ""))
    for code, entry in entries.data("enhanced").items():
        subject_and_detail = code.removeprefix("X")
        if subject_and_detail.replace(".", "").isdigit():
            title = str(entry.get("title", ""))
            yield from ((digit + subject_and_detail, title) for digit in "245")


def _selected_codes() -> Iterator[tuple[str, str]]:
    yield from ((f"{digit}xx", "") for digit in "2345")
    yield from _codes()


def _languages() -> Iterator[tuple[str, str]]:
    from analyzer.knowledge.languages import available

    yield from ((language, "") for language in available())


def _standards() -> Iterator[tuple[str, str]]:
    from analyzer.knowledge import entries

    yield from ((str(name), "") for name in entries.data("labels")["standard"])


def _zones() -> Iterator[tuple[str, str]]:
    from zoneinfo import available_timezones

    yield from ((name, "") for name in sorted(available_timezones()))


def _days() -> Iterator[tuple[str, str]]:
    yield from (("yesterday", ""), ("today", ""))


OPTIONS: dict[str, tuple[Values, str]] = {
    "--section": (_sections, ","),
    "--code": (_selected_codes, ""),
    "--lang": (_languages, ""),
    "--standard": (_standards, ""),
    "--tz": (_zones, ""),
    "--date": (_days, ""),
    "--since": (_days, ""),
    "--until": (_days, ""),
}
"""What values an option has, wherever it stands, and what separates several in one."""
ARGUMENTS: dict[tuple[str, str], Values] = {
    ("explain", "asked"): _codes,
    ("compare", "a"): _codes,
    ("compare", "b"): _codes,
}
"""The same for arguments, by command."""


def offer(main: click.Group) -> None:
    """Have the shell offer values for the parameters above, and files where a log is named."""
    for command in _all_commands(main):
        for parameter in command.params:
            if completer := _completer(str(command.name), parameter):
                # The same as shell_complete= where the parameter is declared; what values there
                # are does not depend on the command.
                vars(parameter)["shell_complete"] = completer


def _all_commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from _all_commands(command)


Completer = Callable[[click.Context, str], "list[CompletionItem]"]


def _completer(command: str, parameter: click.Parameter) -> Completer | None:
    if (command, str(parameter.name)) in ARGUMENTS:
        return _offering(ARGUMENTS[command, str(parameter.name)], "")
    for name in parameter.opts if isinstance(parameter, click.Option) else ():
        if name in OPTIONS:
            return _offering(*OPTIONS[name])
    # A log may be a path or `-`: its type is a text, for which click offers nothing.
    return _files if "LOG" in (parameter.metavar or "").strip("[].") else None


def _files(_: click.Context, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _offering(values: Values, separator: str) -> Completer:
    def offered(_: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        begun, given = "", incomplete
        if separator:
            before, mark, given = incomplete.rpartition(separator)
            begun = before + mark
        return [
            CompletionItem(begun + value, help=about or None)
            for value, about in values()
            if value.startswith(given)
        ]

    return offered
