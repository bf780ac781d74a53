"""A finished Summary to the report's model: the last step before rendering."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from parsers.implied import IMPLIED
from parsers.lines import STDIN, Source
from reports import model

from .advice import advise
from .findings import findings, in_words
from .knowledge.reply_rules import TextRule
from .munging import KINDS, Munging, plain_clients
from .report_words import table_words
from .sections import Shown, section_tables
from .spikes.report import Asked, Found, find_spikes, gaps_of
from .summary import EXAMPLES, REPLY_KEY, TABLES, Summary
from .tables import DELIVERIES
from .versions import resolve, version_labels

_HOUR_COLUMNS = (*DELIVERIES, "expired", "rejected", "held", "discarded", "warned")


def build(
    summary: Summary,
    sources: Sequence[Source],
    *,
    zone: str,
    year: int | None = None,
    top: int | None = 10,
    notes: Iterable[str] = (),
    filters: Iterable[str] = (),
    lang: str = "en",
    rules: tuple[TextRule, ...] = (),
    munging: Munging = Munging(),  # noqa: B008 - it cannot change
    spikes: Asked | None = None,
) -> model.Report:
    """The report of a finished Summary; times in `zone`, top lists of `top` rows (None: all).

    `year` is what `--year` says of stamps without one; `lang` is the language of its texts,
    `rules` are those of the user's own file; `munging` says which addresses are listed as one;
    `spikes` are looked for as it says, where it is given.
    """
    summary, version_notes = resolve(summary)
    tables = plain_clients(summary.tables, TABLES | section_tables())
    summary = replace(summary, tables=tables)
    addresses = {n: munging.fold(tables[n].get_column("name")) for n in ("senders", "recipients")}
    where = tables["sources"].filter(pl.col("mta").is_not_null())
    start, end = _one(where, pl.col("first").min()), _one(where, pl.col("last").max())
    unusual = Found((), "")
    if spikes is not None:
        unusual = find_spikes(tables, zone, spikes, lang=lang, rules=rules)
    return model.Report(
        start=_local(start, zone),
        end=_local(end, zone),
        timezone=zone,
        hosts=tuple(where.get_column("host").drop_nulls().unique().sort()),
        mtas=version_labels(tables),
        inputs=tuple(_input(s, tables["sources"], zone) for s in sources),
        lines=line_account(summary),
        totals=_flow(tables["flow"], tables["flow_messages"]),
        codes=_codes(summary, zone, lang, rules),
        findings=findings(summary, lang, rules),
        listings=_listings(summary, Shown(zone, top, munging)),
        spikes=unusual.spikes,
        spikes_state=unusual.state,
        gaps=gaps_of(tables, zone, spikes or Asked()),
        hours=_hours(tables, zone),
        tops=_tops(tables, top, addresses),
        notes=(
            *notes,
            *version_notes,
            *_time_notes(tables, zone, year),
            *_address_notes(tables, addresses, munging),
            *_handed_notes(tables),
        ),
        filters=tuple(filters),
        lang=lang,
        words=table_words(lang),
    )


def _listings(summary: Summary, shown: Shown) -> tuple[model.Listing, ...]:
    return tuple(
        listing
        for section in summary.chosen.sections
        for listing in section.show(summary.tables, shown)
    )


def _one(frame: pl.DataFrame, expr: pl.Expr) -> datetime | None:
    value: datetime | None = frame.select(expr).item()
    return value


def _local(moment: datetime | None, zone: str) -> datetime | None:
    return None if moment is None else moment.astimezone(ZoneInfo(zone))


def line_account(summary: Summary) -> model.Lines:
    """How many lines there were and what became of them."""
    fates = dict(summary.tables["lines"].group_by("fate").agg(pl.col("n").sum()).iter_rows())
    n = {f: int(fates.get(f, 0)) for f in ("parsed", "ignored", "foreign", "unrecognised")}
    return model.Lines(total=sum(n.values()), **n)


def _input(source: Source, sources: pl.DataFrame, zone: str) -> model.Input:
    mine = sources.filter(pl.col("file") == source.name)
    return model.Input(
        name="standard input" if source.name == STDIN else source.name,
        lines=source.lines,
        start=_local(_one(mine, pl.col("first").min()), zone),
        end=_local(_one(mine, pl.col("last").max()), zone),
        styles=tuple(mine.get_column("style").drop_nulls().unique().sort()),
        problem=source.problem,
    )


def _flow(flow: pl.DataFrame, messages: pl.DataFrame) -> model.Flow:
    counts = {
        **_sums(flow, _HOUR_COLUMNS),
        **_sums(messages, ("received", "received_bytes", "deferred_messages")),
    }
    counts["deferrals"] = counts.pop("deferred")
    return model.Flow(**counts)


def _sums(frame: pl.DataFrame, columns: Sequence[str]) -> dict[str, int]:
    row = frame.select(pl.col(c).sum() for c in columns).row(0)
    return {c: int(n or 0) for c, n in zip(columns, row, strict=True)}


def _codes(
    summary: Summary, zone: str, lang: str, rules: tuple[TextRule, ...]
) -> tuple[model.CodeRow, ...]:
    key = list(REPLY_KEY)
    tables = summary.tables
    rows = (
        tables["replies"]
        .group_by(*key, "why", "implied")
        .agg(pl.col("n").sum(), pl.col("first").min(), pl.col("last").max())
        .sort("why", nulls_last=True)
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("n").sum(),
            pl.col("n").filter(pl.col("implied").is_not_null()).sum().alias("implied"),
            pl.col("implied").drop_nulls().unique().alias("reasons"),
            pl.col("why").filter(pl.col("n") == pl.col("n").max()).first().alias("why"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
    )
    peers = tables["reply_peers"].group_by(key).agg(pl.col("peer").n_unique().alias("peers"))
    recipients = (
        tables["reply_recipients"]
        .group_by(key)
        .agg(pl.col("recipient").n_unique().alias("recipients"))
    )
    examples = (
        summary.examples.sort("time", "file", "line", nulls_last=True)
        .group_by(key, maintain_order=True)
        .agg(pl.struct("file", "line", "text").head(EXAMPLES).alias("examples"))
    )
    for part in (peers, recipients, examples):
        rows = rows.join(part, on=key, how="left", nulls_equal=True)
    total = pl.col("n").sum().over("direction")
    rows = rows.with_columns((pl.col("n") / total).alias("share")).sort(
        pl.col("direction").to_physical(),
        -pl.col("n").cast(pl.Int64),
        "reply_code",
        "enhanced_code",
        "cause",
        nulls_last=True,
    )
    return tuple(_code_row(row, zone, lang, rules) for row in rows.iter_rows(named=True))


def _code_row(
    row: dict[str, object], zone: str, lang: str, rules: tuple[TextRule, ...]
) -> model.CodeRow:
    direction, code, enhanced = str(row["direction"]), row["reply_code"], row["enhanced_code"]
    why = row["why"]
    advice = advise(
        direction,
        code if isinstance(code, int) else None,
        enhanced if isinstance(enhanced, str) else None,
        str(row["cause"]),
        why if isinstance(why, str) else None,
        lang,
        rules,
    )
    first, last = row["first"], row["last"]
    reasons, examples = row["reasons"], row["examples"]
    return model.CodeRow(
        direction=direction,
        code=code if isinstance(code, int) else None,
        enhanced=enhanced if isinstance(enhanced, str) else None,
        cause=str(row["cause"]),
        count=_int(row["n"]),
        implied=_int(row["implied"]),
        share=float(str(row["share"])),
        peers=_int(row["peers"]),
        recipients=_int(row["recipients"]),
        first_seen=_local(first if isinstance(first, datetime) else None, zone),
        last_seen=_local(last if isinstance(last, datetime) else None, zone),
        advice=in_words(advice, lang),
        implied_reasons=tuple(sorted({IMPLIED[r].reason for r in reasons}))
        if isinstance(reasons, list)
        else (),
        examples=tuple(model.Example(e["file"], e["line"], e["text"]) for e in examples)
        if isinstance(examples, list)
        else (),
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _hours(tables: dict[str, pl.DataFrame], zone: str) -> tuple[model.HourRow, ...]:
    flow = tables["flow"].group_by("hour").agg(pl.col(c).sum() for c in _HOUR_COLUMNS)
    messages = (
        tables["flow_messages"]
        .group_by("hour")
        .agg(pl.col(c).sum() for c in ("received", "received_bytes", "deferred_messages"))
    )
    both = flow.join(messages, on="hour", how="full", coalesce=True).fill_null(0)
    both = both.filter(pl.col("hour").is_not_null()).rename({"deferred": "deferrals"}).sort("hour")
    some = pl.sum_horizontal(pl.all().exclude("hour")) > 0
    return tuple(
        model.HourRow(row.pop("hour").astimezone(ZoneInfo(zone)), model.Flow(**row))
        for row in both.filter(some).iter_rows(named=True)
    )


def _tops(
    tables: dict[str, pl.DataFrame], top: int | None, addresses: Mapping[str, pl.Series]
) -> tuple[model.Top, ...]:
    clients = tables["clients"].join(
        tables["clients_rejected"], on="name", how="full", coalesce=True
    )
    clients = clients.join(tables["client_names"], on="name", how="left")
    shown = (
        pl.when(pl.col("host").is_null())
        .then(pl.col("name"))
        .otherwise(pl.format("{} [{}]", "host", "name"))
    )
    clients = (
        clients.with_columns(shown.alias("name"))
        .select("name", "messages", "rejected", "bytes")
        .fill_null(0)
    )
    domain = pl.col("name").str.extract(r"@([^@]*)$", 1).fill_null("(local)").alias("name")
    domains = tables["recipients"].group_by(domain).agg(pl.col(list(DELIVERIES)).sum())
    senders, recipients = (tables[n].with_columns(addresses[n]) for n in addresses)
    senders = senders.with_columns(pl.col("name").replace("", "<> (bounces and notices)"))
    return (
        _top("senders", "Senders", _summed(senders), ("messages", "bytes"), top),
        _top("recipients", "Recipients", _summed(recipients), DELIVERIES, top),
        _top("clients", "Clients", clients, ("messages", "rejected"), top),
        _top("relays", "Relays", tables["relays"], DELIVERIES, top),
        _top(
            "destination_domains",
            "Destination domains",
            domains,
            DELIVERIES,
            top,
        ),
    )


def _top(
    key: str, title: str, frame: pl.DataFrame, columns: Sequence[str], top: int | None
) -> model.Top:
    weight = pl.sum_horizontal(c for c in columns if c != "bytes")
    named = frame.filter(pl.col("name").is_not_null() & (weight > 0))
    rows = named.sort(weight, "name", descending=[True, False])
    if top is not None:
        rows = rows.head(top)
    return model.Top(
        key=key,
        title=title,
        columns=tuple(columns),
        rows=tuple(
            model.TopRow(str(name), tuple(int(n) for n in counts))
            for name, *counts in rows.select("name", *columns).iter_rows()
        ),
        distinct=named.height,
    )


def _time_notes(tables: dict[str, pl.DataFrame], zone: str, year: int | None) -> Iterable[str]:
    styles = set(tables["sources"].get_column("style").drop_nulls())
    if "rfc3164" in styles and year is not None:
        yield f"Time stamps without a year: {year} is taken for the first line (--year)."
    elif "rfc3164" in styles:
        yield (
            "Time stamps without a year: the year is inferred from the file's own time"
            " (--year names it)."
        )
    if styles & {"rfc3164", "exim"}:
        yield f"Time stamps without a zone are read as {zone} (--tz names another)."
    undated = tables["sources"].filter(pl.col("style").is_not_null() & pl.col("first").is_null())
    if not undated.is_empty():
        yield "Some lines carry a date that does not exist; they count without a time."


def _summed(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per name."""
    return frame.group_by("name").agg(pl.all().sum())


def _address_notes(
    tables: dict[str, pl.DataFrame], addresses: Mapping[str, pl.Series], munging: Munging
) -> Iterable[str]:
    if folded := sum(int((tables[n]["name"] != shown).sum()) for n, shown in addresses.items()):
        kinds = ", ".join(k.upper() for k in KINDS if k in munging.kinds)
        yield f"Addresses listed as the one they were made from ({kinds}): {folded} (see --munge)."


def _handed_notes(tables: dict[str, pl.DataFrame]) -> Iterable[str]:
    if handed := int(tables["handed"]["n"].sum()):
        yield (
            f"Deliveries that only handed mail on among these hosts (content filters): {handed};"
            " such mail is counted once (see --raw)."
        )
