"""A Summary's tables to the spikes of a report: looked for, explained, and who is behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import polars as pl

from analyzer.advice import advise
from analyzer.findings import in_words
from analyzer.knowledge.reply_rules import TextRule
from analyzer.tables import Tables
from reports import model

from .contributors import contributors
from .detect import detect
from .series import BY, PER, Counted, counted, levels, member, minutes_of, named
from .why import covered_hours, workings

SHORTEST: Final = timedelta(hours=6)
"""Time a log has to cover before an hour of it can be unusual."""
REPLAYED: Final = timedelta(days=28)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What spikes are looked for."""

    since: datetime | None = None
    """The log's events are those from here on,"""
    until: datetime | None = None
    """up to this instant."""
    hosts: tuple[str, ...] = ()
    """Only these hosts' gaps; empty for all."""
    tested: datetime | None = None
    """Only what ends after it is looked at; what is before is compared with. None: everything."""
    codes: tuple[str, ...] = ()
    """Only these: 502, 5xx, 5.7.1."""
    by: str | None = None
    """One of series.DIMS."""
    filtered: bool = False
    """Whether events were selected by their code: then there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Found:
    """The spikes, the gaps, and whether there was something to look at."""

    spikes: tuple[model.Spike, ...]
    state: Literal["", "looked", "short", "filtered", "nothing"]


def find_spikes(
    tables: Tables,
    zone: str,
    asked: Asked = Asked(),
    *,
    lang: str = "en",
    rules: tuple[TextRule, ...] = (),
    past: Counted | None = None,
) -> Found:
    """The spikes of a finished Summary's tables; `past` are days it does not have."""
    if asked.filtered:
        return Found((), "filtered")
    what = counted(tables, asked.since, asked.until)
    if past is not None:
        what = joined_with(what, past)
    if what.covered() < SHORTEST:
        return Found((), "short")
    enhanced = any("." in code for code in asked.codes)
    series = levels(what, asked.by, every=enhanced).filter(_wanted(asked.codes))
    if series.is_empty():
        return Found((), "nothing")
    directions = what.totals.select(PER).unique()
    found = detect(
        series,
        what.totals,
        what.observed.join(directions, on="host"),
        by=BY,
        per=PER,
        zone=zone,
        since=asked.tested,
        minutes=minutes_of(what),
    )
    told = [_spike(what, tables, row, zone, asked.by, lang, rules) for row in _in_order(found)]
    return Found(tuple(told), "looked")


def _in_order(found: pl.DataFrame) -> list[dict[str, Any]]:
    """The findings as rows, each followed by its parts, and numbered in that order."""
    rows = found.to_dicts()
    top = {row["id"]: row["part_of"] for row in rows}

    def above(number: int) -> int:
        while top[number] is not None:
            number = top[number]
        return number

    place = {row["id"]: n for n, row in enumerate(rows)}
    rows.sort(key=lambda row: (place[above(row["id"])], row["part_of"] is not None, row["id"]))
    number = {row["id"]: n for n, row in enumerate(rows, start=1)}
    return [row | {"id": number[row["id"]], "part_of": number.get(row["part_of"])} for row in rows]


def gaps_of(
    tables: Tables,
    zone: str,
    asked: Asked = Asked(),
) -> tuple[model.Gap, ...]:
    """Where a host's log is silent and should not be, between the instants of the selection."""
    from analyzer.check import find_gaps  # which builds on this

    local = ZoneInfo(zone)
    return tuple(
        model.Gap(
            gap.host or "", gap.start.astimezone(local), gap.end.astimezone(local), gap.expected
        )
        for gap in find_gaps(tables["activity"])
        if (asked.since is None or gap.end > asked.since)
        and (asked.until is None or gap.start < asked.until)
        and (not asked.hosts or gap.host in asked.hosts)
    )


def joined_with(what: Counted, past: Counted) -> Counted:
    """The log and the days before it."""
    from .series import joined

    return joined([past, what])


