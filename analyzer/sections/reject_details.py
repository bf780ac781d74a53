"""What was refused, warned of, held and discarded: by stage, then by reason, then by whom."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from parsers.event import Outcome, Stage
from parsers.implied import IMPLIED
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import MASKED, Level, add_reason, code_label, tree

_TABLE = "rejects.details"
_TITLES = {
    "rejected": "Refused, by stage, reason and whom",
    "warned": "Only warned of",
    "held": "Put on hold",
    "discarded": "Discarded",
}
# Whose fault a text says it is; of the masked text, so that no address in it decides.
_OF_RECIPIENT = (
    r"(?i)recipient|user unknown|unknown user|no such (?:user|person|recipient|mailbox)"
    r"|user doesn't exist"
)
_OF_SENDER = r"(?i)sender|domain of (?:mail )?from|invalid return address"


def _who() -> pl.Expr:
    """The recipient or the sender where the text is about them, else the client."""
    client = pl.coalesce("client_ip", "client_name")
    shown = (
        pl.when(pl.col("client_ip").is_not_null() & pl.col("client_name").is_not_null())
        .then(pl.format("{} [{}]", "client_name", "client_ip"))
        .otherwise(client)
    )
    # Sendmail's client may stand in a later line, past a cut: what is counted must not hang on it.
    early = pl.col("stage").is_in(["CONNECT", "HELO"]).fill_null(False)
    later = (pl.col("mta") == "sendmail") & pl.col("queue_id").is_not_null() & ~early
    shown = pl.when(~later).then(shown)
    sender, recipient = (
        pl.when(pl.col(c) == "").then(pl.lit("<>")).otherwise(pl.col(c))
        for c in ("sender", "recipient")
    )
    reason = pl.col("reason")
    return (
        pl.when(reason.str.contains(_OF_SENDER).fill_null(False) & sender.is_not_null())
        .then(sender)
        .when(reason.str.contains(_OF_RECIPIENT).fill_null(False))
        .then(pl.coalesce(recipient, shown, sender))
        .otherwise(pl.coalesce(shown, recipient, sender))
        .alias("who")
    )


def _count(events: pl.LazyFrame) -> LazyTables:
    ended = events.filter(
        pl.col("outcome").is_in(["warned", "held", "discarded"])
        | ((pl.col("kind") == "reject") & (pl.col("outcome") == "rejected"))
    )
    proof = pl.when(pl.col("reason").is_null()).then("implied").alias("proof")
    named = add_reason(ended).select(
        "outcome", "stage", code_label(), "reason", proof, _who(), pl.col("count").cast(pl.UInt64)
    )
    return {
        _TABLE: named.group_by("outcome", "stage", "code", "reason", "proof", "who").agg(
            pl.col("count").sum()
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    details = table_of(tables, _TABLE)
    # A refusal that no line prints says what proves it.
    proofs = {name: IMPLIED[name].reason for name in details["proof"].drop_nulls().unique()}
    proof = pl.col("proof").replace_strict(proofs, default=None, return_dtype=pl.String)
    found = details.with_columns(
        pl.col("stage").cast(pl.String).fill_null("(outside of a session)"),
        pl.coalesce("reason", proof, pl.lit("(no text)")).alias("reason"),
        shown.munging.expr("who").fill_null("(not in the line)"),
    )
    levels = (Level("stage"), Level("reason", ("code",)), Level("who"))
    listings = []
    for outcome, title in _TITLES.items():
        mine = found.filter(pl.col("outcome") == outcome)
        if outcome == "rejected" or mine.height:
            listings.append(
                tree(
                    f"rejects.{outcome}",
                    title,
                    mine,
                    levels,
                    (ListColumn("count"),),
                    shown.top,
                    note=MASKED,
                )
            )
    return listings


SECTIONS = (
    Section(
        name="rejects",
        title="Refusals in detail",
        about="what was refused, warned of, held and discarded, by stage, reason and whom",
        elsewhere="pflogsumm: message reject, reject warning, hold and discard detail",
        tables={
            _TABLE: Table(
                {
                    "outcome": Outcome,
                    "stage": Stage,
                    "code": pl.String(),
                    "reason": pl.String(),
                    "proof": pl.String(),
                    "who": pl.String(),
                },
                counts("count"),
            )
        },
        texts=frozenset({"queue", "session"}),
        count=_count,
        show=_show,
    ),
)
