"""What was refused, by cause and place: each finding says who has to act and what to do first."""

from dataclasses import replace

import polars as pl

from parsers.implied import IMPLIED
from reports import model

from .advice import advise
from .knowledge import entries, reply_rules
from .knowledge.reply_rules import TextRule
from .summary import EXAMPLES, Summary

_KEY = ("direction", "cause", "why", "provider")
_WORST = 4
_MUCH = 0.05
"""Share of a provider's replies above which a cause there is more urgent than one event of it."""
_ENOUGH = 20
"""Replies of a provider that such a share takes."""


def in_words(advice: entries.Advice, lang: str = "en") -> model.Advice:
    """Advice as the renderers take it."""
    return model.Advice(
        title=advice.title,
        description=advice.description,
        when_seen=advice.when_seen,
        how_to_fix=advice.how_to_fix,
        who_acts=entries.who_acts_label(advice.who_acts, lang),
        severity=advice.severity,
        needs_action=advice.needs_action,
        source=advice.source,
    )


def findings(
    summary: Summary, lang: str = "en", user: tuple[TextRule, ...] = ()
) -> tuple[model.Finding, ...]:
    """All findings: what needs someone first, then the most severe, then the most frequent."""
    replies = summary.tables["replies"]
    refused = replies.filter(pl.col("cause") != "ok")
    if refused.is_empty():
        return ()
    totals = dict(replies.group_by("direction").agg(pl.col("n").sum()).iter_rows())
    of_provider = dict(
        replies.filter(pl.col("provider").is_not_null())
        .group_by("provider")
        .agg(pl.col("n").sum())
        .iter_rows()
    )
    codes = (
        refused.group_by(*_KEY, "reply_code", "enhanced_code")
        .agg(
            pl.col("n").sum(),
            pl.col("n").filter(pl.col("implied").is_not_null()).sum().alias("implied"),
            pl.col("implied").drop_nulls().unique().alias("reasons"),
        )
        .sort("n", "reply_code", "enhanced_code", descending=[True, False, False], nulls_last=True)
    )
    rows = codes.group_by(_KEY, maintain_order=True).agg(
        pl.struct("reply_code", "enhanced_code", "n").alias("codes"),
        pl.col("n").sum(),
        pl.col("implied").sum(),
        pl.col("reasons").explode(empty_as_null=False).drop_nulls().unique(),
    )
    peers = (
        summary.tables["reply_peers"]
        .group_by(_KEY)
        .agg(
            pl.col("peer").drop_nulls().n_unique().alias("peers"),
            pl.col("peer").drop_nulls().first().alias("peer"),
        )
    )
    examples = (
        summary.examples.sort("time", "file", "line", nulls_last=True)
        .group_by(_KEY, maintain_order=True)
        .agg(pl.struct("file", "line", "text").head(EXAMPLES).alias("examples"))
    )
    for part in (peers, examples):
        rows = rows.join(part, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    found = []
    for row in rows.iter_rows(named=True):
        direction, cause, why, provider = (row[name] for name in _KEY)
        commonest = row["codes"][0]
        digits = commonest["reply_code"], commonest["enhanced_code"]
        advice = advise(direction, *digits, cause, why, lang, user)
        much = row["n"] > of_provider.get(provider, 0) * _MUCH
        if provider and much and of_provider[provider] >= _ENOUGH and advice.severity > 1:
            advice = replace(advice, severity=min(advice.severity + 1, _WORST))
        found.append(
            model.Finding(
                direction=direction,
                cause=cause,
                place=_place(provider, row["peer"] if row["peers"] == 1 else None),
                count=row["n"],
                implied=row["implied"],
                share=row["n"] / totals[direction],
                peers=row["peers"] or 0,
                codes=tuple(model.CodeCount(*code.values()) for code in row["codes"]),
                advice=in_words(advice, lang),
                implied_reasons=tuple(sorted({IMPLIED[r].reason for r in row["reasons"]})),
                examples=tuple(model.Example(**e) for e in row["examples"] or ()),
                rule=why or "",
            )
        )
    found.sort(key=lambda f: (not f.advice.needs_action, -f.advice.severity, -f.count, _order(f)))
    return tuple(found)


def _order(finding: model.Finding) -> tuple[str, ...]:
    return finding.direction, finding.cause, finding.rule, finding.place


def _place(provider: str | None, peer: str | None) -> str:
    return reply_rules.provider_name(provider) or peer or ""
