"""Connections of clients to Postfix' smtpd, and how long they lasted.

A connection lasts from `connect` to the last line of its process that ends a session with the
same client, before that process' next `connect`. Those within a chunk are counted at once; of
each process the last connection of a chunk, and ends that stand before its first, are kept and
put together in the end.
"""

import polars as pl

from analyzer.tables import LazyTables, Merge, Table, Tables, counts
from parsers.event import TIME
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown, listed
from ._parts import table_of

_TIMES = "connections.times"
_CLIENTS = "connections.clients"
_OPEN = "connections.open"
_QUARTER = 15 * 60 * 1_000_000
"""All zones differ from UTC by whole quarters of an hour."""
_S = pl.String()
_PROCESS = ["host", "service", "pid"]
_LENGTHS: dict[str, tuple[pl.DataType, Merge]] = {
    **counts("timed", "microseconds"),
    "longest": (pl.UInt64(), "max"),
}
_COLUMNS = (
    ListColumn("connections"),
    ListColumn("timed"),
    ListColumn("total time", "seconds"),
    ListColumn("average", "seconds"),
    ListColumn("longest", "seconds"),
)
_NOTE = (
    "Times are of connections whose begin and end both stand in the log (`timed`); they count"
    " where the connection began."
)


def _count(events: pl.LazyFrame) -> LazyTables:
    service, stage = pl.col("service"), pl.col("stage")
    bare = ("command", "reply_text", "reply_code")
    opens = stage == "CONNECT"
    mine = events.filter(
        (pl.col("mta") == "postfix")
        & (pl.col("kind") == "session")
        & (pl.col("direction") == "inbound")
        & (service.is_null() | service.str.contains("(?:^|/)smtpd$"))
        & (stage.is_null() | opens),
        *(pl.col(c).is_null() for c in bare),
    ).select(
        "row",
        *_PROCESS,
        "time",
        "count",
        "client_name",
        pl.coalesce("client_ip", "client_name").alias("client"),
        opens.fill_null(False).alias("opens"),
    )
    # Without a daemon's name, postscreen's lines look like those of smtpd.
    named = mine.filter(service.is_not_null())
    uses = _uses(named)
    ended = uses.filter(
        (pl.col("_use") > 0) & pl.col("end").is_not_null() & (pl.col("_use") < pl.col("_last"))
    )
    left = uses.filter((pl.col("_use") == 0) | (pl.col("_use") == pl.col("_last"))).select(
        *_PROCESS, "client", "start", "end"
    )
    opened = mine.filter("opens").with_columns(pl.col("count").cast(pl.UInt64).alias("_n"))
    connections = pl.col("_n").sum().alias("connections")
    by_time = _lengths(ended, "service", _quarter("start"))
    by_client = _lengths(ended, "client")
    return {
        _TIMES: _together(
            opened.group_by("service", _quarter("time")).agg(connections),
            by_time,
            ["service", "quarter"],
        ),
        _CLIENTS: _together(
            opened.filter(service.is_not_null())
            .group_by("client")
            .agg(connections, pl.col("client_name").max().alias("name")),
            by_client,
            ["client"],
        ),
        _OPEN: left.group_by(*_PROCESS, "client", "start", "end").agg(
            pl.len().cast(pl.UInt64).alias("n")
        ),
    }


