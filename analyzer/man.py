"""Manual pages in roff (man(7)), built from the commands themselves.

Texts are those of `--help`; nothing is said twice. What roff would read as markup is escaped
here and nowhere else.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from unicodedata import normalize

import click

from .config import ALL, OF_ITSELF, SYSTEM_FILE, Words, every_command, options_of, variable
from .exits import Exit

STATUSES = {
    Exit.DONE: "Done.",
    Exit.CONDITION: "What was asked for as a reason to fail is so: a condition of the command line"
    " is met, a log cannot be trusted, nothing was found.",
    Exit.USAGE: "Wrong usage, or a wrong configuration.",
    Exit.INPUT: "An input is missing, unreadable or broken off; what was readable is reported.",
    Exit.NOT_MAIL: "Nothing in the input was recognised as a mail log.",
    Exit.INTERRUPTED: "Interrupted.",
}
_ESCAPES = str.maketrans(
    {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti",
     '"': r"\(dq"}
)  # fmt: skip
_WORDS = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)")


def page(main: click.Group, words: Words, version: str) -> str:
    """The page of the program, or of the one command (or group) that `words` name.

    Raises KeyError where there is no such command.
    """
    root = _context(main, "smtplens", None)
    here = root
    for word in words:
        group = here.command
        if not isinstance(group, click.Group):
            raise KeyError(word)
        here = _context(group.commands[word], word, here)
    return "".join(f"{line}\n" for line in _page(root, here, words, version))


def pages(main: click.Group) -> dict[str, Words]:
    """Every page there is by its name: smtplens, smtplens-report, smtplens-rules-list ..."""
    found: dict[str, Words] = {"smtplens": ()}
    return found | {"-".join(("smtplens", *words)): words for words, _ in _all(main)}


def _all(group: click.Group, above: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if not command.hidden:
            yield (*above, name), command
            if isinstance(command, click.Group):
                yield from _all(command, (*above, name))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return command.context_class(command, info_name=name, parent=parent, **command.context_settings)


def _page(root: click.Context, here: click.Context, words: Words, version: str) -> Iterator[str]:
    main, command = root.command, here.command
    if not isinstance(main, click.Group):
        raise TypeError("no main group")
    name = "-".join(("smtplens", *words))
    # No date: a page is the same whenever it is built.
    yield f'.TH {escape(name.upper())} 1 "" "{escape(f"smtplens {version}")}" "User Commands"'
    # Commands are not to be broken, nor lines stretched.
    yield from (".nr HY 0", ".nh", ".ad l")
    yield from (".SH NAME", rf"{escape(name)} \- {escape(_first_sentence(command))}")
    yield from (".SH SYNOPSIS", _usage(here))
    yield from (".SH DESCRIPTION", *_prose(command.help or ""))
    if options := [*_options(here)]:
        yield from (".SH OPTIONS", *options)
    if isinstance(command, click.Group):
        yield from (".SH COMMANDS", *_commands(here))
    configured = dict(every_command(main))
    yield from _environment(command, words) if words in configured else ()
    if not words or words[0] in OF_ITSELF:
        yield from _configuration()
    yield ".SH EXIT STATUS"
    for status, meaning in STATUSES.items():
        yield from (".TP", rf"\fB{int(status)}\fR", escape(meaning))
    others = sorted(pages(main).keys() - {name})
    yield from (".SH SEE ALSO", ",\n".join(rf"\fB{escape(other)}\fR(1)" for other in others))


def _first_sentence(command: click.Command) -> str:
    paragraph = " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.;])\s", paragraph)[0].rstrip(".;")
    return sentence[:1].lower() + sentence[1:]


def _usage(context: click.Context) -> str:
    path = escape(context.command_path)
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return rf"\fB{path}\fR {escape(pieces)}"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; click marks with a lone \\b those whose lines stay as they are."""
    for block in re.split(r"\n[ \t]*\n", inspect.cleandoc(text)):
        if not block.startswith("\b"):
            yield from (".PP", escape(" ".join(block.split())))
            continue
        kept = block.splitlines()[1:]
        heads = [line for line in kept[:1] if not line.startswith(" ")]
        if heads:
            yield from (".PP", escape(heads[0]))
        lines = textwrap.dedent("\n".join(kept[len(heads) :])).splitlines()
        yield from (".RS 4", ".EX", *map(escape, lines), ".EE", ".RE")


