"""The Summary's tables as the counts, totals and observed time that `detect` reads.

Every frame has flat keys and additive counts; those of several days put together are those of the
whole. In keys nothing is null: no host is "", no reply code 0, no enhanced code "". A null stands
for "all of them" (see detect.py), which `levels` makes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

import polars as pl

from analyzer.peers import provider_names
from analyzer.sections.spikes import MINUTES, WHO
from analyzer.tables import Tables
from parsers.event import TIME

BY: Final = ("host", "direction", "code", "enhanced", "cause", "name")
"""Key columns of a series."""
PER: Final = ("host", "direction")
DIMS: Final = ("client", "client-net", "sender-domain", "recipient-domain", "provider", "cause")
"""What series can be looked at by, besides their codes."""

_S = pl.String()
_SERIES: dict[str, pl.DataType] = {
    "host": _S,
    "direction": _S,
    "code": pl.UInt16(),
    "enhanced": _S,
    "cause": _S,
}
_N = {"n": pl.UInt64()}
SCHEMAS: Final[dict[str, dict[str, pl.DataType]]] = {
    "counts": _SERIES | {"provider": _S, "bucket": TIME} | _N,
    "totals": {"host": _S, "direction": _S, "bucket": TIME} | _N,
    "minutes": _SERIES | {"minute": TIME} | _N,
    "who": _SERIES | {"dim": _S, "name": _S, "bucket": TIME} | _N,
    "observed": {"host": _S, "start": TIME, "end": TIME},
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What one log, or several days of it, hold; columns are SCHEMAS."""

    counts: pl.DataFrame
    """Refusals and verdicts by the hour."""
    totals: pl.DataFrame
    """What they are a share of: inbound, replies and messages taken; outbound, replies; local,
    replies of others and our own verdicts, which are the attempts to deliver."""
    minutes: pl.DataFrame
    who: pl.DataFrame
    observed: pl.DataFrame
    """Stretches that the log covers, without its gaps; they may overlap."""

    def covered(self) -> timedelta:
        """Time that the host with the longest log has."""
        spans = self.observed.group_by("host").agg((pl.col("end") - pl.col("start")).sum())
        longest: timedelta | None = spans["end"].max()  # type: ignore[assignment]
        return longest or timedelta()


def joined(parts: Sequence[Counted]) -> Counted:
    """One of several that share no hour of a host."""
    return Counted(
        **{f.name: pl.concat(getattr(p, f.name) for p in parts) for f in fields(Counted)}
    )


def counted(
    tables: Tables, since: datetime | None = None, until: datetime | None = None
) -> Counted:
    """What a finished Summary counts; `since` and `until` are those its events were selected by."""
    replies = _named(tables["replies"]).rename({"hour": "bucket"})
    replies = replies.filter(pl.col("bucket").is_not_null())
    found = {
        "counts": replies.filter(is_refusal_here()),
        "totals": _totals(replies, tables["flow_messages"]),
        "minutes": _named(tables[MINUTES]) if MINUTES in tables else None,
        "who": _named(tables[WHO]).rename({"hour": "bucket"}) if WHO in tables else None,
        "observed": observed(tables, since, until),
    }
    return Counted(**{n: _shaped(frame, n) for n, frame in found.items()})


def is_refusal_here() -> pl.Expr:
    """`is_refusal` of a frame whose missing code is 0."""
    return (pl.col("code") >= 400) | (pl.col("direction") == "local")


def _named(table: pl.DataFrame) -> pl.DataFrame:
    return table.rename({"reply_code": "code", "enhanced_code": "enhanced"}).with_columns(
        pl.col("direction").cast(pl.String),
        pl.col("code").fill_null(0),
        pl.col("host", "enhanced").fill_null(""),
    )


def _shaped(frame: pl.DataFrame | None, name: str) -> pl.DataFrame:
    """The columns of the schema, counts of the same key added up."""
    schema = SCHEMAS[name]
    if frame is None:
        return pl.DataFrame(schema=schema)
    frame = frame.select(pl.col(n).cast(t) for n, t in schema.items())
    keys = [n for n in schema if n != "n"]
    return frame.group_by(keys).agg(pl.col("n").sum()) if "n" in schema else frame


