"""Senders and recipients by bytes, and deliveries whose size the log does not tell."""

import polars as pl

from analyzer.peers import NULL_SENDER
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import table_of

_RECIPIENTS = "sizes.recipients"


def _count(recipients: pl.LazyFrame) -> LazyTables:
    unsized = pl.col("size").is_null()
    return {
        _RECIPIENTS: recipients.filter(pl.col("outcome") == "sent")
        .group_by(pl.col("recipient").alias("name"))
        .agg(
            pl.len().cast(pl.UInt64).alias("messages"),
            pl.col("size").sum().cast(pl.UInt64).alias("bytes"),
            unsized.sum().cast(pl.UInt64).alias("unsized"),
            pl.col("queue_id").filter(unsized).min().alias("queue_id"),
        )
    }


def _folded(frame: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    """A table by address, those that are listed as one address added up."""
    measures = [pl.col(n).sum() for n in ("messages", "bytes", "unsized") if n in frame.columns]
    queue_id = [pl.col(n).min() for n in frame.columns if n == "queue_id"]
    return frame.group_by(shown.munging.expr("name")).agg(*measures, *queue_id)


def _by_bytes(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort("bytes", "messages", "name", descending=[True, True, False])


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    senders = tables["senders"].filter(pl.col("name").is_not_null())
    senders = _folded(senders, shown).with_columns(pl.col("name").replace("", NULL_SENDER))
    recipients = _folded(table_of(tables, _RECIPIENTS), shown)
    columns = (ListColumn("bytes", "bytes"), ListColumn("messages"))
    unsized = (
        recipients.filter(pl.col("unsized") > 0)
        .with_columns(pl.col("unsized").alias("messages"), pl.col("queue_id").alias("queue id"))
        .sort("messages", "name", descending=[True, False])
    )
    return [
        listed("sizes.senders", "Senders by bytes", _by_bytes(senders), columns, shown.top),
        listed(
            "sizes.recipients", "Recipients by bytes", _by_bytes(recipients), columns, shown.top
        ),
        listed(
            "sizes.unknown",
            "Delivered messages whose size the log does not tell",
            unsized,
            (ListColumn("messages"), ListColumn("queue id", "name")),
            shown.top,
        ),
    ]


SECTIONS = (
    Section(
        name="sizes",
        title="Sizes",
        about="senders and recipients by bytes, and deliveries whose size the log does not tell",
        elsewhere="pflogsumm: Senders/Recipients by message size, Messages with no size data",
        tables={
            _RECIPIENTS: Table(
                {"name": pl.String()},
                counts("messages", "bytes", "unsized") | {"queue_id": (pl.String(), "min")},
            )
        },
        count_recipients=_count,
        show=_show,
    ),
)
