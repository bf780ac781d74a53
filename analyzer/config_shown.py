"""What the commands would do now: every option in effect, and where it comes from."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from .config import (
    ALL,
    PREFIX,
    ConfigFile,
    Configuration,
    Words,
    every_command,
    is_secret,
    options_of,
    origin,
    variable,
    variable_used,
)
from .config_file import load, meant
from .exits import Refused

MASK = "********"
_SOURCES = {ParameterSource.ENVIRONMENT: "environment", ParameterSource.DEFAULT_MAP: "file"}


@dataclass(frozen=True, slots=True)
class Effective:
    """One option of one command."""

    command: str
    option: str
    """Long name without dashes."""
    value: Any
    source: str
    """`default`, `file` or `environment`."""
    where: str
    """`FILE:LINE` or the variable; empty for a default."""


def effective(context: click.Context) -> Iterator[Effective]:
    """Every option of every command, as click would decide with no flags given."""
    root = context.find_root()
    main = root.command
    if not isinstance(main, click.Group):
        raise TypeError("no main group")
    for words, command in every_command(main):
        options = options_of(command)
        above = root
        for name, group in _groups(main, words):
            above = group.context_class(group, info_name=name, parent=above)
        # Resilient: arguments may be missing, and a wrong value is `config check`'s business.
        own = command.make_context(words[-1], [], parent=above, resilient_parsing=True)
        for key, option in options.items():
            source = own.get_parameter_source(str(option.name))
            yield Effective(
                command=" ".join(words),
                option=key,
                value=masked(key, option, _value(own, option)),
                source=_SOURCES.get(source, "default") if source else "default",
                where=origin(own, option),
            )


def masked(key: str, option: click.Option, value: Any) -> Any:
    """A value as it may be shown: of a URL, whose path may be all that guards it, scheme and host."""
    if isinstance(value, list):
        return [masked(key, option, item) for item in value]
    if not isinstance(value, str) or not value:
        return value
    if is_secret(key, option):
        return MASK
    if "://" not in value:
        return value
    try:
        url = urlsplit(value)
    except ValueError:
        return MASK
    host = url.netloc.rpartition("@")[2]
    plain = f"{url.scheme}://{host}"
    return value if value.rstrip("/") == plain else f"{plain}/{MASK}"


def _groups(main: click.Group, words: Words) -> Iterator[tuple[str, click.Command]]:
    above: click.Command = main
    for name in words[:-1]:
        above = above.commands[name] if isinstance(above, click.Group) else above
        yield name, above


def _value(context: click.Context, option: click.Option) -> Any:
    """A plain value: as the command gets it, or as it was written where that is an object."""
    value = context.params.get(str(option.name))
    if value is None and (used := variable_used(option)):
        value = os.environ[used]
    elif value is None or not _plain(value):
        value = option.get_default(context)
    if isinstance(value, tuple | list):
        return list(value) if _plain(value) else [str(item) for item in value]
    return value if _plain(value) else _unset(value)


def _plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float)


def _unset(value: Any) -> str | None:
    # click's marker for "no default" is an enum of its own.
    return None if type(value).__name__ == "Sentinel" else str(value)


def show_json(configuration: Configuration, found: list[Effective]) -> str:
    """The files that were read and the options."""
    files = list(configuration.loaded.files)
    made = {"files": files, "options": [asdict(option) for option in found]}
    return json.dumps(made, ensure_ascii=True, indent=2) + "\n"


def show_text(configuration: Configuration, found: list[Effective]) -> str:
    """The same as a configuration file; what is a default or not allowed there is a comment."""
    from reports.safe import clean

    loaded = configuration.loaded
    lines = [f"# {'read' if file.path in loaded.files else 'not there'}: {file.path}"
             for file in configuration.files]  # fmt: skip
    for command, options in groupby(found, key=lambda option: option.command):
        lines += ["", f"[{command.replace(' ', '.')}]"]
        for option in options:
            unset = option.value is None or option.value == []
            line = f"{option.option} = {'' if unset else _toml(option.value)}"
            lines.append(
                f"# {line.rstrip():40} # {'not set' if unset else option.source}"
                if option.source == "default" or MASK in str(option.value)
                else f"{line:42} # {option.where}"
            )
    return "".join(f"{clean(line)}\n" for line in lines)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    # A TOML text is spelt like a JSON one; beyond the BMP JSON would write two halves.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value).lower()


def check(configuration: Configuration, named: str | None) -> list[str]:
    """Say what is wrong in a file, or in the files and the environment in use."""
    main = configuration.main
    if named:
        configuration = Configuration(main, (ConfigFile(named, True),))
    loaded = load(main, configuration.files)
    found = [str(problem) for problem in loaded.problems]
    commands = dict(every_command(main))
    for (words, name), where in loaded.origins.items():
        option = next(o for o in options_of(commands[words]).values() if o.name == name)
        told = _refused(words, option, loaded.values[words][name])
        if told:
            found.append(f"{where}: {told}")
    return _once([*found, *(() if named else _environment(commands))])


def _once(lines: list[str]) -> list[str]:
    """An option of [all] would be told for every command that has it."""
    return list(dict.fromkeys(lines))


def _refused(words: Words, option: click.Option, value: Any) -> str:
    """What the command would say to this value on its command line; empty where it takes it."""
    if option.is_flag or option.count or option.nargs != 1:
        return ""
    name = max(option.opts, key=len)
    values = value if option.multiple else [value]
    return _tried(words, option, [f"{name}={item}" for item in values])


def _tried(words: Words, option: click.Option, arguments: list[str]) -> str:
    alone = click.Command(" ".join(words), params=[option])
    try:
        alone.make_context(alone.name, arguments)
    except click.UsageError as error:
        return error.format_message().rstrip(".")
    except Refused as refused:
        return str(refused)
    return ""


def _environment(commands: dict[Words, click.Command]) -> Iterator[str]:
    """Variables that are no option's, and those with a value that is refused."""
    known = {
        variable(at, key)
        for words, command in commands.items()
        for key in options_of(command)
        for at in (words, (ALL,))
    }
    tables = tuple({variable(words, "") for words in (*commands, (ALL,))})
    for name in sorted(os.environ):
        if name.startswith(tables) and name not in known and name != f"{PREFIX}_CONFIG":
            yield f"{name}: no option has this variable{meant(name, known)}"
    for words, command in commands.items():
        for option in options_of(command).values():
            used = variable_used(option)
            told = _tried(words, option, []) if used else ""
            if told:
                yield f"{used}: {told}"
