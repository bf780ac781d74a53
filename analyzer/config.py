"""Where options come from that are not on the command line: configuration files, environment.

click decides who wins (flags, environment, file, default); here it is told what the files hold
and what the variables are called. Both are derived from the commands, none is listed. A file is
read when a command asks for its first option, so that `--help` neither waits for one nor fails.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from .exits import Exit, Refused

if TYPE_CHECKING:
    from .config_file import Loaded

ALL = "all"
"""The table of options that several commands share."""
PREFIX = "SMTPLENS"
OF_ITSELF = frozenset({"config", "completion", "man"})
"""Commands about the program itself; they have no table."""
SYSTEM_FILE = "/etc/smtplens.toml"
_KEY = f"{__name__}.configuration"
_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:[^/?#]*@")

Words = tuple[str, ...]
"""The words of a command: `("rules", "list")`."""


class ConfigFile(NamedTuple):
    """A file that may hold options."""

    path: str
    asked_for: bool
    """Named by the user: then it has to be there."""


class Configuration:
    """What the files say, read once and when first asked for."""

    def __init__(self, main: click.Group, files: tuple[ConfigFile, ...]) -> None:
        self.main = main
        self.files = files

    @cached_property
    def loaded(self) -> "Loaded":
        """Everything the files hold, right or wrong. Raises Refused where one is unreadable."""
        from .config_file import load

        return load(self.main, self.files)

    def values(self, words: Words) -> dict[str, Any]:
        """Options of a command by parameter name; refused where anything in a file is wrong."""
        found = self.loaded.problems
        if found:
            more = f" (and {len(found) - 1} more: smtplens config check)" if found[1:] else ""
            raise Refused(f"{found[0]}{more}", Exit.USAGE)
        return self.loaded.values.get(words, {})


class Settings(dict[str, Any]):
    """The files as click's default_map: commands hold options or further commands."""

    def __init__(self, configuration: Configuration, command: click.Command, words: Words) -> None:
        super().__init__()
        self._configuration, self._command, self._words = configuration, command, words

    def __contains__(self, name: object) -> bool:
        return name in self._configuration.values(self._words)

    def __getitem__(self, name: str) -> Any:
        return self._configuration.values(self._words)[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A command below, without reading anything yet, or an option's value."""
        if isinstance(self._command, click.Group) and name in self._command.commands:
            if not self._words and name in OF_ITSELF:
                return None
            below = self._command.commands[name]
            return Settings(self._configuration, below, (*self._words, name))
        return self._configuration.values(self._words).get(name, default)


class ConfiguredContext(click.Context):
    """Shows the program's own defaults in a help text, whatever the files say."""

    def get_help(self) -> str:
        """Return the help without reading a file."""
        self.default_map = None
        return super().get_help()


def prepare(main: click.Group) -> None:
    """Give every option its environment variable, and every command the lazy files."""
    for words, command in every_command(main):
        command.context_class = ConfiguredContext
        for key, option in options_of(command).items():
            # click's auto_envvar_prefix would name them after parameters (`form`, `hosts`).
            own = option.envvar or ()
            others = (own,) if isinstance(own, str) else tuple(own)
            option.envvar = [variable(words, key), variable((ALL,), key), *others]


def configure(context: click.Context, named: str | None) -> None:
    """Lay the files under the options of the commands below."""
    main = context.command
    if not isinstance(main, click.Group):
        raise TypeError("only the main group is configured")
    files = (ConfigFile(named, True),) if named else default_files(os.environ)
    configuration = Configuration(main, files)
    context.meta[_KEY] = configuration
    context.default_map = Settings(configuration, main, ())


def configuration_of(context: click.Context) -> Configuration:
    """The configuration of this run; before the main group ran, an empty one."""
    main = context.find_root().command
    if not isinstance(main, click.Group):
        raise TypeError("no main group")
    found = context.meta.get(_KEY)
    return found if isinstance(found, Configuration) else Configuration(main, ())


def default_files(environment: Mapping[str, str]) -> tuple[ConfigFile, ...]:
    """The files that are read unasked, the stronger one last (XDG Base Directory 0.8)."""
    found = [SYSTEM_FILE]
    home, given = environment.get("HOME", ""), environment.get("XDG_CONFIG_HOME", "")
    # A relative path is to be ignored; a service may have no home.
    base = given if given.startswith("/") else f"{home.rstrip('/')}/.config"
    if given.startswith("/") or home.startswith("/"):
        found.append(f"{base.rstrip('/')}/smtplens/config.toml")
    return tuple(ConfigFile(path, False) for path in found)


def every_command(main: click.Group, above: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    """Every command and group that can be configured, with its words, groups first."""
    for name, command in sorted(main.commands.items()):
        if not above and name in OF_ITSELF:
            continue
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*above, name))


def options_of(command: click.Command) -> dict[str, click.Option]:
    """The options that a file may hold, by their long names without dashes.

    Those that print something and end (`--help`, `--list-sections`) are none.
    """
    found = {}
    for option in command.params:
        if isinstance(option, click.Option) and option.expose_value and not option.hidden:
            long = [name[2:] for name in option.opts if name.startswith("--")]
            found[long[0] if long else str(option.name).replace("_", "-")] = option
    return found


def variable(words: Words, key: str) -> str:
    """The environment variable of an option: SMTPLENS_RULES_LIST_FORMAT."""
    return "_".join((PREFIX, *words, key)).upper().replace("-", "_")


def is_secret(key: str, option: click.Option) -> bool:
    """Whether the value itself is a secret, not the name of a file that holds one."""
    return option.hide_input or key.endswith(("password", "passwd", "secret", "token"))


def login_in(value: object) -> bool:
    """Whether a text is a URL with a password in it."""
    return isinstance(value, str) and bool(_LOGIN.match(value))


def variable_used(option: click.Option) -> str | None:
    """The variable that click takes this option from; an empty one counts as unset."""
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
    return next((name for name in names if os.environ.get(name)), None)


def words_of(context: click.Context) -> Words:
    """The words of the command of this context."""
    found: Words = ()
    while context.parent is not None:
        found = (str(context.info_name), *found)
        context = context.parent
    return found


def origin(context: click.Context, parameter: click.Parameter) -> str:
    """Where a value comes from that is not on the command line: a variable, `FILE:LINE`, or ''."""
    source = context.get_parameter_source(str(parameter.name))
    if source is ParameterSource.ENVIRONMENT and isinstance(parameter, click.Option):
        return variable_used(parameter) or ""
    if source is ParameterSource.DEFAULT_MAP:
        origins = configuration_of(context).loaded.origins
        return origins.get((words_of(context), str(parameter.name)), "")
    return ""


def say_where(error: click.BadParameter) -> None:
    """Add the file or variable that a wrong value stands in."""
    if error.ctx is not None and error.param is not None:
        where = origin(error.ctx, error.param)
        if where:
            vars(error)["message"] = f"{error.message} ({where})"  # click declares it final
