"""The command `history` with its own commands."""

import os
from pathlib import Path
from typing import Any

import click

from analyzer.exits import Exit

from .cron import history_option, keeping
from .options import output


def register(main: click.Group) -> None:
    """Add the command."""
    main.add_command(history)


@click.group()
def history() -> None:
    """What `smtplens cron` keeps: see, prune, export and merge it.

    \b
    Examples:
      smtplens history info
      smtplens history prune --keep-names 7
    """


def _file(options: dict[str, Any]) -> Path:
    from analyzer.history.place import history_file

    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return history_file(options["history"], os.environ, root=root)


@history.command("info")
@history_option
@click.option(
    "--format", "form", default="text", type=click.Choice(["text", "json"]), show_default=True
)
def history_info(**options: Any) -> None:
    """Say what the history holds, since when, and how far each log was read.

    \b
    Example:
      smtplens history info
    """
    from analyzer.cli import finish
    from analyzer.history.manage import info
    from analyzer.history.store import open_store
    from reports.safe import clean

    store = open_store(_file(options), write=False)
    text = info(store, options["form"])
    store.close()
    if options["form"] == "text":
        text = "".join(f"{clean(line)}\n" for line in text.splitlines())
    finish((text, Exit.DONE), options)


@history.command("prune")
@history_option
@keeping
def history_prune(**options: Any) -> None:
    """Let go what is older than it is to be kept, and make the file smaller.

    \b
    Example:
      smtplens history prune --keep-hours 100 --keep-names 7
    """
    from analyzer.cli import now, warn
    from analyzer.history.lock import locked
    from analyzer.history.manage import prune
    from analyzer.history.running import retention_of
    from analyzer.history.store import open_existing

    path = _file(options)
    with open_existing(path) as store, locked(path):
        before = path.stat().st_size
        prune(store, retention_of(options), now(), options["queue_lifetime"])
        warn(f"{path}: {before} bytes before, {path.stat().st_size} now")


@history.command("export")
@history_option
@click.option("--table", default="replies", show_default=True, metavar="NAME",
              help="replies, flow, flow_messages, recipients ...")  # fmt: skip
@click.option("--since", metavar="TIME", help="From here on.")
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option("--format", "form", default="ndjson", show_default=True,
              type=click.Choice(["ndjson", "csv", "parquet"]))  # fmt: skip
@output
def history_export(**options: Any) -> None:
    """Write one of the history's tables, for other programs.

    \b
    Example:
      smtplens history export --table flow --format csv -o flow.csv
    """
    from analyzer.cli import finish, now
    from analyzer.files import whole_file
    from analyzer.history.manage import export
    from analyzer.history.store import open_store

    store = open_store(_file(options), write=False)
    data = export(store, options["table"], options["form"], options, now())
    store.close()
    if options["output"]:
        with whole_file(options["output"]) as stream:
            stream.write(data)
    elif options["form"] == "parquet":
        raise click.UsageError("parquet goes to a file: name it with -o")
    else:
        finish((data.decode(), Exit.DONE), options)


@history.command("merge")
@history_option
@click.argument("others", nargs=-1, required=True, metavar="OTHER...",
                type=click.Path(exists=True, dir_okay=False))  # fmt: skip
def history_merge(**options: Any) -> None:
    """Take over what other histories hold: those of other hosts, copied here.

    Merging a newer copy takes the place of what was merged before.

    \b
    Example:
      smtplens history merge --history fleet.db mx1.db mx2.db
    """
    from analyzer.cli import warn
    from analyzer.history.lock import locked
    from analyzer.history.manage import merge_from
    from analyzer.history.running import make_room, settle
    from analyzer.history.store import open_store

    path = _file(options)
    make_room(path)
    with locked(path):
        store = open_store(path, write=True)
        others = [Path(other) for other in options["others"]]
        if store.get("zone") is None:
            first = open_store(others[0], write=False)
            settle(store, {"tz": first.get("zone")})
            first.close()
        for told in merge_from(store, others, lambda p: open_store(p, write=False)):
            warn(told)
        store.close()
