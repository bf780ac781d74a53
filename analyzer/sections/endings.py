"""How deferrals ended: delivered later, expired, refused, or still in the queue."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown

_TABLE = "endings.waits"
# Upper ends of the waiting times told apart, in minutes; the last one is open.
WAITS = (1, 5, 15, 30, 60, 120, 240, 720, 1440, 2880, 7200)
_ENDINGS = {
    "sent": "delivered later",
    "bounced": "refused later",
    "expired": "expired",
    "removed": "removed by hand",
    "deferred": "still queued",
}


def _count(recipients: pl.LazyFrame) -> LazyTables:
    waited = (pl.col("last_try") - pl.col("first_try")).dt.total_minutes()
    upper = pl.coalesce(
        *(pl.when(waited < m).then(m) for m in WAITS), pl.lit(None, dtype=pl.Int32)
    ).cast(pl.Int32)
    return {
        # Who was put off by a content filter came on when it took the message.
        _TABLE: recipients.filter(pl.col("deferrals") > 0)
        .group_by(
            "outcome",
            (pl.col("first_cause") == "greylist").fill_null(False).alias("greylisted"),
            upper.alias("upper"),
        )
        .agg(
            pl.len().cast(pl.UInt64).alias("recipients"),
            pl.col("deferrals").sum().cast(pl.UInt64),
            pl.col("tries").sum().cast(pl.UInt64),
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    waits = tables[_TABLE].with_columns(pl.col("outcome").cast(pl.String))
    found = [_listing("endings.all", "How deferrals ended", waits)]
    greylisted = waits.filter("greylisted")
    if greylisted.height:
        found.append(_listing("endings.greylisted", "How greylisted mail ended", greylisted))
    return found


def _listing(key: str, title: str, waits: pl.DataFrame) -> Listing:
    rows = []
    for outcome, label in _ENDINGS.items():
        mine = waits.filter(pl.col("outcome") == outcome)
        recipients = int(mine["recipients"].sum())
        if not recipients:
            continue
        tries = int(mine["tries"].sum()) / recipients
        half = _below(mine, 0.5)
        most = _below(mine, 0.95)
        rows.append(
            ListRow((label, recipients, int(mine["deferrals"].sum()), round(tries, 1), half, most))
        )
    return Listing(
        key=key,
        title=title,
        columns=(
            ListColumn("ending", "text"),
            ListColumn("recipients"),
            ListColumn("deferrals"),
            ListColumn("tries each"),
            ListColumn("half within", "seconds"),
            ListColumn("95 % within", "seconds"),
        ),
        rows=tuple(rows),
        note="Waiting times are from the first to the last attempt, as the upper ends of ranges;"
        " none stands for more than five days.",
    )


def _below(waits: pl.DataFrame, share: float) -> float | None:
    """Seconds that this share of recipients waited at most, as the upper end of a range."""
    ordered = waits.group_by("upper").agg(pl.col("recipients").sum()).sort("upper", nulls_last=True)
    total, seen = int(ordered["recipients"].sum()), 0
    for upper, recipients in ordered.iter_rows():
        seen += recipients
        if seen >= share * total:
            return None if upper is None else upper * 60.0
    return None


SECTIONS = (
    Section(
        name="endings",
        title="How deferrals ended",
        about="of deferred recipients: delivered later and after how long, expired, still queued",
        tables={
            _TABLE: Table(
                {"outcome": pl.String(), "greylisted": pl.Boolean(), "upper": pl.Int32()},
                counts("recipients", "deferrals", "tries"),
            )
        },
        count_recipients=_count,
        sees_handed=True,
        show=_show,
    ),
)
