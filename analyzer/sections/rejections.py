"""Why mail was refused here, for good and for now, and which clients were refused."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import by_text, cause_titles, code_text, is_permanent, table_of

_TABLE = "rejections.reasons"
FOLLOW_UPS = r"^postfix\.(?:no-valid-recipients|postscreen-no-recipient)$"
"""Implied refusals that only repeat earlier ones: DATA after every recipient was refused."""
_S = pl.String()


def refusals(events: pl.LazyFrame) -> pl.LazyFrame:
    """What this server refused, at any command; a DATA that no recipient was left for is none."""
    follows = pl.col("implied").str.contains(FOLLOW_UPS).fill_null(False)
    return events.filter(
        (pl.col("kind") == "reject") & (pl.col("outcome") == "rejected") & ~follows
    )


def _count(events: pl.LazyFrame) -> LazyTables:
    return {
        _TABLE: by_text(
            refusals(events),
            is_permanent().alias("permanent"),
            "reply_code",
            "enhanced_code",
            "cause",
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    reasons = cause_titles(table_of(tables, _TABLE), "inbound").with_columns(
        code_text().alias("code"), pl.col("text").alias("name")
    )
    clients = _clients(tables)
    found = []
    for key, title, permanent in (
        ("permanent", "Rejection reasons", True),
        ("temporary", "Temporary rejection reasons", False),
    ):
        mine = reasons.filter(pl.col("permanent") == permanent).sort(
            "n", "code", "cause", "name", descending=[True, False, False, False], nulls_last=True
        )
        total = pl.col("n").sum()
        mine = mine.with_columns((pl.col("n") / total).alias("share")).rename({"n": "rejections"})
        columns = (
            ListColumn("rejections"),
            ListColumn("share", "share"),
            ListColumn("code", "text"),
            ListColumn("why", "text"),
        )
        found.append(listed(f"rejections.{key}", title, mine, columns, shown.top))
    for key, title in (
        ("permanent", "Rejected clients"),
        ("temporary", "Temporarily rejected clients"),
    ):
        mine = clients.filter(pl.col(key) > 0).sort(key, "name", descending=[True, False])
        replies = (ListColumn(key),)
        found.append(listed(f"rejections.clients_{key}", title, mine, replies, shown.top))
    return found


def _clients(tables: Tables) -> pl.DataFrame:
    """Columns name, permanent, temporary: refusing replies that each client was given, logins and
    unknown commands included. The standard report's table knows clients named by a later line."""
    replies = tables["reply_peers"].filter(
        (pl.col("direction") == "inbound")
        & (pl.col("reply_code") >= 400)
        & ~pl.col("implied").str.contains(FOLLOW_UPS).fill_null(False)
    )
    good = pl.col("reply_code") >= 500
    by_client = replies.group_by(pl.col("peer").alias("name")).agg(
        pl.col("n").filter(good).sum().alias("permanent"),
        pl.col("n").filter(~good).sum().alias("temporary"),
    )
    named = by_client.join(tables["client_names"], on="name", how="left")
    shown = (
        pl.when(pl.col("host").is_null())
        .then("name")
        .otherwise(pl.format("{} [{}]", "host", "name"))
    )
    return named.with_columns(shown.alias("name"))


SECTIONS = (
    Section(
        name="rejections",
        title="Rejections",
        about="why mail was refused here, for good and for now, by cause and text; refused clients",
        elsewhere="eximstats: mail rejection reasons, mail temporary rejection reasons, rejected"
        " ips, temporarily rejected ips; SendmailAnalyzer: rejection rules, relays, status;"
        " logwatch: Reject by IP",
        tables={
            _TABLE: Table(
                {
                    "permanent": pl.Boolean(),
                    "reply_code": pl.UInt16(),
                    "enhanced_code": _S,
                    "cause": _S,
                    "text": _S,
                },
                counts("n"),
            )
        },
        count=_count,
        show=_show,
    ),
)
