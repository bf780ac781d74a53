"""Address verification: which addresses were asked about, and what came back."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import MASKED, Level, add_reason, code_label, tree

_TABLE = "probes.answers"
_S = pl.String()
# Postfix says deliverable or undeliverable, Exim how a delivery would have ended.
_ANSWERS = {
    "accepted": "deliverable",
    "rejected": "undeliverable",
    "bounced": "undeliverable",
    "deferred": "not known yet",
}


def _count(events: pl.LazyFrame) -> LazyTables:
    asked = events.filter((pl.col("kind") == "probe") & pl.col("outcome").is_not_null())
    answer = pl.col("outcome").cast(_S).replace_strict(_ANSWERS, default="not known yet")
    named = asked.select(
        answer.alias("answer"),
        code_label(),
        "reply_text",
        pl.col("recipient").str.to_lowercase().alias("address"),
        pl.col("count").cast(pl.UInt64),
    )
    same = named.group_by("answer", "code", "reply_text", "address").agg(pl.col("count").sum())
    return {
        _TABLE: add_reason(same)
        .group_by("answer", "code", "reason", "address")
        .agg(pl.col("count").sum())
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    found = table_of(tables, _TABLE).with_columns(
        pl.col("reason").fill_null("(no text)"),
        shown.munging.expr("address").fill_null("(not in the line)"),
    )
    levels = (Level("answer"), Level("reason", ("code",)), Level("address"))
    columns = (ListColumn("count"),)
    title = "Addresses verified, by answer"
    return [tree("probes.answers", title, found, levels, columns, shown.top, note=MASKED)]


SECTIONS = (
    Section(
        name="probes",
        title="Address verification",
        about="addresses that were asked about before mail was taken, by answer and reason",
        elsewhere="logwatch: Deliverable, Undeliverable; exim: address verification",
        tables={
            _TABLE: Table({"answer": _S, "code": _S, "reason": _S, "address": _S}, counts("count"))
        },
        count=_count,
        show=_show,
    ),
)
