"""What mail could not be delivered for: the texts of refusals and of our own verdicts."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from parsers.event import Direction, Outcome
from reports.model import ListColumn, Listing

from . import Section, Shown, listed
from ._parts import by_text, cause_titles, code_text, table_of

_TABLE = "errors.texts"
_S = pl.String()
_ENDS = ("bounced", "expired")


def _count(events: pl.LazyFrame) -> LazyTables:
    delivery = pl.col("kind") == "delivery"
    # What a queue manager says of an expiry names no reason.
    gone = (delivery | (pl.col("kind") == "queue")) & pl.col("outcome").is_in(list(_ENDS))
    failed = events.filter(gone).with_columns(pl.when(delivery).then("reply_text"))
    return {_TABLE: by_text(failed, "outcome", "direction", "reply_code", "enhanced_code", "cause")}


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    errors = cause_titles(table_of(tables, _TABLE)).with_columns(
        code_text().alias("code"),
        pl.col("text").alias("name"),
        pl.col("outcome").cast(pl.String).alias("ending"),
    )
    ordered = errors.sort(
        *("n", "ending", "code", "cause", "name", "direction"),
        descending=[True, False, False, False, False, False],
        nulls_last=True,
    )
    columns = (
        ListColumn("errors"),
        ListColumn("ending", "text"),
        ListColumn("code", "text"),
        ListColumn("why", "text"),
    )
    listing = listed("errors.texts", "Errors", ordered.rename({"n": "errors"}), columns, shown.top)
    return [listing]


SECTIONS = (
    Section(
        name="errors",
        title="Errors",
        about="what mail was returned for: refusals and expiries by text, names and numbers masked",
        elsewhere="eximstats: List of errors; SendmailAnalyzer: DSN status",
        tables={
            _TABLE: Table(
                {
                    "outcome": Outcome,
                    "direction": Direction,
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
