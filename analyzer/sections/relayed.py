"""Mail that came from another host and went to another one: from where to where."""

import polars as pl

from analyzer.munging import sender_origin
from analyzer.peers import domain_of, is_loopback, sender_domain_of
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown
from ._parts import table_of
from .queue_times import to_another_host

_TABLE = "relayed.pairs"
_S = pl.String()


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    client = pl.col("client")
    relayed = recipients.filter(client.is_not_null() & ~is_loopback(client) & to_another_host())
    size = pl.col("size").fill_null(0).cast(pl.UInt64)
    return {
        _TABLE: relayed.group_by(
            "client",
            sender_domain_of(pl.col("sender")).alias("sender_domain"),
            sender_origin(pl.col("sender")).alias("origin"),
            domain_of(pl.col("recipient")).alias("domain"),
        ).agg(pl.len().cast(pl.UInt64).alias("recipients"), size.sum().alias("bytes"))
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    pairs = table_of(tables, _TABLE).join(
        tables["client_names"], left_on="client", right_on="name", how="left"
    )
    source = pl.col("sender_domain")
    if "srs" in shown.munging.kinds:
        source = pl.coalesce("origin", source)
    client = (
        pl.when(pl.col("host").is_null())
        .then("client")
        .otherwise(pl.format("{} [{}]", "host", "client"))
    )
    return [
        _listing("clients", "Relayed, by client and domain", pairs, client, shown.top),
        _listing(
            "domains",
            "Relayed, by sender's and recipient's domain",
            pairs,
            source,
            shown.top,
        ),
    ]


def _listing(
    key: str, title: str, pairs: pl.DataFrame, source: pl.Expr, top: int | None
) -> Listing:
    found = (
        pairs.group_by(source.alias("from"), "domain")
        .agg(pl.col("recipients").sum(), pl.col("bytes").sum())
        .sort("recipients", "from", "domain", descending=[True, False, False], nulls_last=True)
        .select("recipients", "bytes", "from", "domain")
    )
    shown = found if top is None else found.head(top)
    return Listing(
        key=f"relayed.{key}",
        title=title,
        columns=(
            ListColumn("recipients"),
            ListColumn("bytes", "bytes"),
            ListColumn("from", "name"),
            ListColumn("to", "name"),
        ),
        rows=tuple(ListRow(row) for row in shown.iter_rows()),
        distinct=found.height,
        note="Of messages whose arrival is in the log; hand-overs within this host are left out.",
    )


SECTIONS = (
    Section(
        name="relayed",
        title="Relayed mail",
        about="mail from another host to another host: client or sender's domain to recipient's"
        " domain",
        elsewhere="eximstats: Relayed messages; SendmailAnalyzer: Delivery direction (Ext to Ext)",
        tables={
            _TABLE: Table(
                {"client": _S, "sender_domain": _S, "origin": _S, "domain": _S},
                counts("recipients", "bytes"),
            )
        },
        count_recipients=_count_recipients,
        show=_show,
    ),
)