def _wanted(codes: Sequence[str]) -> pl.Expr:
    if not codes:
        return pl.lit(True)
    tests = []
    for code in codes:
        if "." in code:
            tests.append(pl.col("enhanced") == code)
        elif code.endswith("xx"):
            tests.append(pl.col("code") // 100 == int(code[0]))
        else:
            tests.append(pl.col("code") == int(code))
    return pl.any_horizontal(tests).fill_null(False)


def _spike(
    what: Counted,
    tables: Tables,
    row: dict[str, Any],
    zone: str,
    by: str | None,
    lang: str,
    rules: tuple[TextRule, ...],
) -> model.Spike:
    mine = _series(what, row, by)
    local = ZoneInfo(zone)
    known = covered_hours(what, row["host"])
    kind, cause, why = _commonest(tables, row)
    advice = advise(row["direction"], kind.code, kind.enhanced, cause, why, lang, rules)
    exact = row["name"] is None
    return model.Spike(
        id=row["id"],
        part_of=row["part_of"],
        host=row["host"],
        direction=row["direction"],
        code=row["code"] or None,
        enhanced=row["enhanced"] or None,
        cause=row["cause"],
        by=(by or "") if row["name"] is not None else "",
        name=row["name"] or "",
        start=row["bucket"].astimezone(local),
        end=row["until"].astimezone(local),
        onset=row["onset"].astimezone(local),
        onset_is_minute=exact and not what.minutes.is_empty(),
        began=row["began"].astimezone(local),
        ended=row["ended"].astimezone(local),
        fired_days=_days_before(known, row["began"]),
        share=_share(what, row),
        hours=_day(mine, known, row["began"].astimezone(local)),
        parts=contributors(what, row, by),
        commonest=kind,
        commonest_cause=cause,
        advice=in_words(advice, lang),
        workings=workings(what, mine, row, zone),
        **{
            n: row[n]
            for n in ("observed", "expected", "low", "high", "ratio", "p", "p_day", "q", "baseline")
        },
        **{
            n: row[n]
            for n in ("comparable", "factor", "expected_error", "dispersion", "variance", "windows")
        },
        after_gap=row["after_gap"],
        fired=row["fired"],
    )


def _series(what: Counted, row: dict[str, Any], by: str | None) -> pl.DataFrame:
    """The hourly counts of a finding's series."""
    rows = what.counts
    if row["name"] is not None and by is not None:
        rows = named(what, by).filter(pl.col("name") == row["name"])
    return rows.filter(member(row)).group_by("bucket").agg(pl.col("n").sum())


def _commonest(tables: Tables, row: dict[str, Any]) -> tuple[model.CodeCount, str, str | None]:
    """What most replies of the window were: code and enhanced code, cause, and its text rule."""
    c = pl.col
    inside = c("hour").is_between(row["bucket"], row["until"], closed="left")
    replies = tables["replies"].filter(
        inside
        & (c("direction").cast(pl.String) == row["direction"])
        & (c("host").fill_null("") == row["host"])
    )
    if row["code"] is not None:
        replies = replies.filter(c("reply_code").fill_null(0) == row["code"])
    if row["enhanced"] is not None:
        replies = replies.filter(c("enhanced_code").fill_null("") == row["enhanced"])
    if row["cause"] is not None:
        replies = replies.filter(c("cause") == row["cause"])
    most = (
        replies.group_by("reply_code", "enhanced_code", "cause", "why")
        .agg(c("n").sum())
        .sort("n", "reply_code", "enhanced_code", "cause", "why", descending=[True] + [False] * 4)
    )
    if most.is_empty():  # only the past has it
        return (
            model.CodeCount(row["code"] or None, row["enhanced"] or None, 0),
            row["cause"] or "",
            None,
        )
    code, enhanced, cause, why, count = most.row(0)
    return model.CodeCount(code, enhanced, int(count)), cause, why


def _share(what: Counted, row: dict[str, Any]) -> float:
    inside = pl.col("bucket").is_between(row["bucket"], row["until"], closed="left")
    here = pl.all_horizontal(pl.col(n) == pl.lit(row[n]) for n in PER)
    whole = int(what.counts.filter(inside & here)["n"].sum())
    return min(1.0, row["observed"] / whole) if whole else 1.0


def _day(
    mine: pl.DataFrame, known: dict[datetime, float], began: datetime
) -> tuple[model.SpikeHour, ...]:
    """Every hour of the local day a spike began; where clocks change there are 23 or 25."""
    zone = began.tzinfo
    n = dict(mine.iter_rows())
    midnight = datetime.combine(began.date(), time(), zone)
    next_one = datetime.combine(began.date() + timedelta(days=1), time(), zone)
    utc = ZoneInfo("UTC")
    hour = midnight.astimezone(utc).replace(minute=0)
    found = []
    while hour < next_one.astimezone(utc):
        count = int(n.get(hour, 0)) if known.get(hour) else None
        found.append(model.SpikeHour(hour.astimezone(zone), count))
        hour += _HOUR
    return tuple(found)


def _days_before(known: dict[datetime, float], began: datetime) -> int:
    """Days that the log covers before an instant, 28 at most."""
    hours = sum(share for hour, share in known.items() if began - REPLAYED <= hour < began)
    return round(hours / 24)
