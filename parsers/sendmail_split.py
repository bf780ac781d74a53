"""Before the rules: lines that Sendmail split joined again.

A text longer than syslog's buffer is logged as `QID[1]: begin ...`, `QID[2]: middle ...`,
`QID[3]: end`; it is cut behind a blank or comma, and ` ...` is added to all but the last.
"""

import polars as pl

from .sendmail_syntax import QUEUE_ID

_PART = rf"^({QUEUE_ID}|NOQUEUE)?\[([0-9]{{1,3}})\]: (?s:(.*))$"


def prepare(lines: pl.DataFrame) -> pl.DataFrame:
    """Messages as Sendmail meant them, one per row."""
    message = pl.col("message")
    split = lines.select(message.str.contains(_PART).fill_null(False)).to_series()
    if not split.any():
        return lines
    parts = (
        lines.filter(split)
        .with_columns(
            message.str.extract_groups(_PART)
            .struct.rename_fields(["_id", "_n", "_text"])
            .alias("_p")
        )
        .unnest("_p")
        .with_columns(pl.col("_n").cast(pl.Int64))
    )
    whose = ["host", "tag", "pid", "_id"]
    parts = parts.with_columns(
        (pl.col("_n") == 1).cum_sum().over(whose).alias("_message"),
        # A part whose beginning is not here stays a line of its own.
        ((pl.col("_n") == 1) | (pl.col("_n") - pl.col("_n").shift(1) == 1))
        .fill_null(False)
        .over(whose)
        .alias("_next"),
    )
    whole = (
        parts.filter("_next", pl.col("_message") > 0)
        .group_by(*whose, "_message", maintain_order=True)
        .agg(
            pl.col("row").first(),
            pl.col("_text").str.strip_suffix(" ...").str.join("").alias("_text"),
            pl.col("_text").last().alias("_last"),
        )
    )
    tail = pl.when(pl.col("_last").str.ends_with(" ...")).then(pl.lit(" ...")).otherwise(pl.lit(""))
    text = pl.col("_text") + tail
    named = pl.when(pl.col("_id").is_not_null()).then(pl.col("_id") + ": ").otherwise(pl.lit(""))
    whole = whole.select("row", (named + text).alias("_whole"))
    gone = parts.filter("_next", pl.col("_message") > 0, pl.col("_n") > 1).select("row")
    return (
        lines.join(gone, on="row", how="anti", maintain_order="left")
        .join(whole, on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_whole", "message").alias("message"))
        .drop("_whole")
    )
