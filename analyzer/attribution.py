"""Whose reply it was, where only a later line of the same message tells.

Sendmail refuses a recipient in a line that names no client (`QID: <a@b>... User unknown`); the
client stands in the `from=` line of the same queue id that ends the transaction. Refusals wait
for that line, within one Summary or across the cut between two.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from parsers.event import SCHEMA, TIME, Mta

WINDOW = timedelta(hours=1)
"""How much later the line that names the client may stand."""

_MESSAGE = ["host", "mta", "queue_id"]
_KEY: dict[str, pl.DataType] = {
    "host": pl.String(),
    "mta": Mta,
    "queue_id": pl.String(),
    "time": TIME,
}
CLIENT_SCHEMA = _KEY | {"client_ip": pl.String(), "client_name": pl.String()}


def unnamed() -> pl.Expr:
    """Replies to a client that their line does not name."""
    return (
        (pl.col("mta") == "sendmail")
        & (pl.col("direction") == "inbound")
        & pl.col("reply_code").is_not_null()
        & pl.col("client_ip").is_null()
        & pl.col("queue_id").is_not_null()
    )


def clients(events: pl.DataFrame) -> pl.DataFrame:
    """CLIENT_SCHEMA: which client each transaction was with."""
    told = events.filter(
        (pl.col("mta") == "sendmail")
        & (pl.col("direction") == "inbound")
        & pl.col("client_ip").is_not_null()
        & pl.col("queue_id").is_not_null()
    )
    return told.select(list(CLIENT_SCHEMA)).unique()


def name_clients(replies: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Replies with client_ip and client_name filled in, where a line of their message has them."""
    if replies.is_empty() or known.is_empty():
        return replies
    near = (
        replies.with_row_index("_n")
        .join(known, on=_MESSAGE, how="inner", nulls_equal=True, suffix="_known")
        .filter((pl.col("time_known") - pl.col("time")).is_between(timedelta(0), WINDOW))
        .sort("_n", "time_known", "client_ip_known")
        .unique("_n", keep="first", maintain_order=True)
        .select("_n", "client_ip_known", "client_name_known")
    )
    return (
        replies.with_row_index("_n")
        .join(near, on="_n", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("client_ip", "client_ip_known").alias("client_ip"),
            pl.coalesce("client_name", "client_name_known").alias("client_name"),
        )
        .select(replies.columns)
    )


def still_useful(known: pl.DataFrame) -> pl.DataFrame:
    """Clients that a refusal before this stretch of log may still be waiting for."""
    return known.filter(pl.col("time") <= pl.col("time").min() + WINDOW)


def attribute(events: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """A chunk's events with the clients that its own lines tell (`known`, CLIENT_SCHEMA)."""
    waiting = events.filter(unnamed())
    if waiting.is_empty():
        return events
    named = name_clients(waiting, known)
    return pl.concat([events.filter(~unnamed().fill_null(False)), named]).sort(
        "row", maintain_order=True
    )


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Events held back until a later line names their client."""

    events: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))
    clients: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CLIENT_SCHEMA))

    @classmethod
    def part(cls, events: pl.DataFrame, clients: pl.DataFrame) -> tuple[pl.DataFrame, "Unnamed"]:
        """A chunk's events that can be told now, and those to hold back."""
        rows = events.select(pl.col(n).cast(t) for n, t in SCHEMA.items())
        wait = unnamed().fill_null(False)
        return rows.filter(~wait), cls(rows.filter(wait), clients)

    def join(self, later: "Unnamed") -> tuple[pl.DataFrame, "Unnamed"]:
        """Events that `later` lines name, and what is still held back."""
        named = name_clients(self.events, later.clients)
        known = pl.col("client_ip").is_not_null()
        return named.filter(known), Unnamed(pl.concat([named.filter(~known), later.events]))
