"""Who sends how much and who takes how much: hosts and e-mail domains, by messages and volume."""

import polars as pl

from analyzer.peers import domain_of, is_remote, sender_domain_of
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import MESSAGE, table_of

_HOSTS = "hosts.destinations"
_DOMAINS = "edomains.destinations"
_LOCAL = "hosts.local_senders"
_S = pl.String()
THIS_HOST = "(this host)"
_MESSAGES = pl.col("messages")
_BYTES = pl.col("bytes")


def _delivered(recipients: pl.LazyFrame, place: pl.Expr) -> pl.LazyFrame:
    """Messages, recipients and bytes (a message's once for each recipient) by place."""
    size = pl.col("size").fill_null(0).cast(pl.UInt64)
    each = (
        recipients.filter(pl.col("outcome") == "sent")
        .group_by(*MESSAGE, place.alias("name"))
        .agg(pl.len().cast(pl.UInt64).alias("recipients"), size.sum().alias("bytes"))
    )
    return each.group_by("name").agg(
        pl.len().cast(pl.UInt64).alias("messages"), pl.col("recipients").sum(), _BYTES.sum()
    )


def _count_hosts(recipients: pl.LazyFrame) -> LazyTables:
    relay = pl.col("relay")
    place = pl.when(is_remote(relay, pl.col("host"))).then(relay).otherwise(pl.lit(THIS_HOST))
    arrived_here = pl.col("arrived_at").is_not_null() & pl.col("client").is_null()
    own = recipients.filter(arrived_here & pl.col("sender").is_not_null())
    senders = own.group_by(MESSAGE).agg(pl.col("sender", "size").first())
    return {
        _HOSTS: _delivered(recipients, place),
        _LOCAL: senders.group_by(pl.col("sender").alias("name")).agg(
            pl.len().cast(pl.UInt64).alias("messages"),
            pl.col("size").fill_null(0).cast(pl.UInt64).sum().alias("bytes"),
        ),
    }


def _count_domains(recipients: pl.LazyFrame) -> LazyTables:
    return {_DOMAINS: _delivered(recipients, domain_of(pl.col("recipient")))}


def _show_hosts(tables: Tables, shown: Shown) -> list[Listing]:
    clients = tables["clients"].join(tables["client_names"], on="name", how="left")
    named = clients.select(pl.coalesce("host", "name").alias("name"), "messages", "bytes")
    return [
        *_both("hosts.senders", "Sending hosts", named, shown.top),
        *_both("hosts.local_senders", "Local senders", _called(tables, _LOCAL, shown), shown.top),
        *_both("hosts.destinations", "Destination hosts", table_of(tables, _HOSTS), shown.top),
    ]


def _show_domains(tables: Tables, shown: Shown) -> list[Listing]:
    senders = tables["senders"].filter(pl.col("name").is_not_null())
    domains = senders.with_columns(sender_domain_of(shown.munging.expr("name")).alias("name"))
    to = table_of(tables, _DOMAINS)
    return [
        *_both("edomains.senders", "Senders' domains", domains, shown.top),
        *_both("edomains.destinations", "Recipients' domains", to, shown.top),
    ]


def _called(tables: Tables, name: str, shown: Shown) -> pl.DataFrame:
    senders = table_of(tables, name).with_columns(shown.munging.expr("name"))
    null = pl.col("name") == ""
    label = pl.when(null).then(sender_domain_of(pl.col("name"))).otherwise("name")
    return senders.with_columns(label.alias("name"))


def _both(key: str, title: str, frame: pl.DataFrame, top: int | None) -> list[Listing]:
    """The same table by messages and by volume."""
    measures = [c for c in ("messages", "recipients", "bytes") if c in frame.columns]
    whole = frame.group_by("name").agg(pl.col(measures).sum())
    # Average in whole bytes per message.
    whole = whole.with_columns((_BYTES / _MESSAGES).round().cast(pl.Int64).alias("average"))
    columns = tuple(
        ListColumn(n, "bytes" if n in ("bytes", "average") else "number")
        for n in (*measures, "average")
    )
    return [
        listed(
            f"{key}{suffix}",
            f"{title}{words}",
            whole.sort(by, "name", descending=[True, False]),
            columns,
            top,
        )
        for by, suffix, words in (("messages", "", ""), ("bytes", "_by_volume", " by volume"))
    ]


SECTIONS = (
    Section(
        name="hosts",
        title="Hosts",
        about="sending hosts, local senders and destination hosts, by messages and by volume",
        elsewhere="eximstats: sending hosts, local senders, host destinations;"
        " SendmailAnalyzer: sender relay, recipient relay",
        tables={
            _HOSTS: Table({"name": _S}, counts("messages", "recipients", "bytes")),
            _LOCAL: Table({"name": _S}, counts("messages", "bytes")),
        },
        count_recipients=_count_hosts,
        show=_show_hosts,
    ),
    Section(
        name="edomains",
        title="E-mail domains",
        about="senders' and recipients' domains, by messages and by volume",
        elsewhere="eximstats: sending edomains, edomain destinations; logwatch: Envelope sender"
        " domains; SendmailAnalyzer: sender domain, recipient domain",
        tables={_DOMAINS: Table({"name": _S}, counts("messages", "recipients", "bytes"))},
        count_recipients=_count_domains,
        show=_show_domains,
    ),
)