def _totals(replies: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    columns = list(SCHEMAS["totals"])
    told = replies.select(columns)
    attempts = told.filter(pl.col("direction") == "outbound")
    taken = messages.select(
        pl.col("host").fill_null(""),
        direction=pl.lit("inbound"),
        bucket="hour",
        n="received",
    ).filter(pl.col("bucket").is_not_null() & (pl.col("n") > 0))
    return pl.concat([told, attempts.with_columns(direction=pl.lit("local")), taken])


def observed(
    tables: Tables, since: datetime | None = None, until: datetime | None = None
) -> pl.DataFrame:
    """`host`, `start`, `end`: from each host's first line to its last, without the gaps."""
    from analyzer.check import find_gaps  # which builds on what builds on this

    sources = tables["sources"].filter(pl.col("mta").is_not_null() & pl.col("first").is_not_null())
    spans = sources.group_by(pl.col("host").fill_null("")).agg(
        pl.col("first").min(), pl.col("last").max()
    )
    gaps = find_gaps(tables["activity"])
    rows = []
    for host, first, last in spans.sort("host").iter_rows():
        at, end = max(first, since or first), last + timedelta(seconds=1)
        end = min(end, until or end)
        for gap in sorted(gaps, key=lambda g: g.start):
            if (gap.host or "") == host and at < gap.end and gap.start < end:
                rows.append((host, at, gap.start))
                at = gap.end
        rows.append((host, at, end))
    kept = [row for row in rows if row[1] < row[2]]
    return pl.DataFrame(kept, schema=SCHEMAS["observed"], orient="row")


def levels(what: Counted, by: str | None = None, *, every: bool = False) -> pl.DataFrame:
    """Counts of all series, the wider ones first: `BY`, `bucket`, `n`; null is "all of them".

    Codes; within a code that has several (or `every` one), its enhanced codes and causes; and
    what `by` names.
    """
    counts = what.counts
    code = ["host", "direction", "code"]
    kinds = counts.select(*code, "enhanced", "cause").unique()
    several = kinds.filter(every | (pl.len().over(code) > 1)).select(code).unique()
    found = [
        _level(counts, code),
        _level(counts.join(several, on=code, how="semi"), [*code, "enhanced", "cause"]),
    ]
    if by == "cause":
        found.append(_level(counts, ["host", "direction", "cause"]))
    elif by is not None:
        found.append(_level(named(what, by), [*code, "name"]))
    return _with_rest(pl.concat(found), what.totals)


def named(what: Counted, dim: str) -> pl.DataFrame:
    """Counts with `name`, what one of DIMS but `cause` says of them."""
    if dim == "provider":
        return what.counts.filter(pl.col("provider").is_not_null()).with_columns(
            name=provider_names(pl.col("provider"))
        )
    if dim == "client-net":
        clients = what.who.filter(pl.col("dim") == "client")
        return clients.with_columns(name=network_of(clients["name"])).filter(
            pl.col("name").is_not_null()
        )
    return what.who.filter(pl.col("dim") == dim)


def network_of(clients: pl.Series) -> pl.Series:
    """The /24 of each IPv4 address, the /64 of each IPv6 one; null of a name."""
    distinct = clients.unique().drop_nulls()
    found = pl.Series([_network(one) for one in distinct], dtype=pl.String)
    return clients.replace_strict(distinct, found, default=None, return_dtype=pl.String())


def _network(client: str) -> str | None:
    try:
        return str(ip_network(f"{client}/{64 if ':' in client else 24}", strict=False))
    except ValueError:
        return None


def _level(counts: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    wide = counts.group_by(*keys, "bucket").agg(pl.col("n").sum())
    types = _SERIES | {"name": _S}
    return wide.select(
        *((pl.col(n) if n in keys else pl.lit(None)).cast(types[n]).alias(n) for n in BY),
        "bucket",
        "n",
    )


def _with_rest(counts: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """Without series that are all the traffic there is: they are no share of anything."""
    whole = totals.group_by(PER).agg(_whole=pl.col("n").sum())
    rows = counts.join(whole, on=PER, how="left", maintain_order="left")
    mine = pl.col("n").sum().over(BY)
    return rows.filter(mine < pl.col("_whole").fill_null(0)).drop("_whole")


def minutes_of(what: Counted) -> pl.DataFrame:
    """Counts by the minute for every series of codes and causes: `BY`, `minute`, `n`."""
    rows = what.minutes.rename({"minute": "bucket"})
    code = ["host", "direction", "code"]
    keys = (code, [*code, "enhanced", "cause"], ["host", "direction", "cause"])
    return pl.concat(_level(rows, one) for one in keys).rename({"bucket": "minute"})


def member(finding: dict[str, object]) -> pl.Expr:
    """Whether a row of counts belongs to a finding's series."""
    keys = [n for n in BY if n != "name" and finding[n] is not None]
    return pl.all_horizontal(pl.col(n) == pl.lit(finding[n]) for n in keys)
