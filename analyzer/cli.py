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

from . import commands
from .commands.completion import offer
from .config import configure, prepare, say_where
from .exits import Exit, Refused

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
        except click.BadParameter as error:
            say_where(error)
            raise
        except BrokenPipeError:
            # The reader has seen enough: nothing to say.
            raise click.exceptions.Exit(int(Exit.DONE)) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise _Shown(Refused(f"{where}{error.strerror or error}", Exit.INPUT)) from error


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.version_option(package_name="smtplens", message="%(prog)s %(version)s")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    envvar="SMTPLENS_CONFIG",
    help="Take options from this file alone (default: /etc/smtplens.toml, then your own).",
)
def main(config_file: str | None) -> None:
    """Explain what a mail log says: replies, causes, remedies.

    Reads Postfix, Exim and Sendmail logs, plain or compressed, from files or a pipe.

    \b
    Examples:
      smtplens report /var/log/mail.log
      journalctl -u postfix -o short-iso | smtplens report
      smtplens check /var/log/mail.log*
    """
    configure(click.get_current_context(), config_file)


commands.register(main)
prepare(main)
offer(main)


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
    end(status)


def end(status: Exit) -> None:
    """End with this status."""
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
