"""The cause of every reply and of our own verdicts: why, in the words of the knowledge base.

Asked once per distinct combination and once per distinct text, never per line. A text rule
decides first (text_causes.py), then the digits (entries.py).
"""

import polars as pl

from .knowledge import entries
from .knowledge.reply_rules import TextRule
from .text_causes import decide, masked, provider_of, roughly_masked

_ASKED = ["direction", "reply_code", "enhanced_code", "stage"]
_SCOPE = ["direction", "mta", "provider"]
_PEER = ["relay_name", "relay_ip"]
_VERDICT = (
    (pl.col("direction") == "local")
    & (pl.col("kind") == "delivery")
    & pl.col("outcome").is_in(["deferred", "bounced", "expired"])
)
_REFUSED = (pl.col("reply_code") >= 400) | (
    pl.col("reply_code").is_null()
    & (_VERDICT | (pl.col("enhanced_code").str.contains("^[45]").fill_null(False)))
)


def classify(events: pl.DataFrame, user: tuple[TextRule, ...] = ()) -> pl.DataFrame:
    """Fill `cause` of events with a reply and of our own verdicts on a delivery; add `why`, the
    text rule that named it, and `provider`, whose server gave the reply. `user` are the rules
    of the user's own file."""
    events = events.with_row_index("_at")
    told = events.lazy().filter(pl.col("reply_code").is_not_null() | _VERDICT)
    names = ["_at", *_ASKED, "mta", *_PEER, "enhanced_from", "reply_text"]
    found = told.select(*names, _REFUSED.alias("refused")).collect(engine="in-memory")
    by_digits = _by_digits(found)
    by_text = _by_text(found.filter("refused"), user)
    answers = by_digits.join(by_text, on="_at", how="left", maintain_order="left").select(
        "_at", pl.coalesce("text_cause", "cause").alias("cause"), "why", "provider"
    )
    return (
        events.drop("cause", strict=False)
        .join(answers, on="_at", how="left", maintain_order="left")
        .drop("_at")
    )


def _by_digits(found: pl.DataFrame) -> pl.DataFrame:
    """Columns _at and cause: what reply code, enhanced code and stage say."""
    asked = found.select(_ASKED).unique()
    causes = [entries.cause_for(*row) for row in asked.iter_rows()]
    answers = asked.with_columns(pl.Series("cause", causes, dtype=pl.String))
    return found.join(
        answers, on=_ASKED, how="left", nulls_equal=True, maintain_order="left"
    ).select("_at", "cause")


def _by_text(refused: pl.DataFrame, user: tuple[TextRule, ...]) -> pl.DataFrame:
    """Columns _at, text_cause, why and provider of refusals."""
    peers = refused.select(_PEER).unique()
    providers = [provider_of(name, ip) for name, ip in peers.iter_rows()]
    peers = peers.with_columns(pl.Series("provider", providers, dtype=pl.String))
    # An enhanced code that only the log's own field has is no part of the reply.
    printed = pl.when(pl.col("enhanced_from") == "reply").then(pl.col("enhanced_code"))
    line = pl.concat_str(
        pl.col("reply_code").cast(pl.String),
        printed,
        "reply_text",
        separator=" ",
        ignore_nulls=True,
    )
    lines = refused.join(
        peers, on=_PEER, how="left", nulls_equal=True, maintain_order="left"
    ).select("_at", *_SCOPE, roughly_masked(line).alias("line"))
    texts = lines.select("line").unique().with_columns(masked(pl.col("line")).alias("text"))
    lines = lines.join(texts, on="line", how="left", maintain_order="left").drop("line")
    asked = lines.select(*_SCOPE, "text").unique()
    parts = [asked.clear().with_columns(text_cause=pl.lit(""), why=pl.lit(""))]
    for part in asked.partition_by(_SCOPE):
        direction, mta, provider = part.row(0)[:3]
        parts.append(part.hstack(decide(part.get_column("text"), direction, mta, provider, user)))
    return lines.join(pl.concat(parts), on=[*_SCOPE, "text"], how="left", nulls_equal=True).select(
        "_at", "text_cause", "why", "provider"
    )
