"""The command line: the only place that prints, reads the clock or exits.

polars is imported inside the commands, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from . import cli_knowledge, cli_trace
from .cli_knowledge import _language
from .exits import Exit, Refused
from .options import anonymizing, output, reading, rules, selecting

F = TypeVar("F", bound=Callable[..., Any])

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _safe(text: str) -> str:
    from reports.safe import clean as safe

    return safe(text)


def warn(text: str) -> None:
    """Say something on stderr, made safe."""
    click.echo(f"smtplens: {_safe(text)}", err=True)


class _Shown(click.ClickException):
    """A refusal as click shows and ends it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused))
        vars(self)["exit_code"] = int(refused.status)  # click declares it for the class

    def show(self, file: Any = None) -> None:
        """Print the message to stderr, made safe."""
        warn(self.format_message())


class Commands(click.Group):
    """Ends as documented where the output cannot be written."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Refused as refused:
            raise _Shown(refused) from refused
        except BrokenPipeError:
            # The reader has seen enough: nothing to say.
            raise click.exceptions.Exit(int(Exit.DONE)) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise _Shown(Refused(f"{where}{error.strerror or error}", Exit.INPUT)) from error


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.version_option(package_name="smtplens", message="%(prog)s %(version)s")
def main() -> None:
    """Explain what a mail log says: replies, causes, remedies.

    Reads Postfix, Exim and Sendmail logs, plain or compressed, from files or a pipe.

    \b
    Examples:
      smtplens report /var/log/mail.log
      journalctl -u postfix -o short-iso | smtplens report
      smtplens check /var/log/mail.log*
    """


def _list_sections(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked or ctx.resilient_parsing:
        return
    from reports.model import STANDARD

    from .sections import all_sections

    named = [*STANDARD.items(), *((s.name, s.about) for s in all_sections())]
    width = max(len(name) for name, _ in named)
    for name, about in named:
        click.echo(f"{name:{width}}  {about}")
    ctx.exit()


@main.command()
@reading
@selecting
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
@click.option(
    "--top",
    default="10",
    metavar="N",
    help="Length of the top lists: a number or `all`.",
    show_default=True,
)
@click.option(
    "--format",
    "form",
    default="text",
    type=click.Choice(["text", "json", "html", "md", "csv"]),
    show_default=True,
)
@click.option(
    "--unrecognised",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the lines that were not understood to FILE.",
)
@click.option(
    "--width",
    type=click.IntRange(60, 400),
    help="Columns of the text report (default: the terminal's, 80 at most).",
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
)
@click.option(
    "--lang",
    metavar="LANG",
    callback=_language,
    help="Language of the texts: en or hi (default: the locale's).",
)
@anonymizing
@output
def report(**options: Any) -> None:
    """Report what was replied, how often, what it means and what to do.

    \b
    Example:
      smtplens report /var/log/mail.log -d yesterday
    """
    from .crew import gather_crew

    logs = logs_of(options["logs"])
    crew = None if options["unrecognised"] else gather_crew(logs)
    from .run import make_report

    finish(make_report(options, logs, now(), warn, crew), options)


@main.command()
@reading
@selecting
@rules
@click.option(
    "--format",
    "form",
    default="ndjson",
    type=click.Choice(["ndjson", "csv", "parquet"]),
    show_default=True,
)
@anonymizing
@output
def events(**options: Any) -> None:
    """Print one row per event: what happened, when, with which reply.

    \b
    Example:
      smtplens events mail.log --code 550 | head
    """
    from .run import write_events

    _end(write_events(options, logs_of(options["logs"]), now(), warn))


@main.command()
@reading
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
@click.option(
    "--unrecognised",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the lines that were not understood to FILE.",
)
@output
def check(**options: Any) -> None:
    """Say what a log is and how well it is understood, before you trust a number.

    Ends with status 1 where the log cannot be trusted: gaps, too many unrecognised lines.

    \b
    Example:
      smtplens check /var/log/mail.log
    """
    from .run import make_check

    finish(make_check(options, logs_of(options["logs"]), now(), warn), options)


cli_knowledge.register(main)
cli_trace.register(main)


def logs_of(logs: Sequence[str]) -> tuple[str, ...]:
    """The sources to read: standard input where none are named and something is piped in."""
    if logs:
        return tuple(logs)
    if sys.stdin is None or sys.stdin.isatty():
        context = click.get_current_context()
        click.echo(context.get_help(), err=True)
        context.exit(int(Exit.USAGE))
    return ("-",)


def now() -> datetime:
    """The time, asked here alone."""
    return datetime.now(UTC)


def finish(made: tuple[str, Exit], options: dict[str, Any]) -> None:
    """Print what a command made, or write it where `-o` says, and end with its status."""
    text, status = made
    if options.get("output"):
        from .files import write_whole

        write_whole(options["output"], text)
    else:
        # As bytes: colour that was asked for stays in a pipe, and no locale can fail.
        encoding = sys.stdout.encoding if options["form"] == "text" else "utf-8"
        click.echo(text.encode(encoding, "backslashreplace"), nl=False)
    _end(status)


def _end(status: Exit) -> None:
    if status:
        click.get_current_context().exit(int(status))


def run(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script: exit statuses of docs, quiet on a closed pipe."""
    _own_packages()
    # What polars' allocator (jemalloc) keeps for later is a third of the peak otherwise; it
    # reads this when polars is loaded.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:100,muzzy_decay_ms:0")
    try:
        # Click returns the status of `context.exit()`.
        status = int(main.main(args=arguments, prog_name="smtplens", standalone_mode=False) or 0)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("smtplens: interrupted", err=True)
        status = int(Exit.INTERRUPTED)
    except BrokenPipeError:
        status = int(Exit.DONE)
    # Threads may still be reading ahead; nothing of theirs is wanted any more.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _own_packages() -> None:
    """Another distribution may have overwritten a package of such a common name."""
    import importlib.util
    from pathlib import Path

    here = Path(__file__).parent.parent
    for name in ("parsers", "reports"):
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin or Path(spec.origin).parent.parent != here:
            click.echo(
                f"smtplens: another distribution has overwritten the package {name!r}; install smtplens in its own environment",
                err=True,
            )
            sys.exit(int(Exit.USAGE))