def _options(context: click.Context, without: Sequence[str] = ()) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or not isinstance(parameter, click.Option):
            continue
        if parameter.opts == list(without):
            continue  # every command has it
        # click says "RANGE" and then which one.
        heading, text = record[0].replace(" RANGE", ""), record[1]
        yield from (".TP", _heading(heading), escape(" ".join(text.split())) or r"\&")


def _heading(text: str) -> str:
    """Names of options bold, their values italic: `-d, --date DAY`."""
    names_and_values = _WORDS.split(text)
    # Names stand at odd places; before and after them commas, slashes and values.
    return "".join(
        rf"\fB{escape(part)}\fR" if at % 2 else _values(part)
        for at, part in enumerate(names_and_values)
    )


def _values(text: str) -> str:
    value = text.strip(" ,/")
    if not value:
        return escape(text) if text else ""
    before, _, after = text.partition(value)
    return rf"{before}\fI{escape(value)}\fR{after}"


def _commands(context: click.Context) -> Iterator[str]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        below = _context(command, name, context)
        yield from (f".SS {escape(below.command_path)}", _usage(below))
        yield from _prose(command.help or "")
        yield from _options(below, without=below.help_option_names)
        if isinstance(command, click.Group):
            yield from _commands(below)


def _environment(command: click.Command, words: Words) -> Iterator[str]:
    """The variables of a command's options."""
    options = options_of(command)
    if not options:
        return
    yield ".SH ENVIRONMENT"
    yield from (".PP", escape(f"Each option has a variable of its own and one, {variable((ALL,), '')}"
                              "<OPTION>, for all commands that have it."))  # fmt: skip
    for key in options:
        yield from (".TP", rf"\fB{escape(variable(words, key))}\fR", escape(f"--{key}"))


def _configuration() -> Iterator[str]:
    yield from (".SH CONFIGURATION", ".PP")
    yield escape(
        "An option that is not on the command line is taken from the environment, else from a"
        " configuration file, else it has its default. Files are TOML: a table for each command,"
        f" [rules.list] for a command of two words, and [{ALL}] for options that several commands"
        " share; keys are the long names of options, lists stand for options that may be"
        " repeated. `smtplens config check` says what is wrong in a file, `smtplens config show`"
        " what every option is and why."
    )
    yield from (".SH FILES", ".TP", rf"\fI{escape(SYSTEM_FILE)}\fR", "Options for all users.")
    yield from (".TP", r"\fI$XDG_CONFIG_HOME/smtplens/config.toml\fR")
    yield escape(
        "Your own, laid over it; ~/.config/smtplens/config.toml where the variable is unset."
    )
    yield from (".SH ENVIRONMENT", ".TP", r"\fBSMTPLENS_CONFIG\fR")
    yield escape("A configuration file to read alone, as with --config.")
    yield from (".TP", r"\fBSMTPLENS_\fR\fICOMMAND\fR\fB_\fR\fIOPTION\fR")
    yield escape("An option of a command; SMTPLENS_REPORT_TZ is `report --tz`.")
    yield from (".TP", r"\fBSMTPLENS_ALL_\fR\fIOPTION\fR")
    yield escape("The same for all commands that have the option.")
    yield from (".TP", r"\fBNO_COLOR\fR", "No colour where none is asked for by name.")


def escape(text: str) -> str:
    """Text that roff prints as it stands, wherever in a line it is put."""
    from reports.safe import clean

    plain = clean(text).translate(_ESCAPES)
    plain = "".join(char if char.isascii() else _glyph(char) for char in plain)
    # A line that begins so would be a request.
    return rf"\&{plain}" if plain.startswith((".", r"\(aq")) else plain


def _glyph(char: str) -> str:
    return "\\[u" + "_".join(f"{ord(part):04X}" for part in normalize("NFD", char)) + "]"
