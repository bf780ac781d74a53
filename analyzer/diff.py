"""Two finished Summaries side by side: which numbers differ, and by more than their usual unrest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from parsers.event import TIME
from parsers.lines import STDIN, Source
from reports import diff as model

from .advice import advise
from .diff_stats import FEW_DAYS, Gates, assess
from .findings import in_words
from .histograms import percentiles
from .knowledge import reply_rules
from .knowledge.reply_rules import TextRule
from .spikes.coverage import cover
from .summary import REPLY_KEY, Summary

_MESSAGES = ("received", "deferred_messages")
_EVENTS = ("sent", "deferred", "bounced", "expired", "rejected", "held", "discarded")
_NAMES = {"deferred_messages": "messages deferred", "deferred": "deferrals"}
_FINDING = ("direction", "cause", "why", "provider")
_KEYS: dict[str, tuple[str, ...]] = {"codes": REPLY_KEY, "findings": _FINDING}
_HOUR = timedelta(hours=1)
_LEAST_HOUR = 1 / 60
"""Hours that an hour with events counts as at least."""
DELAYS = {
    "queue_times.deliveries": "until delivery, recipients",
    "queue_times.messages": "on the queue, messages",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One side: a finished Summary and where it comes from."""

    summary: Summary
    sources: tuple[Source, ...]
    filters: tuple[str, ...] = ()
    since: datetime | None = None
    """The period that was asked for; None for all that the log has."""
    until: datetime | None = None
    notes: tuple[str, ...] = ()


def compare(
    a: Counted,
    b: Counted,
    *,
    zone: str,
    gates: Gates = Gates(),  # noqa: B008 - it cannot change
    rules: tuple[TextRule, ...] = (),
) -> model.Diff:
    """What differs between two periods; times are shown in `zone`."""
    sides = (a, b)
    covered = [_coverage(side) for side in sides]
    return model.Diff(
        a=_side("A", a, covered[0], zone),
        b=_side("B", b, covered[1], zone),
        timezone=zone,
        totals=_totals(sides, covered, gates),
        codes=_replies(sides, gates, "codes", rules),
        findings=_replies(sides, gates, "findings", rules),
        providers=_providers(sides, gates),
        delays=tuple(_delays(sides)),
        bytes_per_message=(_size(a), _size(b)),
        least_count=gates.least_count,
        least_ratio=gates.least_ratio,
        alpha=gates.alpha,
        notes=tuple(_notes(sides, covered, gates)),
    )


# What the two sides are


def _spans(side: Counted) -> pl.DataFrame:
    """start, end of every source, within the period that was asked for."""
    seen = side.summary.tables["sources"].filter(
        pl.col("mta").is_not_null() & pl.col("first").is_not_null()
    )
    start, end = pl.col("first").min(), pl.col("last").max()
    spans = seen.group_by("file", "host").agg(start.alias("start"), end.alias("end"))
    if side.since is not None:
        spans = spans.with_columns(pl.max_horizontal("start", pl.lit(side.since, TIME)))
    if side.until is not None:
        spans = spans.with_columns(pl.min_horizontal("end", pl.lit(side.until, TIME)))
    return spans.filter(pl.col("start") <= pl.col("end"))


def _coverage(side: Counted) -> pl.DataFrame:
    """hour (UTC), e: which part of each hour a log covers."""
    spans = _spans(side)
    # A log of one moment still covers that moment.
    least = spans.with_columns(
        pl.max_horizontal("end", pl.col("start") + timedelta(minutes=1)).alias("end")
    ).select(pl.col("start", "end").dt.replace_time_zone(None))
    if least.is_empty():
        return pl.DataFrame(schema={"hour": TIME, "e": pl.Float64()})
    first, parts = cover(least, _HOUR)
    hours = [first.replace(tzinfo=UTC) + n * _HOUR for n in range(len(parts))]
    frame = pl.DataFrame({"hour": hours, "e": parts}, schema={"hour": TIME, "e": pl.Float64()})
    return frame.filter(pl.col("e") > 0)


def _side(name: str, side: Counted, covered: pl.DataFrame, zone: str) -> model.Side:
    spans = _spans(side)
    start, end = spans.select(pl.col("start").min(), pl.col("end").max()).row(0)
    hosts = side.summary.tables["sources"].filter(pl.col("mta").is_not_null())
    return model.Side(
        name=name,
        inputs=tuple("standard input" if s.name == STDIN else s.name for s in side.sources),
        start=start and start.astimezone(ZoneInfo(zone)),
        end=end and end.astimezone(ZoneInfo(zone)),
        hours=float(covered["e"].sum()),
        hosts=tuple(hosts.get_column("host").drop_nulls().unique().sort()),
        lines=sum(s.lines for s in side.sources),
        filters=side.filters,
    )


