"""Summaries by domain: where mail went to, with delays, and where it came from."""

import polars as pl

from analyzer.peers import domain_of, sender_domain_of
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import table_of

_DELIVERIES = "domains.deliveries"
_BYTES = "domains.bytes"


def _count(events: pl.LazyFrame) -> LazyTables:
    outcome = pl.col("outcome")
    n = pl.col("count").cast(pl.UInt64)
    # Whole milliseconds: sums of them do not hang on the order.
    delay = (pl.col("delay") * 1000).round().cast(pl.UInt64, strict=False)
    sent = outcome == "sent"
    tried = events.filter(
        (pl.col("kind") == "delivery")
        & outcome.is_in(["sent", "deferred", "bounced"])
        & pl.col("recipient").is_not_null()
    )
    return {
        _DELIVERIES: tried.group_by(domain_of(pl.col("recipient")).alias("domain")).agg(
            n.filter(sent).sum().alias("sent"),
            n.filter(outcome == "deferred").sum().alias("deferrals"),
            n.filter(outcome == "bounced").sum().alias("bounced"),
            n.filter(sent & delay.is_not_null()).sum().alias("timed"),
            (delay * n).filter(sent).sum().alias("delay"),
            delay.filter(outcome.is_in(["sent", "deferred"])).max().alias("longest"),
        )
    }


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    sent = recipients.filter(pl.col("outcome") == "sent")
    return {
        _BYTES: sent.group_by(domain_of(pl.col("recipient")).alias("domain")).agg(
            pl.col("size").sum().cast(pl.UInt64).alias("bytes")
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    return [_delivered(tables, shown.top), _senders(tables, shown), _clients(tables, shown.top)]


def _delivered(tables: Tables, top: int | None) -> Listing:
    both = table_of(tables, _DELIVERIES).join(table_of(tables, _BYTES), on="domain", how="left")
    named = both.select(
        pl.col("domain").alias("name"),
        "sent",
        pl.col("bytes").fill_null(0),
        "deferrals",
        "bounced",
        pl.when(pl.col("timed") > 0)
        .then((pl.col("delay") / pl.col("timed") / 1000).round(3))
        .alias("average delay"),
        (pl.col("longest") / 1000).alias("longest delay"),
    ).sort("sent", "bytes", "deferrals", "name", descending=[True, True, True, False])
    columns = (
        ListColumn("sent"),
        ListColumn("bytes", "bytes"),
        ListColumn("deferrals"),
        ListColumn("bounced"),
        ListColumn("average delay", "seconds"),
        ListColumn("longest delay", "seconds"),
    )
    return listed("domains.delivered", "Delivered to, by domain", named, columns, top)


def _senders(tables: Tables, shown: Shown) -> Listing:
    # A message whose sender the log does not tell is of no domain.
    name = sender_domain_of(shown.munging.expr("name")).fill_null("(sender not in the log)")
    return _received(
        "domains.senders", "Received from, by sender domain", tables["senders"], name, shown.top
    )


def _clients(tables: Tables, top: int | None) -> Listing:
    clients = tables["clients"].join(tables["client_names"], on="name", how="left")
    name = (
        pl.when(pl.col("host").is_null())
        .then(pl.col("name"))
        .otherwise(pl.format("{} [{}]", "host", "name"))
    )
    return _received("domains.clients", "Received from, by client", clients, name, top)


def _received(key: str, title: str, frame: pl.DataFrame, name: pl.Expr, top: int | None) -> Listing:
    named = (
        frame.group_by(name.alias("name"))
        .agg(pl.col("messages").sum(), pl.col("bytes").sum())
        .sort("messages", "bytes", "name", descending=[True, True, False])
    )
    columns = (ListColumn("messages"), ListColumn("bytes", "bytes"))
    return listed(key, title, named, columns, top)


SECTIONS = (
    Section(
        name="domains",
        title="By domain",
        about="by recipient domain: sent, bytes, deferrals and delays; by sender domain and client:"
        " messages and bytes",
        elsewhere="pflogsumm: Host/Domain Summary",
        tables={
            _DELIVERIES: Table(
                {"domain": pl.String()},
                counts("sent", "deferrals", "bounced", "timed", "delay")
                | {"longest": (pl.UInt64(), "max")},
            ),
            _BYTES: Table({"domain": pl.String()}, counts("bytes")),
        },
        columns=frozenset({"delay"}),
        count=_count,
        count_recipients=_count_recipients,
        show=_show,
    ),
)