def _quarter(time: str) -> pl.Expr:
    return (pl.col(time).to_physical() // _QUARTER * _QUARTER).cast(TIME).alias("quarter")


def _uses(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per `connect` and its end, or per client of ends that no `connect` precedes
    (_use 0, start null): _PROCESS, client, start, end, _use and _last, the process' last."""
    known = lines.filter(pl.col("time").is_not_null() & pl.col("pid").is_not_null())
    # Processes and clients that have no name are one.
    numbered = known.sort("row").with_columns(
        pl.col("opens").cast(pl.UInt32).cum_sum().over(_PROCESS).alias("_use")
    )
    numbered = numbered.with_columns(
        pl.col("_use").max().over(_PROCESS).alias("_last"),
        pl.when(pl.col("_use") > 0)
        .then(pl.col("client").first().over(*_PROCESS, "_use"))
        .otherwise("client")
        .alias("_with"),
    )
    mine = pl.col("client").eq_missing(pl.col("_with"))
    return (
        numbered.group_by(*_PROCESS, "_use", pl.col("_with").alias("client"))
        .agg(
            pl.col("time").filter("opens").first().alias("start"),
            pl.col("time").filter(~pl.col("opens") & mine).max().alias("end"),
            pl.col("_last").first(),
        )
        .filter((pl.col("_use") > 0) | pl.col("end").is_not_null())
    )


def _lengths(ended: pl.LazyFrame, *keys: str | pl.Expr) -> pl.LazyFrame:
    """How long connections with start and end lasted."""
    length = (pl.col("end") - pl.col("start")).dt.total_microseconds().clip(0).cast(pl.UInt64)
    return ended.group_by(*keys).agg(
        pl.len().cast(pl.UInt64).alias("timed"),
        length.sum().alias("microseconds"),
        length.max().alias("longest"),
    )


def _together(opened: pl.LazyFrame, lengths: pl.LazyFrame, on: list[str]) -> pl.LazyFrame:
    return opened.join(lengths, on=on, how="full", coalesce=True, nulls_equal=True).with_columns(
        pl.col("connections", "timed", "microseconds").fill_null(0)
    )


def _ended_later(left: pl.DataFrame) -> pl.DataFrame:
    """Of what chunks left open: the connections whose end is known (service, client, start, end)."""
    each = left.with_columns(pl.int_ranges(pl.col("n")).alias("_each")).explode("_each")
    moments = (
        each.select(*_PROCESS, "start")
        .drop_nulls("start")
        .unique()
        .sort(*_PROCESS, "start")
        .with_columns(pl.col("start").shift(-1).over(_PROCESS).alias("_next"))
    )
    began = (
        each.filter(pl.col("start").is_not_null())
        # Of the same moment, one that has ended is before one that has not.
        .join(moments, on=[*_PROCESS, "start"], nulls_equal=True)
        .sort(*_PROCESS, "start", "end", "client", nulls_last=True)
        .with_row_index("_n")
    )
    ends = (
        each.filter(pl.col("start").is_null())
        .select(*_PROCESS, "client", pl.col("end").alias("_end"))
        .sort(*_PROCESS, "client", "_end", nulls_last=True)
        .with_row_index("_e")
    )
    in_turn = _in_turn(began, ends)
    began = _closed(began, in_turn)
    ends = ends.join(in_turn.select("_e"), on="_e", how="anti")
    # Lines are missing, or several may be the end: the latest before the next connection is.
    candidates = (
        ends.join(began, on=[*_PROCESS, "client"], how="inner", nulls_equal=True)
        .filter(_between())
        .sort("_e", pl.col("end").is_not_null(), "start", "_n")
        .unique("_e", keep="first", maintain_order=True)
    )
    began = _closed(began, candidates)
    return began.filter(pl.col("end").is_not_null()).select("service", "client", "start", "end")


def _between() -> pl.Expr:
    """The end is not before the connection's begin and not after its process' next."""
    return (pl.col("start") <= pl.col("_end")) & (
        pl.col("_next").is_null() | (pl.col("_end") <= pl.col("_next"))
    )


def _in_turn(began: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Begins without an end and ends without a begin, paired in turn by process and client.

    Only where all of them pair, but for an end before the first and a begin after the last:
    stamps of whole seconds do not tell what comes first within one.
    """
    who = [*_PROCESS, "client"]
    opened = began.filter(pl.col("end").is_null())
    first = opened.group_by(who).agg(
        pl.col("start").min().alias("_first"), pl.len().alias("_begins")
    )
    last = ends.group_by(who).agg(pl.col("_end").max().alias("_latest"))
    opened = opened.join(last, on=who, nulls_equal=True).filter(
        pl.col("start") <= pl.col("_latest")
    )
    closing = ends.join(first, on=who, nulls_equal=True).filter(pl.col("_end") >= pl.col("_first"))
    turn = pl.int_range(pl.len(), dtype=pl.Int64).over(who)
    # The log may begin within a connection: then its end is the one too many.
    surplus = pl.len().over(who) > pl.col("_begins")
    closing = closing.sort("_e").select(
        *who, "_e", "_end", (turn - surplus.cast(pl.Int64)).alias("_turn")
    )
    pairs = (
        opened.sort("_n")
        .with_columns(turn.alias("_turn"))
        .join(closing, on=[*who, "_turn"], how="full", coalesce=True, nulls_equal=True)
    )
    alone = pl.col("start").is_null() & (pl.col("_turn") < 0)
    still_open = pl.col("_end").is_null() & (pl.col("_turn") == pl.col("_turn").max().over(who))
    sound = (_between().fill_null(False) | alone | still_open).all().over(who)
    return pairs.filter(sound & pl.col("start").is_not_null() & pl.col("_end").is_not_null())


def _closed(began: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Connections with the ends that were found for them."""
    found = pairs.group_by("_n").agg(pl.col("_end").max())
    later = began.join(found, on="_n", how="left", maintain_order="left")
    return later.with_columns(pl.max_horizontal("end", "_end").alias("end")).drop("_end")


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    late = _ended_later(table_of(tables, _OPEN)).lazy()
    times = _merged(_TIMES, tables, _lengths(late, "service", _quarter("start")))
    clients = _merged(_CLIENTS, tables, _lengths(late, "client"))
    unnamed = times.filter(pl.col("service").is_null())["connections"].sum()
    times = times.filter(pl.col("service").is_not_null())
    note = _NOTE
    if unnamed:
        note += (
            f" Left out: {unnamed} lines that look like a connection's begin and do not name"
            " their daemon; postscreen's look the same."
        )
    local = pl.col("quarter").dt.convert_time_zone(shown.zone)
    by_day = _summed(times, local.dt.strftime("%Y-%m-%d"))
    by_hour = _summed(times, local.dt.truncate("1h"))
    client = (
        pl.when(pl.col("client").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("name").is_not_null() & (pl.col("name") != pl.col("client")))
        .then(pl.format("{} [{}]", "name", "client"))
        .otherwise("client")
    )
    named = _summed(clients, client).sort(
        "connections", "total time", "name", descending=[True, True, False]
    )
    totals = _summed(times, pl.col("service")).sort("connections", "name", descending=[True, False])
    return [
        Listing(
            key="connections.daemons",
            title=f"Connections of {clients.height} clients, by daemon",
            columns=(*_COLUMNS, ListColumn("name", "name")),
            rows=tuple(ListRow((*n, name)) for name, *n in totals.iter_rows()),
            note=note,
        ),
        _series("connections.days", "Connections by day", ListColumn("day", "text"), by_day),
        _series("connections.hours", "Connections by hour", ListColumn("hour", "time"), by_hour),
        listed("connections.clients", "Connections by client", named, _COLUMNS, shown.top),
    ]


def _merged(name: str, tables: Tables, late: pl.LazyFrame) -> pl.DataFrame:
    """A table with the connections whose end was found late."""
    table = TABLES[name]
    missing = [
        pl.lit(None if how == "max" else 0, dtype=t).alias(n)
        for n, (t, how) in table.measures.items()
        if n not in _LENGTHS
    ]
    more = late.with_columns(missing).select(pl.col(n).cast(t) for n, t in table.schema().items())
    return table.merge([table_of(tables, name), more]).collect()


def _seconds(microseconds: str) -> pl.Expr:
    return (pl.col(microseconds) / 1_000_000).round(3)


def _summed(frame: pl.DataFrame, name: pl.Expr) -> pl.DataFrame:
    """Columns name and those of _COLUMNS, by name."""
    timed = pl.col("timed")
    return (
        frame.group_by(name.alias("name"))
        .agg(
            pl.col("connections").sum(),
            timed.sum(),
            pl.col("microseconds").sum(),
            pl.col("longest").max(),
        )
        .select(
            "name",
            "connections",
            "timed",
            _seconds("microseconds").alias("total time"),
            pl.when(timed > 0)
            .then((pl.col("microseconds") / timed / 1_000_000).round(1))
            .alias("average"),
            _seconds("longest").alias("longest"),
        )
        .sort("name", nulls_last=True)
    )


def _series(key: str, title: str, first: ListColumn, frame: pl.DataFrame) -> Listing:
    return Listing(
        key=key,
        title=title,
        columns=(first, *_COLUMNS),
        rows=tuple(ListRow((name, *n)) for name, *n in frame.iter_rows()),
    )


TABLES = {
    _TIMES: Table({"service": _S, "quarter": TIME}, counts("connections") | _LENGTHS),
    _CLIENTS: Table({"client": _S}, counts("connections") | _LENGTHS | {"name": (_S, "max")}),
    _OPEN: Table(
        {"host": _S, "service": _S, "pid": pl.Int64(), "client": _S, "start": TIME, "end": TIME},
        counts("n"),
    ),
}

SECTIONS = (
    Section(
        name="connections",
        title="Connections",
        about="connections to smtpd by daemon, day, hour and client, and how long they lasted",
        elsewhere="pflogsumm: smtpd, SMTPD Connection Summaries (--smtpd-stats)",
        tables=TABLES,
        kinds=frozenset({"session"}),
        columns=frozenset({"service", "pid", "command"}),
        texts=frozenset({"session"}),
        count=_count,
        show=_show,
    ),
)