def _notes(
    sides: Sequence[Counted], covered: Sequence[pl.DataFrame], gates: Gates
) -> Iterator[str]:
    for name, side in zip("AB", sides, strict=True):
        yield from (f"{name}: {note}" for note in side.notes)
    hours = [float(c["e"].sum()) for c in covered]
    if min(hours) <= 0:
        yield "One side covers no time at all: nothing can be tested."
        return
    if max(hours) > min(hours) * 1.05:
        yield (
            f"A covers {hours[0]:,.1f} hours and B {hours[1]:,.1f}: totals are compared per hour,"
            " replies as shares, each over the hours of the day that both cover."
        )
    days = [c["hour"].dt.date().n_unique() for c in covered]
    if min(days) < FEW_DAYS:
        yield (
            "So few days do not tell how much days differ: a difference of"
            f" {gates.between_days:.0%} from one day to the next is taken as usual."
        )
    shared = set(covered[0]["hour"].dt.hour()) & set(covered[1]["hour"].dt.hour())
    if not shared:
        yield "A and B have no hour of the day in common; what differs may be the time of day."
    undated = [
        int(s.summary.tables["replies"].filter(pl.col("hour").is_null())["n"].sum() or 0)
        for s in sides
    ]
    if any(undated):
        yield f"Replies without a date are left out: {undated[0]} in A, {undated[1]} in B."


# What is compared


def _stacked(sides: Sequence[Counted], table: str) -> pl.DataFrame:
    """A table of both Summaries with a column `side`, 0 or 1; dated rows only."""
    return pl.concat(
        s.summary.tables[table].with_columns(pl.lit(n, pl.Int8).alias("side"))
        for n, s in enumerate(sides)
    ).filter(pl.col("hour").is_not_null())


