"""The cause of every event: why, in the words of the knowledge base.

Asked once per distinct combination, never per line.
"""

import polars as pl

from . import knowledge

_ASKED = ["direction", "reply_code", "enhanced_code", "stage"]


def classify(events: pl.DataFrame) -> pl.DataFrame:
    """Fill the column `cause` of events with a reply, and of our own verdicts on a delivery."""
    verdict = (
        (pl.col("direction") == "local")
        & (pl.col("kind") == "delivery")
        & pl.col("outcome").is_in(["deferred", "bounced", "expired"])
    )
    asked = (
        events.lazy()
        .filter(pl.col("reply_code").is_not_null() | verdict)
        .select(_ASKED)
        .unique()
        .collect()
    )
    causes = [
        knowledge.cause_for(direction, code, enhanced, stage)
        for direction, code, enhanced, stage in asked.iter_rows()
    ]
    answers = asked.with_columns(pl.Series("cause", causes, dtype=pl.String))
    joined = events.drop("cause", strict=False).join(
        answers, on=_ASKED, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.with_columns(
        pl.when(pl.col("reply_code").is_not_null() | verdict).then(pl.col("cause")).alias("cause")
    )
