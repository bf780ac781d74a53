"""How large messages are, and how many recipients they have."""

from collections.abc import Mapping, Sequence

import polars as pl

from analyzer.tables import LazyTables, Merge, Table, Tables
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown
from ._parts import MESSAGE, table_of

_SIZES = "message_sizes.messages"
_RECIPIENTS = "message_sizes.recipients"
_KB = 1000
SIZES = {
    1 * _KB: "up to 1 kB",
    5 * _KB: "up to 5 kB",
    10 * _KB: "up to 10 kB",
    20 * _KB: "up to 20 kB",
    50 * _KB: "up to 50 kB",
    100 * _KB: "up to 100 kB",
    500 * _KB: "up to 500 kB",
    1000 * _KB: "up to 1 MB",
    2000 * _KB: "up to 2 MB",
    5000 * _KB: "up to 5 MB",
    10000 * _KB: "up to 10 MB",
    20000 * _KB: "up to 20 MB",
    50000 * _KB: "up to 50 MB",
}
"""Upper ends in bytes."""
NUMBERS = {
    1: "1",
    2: "2",
    5: "3 to 5",
    10: "6 to 10",
    20: "11 to 20",
    50: "21 to 50",
    100: "51 to 100",
    200: "101 to 200",
    500: "201 to 500",
    1000: "501 to 1000",
}
"""Upper ends of numbers of recipients."""
_UNKNOWN, _ALL, _LARGER = -1, -2, 1 << 62
_SUMS: dict[str, tuple[pl.DataType, Merge]] = {
    "messages": (pl.UInt64(), "sum"),
    "total": (pl.UInt64(), "sum"),
    "largest": (pl.Int64(), "max"),
}


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    messages = recipients.group_by(MESSAGE).agg(
        pl.col("size").first(), pl.len().cast(pl.Int64).alias("recipients")
    )
    return {
        _SIZES: _distribution(messages, "size", SIZES),
        _RECIPIENTS: _distribution(messages, "recipients", NUMBERS),
    }


def _distribution(messages: pl.LazyFrame, column: str, limits: Mapping[int, str]) -> pl.LazyFrame:
    """Messages by the smallest limit that `column` is not above."""
    value = pl.col(column)
    upper = pl.coalesce(
        pl.when(value.is_null()).then(_UNKNOWN),
        *(pl.when(value <= limit).then(limit) for limit in limits),
        pl.lit(_LARGER),
    )
    return messages.group_by(upper.cast(pl.Int64).alias("upper")).agg(
        pl.len().cast(pl.UInt64).alias("messages"),
        value.fill_null(0).sum().cast(pl.UInt64).alias("total"),
        value.max().alias("largest"),
    )


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    sizes = [*SIZES.items(), (_LARGER, "larger"), (_UNKNOWN, "unknown")]
    numbers = [*NUMBERS.items(), (_LARGER, "more")]
    return [
        Listing(
            key="message_sizes.sizes",
            title="Message sizes",
            columns=(
                ListColumn("size", "text"),
                ListColumn("messages"),
                ListColumn("share", "share"),
                ListColumn("bytes", "bytes"),
                ListColumn("largest", "bytes"),
            ),
            rows=_rows(table_of(tables, _SIZES), sizes),
            note="Of messages with at least one delivery attempt.",
        ),
        Listing(
            key="message_sizes.recipients",
            title="Recipients per message",
            columns=(
                ListColumn("recipients each", "text"),
                ListColumn("messages"),
                ListColumn("share", "share"),
                ListColumn("recipients"),
                ListColumn("most"),
            ),
            rows=_rows(table_of(tables, _RECIPIENTS), numbers),
            note="Recipients after aliases that delivery was tried to.",
        ),
    ]


def _rows(found: pl.DataFrame, labels: Sequence[tuple[int, str]]) -> tuple[ListRow, ...]:
    """A row per limit that has messages, and their sum."""
    messages = int(found["messages"].sum())
    if not messages:
        return ()
    everything = found.select(
        pl.lit(_ALL, dtype=pl.Int64).alias("upper"),
        pl.col("messages", "total").sum(),
        pl.col("largest").max(),
    )
    by_upper = {row["upper"]: row for row in pl.concat([found, everything]).iter_rows(named=True)}
    return tuple(
        ListRow((label, row["messages"], row["messages"] / messages, row["total"], row["largest"]))
        for label, row in (
            (label, by_upper.get(upper)) for upper, label in (*labels, (_ALL, "all"))
        )
        if row is not None
    )


SECTIONS = (
    Section(
        name="message_sizes",
        title="Message sizes",
        about="how many messages are how large, and how many recipients they have",
        elsewhere="logwatch: message size distribution, recipients per delivery agent;"
        " SendmailAnalyzer: max size, max recipients per message",
        tables={
            _SIZES: Table({"upper": pl.Int64()}, _SUMS),
            _RECIPIENTS: Table({"upper": pl.Int64()}, _SUMS),
        },
        count_recipients=_count_recipients,
        show=_show,
    ),
)
