"""Why mail was deferred, bounced and expired: by relay, then by reason."""

import polars as pl

from analyzer.knowledge.entries import cause_title
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import MASKED, Level, add_reason, code_label, tree

_S = pl.String()
_TRIES: dict[str, pl.DataType] = {"relay": _S, "code": _S, "reason": _S}
_LEVELS = (Level("relay"), Level("reason", ("code",)))
_NO_RELAY = "(no relay)"


def _tries(events: pl.LazyFrame, outcome: str) -> pl.LazyFrame:
    """Attempts that ended so, by relay, code and reason."""
    tried = events.filter((pl.col("kind") == "delivery") & (pl.col("outcome") == outcome))
    same = tried.group_by(
        pl.coalesce("relay_name", "relay_ip").alias("relay"), code_label(), "reply_text"
    ).agg(pl.col("count").sum().cast(pl.UInt64).alias("count"))
    return add_reason(same).group_by(list(_TRIES)).agg(pl.col("count").sum())


def _count_deferrals(events: pl.LazyFrame) -> LazyTables:
    return {"deferrals.reasons": _tries(events, "deferred")}


def _count_bounces(events: pl.LazyFrame) -> LazyTables:
    return {"bounces.reasons": _tries(events, "bounced")}


def _count_expired(recipients: pl.LazyFrame) -> LazyTables:
    gone = recipients.filter(pl.col("outcome") == "expired")
    return {
        "expired.reasons": gone.with_columns(pl.lit(None, dtype=_S).alias("implied"))
        .group_by("relay", code_label(), "cause")
        .agg(pl.len().cast(pl.UInt64).alias("recipients"))
    }


def _show_deferrals(tables: Tables, shown: Shown) -> list[Listing]:
    return [_reasons("deferrals", "Deferrals by relay and reason", tables, shown)]


def _show_bounces(tables: Tables, shown: Shown) -> list[Listing]:
    return [_reasons("bounces", "Bounces by relay and reason", tables, shown)]


def _reasons(name: str, title: str, tables: Tables, shown: Shown) -> Listing:
    found = table_of(tables, f"{name}.reasons").with_columns(
        pl.col("relay").fill_null(_NO_RELAY), pl.col("reason").fill_null("(no text)")
    )
    columns = (ListColumn("count"),)
    return tree(f"{name}.reasons", title, found, _LEVELS, columns, shown.top, note=MASKED)


def _show_expired(tables: Tables, shown: Shown) -> list[Listing]:
    found = table_of(tables, "expired.reasons").with_columns(
        pl.col("relay").fill_null(_NO_RELAY), pl.col("cause").fill_null("undefined")
    )
    return [
        tree(
            "expired.reasons",
            "Expired in the queue, by relay and the last deferral's cause",
            found,
            (Level("relay"), Level("cause", ("code",))),
            (ListColumn("recipients"),),
            shown.top,
            words={"cause": cause_title},
        )
    ]


SECTIONS = (
    Section(
        name="deferrals",
        title="Deferrals in detail",
        about="every attempt that was put off, by relay and reason",
        elsewhere="pflogsumm: message deferral detail",
        tables={"deferrals.reasons": Table(_TRIES, counts("count"))},
        count=_count_deferrals,
        show=_show_deferrals,
    ),
    Section(
        name="bounces",
        title="Bounces in detail",
        about="every recipient that was refused for good, by relay and reason",
        elsewhere="pflogsumm: message bounce detail (by relay)",
        tables={"bounces.reasons": Table(_TRIES, counts("count"))},
        count=_count_bounces,
        show=_show_bounces,
    ),
    Section(
        name="expired",
        title="Expired in detail",
        about="recipients whose mail was given up, by relay and the last deferral's cause",
        elsewhere="pflogsumm: message expired detail (by relay)",
        tables={
            "expired.reasons": Table({"relay": _S, "code": _S, "cause": _S}, counts("recipients"))
        },
        count_recipients=_count_expired,
        show=_show_expired,
    ),
)
