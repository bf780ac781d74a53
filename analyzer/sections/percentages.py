"""Accepted and rejected mail as shares, by kind of refusal."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown
from ._parts import cause_titles, is_permanent, table_of
from .rejections import refusals

_TABLE = "percentages.refusals"
MAIL_STAGES = ("CONNECT", "HELO", "MAIL", "RCPT", "DATA", "EOD")
"""Where a refusal is one of mail; as in the report's total of rejections."""


def _count(events: pl.LazyFrame) -> LazyTables:
    follows = (pl.col("stage") == "DATA") & pl.col("implied").str.starts_with("postfix.")
    refused = refusals(events).filter(
        pl.col("stage").is_in(list(MAIL_STAGES)) & ~follows.fill_null(False)
    )
    return {
        _TABLE: refused.group_by(is_permanent().alias("permanent"), "cause").agg(
            pl.col("count").cast(pl.UInt64).sum().alias("n")
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    refused = table_of(tables, _TABLE)
    accepted = int(tables["flow_messages"]["received"].sum())
    rejected = int(refused["n"].sum())
    return [_balance(tables["flow"], accepted, rejected), _kinds(refused, accepted, shown.top)]


def _balance(flow: pl.DataFrame, accepted: int, rejected: int) -> Listing:
    total = accepted + rejected
    rows = []
    if total:
        rows = [
            ListRow(("accepted", accepted, accepted / total)),
            ListRow(("rejected", rejected, rejected / total)),
            ListRow(("total", total, 1.0)),
        ]
    ended = rejected + sum(int(flow[name].sum()) for name in ("sent", "discarded"))
    if ended:
        rows.append(
            ListRow(("rejected of delivered, rejected, discarded", rejected, rejected / ended))
        )
    return Listing(
        key="percentages.balance",
        title="Accepted and rejected",
        columns=(ListColumn("what", "text"), ListColumn("number"), ListColumn("share", "share")),
        rows=tuple(rows),
        note="Accepted are messages, rejected are refusals: of a recipient, a sender, a client or"
        " a message. The last row is the share that pflogsumm prints.",
    )


def _kinds(refused: pl.DataFrame, accepted: int, top: int | None) -> Listing:
    everything = accepted + int(refused["n"].sum())
    named = (
        cause_titles(refused, "inbound")
        .group_by("permanent", "why")
        .agg(pl.col("n").sum())
        .sort("n", "why", descending=[True, False], nulls_last=True)
    )
    rows = []
    for permanent, label in ((True, "rejected for good (5xx)"), (False, "rejected for now (4xx)")):
        mine = named.filter(pl.col("permanent") == permanent)
        total = int(mine["n"].sum())
        if not total:
            continue
        rows.append(ListRow((label, total, 1.0, total / everything)))
        kinds = mine.select("why", "n") if top is None else mine.select("why", "n").head(top)
        rows += [
            ListRow((why or "(no cause)", n, n / total, n / everything), 1)
            for why, n in kinds.iter_rows()
        ]
    return Listing(
        key="percentages.kinds",
        title="Kinds of rejections",
        columns=(
            ListColumn("kind", "text"),
            ListColumn("rejections"),
            ListColumn("of these", "share"),
            ListColumn("of all mail offered", "share"),
        ),
        rows=tuple(rows),
    )


SECTIONS = (
    Section(
        name="percentages",
        title="Accepted and rejected",
        about="accepted and rejected mail as shares, and how much each kind of refusal makes up",
        elsewhere="logwatch: Accepted, Rejected, Total and 5xx, 4xx Rejects;"
        " pflogsumm: rejected (n%); SendmailAnalyzer: Messaging Status",
        tables={_TABLE: Table({"permanent": pl.Boolean(), "cause": pl.String()}, counts("n"))},
        count=_count,
        show=_show,
    ),
)
