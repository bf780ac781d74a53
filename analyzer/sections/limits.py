"""Limits on clients: the peaks that Postfix' anvil counted, and who ran into a limit."""

import polars as pl

from analyzer.knowledge.entries import cause_title
from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown
from ._parts import table_of
from ._trees import Level, code_label, tree

_PEAKS = "limits.peaks"
_HITS = "limits.hits"
_S = pl.String()
_PEAK = r"^max ([a-z]+ [a-z]+) ([0-9]+)(?:/([0-9]+)s)?$"
# What a server refuses for lack of room, or because one client asks for too much.
_CAUSES = ("rate-limit", "too-many-recipients", "system-full")
_PROOFS = r"too-many-(?:connections|errors|tls)|too-much-mail|postscreen-(?:too-many|busy|limit)"
ALL_CLIENTS = "(all clients)"


def _count(events: pl.LazyFrame) -> LazyTables:
    of_anvil = pl.col("service").str.contains("(?:^|/)anvil$").fill_null(False)
    text = pl.col("reply_text").str.extract_groups(_PEAK)
    peaks = events.filter((pl.col("kind") == "session") & of_anvil).select(
        text.struct.field("1").alias("what"),
        text.struct.field("3").cast(pl.UInt32, strict=False).alias("seconds"),
        pl.col("client_ip").alias("client"),
        text.struct.field("2").cast(pl.UInt64, strict=False).alias("peak"),
        pl.col("count").cast(pl.UInt64).alias("times"),
    )
    proven = pl.col("implied").str.contains(_PROOFS).fill_null(False)
    limited = pl.col("cause").is_in(list(_CAUSES)).fill_null(False) & (pl.col("reply_code") >= 400)
    hits = events.filter((pl.col("direction") == "inbound") & (proven | limited))
    # Which Sendmail client it was, another line may say, past a cut.
    later = (pl.col("mta") == "sendmail") & pl.col("queue_id").is_not_null()
    client = pl.when(~later).then(pl.coalesce("client_ip", "client_name"))
    return {
        _PEAKS: peaks.filter(pl.col("peak").is_not_null())
        .group_by("what", "seconds", "client")
        .agg(pl.col("peak").max(), pl.col("times").sum()),
        _HITS: hits.group_by("cause", code_label(), client.alias("client")).agg(
            pl.col("count").cast(pl.UInt64).sum()
        ),
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    hits = table_of(tables, _HITS).with_columns(
        pl.col("client").fill_null("unknown"),
        pl.col("cause").fill_null("undefined"),
    )
    return [
        _peaks(table_of(tables, _PEAKS), shown.top),
        tree(
            "limits.hits",
            "Clients that ran into a limit",
            hits,
            (Level("cause", ("code",)), Level("client")),
            (ListColumn("count"),),
            shown.top,
            words={"cause": cause_title},
        ),
    ]


def _peaks(peaks: pl.DataFrame, top: int | None) -> Listing:
    ordered = peaks.sort(
        "what", "seconds", "peak", "client", descending=[False, False, True, False]
    )
    rows: list[ListRow] = []
    for (what, seconds), mine in ordered.group_by("what", "seconds", maintain_order=True):
        per = f"{what} (per {seconds} s)" if seconds else str(what)
        shown = mine if top is None else mine.head(top)
        rows += [
            ListRow((per, peak, times, client or ALL_CLIENTS))
            for client, peak, times in shown.select("client", "peak", "times").iter_rows()
        ]
    return Listing(
        key="limits.peaks",
        title="Peaks counted by anvil",
        columns=(
            ListColumn("what", "text"),
            ListColumn("peak"),
            ListColumn("times told"),
            ListColumn("name", "name"),
        ),
        rows=tuple(rows),
        distinct=peaks.height,
        note="Anvil tells the peak of each stretch between two such lines, ten minutes as a rule"
        " (anvil_status_update_time), of the client that came highest.",
    )


SECTIONS = (
    Section(
        name="limits",
        title="Limits on clients",
        about="peaks of connections, messages and logins that anvil counted; clients that ran into"
        " a limit",
        elsewhere="logwatch: Anvil limit, Process limit reached; postscreen: too many connections",
        tables={
            _PEAKS: Table(
                {"what": _S, "seconds": pl.UInt32(), "client": _S},
                {"peak": (pl.UInt64(), "max"), "times": (pl.UInt64(), "sum")},
            ),
            _HITS: Table({"cause": _S, "code": _S, "client": _S}, counts("count")),
        },
        kinds=frozenset({"session"}),
        columns=frozenset({"service"}),
        texts=frozenset({"session"}),
        count=_count,
        show=_show,
    ),
)
