"""How long mail waited: on the queue, until delivery, and in Postfix's stages of a delivery."""

from collections.abc import Sequence

import polars as pl

from analyzer import histograms
from analyzer.histograms import (
    BOUND,
    BUCKET,
    MEASURES,
    PERCENTILES,
    SECOND,
    of_seconds,
    of_span,
    percentiles,
)
from analyzer.peers import domain_of, is_remote, provider_key, provider_names
from analyzer.tables import LazyTables, Table, Tables
from parsers.event import Outcome
from reports.model import Cell, ListColumn, Listing, ListRow

from . import Section, Shown, listed
from ._parts import MESSAGE, table_of

_QUEUE = "queue_times.messages"
_DELIVERIES = "queue_times.deliveries"
_STAGES = "queue_times.stages"
LIMITS = {
    60: "under 1 minute",
    300: "under 5 minutes",
    900: "under 15 minutes",
    1800: "under 30 minutes",
    3600: "under 1 hour",
    10800: "under 3 hours",
    21600: "under 6 hours",
    43200: "under 12 hours",
    86400: "under 1 day",
    172800: "under 2 days",
    432000: "under 5 days",
}
"""Upper ends of the times on the queue told apart, in seconds, and what they are called."""
LONGER = "5 days or longer"
STAGES = (
    "before the queue manager",
    "in the queue manager",
    "connection setup",
    "transmission",
)
"""The four figures of `delays`, in their order: Postfix' delays=, Exim's RT= and DT=."""
_TRIED = ("sent", "deferred", "bounced")
_ONE = pl.lit(1)


def delivery_time() -> pl.Expr:
    """From a message's arrival to a recipient's delivery; the log's own figure goes first."""
    return pl.coalesce(
        of_seconds(pl.col("delay")), of_span(pl.col("last_try") - pl.col("arrived_at"))
    )


def to_another_host() -> pl.Expr:
    """Recipients whose mail another host took."""
    return (pl.col("outcome") == "sent") & is_remote(pl.col("relay"), pl.col("host"))


def stage_times(events: pl.LazyFrame, *keys: pl.Expr | str) -> pl.LazyFrame:
    """Histograms of `delays` by keys and `stage`, 0 to 3."""
    tried = events.filter(pl.col("delays").is_not_null())
    named = [pl.col(k) if isinstance(k, str) else k for k in keys]
    names = [k.meta.output_name() for k in named]
    stages = [pl.col("delays").arr.get(i).alias(str(i)) for i in range(len(STAGES))]
    long = (
        tried.select(*named, *stages, pl.col("count").alias("_times"))
        .unpivot(index=[*names, "_times"], variable_name="stage", value_name="_took")
        .with_columns(pl.col("stage").cast(pl.UInt8))
    )
    return histograms.counted(
        long, of_seconds(pl.col("_took")), *names, "stage", n=pl.col("_times")
    )


