"""Deliveries by transport (Postfix' service, Exim's T=, Sendmail's mailer=), and mailboxes.

What a transport did is in the lines of deliveries, how large a message was in the line of its
arrival: bytes are those of finished recipients, whose transport their relay tells.
"""

import polars as pl

from analyzer.peers import relay
from analyzer.tables import LazyTables, Table, Tables, counts
from parsers.event import Mta
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import table_of

_DELIVERIES = "transports.deliveries"
_WAYS = "transports.ways"
_BYTES = "transports.bytes"
_ENDS = ("sent", "deferred", "bounced")
_S = pl.String()
_WAY: dict[str, pl.DataType] = {"mta": Mta, "recipient": _S, "relay": _S}
NONE = "(no transport)"
SEVERAL = "(more than one transport)"


def _is_mailbox() -> pl.Expr:
    """A mailbox, file or program of this host; LMTP over a local socket has no address."""
    socket = pl.col("service").str.contains(r"(?:^|/)lmtp$") & pl.col("relay_ip").is_null()
    return (pl.col("direction") == "local") | socket.fill_null(False)


def _count(events: pl.LazyFrame) -> LazyTables:
    tried = events.filter(
        (pl.col("kind") == "delivery") & pl.col("outcome").is_in(list(_ENDS))
    ).select(
        "mta",
        pl.col("service").fill_null(NONE).alias("transport"),
        pl.col("recipient").str.to_lowercase(),
        relay().alias("relay"),
        _is_mailbox().alias("mailbox"),
        *(
            pl.when(pl.col("outcome") == end).then(pl.col("count")).otherwise(0).alias(end)
            for end in _ENDS
        ),
    )
    return {
        _DELIVERIES: tried.group_by("mta", "transport").agg(
            pl.col(end).cast(pl.UInt64).sum() for end in _ENDS
        ),
        _WAYS: tried.filter((pl.col("sent") > 0) & pl.col("recipient").is_not_null())
        .group_by(*_WAY, "transport", "mailbox")
        .agg(pl.col("sent").cast(pl.UInt64).sum()),
    }


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    size = pl.col("size").fill_null(0).cast(pl.UInt64)
    return {
        _BYTES: recipients.filter(pl.col("outcome") == "sent")
        .group_by(list(_WAY))
        .agg(size.sum().alias("bytes"))
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    deliveries, ways, sizes = (table_of(tables, n) for n in (_DELIVERIES, _WAYS, _BYTES))
    # A recipient's relay mostly stands for one transport; where not, nobody knows whose bytes.
    single = ways.group_by(list(_WAY)).agg(
        pl.when(pl.col("transport").n_unique() == 1)
        .then(pl.col("transport").first())
        .otherwise(pl.lit(SEVERAL))
        .alias("transport"),
        pl.col("mailbox").all(),
        pl.col("sent").sum(),
    )
    carried = single.join(sizes, on=list(_WAY), how="left", nulls_equal=True).with_columns(
        pl.col("bytes").fill_null(0)
    )
    volume = carried.group_by("mta", "transport").agg(pl.col("bytes").sum())
    whole = (
        deliveries.join(volume, on=["mta", "transport"], how="full", coalesce=True)
        .with_columns(pl.col(*_ENDS, "bytes").fill_null(0))
        .with_columns(pl.col("mta").cast(_S), pl.col("transport").alias("name"))
        .filter(pl.sum_horizontal(*_ENDS, "bytes") > 0)
        .sort("sent", "name", "mta", descending=[True, False, False])
    )
    mailboxes = (
        carried.filter("mailbox")
        .group_by(shown.munging.expr("recipient").alias("name"))
        .agg(pl.col("sent").sum(), pl.col("bytes").sum())
    )
    return [
        listed(
            "transports.deliveries",
            "Deliveries by transport",
            whole,
            (
                *(ListColumn(n) for n in _ENDS),
                ListColumn("bytes", "bytes"),
                ListColumn("mta", "text"),
            ),
            shown.top,
        ),
        *(
            listed(
                f"transports.{key}",
                title,
                mailboxes.sort(by, "name", descending=[True, False]),
                (ListColumn("sent"), ListColumn("bytes", "bytes")),
                shown.top,
            )
            for key, title, by in (
                ("local", "Local destinations", "sent"),
                ("local_by_volume", "Local destinations by volume", "bytes"),
            )
        ),
    ]


SECTIONS = (
    Section(
        name="transports",
        title="Deliveries by transport",
        about="recipients sent, deferred and bounced by transport, with bytes; local mailboxes",
        elsewhere="eximstats: Deliveries by transport, local destinations; logwatch: Sent SMTP,"
        " Sent LMTP, Delivered",
        tables={
            _DELIVERIES: Table({"mta": Mta, "transport": _S}, counts(*_ENDS)),
            _WAYS: Table(_WAY | {"transport": _S, "mailbox": pl.Boolean()}, counts("sent")),
            _BYTES: Table(_WAY, counts("bytes")),
        },
        columns=frozenset({"service"}),
        count=_count,
        count_recipients=_count_recipients,
        show=_show,
    ),
)
