"""TLS of Postfix' connections: how much a peer was trusted, protocol and cipher; what failed."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import MASKED, Level, add_reason, tree

_LEVELS = "tls.levels"
_ERRORS = "tls.errors"
_S = pl.String()
_TITLES = {"inbound": "TLS of clients", "outbound": "TLS to servers"}
# Protocol and cipher stand at the end: no name in front can write them.
_TLS = (
    r"^(?:(?<level>[A-Z][a-z]+) )?TLS connection (?:established|reused) (?:from|to) [^ ]+"
    r"(?: to [^ :]+)?: (?<protocol>[!-~]+) with cipher (?<cipher>[!-~]+)"
)
_PEER = r" (?:from|to) [^ \[]*\[[^\] ]*\](?::[0-9]+)?"


def _count(events: pl.LazyFrame) -> LazyTables:
    text = pl.col("reply_text")
    n = pl.col("count").sum().cast(pl.UInt64).alias("count")
    said = events.filter(
        (pl.col("kind") == "session")
        & (pl.col("stage") == "STARTTLS")
        & text.is_not_null()
        & ~text.str.contains("^setting up TLS connection |^TLS SNI ")
    ).with_columns(text.str.extract_groups(_TLS).alias("_tls"))
    made = pl.col("_tls").struct.field("protocol").is_not_null()
    levels = said.filter(made & pl.col("direction").is_not_null()).select(
        "direction",
        "count",
        # Postfix before 2.5 did not say.
        pl.col("_tls").struct.field("level").fill_null("(not told)"),
        pl.col("_tls").struct.field("protocol"),
        pl.col("_tls").struct.field("cipher"),
        pl.when(pl.col("direction") == "outbound")
        .then(pl.coalesce("relay_name", "relay_ip"))
        .alias("server"),
    )
    failed = said.filter(~made).with_columns(
        pl.coalesce("client_ip", "relay_name", "relay_ip", "client_name").alias("peer"),
        text.str.replace(_PEER, " (peer)").alias("reply_text"),
    )
    failed = failed.group_by("peer", "reply_text").agg(n)
    return {
        _LEVELS: levels.group_by("direction", "server", "level", "protocol", "cipher").agg(n),
        _ERRORS: add_reason(failed).group_by("reason", "peer").agg(pl.col("count").sum()),
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    columns = (ListColumn("count"),)
    levels = table_of(tables, _LEVELS)
    found = []
    for direction, title in _TITLES.items():
        mine = levels.filter(pl.col("direction") == direction)
        by = (Level("level"), Level("protocol"), Level("cipher"))
        found.append(tree(f"tls.{direction}", title, mine, by, columns, shown.top))
    servers = levels.filter(pl.col("server").is_not_null())
    by = (Level("server"), Level("level"), Level("protocol"))
    found.append(tree("tls.servers", "TLS by server", servers, by, columns, shown.top))
    errors = table_of(tables, _ERRORS).with_columns(pl.col("peer").fill_null("(not in the line)"))
    reasons = (Level("reason"), Level("peer"))
    found.append(
        tree("tls.errors", "TLS that failed", errors, reasons, columns, shown.top, note=MASKED)
    )
    return found


SECTIONS = (
    Section(
        name="tls",
        title="TLS",
        about="level of trust, protocol and cipher of connections in and out, and what failed",
        elsewhere="pflogsumm: SMTP TLS Levels, SSL Errors; logwatch: TLS connections",
        tables={
            _LEVELS: Table(
                {"direction": _S, "server": _S, "level": _S, "protocol": _S, "cipher": _S},
                counts("count"),
            ),
            _ERRORS: Table({"reason": _S, "peer": _S}, counts("count")),
        },
        kinds=frozenset({"session"}),
        texts=frozenset({"session"}),
        count=_count,
        show=_show,
    ),
)
