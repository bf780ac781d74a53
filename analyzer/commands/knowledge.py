"""The commands of the knowledge base: explain, compare, codes, rules. polars only for --log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.exits import Exit

from .options import from_history, language

if TYPE_CHECKING:
    from reports.article import Article, Comparison
    from reports.pages import Page

F = TypeVar("F", bound=Callable[..., Any])
MOST_INPUT = 1 << 20
"""Bytes of standard input that are read; a reply is far shorter."""


def register(main: click.Group) -> None:
    """Add the commands."""
    for command in (explain, compare, codes, rules):
        main.add_command(command)


def _standard(_: click.Context, __: click.Parameter, value: str | None) -> str:
    from analyzer.knowledge import entries

    known = entries.data("labels")["standard"]
    if value is not None and value not in known:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(known)}")
    return value or ""


_SHOWN: tuple[Callable[[F], F], ...] = (
    click.option("--lang", metavar="LANG", callback=language,
                 help="Language: en or hi (default: the locale's)."),
    click.option("--format", "form", default="text", show_default=True,
                 type=click.Choice(["text", "json", "markdown"])),
    click.option("--width", type=click.IntRange(60, 400),
                 help="Columns of the text (default: the terminal's, 80 at most)."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
                 show_default=True),
)  # fmt: skip
_LOG = click.option("--log", "logs", multiple=True, metavar="LOG",
                    help="Also count it in this log (may be repeated).")  # fmt: skip
_RULES = click.option("--rules", "user", metavar="FILE", type=click.Path(dir_okay=False),
                      help="Rules of your own, tried before all others.")  # fmt: skip


def shown(command: F) -> F:
    """Add the options that every page has."""
    for option in reversed(_SHOWN):
        command = option(command)
    return command


@click.command()
@click.argument("asked", nargs=-1, metavar="[X]...")
@click.option(
    "--direction",
    type=click.Choice(["inbound", "outbound", "local"]),
    help="Who replied: this server (inbound), a remote one (outbound), nobody (local).",
)
@click.option("--host", metavar="MX", help="The server that replied; picks its provider's rules.")
@_RULES
@_LOG
@shown
def explain(**options: Any) -> None:
    """Explain a code, a reply, a bounce or a log line; - reads it from standard input.

    \b
    Examples:
      smtplens explain 550
      smtplens explain 5.7.26
      smtplens explain "550-5.7.26 This mail has been blocked because ..."
      grep 0A13919693B /var/log/mail.log | smtplens explain -
    """  # fmt: skip
    from analyzer.explain.answer import explain as make

    query = _query(options["asked"])
    page = make(query, direction=options["direction"], host=options["host"],
                user=_user(options), lang=options["lang"])  # fmt: skip
    _show(page, options)


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@_RULES
@_LOG
@shown
def compare(**options: Any) -> None:
    """Tell two codes apart: differences first.

    \b
    Examples:
      smtplens compare 251 502
      smtplens compare 4.7.1 5.7.1 --log /var/log/mail.log
    """
    from analyzer.explain.compare import compare as make

    _show(make(options["a"], options["b"], user=_user(options), lang=options["lang"]), options)


@click.command()
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.option(
    "--class", "digit", type=click.Choice(["2", "3", "4", "5"]), help="Only codes of this class."
)
@click.option(
    "--standard",
    metavar="NAME",
    callback=_standard,
    help="Only codes of this standing: standards-track, experimental, vendor ...",
)
@click.option(
    "--seen", is_flag=True, help="Only codes that the history holds, or the logs named by --log."
)
@click.option("--log", "seen_logs", multiple=True, metavar="LOG",
              help="Look in this log instead of the history (may be repeated).")  # fmt: skip
@from_history
@shown
def codes(**options: Any) -> None:
    """List the codes, or those whose texts and settings hold all WORDS.

    \b
    Examples:
      smtplens codes greylist
      smtplens codes disable_vrfy_command
      smtplens codes --class 4
    """  # fmt: skip
    from analyzer.explain.code_list import codes as make

    page = make(options["words"], digit=options["digit"] or "", standard=options["standard"],
                lang=options["lang"])  # fmt: skip
    if not (options["seen"] or options["seen_logs"] or options["history"]):
        _show(page, options)
        return
    from analyzer.cli import now, warn
    from analyzer.explain.codes_seen import only_seen

    page, status = only_seen(page, options["seen_logs"], options["history"], now(), warn)
    _show(page, options, status)


@click.group()
def rules() -> None:
    """The rules that tell what a reply's text means.

    \b
    Examples:
      smtplens rules check my-rules.toml
      smtplens rules list gmail rate
    """


@rules.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def rules_check(file: str) -> None:
    """Say line by line what is wrong in a file of your own rules; status 2 where something is.

    \b
    Example:
      smtplens rules check my-rules.toml
    """
    from analyzer.knowledge.rules_check import load, problems

    found = problems(file)
    count = 0 if found else len(load(file))
    told = found or [f"{file}: {count} {'rule' if count == 1 else 'rules'}, nothing wrong"]
    _print("".join(f"{_safe(line)}\n" for line in told), Exit.USAGE if found else Exit.DONE, "text")


@rules.command("list")
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@_RULES
@shown
def rules_list(**options: Any) -> None:
    """List the rules in the order in which they decide, or those that hold all WORDS.

    \b
    Example:
      smtplens rules list gmail rate
    """
    from analyzer.explain.code_list import rule_list

    _show(rule_list(options["words"], user=_user(options), lang=options["lang"]), options)


def _query(asked: tuple[str, ...]) -> str:
    if asked not in ((), ("-",)):
        return " ".join(asked)
    stdin = click.open_file("-", "rb")
    if not asked and stdin.isatty():
        context = click.get_current_context()
        raise click.UsageError("name a code, or paste a reply with -", context)
    return str(stdin.read(MOST_INPUT), "utf-8", "replace")


def _user(options: dict[str, Any]) -> list[Any]:
    if not options["user"]:
        return []
    from analyzer.knowledge.rules_check import load

    return list(load(options["user"]))


def _show(page: Page, options: dict[str, Any], status: Exit = Exit.DONE) -> None:
    from analyzer.explain.wording import Wording
    from analyzer.terminal import look
    from reports.pages import render

    if options.get("logs"):
        page, status = _counted(page, options["logs"])
    form, width, color = (options[name] for name in ("form", "width", "color"))
    looks = look(color, width, to_file=False) if form == "text" else {}
    _print(render(page, form, Wording(options["lang"]).labels(), **looks), status, form)


def _counted(page: Any, logs: tuple[str, ...]) -> tuple[Article | Comparison, Exit]:
    from analyzer.cli import now, warn
    from analyzer.explain.log_seen import with_log

    return with_log(page, logs, now(), warn)


def _safe(text: str) -> str:
    from reports.safe import clean

    return clean(text)


def _print(text: str, status: Exit, form: str) -> None:
    from analyzer.cli import finish

    finish((text, status), {"form": form})
