"""Mailbox providers: what became of mail for each, their reply codes, and how fast they take it."""

import polars as pl

from analyzer import histograms
from analyzer.histograms import BOUND, BUCKET, MEASURES, percentiles
from analyzer.peers import OTHER_HOSTS, is_remote, provider_key, provider_names, relay
from analyzer.tables import LazyTables, Table, Tables, counts
from parsers.event import Direction, Outcome
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown, listed
from ._parts import cause_titles, code_text, table_of
from .queue_times import STAGES, delivery_time, stage_times, to_another_host

_ATTEMPTS = "providers.attempts"
_TIMES = "providers.times"
_STAGES = "providers.stages"
_ENDS = ("sent", "deferred", "bounced")
_SHOWN_PERCENTILES = (50, 95)
_S = pl.String()


def _count(events: pl.LazyFrame) -> LazyTables:
    tried = events.filter(
        (pl.col("kind") == "delivery")
        & pl.col("outcome").is_in(list(_ENDS))
        & ((pl.col("direction") == "outbound") | (pl.col("outcome") != "sent"))
        & is_remote(relay(), pl.col("host"))
    )
    provider = provider_key(relay(), pl.col("relay_ip")).alias("provider")
    return {
        _ATTEMPTS: tried.group_by(
            provider, "outcome", "direction", "reply_code", "enhanced_code", "cause"
        ).agg(pl.col("count").cast(pl.UInt64).sum().alias("n")),
        _STAGES: stage_times(tried.filter(pl.col("outcome") == "sent"), provider),
    }


def _count_recipients(recipients: pl.LazyFrame) -> LazyTables:
    provider = provider_key(pl.col("relay"), pl.col("relay_ip")).alias("provider")
    return {
        _TIMES: histograms.counted(
            recipients.filter(to_another_host()), delivery_time(), provider, n=pl.lit(1)
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    attempts, times, stages = (
        table_of(tables, name).with_columns(provider_names(pl.col("provider")))
        for name in (_ATTEMPTS, _TIMES, _STAGES)
    )
    outcomes = _outcomes(attempts, times)
    order = outcomes.get_column("name").to_list()
    return [
        listed(
            "providers.outcomes",
            "Mailbox providers",
            outcomes,
            (
                *(ListColumn(end) for end in _ENDS),
                ListColumn("not sent", "share"),
                *(ListColumn(f"p{p}", "seconds") for p in _SHOWN_PERCENTILES),
            ),
            shown.top,
        ),
        _codes(attempts, order[: shown.top], shown.top),
        _stages(stages, order[: shown.top]),
    ]


def _outcomes(attempts: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """A row per provider (name), those with most attempts first, hosts of no provider last."""
    ends = (
        attempts.group_by(pl.col("provider").alias("name"))
        .agg(pl.col("n").filter(pl.col("outcome") == end).sum().alias(end) for end in _ENDS)
        .with_columns(pl.sum_horizontal(_ENDS).alias("_all"))
    )
    took = percentiles(times, ["provider"], _SHOWN_PERCENTILES).drop("n", "longest")
    return (
        ends.join(took, left_on="name", right_on="provider", how="left")
        .with_columns(((pl.col("_all") - pl.col("sent")) / pl.col("_all")).alias("not sent"))
        .sort(pl.col("name") == OTHER_HOSTS, -pl.col("_all").cast(pl.Int64), "name")
    )


def _codes(attempts: pl.DataFrame, providers: list[str], top: int | None) -> Listing:
    codes = cause_titles(
        attempts.group_by("provider", "direction", "reply_code", "enhanced_code", "cause")
        .agg(pl.col("n").sum())
        .with_columns(code_text().alias("code"))
        .sort("n", "code", "cause", descending=[True, False, False], nulls_last=True)
    )
    rows = []
    for provider in providers:
        mine = codes.filter(pl.col("provider") == provider)
        total = int(mine["n"].sum())
        rows.append(ListRow((total, None, None, None, provider)))
        shown = mine if top is None else mine.head(top)
        rows += [
            ListRow((n, n / total, code, why, None), 1)
            for n, code, why in shown.select("n", "code", "why").iter_rows()
        ]
    return Listing(
        key="providers.codes",
        title="Replies of mailbox providers",
        columns=(
            ListColumn("attempts"),
            ListColumn("share", "share"),
            ListColumn("code", "text"),
            ListColumn("meaning", "text"),
            ListColumn("name", "name"),
        ),
        rows=tuple(rows),
        note="Attempts that ended without a reply have no code.",
    )


def _stages(stages: pl.DataFrame, providers: list[str]) -> Listing:
    found = percentiles(stages, ["provider", "stage"], _SHOWN_PERCENTILES)
    by_key = {(provider, stage): rest for provider, stage, *rest in found.iter_rows()}
    rows = [
        ListRow((*by_key[provider, number], stage, provider))
        for provider in providers
        for number, stage in enumerate(STAGES)
        if (provider, number) in by_key
    ]
    return Listing(
        key="providers.stages",
        title="Delivery times of mailbox providers by stage",
        columns=(
            ListColumn("deliveries"),
            *(ListColumn(f"p{p}", "seconds") for p in _SHOWN_PERCENTILES),
            ListColumn("longest", "seconds"),
            ListColumn("stage", "text"),
            ListColumn("name", "name"),
        ),
        rows=tuple(rows),
        note=f"Postfix: delays=. Exim: RT= and DT=, which takes in connection setup. {BOUND}",
    )


SECTIONS = (
    Section(
        name="providers",
        title="Mailbox providers",
        about="per mailbox provider: sent, deferred, bounced, reply codes, delivery times",
        elsewhere="logwatch: Sent SMTP, Deferred, Bounced (by relay)",
        tables={
            _ATTEMPTS: Table(
                {
                    "provider": _S,
                    "outcome": Outcome,
                    "direction": Direction,
                    "reply_code": pl.UInt16(),
                    "enhanced_code": _S,
                    "cause": _S,
                },
                counts("n"),
            ),
            _TIMES: Table({"provider": _S} | BUCKET, MEASURES),
            _STAGES: Table({"provider": _S, "stage": pl.UInt8()} | BUCKET, MEASURES),
        },
        columns=frozenset({"delays"}),
        count=_count,
        count_recipients=_count_recipients,
        show=_show,
    ),
)
