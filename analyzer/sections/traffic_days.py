"""Traffic by day, and by hour of the day as the average of the days."""

import polars as pl

from analyzer.tables import Tables
from reports.model import ListColumn, Listing, ListRow

from . import Section, Shown

_MEASURES = {
    "received": "flow_messages",
    "received_bytes": "flow_messages",
    "sent": "flow",
    "deferred": "flow",
    "bounced": "flow",
    "expired": "flow",
    "rejected": "flow",
    "held": "flow",
    "discarded": "flow",
    "warned": "flow",
}
_LABELS = {"received_bytes": "bytes", "deferred": "deferrals"}
_UNDATED = "(no date)"


def _columns() -> tuple[ListColumn, ...]:
    return tuple(
        ListColumn(_LABELS.get(m, m), "bytes" if m == "received_bytes" else "number")
        for m in _MEASURES
    )


def _flow(tables: Tables, label: pl.Expr, zone: str) -> pl.DataFrame:
    """Columns label and one per measure."""
    sums = [pl.col(m).sum().cast(pl.Int64) for m in _MEASURES]
    parts = [tables[t] for t in ("flow", "flow_messages")]
    both = pl.concat(parts, how="diagonal").with_columns(
        pl.col("hour").dt.convert_time_zone(zone).alias("hour")
    )
    return both.group_by(label.alias("label")).agg(sums).sort("label", nulls_last=True)


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    # Hours are counted as hours of UTC.
    offset = pl.col("hour").dt.convert_time_zone(shown.zone).dt.base_utc_offset()
    minutes = tables["flow"].select((offset.dt.total_minutes() % 60).max()).item()
    note = (
        f"Hours are counted as hours of UTC: in {shown.zone} each begins at half past or a"
        " quarter, and a day's first part may stand under the day before."
        if minutes
        else ""
    )
    day = pl.col("hour").dt.strftime("%Y-%m-%d")
    days = _flow(tables, day, shown.zone)
    seen = tables["activity"].select(
        pl.col("bucket").dt.convert_time_zone(shown.zone).dt.date().n_unique()
    )
    number = max(1, int(seen.item()))
    hours = _flow(tables, pl.col("hour").dt.hour(), shown.zone).drop_nulls("label")
    averages = hours.with_columns(
        (pl.col(m) / number).round(1) if number > 1 else pl.col(m) for m in _MEASURES
    )
    found = [
        Listing(
            key="days.days",
            title="Traffic by day",
            columns=(ListColumn("day", "text"), *_columns()),
            rows=tuple(ListRow((d or _UNDATED, *n)) for d, *n in days.iter_rows()),
            note=note,
        )
    ]
    average = f", average of {number} days" if number > 1 else ""
    found.append(
        Listing(
            key="days.hours",
            title=f"Traffic by hour of the day{average}",
            columns=(ListColumn("hour", "text"), *_columns()),
            rows=tuple(ListRow((f"{h:02}:00", *n)) for h, *n in averages.iter_rows()),
            note=note,
        )
    )
    return found


SECTIONS = (
    Section(
        name="days",
        title="Traffic by day",
        about="what was received, sent, deferred, bounced and rejected each day, and by hour of"
        " the day on average",
        elsewhere="pflogsumm: Per-Day Traffic Summary, Per-Hour Traffic Daily Average",
        tables={},
        show=_show,
    ),
)