def _count(events: pl.LazyFrame) -> LazyTables:
    kind, outcome = pl.col("kind"), pl.col("outcome")
    ended = events.filter(
        ((kind == "delivery") & outcome.is_in(list(_TRIED)))
        | ((kind == "received") & (outcome == "accepted"))
    )
    return {_STAGES: stage_times(ended, "outcome")}


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    waited = of_span(pl.col("ended_at") - pl.col("arrived_at"))
    messages = (
        recipients.group_by(MESSAGE)
        .agg(
            pl.col("arrived_at").first(),
            (pl.col("outcome") != "deferred").all().alias("over"),
            to_another_host().any().alias("remote"),
        )
        .filter(pl.col("over") & pl.col("arrived_at").is_not_null())
        .with_columns(waited.alias("_waited"))
    )
    limit = pl.coalesce(
        *(pl.when(pl.col("_waited") < s * SECOND).then(s) for s in LIMITS),
        pl.lit(None, dtype=pl.Int32),
    ).cast(pl.Int32)
    sent = recipients.filter(pl.col("outcome") == "sent")
    return {
        _QUEUE: histograms.counted(
            messages, pl.col("_waited"), "remote", limit.alias("limit"), n=_ONE
        ),
        _DELIVERIES: histograms.counted(
            sent,
            delivery_time(),
            domain_of(pl.col("recipient")).alias("domain"),
            to_another_host().alias("remote"),
            provider_key(pl.col("relay"), pl.col("relay_ip")).alias("provider"),
            n=_ONE,
        ),
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    queue, deliveries = table_of(tables, _QUEUE), table_of(tables, _DELIVERIES)
    domains = percentiles(deliveries, ["domain"]).rename({"domain": "name"})
    remote = deliveries.filter("remote").with_columns(provider_names(pl.col("provider")))
    providers = percentiles(remote, ["provider"]).rename({"provider": "name"})
    return [
        _cumulative(queue),
        _overall(queue, deliveries),
        _stages(table_of(tables, _STAGES)),
        _named("domains", "Delivery times by destination domain", domains, shown.top),
        _named("providers", "Delivery times by mailbox provider", providers, shown.top),
    ]


def time_columns(wanted: Sequence[int] = PERCENTILES) -> tuple[ListColumn, ...]:
    """Columns of what histograms.percentiles gives after the keys and n."""
    return (*(ListColumn(f"p{p}", "seconds") for p in wanted), ListColumn("longest", "seconds"))


def _cumulative(queue: pl.DataFrame) -> Listing:
    rows = []
    so_far = [0, 0]
    totals = [int(queue["n"].sum()), int(queue.filter("remote")["n"].sum())]
    for limit, label in (*LIMITS.items(), (None, LONGER)):
        mine = queue.filter(pl.col("limit").eq_missing(limit))
        here = [int(mine["n"].sum()), int(mine.filter("remote")["n"].sum())]
        so_far = [a + b for a, b in zip(so_far, here, strict=True)]
        if not here[0]:
            continue
        cells: list[Cell] = [label]
        for n, sum_, total in zip(here, so_far, totals, strict=True):
            cells += [n, sum_ / total if total else 0.0]
        rows.append(ListRow(tuple(cells)))
    return Listing(
        key="queue_times.queue",
        title="Time on the queue",
        columns=(
            ListColumn("time", "text"),
            ListColumn("messages"),
            ListColumn("so far", "share"),
            ListColumn("with remote delivery"),
            ListColumn("of these so far", "share"),
        ),
        rows=tuple(rows),
        note="From a message's arrival to its removal, of messages whose arrival is in the log and"
        " none of whose recipients is still deferred. A remote delivery is one to another host.",
    )


def _overall(queue: pl.DataFrame, deliveries: pl.DataFrame) -> Listing:
    parts = {
        "messages, on the queue": queue,
        "messages with remote delivery, on the queue": queue.filter("remote"),
        "recipients, until delivery": deliveries,
        "recipients on other hosts, until delivery": deliveries.filter("remote"),
    }
    rows = [
        ListRow((label, *values))
        for label, part in parts.items()
        for values in percentiles(part).iter_rows()
    ]
    return Listing(
        key="queue_times.percentiles",
        title="Times as percentiles",
        columns=(ListColumn("what", "text"), ListColumn("number"), *time_columns()),
        rows=tuple(rows),
        note=f"Delivery times are counted from the message's arrival. {BOUND}",
    )


def _stages(stages: pl.DataFrame) -> Listing:
    found = percentiles(
        stages.with_columns(pl.col("outcome").cast(pl.String)), ["outcome", "stage"]
    )
    by_key = {(outcome, stage): rest for outcome, stage, *rest in found.iter_rows()}
    rows = [
        ListRow((label, stage, *by_key[outcome, number]))
        for outcome, label in {**{o: o for o in _TRIED}, "accepted": "received"}.items()
        for number, stage in enumerate(STAGES)
        if (outcome, number) in by_key
    ]
    return Listing(
        key="queue_times.stages",
        title="Delivery times by stage",
        columns=(
            ListColumn("attempt", "text"),
            ListColumn("stage", "text"),
            ListColumn("attempts"),
            *time_columns(),
        ),
        rows=tuple(rows),
        note=f"Postfix: delays=. Exim: RT= and DT=, which takes in connection setup. {BOUND}",
    )


def _named(name: str, title: str, found: pl.DataFrame, top: int | None) -> Listing:
    ordered = found.sort("n", "name", descending=[True, False]).rename({"n": "recipients"})
    columns = (ListColumn("recipients"), *time_columns())
    return listed(f"queue_times.{name}", title, ordered, columns, top)


SECTIONS = (
    Section(
        name="queue_times",
        title="Time on the queue and delivery times",
        about="how long messages stayed and deliveries took: cumulative, and as percentiles by"
        " domain, provider and stage",
        elsewhere="eximstats: Time spent on the queue, Delivery times;"
        " logwatch: Delivery Delays Percentiles; pflogsumm: avg/max dly",
        tables={
            _QUEUE: Table(
                {"remote": pl.Boolean(), "limit": pl.Int32()} | BUCKET,
                MEASURES,
            ),
            _DELIVERIES: Table(
                {"domain": pl.String(), "remote": pl.Boolean(), "provider": pl.String()} | BUCKET,
                MEASURES,
            ),
            _STAGES: Table({"outcome": Outcome, "stage": pl.UInt8()} | BUCKET, MEASURES),
        },
        columns=frozenset({"delays"}),
        count=_count,
        count_recipients=_count_recipients,
        show=_show,
    ),
)
