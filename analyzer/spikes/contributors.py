"""Who makes up a spike: the names whose counts grew most, seen several ways."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from reports.model import SpikePart, SpikeParts

from .series import Counted, member, named, network_of

KINDS: Final = {
    "client": "clients",
    "client-net": "networks",
    "relay": "relays",
    "provider": "providers",
    "sender-domain": "sender_domains",
    "recipient-domain": "recipient_domains",
}
MOST: Final = 3
"""Names of each kind that are told."""
_LEAST: Final = 0.01
"""Share of the excess below which a name is not told."""


def contributors(what: Counted, finding: dict[str, Any], by: str | None) -> tuple[SpikeParts, ...]:
    """The names behind a finding, each kind of name that its replies have."""
    return tuple(_parts(what, finding, by))


def _parts(what: Counted, finding: dict[str, Any], by: str | None) -> Iterator[SpikeParts]:
    mine = member(finding)
    for dim, kind in KINDS.items():
        rows = named(what, dim).filter(mine)
        if finding["name"] is not None:
            # Of one name it is known who its clients are where it is a network, and no more.
            if (by, dim) != ("client-net", "client"):
                continue
            rows = rows.filter(network_of(rows["name"]) == finding["name"])
        told = _ranked(rows, finding)
        if told.height:
            shown = told.filter(pl.col("share") >= _LEAST).head(MOST)
            rows_told = shown.select("name", "inside", "share").iter_rows()
            yield SpikeParts(kind, tuple(SpikePart(*row) for row in rows_told), told.height)


def _ranked(rows: pl.DataFrame, finding: dict[str, Any]) -> pl.DataFrame:
    """`name`, `inside` (count in the window) and `share` of the excess.

    What is expected is split among names as the counts outside the window are.
    """
    within = pl.col("bucket").is_between(finding["bucket"], finding["until"], closed="left")
    n = pl.col("n").cast(pl.Int64)
    counts = rows.group_by("name").agg(
        inside=n.filter(within).sum(), outside=n.filter(~within).sum()
    )
    counts = counts.sort("name")  # sums of fractions hang on the order
    excess = (
        pl.col("inside") - finding["expected"] * pl.col("outside") / pl.col("outside").sum().clip(1)
    ).clip(0)
    return (
        counts.with_columns(excess=excess)
        .with_columns(share=pl.col("excess") / pl.col("excess").sum().clip(1e-9))
        .filter(pl.col("inside") > 0)
        .sort("excess", "inside", "name", descending=[True, True, False])
    )
