"""Which MTA and which of its daemons wrote a line: by the tag of its header."""

import re
from functools import cache, lru_cache

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


def offered_all(route: int) -> bool:
    """Whether a route's lines are offered to every rule, as their daemon is unknown."""
    return routes()[route][1] == _UNKNOWN


def add_routes(origins: pl.DataFrame) -> pl.DataFrame:
    """Add mta, service and route: the first MTA whose tags these are."""
    tags = origins.get_column("tag").unique().to_list()
    found = pl.DataFrame(
        [(tag, *_route(tag)) for tag in tags],
        schema={"tag": pl.String(), "mta": Mta, "service": pl.String(), "route": pl.UInt8()},
        orient="row",
    )
    return origins.join(found, on="tag", how="left", nulls_equal=True, maintain_order="left")


@lru_cache(1024)
def _route(tag: str | None) -> tuple[str | None, str | None, int]:
    """MTA, service and route of a tag; there are few."""
    for number, mta in enumerate(parsers(), start=1):
        if tag is not None and (hit := re.fullmatch(mta.tags, tag, re.ASCII)):
            service = hit[1] if hit.lastindex else None
            daemon = _UNKNOWN if service is None else service.rpartition("/")[2]
            known = _numbers().get((number, daemon))
            return mta.name, service, known or _numbers()[number, _OTHER]
    return None, None, UNROUTED


@cache
def _numbers() -> dict[tuple[int, str], int]:
    return {route: number for number, route in enumerate(routes())}