def _numbered(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The distinct keys with their `row`, and the frame with `row` in it."""
    rows = frame.select(keys).unique().sort(keys, nulls_last=True).with_row_index("row")
    return rows, frame.join(rows, on=list(keys), how="inner", nulls_equal=True)


def _totals(
    sides: Sequence[Counted], covered: Sequence[pl.DataFrame], gates: Gates
) -> tuple[model.Change, ...]:
    long = []
    for table, columns in (("flow_messages", _MESSAGES), ("flow", _EVENTS)):
        hourly = _stacked(sides, table).group_by("side", "hour").agg(pl.col(columns).sum())
        long.append(hourly.unpivot(index=["side", "hour"], variable_name="what", value_name="n"))
    counts = pl.concat(long)
    names = [*_MESSAGES[:1], "sent", *_MESSAGES[1:], *(e for e in _EVENTS if e != "sent")]
    rows = pl.DataFrame({"what": names}).with_row_index("row").with_columns(group=pl.lit(0))
    counts = counts.join(rows.select("what", "row"), on="what").filter(pl.col("n") > 0)
    exposure = pl.concat(
        c.select(pl.lit(n, pl.Int8).alias("side"), "hour", "e") for n, c in enumerate(covered)
    )
    busy = counts.select("side", "hour").unique().with_columns(least=pl.lit(_LEAST_HOUR))
    exposure = exposure.join(busy, on=["side", "hour"], how="full", coalesce=True)
    exposure = exposure.select(
        pl.lit(0).alias("group"), "side", "hour", pl.max_horizontal("e", "least").alias("e")
    )
    found = assess(counts.select("row", "side", "hour", "n"), rows.select("row", "group"),
                   exposure, gates)  # fmt: skip
    return tuple(
        _change(row, what=_NAMES.get(row["what"], row["what"]), exposure="hours")
        for row in found.join(rows, on="row").sort("row").iter_rows(named=True)
        if row["a"] or row["b"]
    )


def _replies(
    sides: Sequence[Counted], gates: Gates, name: str, rules: tuple[TextRule, ...]
) -> tuple[model.Change, ...]:
    """Rows of the code table, or findings, as shares of their direction's replies."""
    keys = _KEYS[name]
    replies = _stacked(sides, "replies")
    exposure = replies.group_by(pl.col("direction").alias("group"), "side", "hour").agg(
        pl.col("n").sum().cast(pl.Float64).alias("e")
    )
    told = replies if name == "codes" else replies.filter(pl.col("cause") != "ok")
    if told.is_empty():
        return ()
    rows, told = _numbered(told, keys)
    # What most of a row's replies were: what the texts are chosen by.
    usual = (
        told.group_by("row", "why", "reply_code", "enhanced_code")
        .agg(pl.col("n").sum())
        .sort("n", "why", "reply_code", "enhanced_code", descending=[True, False, False, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", "why", "reply_code", "enhanced_code")
    )
    counts = told.group_by("row", "side", "hour").agg(pl.col("n").sum())
    found = assess(counts, rows.select("row", pl.col("direction").alias("group")), exposure, gates)
    whole = found.join(rows, on="row").join(usual, on="row", suffix="_usual")
    peers = _single_peers(sides) if name == "findings" else {}
    return tuple(_reply(row, name, peers, rules) for row in _in_order(whole).iter_rows(named=True))


def _in_order(found: pl.DataFrame) -> pl.DataFrame:
    """What changed most first, within each verdict."""
    order = {v: n for n, v in enumerate(model.VERDICTS)}
    place = pl.col("verdict").replace_strict(order, return_dtype=pl.Int8)
    return found.sort(place, pl.max_horizontal("a", "b"), "row", descending=[False, True, False])


def _reply(
    row: dict[str, object],
    name: str,
    peers: dict[tuple[object, ...], str],
    rules: tuple[TextRule, ...],
) -> model.Change:
    code, enhanced, why = row["reply_code"], row["enhanced_code"], row["why"]
    direction, cause = str(row["direction"]), str(row["cause"])
    advice = advise(
        direction,
        code if isinstance(code, int) else None,
        enhanced if isinstance(enhanced, str) else None,
        cause,
        why if isinstance(why, str) else None,
        "en",
        rules,
    )
    place = ""
    if name == "findings":
        provider = row["provider"]
        place = _provider(provider if isinstance(provider, str) else None)
        place = place or peers.get(tuple(row[k] for k in _FINDING), "")
    return _change(
        row,
        exposure="replies",
        direction=direction,
        code=code if isinstance(code, int) else None,
        enhanced=enhanced if isinstance(enhanced, str) else None,
        cause=cause,
        place=place,
        advice=in_words(advice),
    )


def _provider(key: str | None) -> str:
    return next((scope.name for scope, _ in reply_rules.scopes() if scope.key == key), "")


def _single_peers(sides: Sequence[Counted]) -> dict[tuple[object, ...], str]:
    """The peer of findings that have one only."""
    peers = pl.concat(s.summary.tables["reply_peers"] for s in sides)
    one = peers.group_by(_FINDING).agg(
        pl.col("peer").drop_nulls().n_unique().alias("peers"),
        pl.col("peer").drop_nulls().first().alias("peer"),
    )
    rows = one.filter(pl.col("peers") == 1).select(*_FINDING, "peer").iter_rows()
    return {tuple(key): peer for *key, peer in rows}


def _providers(sides: Sequence[Counted], gates: Gates) -> tuple[model.Change, ...]:
    """Per mailbox provider: how many of its replies were refusals."""
    replies = _stacked(sides, "replies").filter(
        pl.col("provider").is_not_null() & (pl.col("direction") == "outbound")
    )
    if replies.is_empty():
        return ()
    rows, replies = _numbered(replies, ["provider"])
    hourly = replies.group_by("row", "side", "hour")
    exposure = hourly.agg(pl.col("n").sum().cast(pl.Float64).alias("e"))
    refused = replies.filter(pl.col("cause") != "ok").group_by("row", "side", "hour")
    found = assess(
        refused.agg(pl.col("n").sum()),
        rows.select("row", pl.col("row").alias("group")),
        exposure.rename({"row": "group"}),
        gates,
    )
    return tuple(
        _change(row, exposure="provider", direction="outbound", place=_provider(row["provider"]))
        for row in _in_order(found.join(rows, on="row")).iter_rows(named=True)
        if row["a"] or row["b"]
    )


def _change(row: dict[str, object], **fields: object) -> model.Change:
    def number(name: str) -> float | None:
        value = row[name]
        return float(value) if isinstance(value, float) and abs(value) < float("inf") else None

    a, b, ea, eb = (number(n) or 0.0 for n in ("a", "b", "ea", "eb"))
    values: dict[str, object] = {
        "what": "",
        "a": round(a),
        "b": round(b),
        "rate_a": a / ea if ea else None,
        "rate_b": b / eb if eb else None,
        **{n: None if row[n] != row[n] else number(n) for n in ("ratio", "low", "high", "p", "q")},
        "dispersion": number("dispersion") or 1.0,
        "verdict": row["verdict"],
        **fields,
    }
    return model.Change(**values)  # type: ignore[arg-type]


def _delays(sides: Sequence[Counted]) -> Iterator[model.Delay]:
    for table, what in DELAYS.items():
        both = [s.summary.tables.get(table) for s in sides]
        found = [percentiles(t, (), (50, 95)) for t in both if t is not None]
        if len(found) == 2 and all(f.height for f in found):
            a, b = (f.row(0, named=True) for f in found)
            yield model.Delay(what, a["n"], b["n"], a["p50"], b["p50"], a["p95"], b["p95"])


def _size(side: Counted) -> float | None:
    flow = side.summary.tables["flow_messages"]
    n, octets = int(flow["received"].sum() or 0), int(flow["received_bytes"].sum() or 0)
    return octets / n if n else None
