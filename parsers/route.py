"""Which MTA and which of its daemons wrote a line: by the tag of its header."""

from functools import cache

import polars as pl

from .event import Mta
from .mta import parsers

UNROUTED = 0
"""The route of lines of no mail server."""
_UNKNOWN = "?"
_OTHER = ""


@cache
def routes() -> tuple[tuple[int, str], ...]:
    """Routes by number: the MTA (1-based) and the daemon whose rules are offered.

    The daemon is `""` where it has no rules of its own, `?` where the tag does not tell it.
    """
    found = [(UNROUTED, _OTHER)]
    for number, mta in enumerate(parsers(), start=1):
        named = sorted({s for r in mta.rules for s in r.services})
        found += [(number, service) for service in (_OTHER, _UNKNOWN, *named)]
    return tuple(found)


@cache
def _table() -> pl.DataFrame:
    """Columns mta, daemon, route."""
    names = [None, *(m.name for m in parsers())]
    rows = [(names[mta], daemon, number) for number, (mta, daemon) in enumerate(routes()) if number]
    columns = [("mta", Mta), ("daemon", pl.String()), ("route", pl.UInt8())]
    return pl.DataFrame(rows, schema=dict(columns), orient="row")


def offered_all(route: int) -> bool:
    """Whether a route's lines are offered to every rule, as their daemon is unknown."""
    return routes()[route][1] == _UNKNOWN


def add_routes(origins: pl.DataFrame) -> pl.DataFrame:
    """Add mta, service and route: the first MTA whose tags these are."""
    tag = pl.col("tag")
    whose, service = pl.lit(None, dtype=Mta), pl.lit(None, dtype=pl.String)
    for mta in reversed(parsers()):
        pattern = f"^(?:{mta.tags})$"
        mine = tag.str.contains(pattern)
        whose = pl.when(mine).then(pl.lit(mta.name, dtype=Mta)).otherwise(whose)
        service = pl.when(mine).then(tag.str.extract(pattern, 1)).otherwise(service)
    origins = origins.with_columns(whose.alias("mta"), service.alias("service"))
    last = pl.col("service").str.extract(r"([^/]*)$", 1).fill_null(_UNKNOWN)
    table = _table()
    return (
        origins.with_columns(last.alias("daemon"))
        .join(table, on=["mta", "daemon"], how="left", maintain_order="left")
        .join(
            table.filter(pl.col("daemon") == _OTHER).select("mta", other="route"),
            on="mta",
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.coalesce("route", "other").fill_null(UNROUTED).alias("route"))
        .drop("daemon", "other")
    )
