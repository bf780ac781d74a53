"""What the mail server complains of: panics, fatal errors, warnings, servers it cannot reach."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import MASKED, Level, add_reason, tree

_SYSTEM = "troubles.system"
_SERVERS = "troubles.servers"
_S = pl.String()
_TITLES = {
    "panic": "Panics",
    "fatal": "Fatal errors",
    "error": "Errors",
    "warning": "Warnings",
    "master": "Messages of the master daemon",
    "notice": "Other messages of the mail server",
}
_SEVERITY = r"^(panic|fatal|error|warning): "
_OF_MASTER = r"^(?:daemon started -- version |reload -- version |terminating on signal |reload configuration )"


def _count(events: pl.LazyFrame) -> LazyTables:
    n = pl.col("count").sum().cast(pl.UInt64).alias("count")
    text = pl.col("reply_text")
    severity = text.str.extract(_SEVERITY, 1)
    of_master = (pl.col("service") == "master") | text.str.contains(_OF_MASTER)
    system = (
        events.filter(pl.col("kind") == "system")
        .with_columns(
            pl.coalesce(
                severity,
                pl.when(pl.col("outcome") == "warned").then(pl.lit("warning")),
                pl.when(of_master.fill_null(False)).then(pl.lit("master")),
                pl.lit("notice"),
            ).alias("severity"),
            pl.coalesce("service", pl.col("mta").cast(_S)).alias("daemon"),
            # The name in it is any client's.
            text.str.replace(_SEVERITY, "")
            .str.replace("^hostname [^ ]+ does not resolve", "hostname (name) does not resolve")
            .alias("reply_text"),
        )
        .group_by("severity", "daemon", "reply_text")
        .agg(n)
    )
    server = pl.coalesce("relay_name", "relay_ip")
    failed = events.filter(
        (pl.col("kind") == "session") & (pl.col("direction") == "local") & text.is_not_null()
    ).with_columns(
        server.alias("server"),
        # What happened, without the server's name, which is told beside it.
        text.str.replace(
            r"^(connect to|lost connection with|conversation with|SSL_connect error to"
            r"|certificate verification failed for) [^ ,\[]+\[[^\] ]*\](?::[0-9]+)?",
            "$1 (server)",
        ).alias("reply_text"),
    )
    failed = failed.group_by("server", "reply_text").agg(n)
    return {
        _SYSTEM: add_reason(system)
        .group_by("severity", "daemon", "reason")
        .agg(pl.col("count").sum()),
        _SERVERS: add_reason(failed).group_by("reason", "server").agg(pl.col("count").sum()),
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    system = table_of(tables, _SYSTEM).with_columns(pl.col("reason").fill_null("(no text)"))
    columns = (ListColumn("count"),)
    found = []
    for severity, title in _TITLES.items():
        mine = system.filter(pl.col("severity") == severity)
        levels = (Level("daemon"), Level("reason"))
        if mine.height:
            found.append(
                tree(f"troubles.{severity}", title, mine, levels, columns, shown.top, note=MASKED)
            )
    servers = table_of(tables, _SERVERS).with_columns(
        pl.col("reason").fill_null("(no text)"),
        pl.col("server").fill_null("(not in the line)"),
    )
    if servers.height:
        levels = (Level("reason"), Level("server"))
        title = "Trouble with other servers"
        found.append(
            tree("troubles.servers", title, servers, levels, columns, shown.top, note=MASKED)
        )
    return found


SECTIONS = (
    Section(
        name="troubles",
        title="Warnings and errors",
        about="panics, fatal errors, warnings and start or stop, by daemon; trouble with other"
        " servers",
        elsewhere="pflogsumm: SMTP Exceptions, Warnings, Fatal Errors, Panics, Master daemon"
        " messages",
        tables={
            _SYSTEM: Table({"severity": _S, "daemon": _S, "reason": _S}, counts("count")),
            _SERVERS: Table({"reason": _S, "server": _S}, counts("count")),
        },
        kinds=frozenset({"session"}),
        columns=frozenset({"service"}),
        texts=frozenset({"session"}),
        count=_count,
        show=_show,
    ),
)
