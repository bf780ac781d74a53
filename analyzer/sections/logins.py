"""Logins (SASL): who authenticated, from where, and who failed to."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown, listed

_TABLE = "logins.tries"


def _count(events: pl.LazyFrame) -> LazyTables:
    failed = (pl.col("stage") == "AUTH") & (pl.col("outcome") == "rejected")
    tries = events.filter(
        (pl.col("direction") == "inbound")
        & (failed | ((pl.col("kind") == "received") & pl.col("sasl_user").is_not_null()))
    )
    n = pl.col("count").cast(pl.UInt64)
    failed = pl.col("kind") != "received"
    return {
        _TABLE: tries.group_by(
            pl.col("sasl_user").alias("user"),
            pl.coalesce("client_ip", "client_name").alias("client"),
        ).agg(
            n.filter(~failed).sum().alias("messages"),
            n.filter(failed).sum().alias("failures"),
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    tries = tables[_TABLE]
    columns = (ListColumn("failures"), ListColumn("messages"))
    found = []
    for key, title in (("client", "Logins by client"), ("user", "Logins by user")):
        named = (
            tries.filter(pl.col(key).is_not_null())
            .group_by(pl.col(key).alias("name"))
            .agg(pl.col("failures").sum(), pl.col("messages").sum())
            .sort("failures", "messages", "name", descending=[True, True, False])
        )
        found.append(listed(f"logins.{key}s", title, named, columns, shown.top))
    return found


SECTIONS = (
    Section(
        name="logins",
        title="Logins",
        about="SASL logins that failed and messages of authenticated clients, by client and user",
        elsewhere="logwatch: SASL authentication failed; SendmailAnalyzer: SMTP Auth flow",
        tables={
            _TABLE: Table(
                {"user": pl.String(), "client": pl.String()}, counts("messages", "failures")
            )
        },
        kinds=frozenset({"auth"}),
        columns=frozenset({"sasl_user"}),
        count=_count,
        show=_show,
    ),
)
