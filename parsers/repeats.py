"""The system logger's notes of repeated messages, put back into what they stand for."""

import polars as pl

from .header import Headers


def expand_repeats(headers: Headers) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
    """Put repeated messages in place of the syslog daemon's notes on them.

    The third value has row and `repeats` of such lines, None where there are none.
    """
    lines, origins = headers
    message = pl.col("message")
    untagged = origins.filter(pl.col("tag").is_null() & pl.col("style").is_not_null()).get_column(
        "origin"
    )
    noted = message.str.starts_with("message repeated ")
    if untagged.len():
        noted = noted | (
            pl.col("origin").is_in(untagged.implode())
            & message.str.contains("last message repeated ", literal=True)
        )
    found = lines.filter(noted)
    if found.is_empty():
        return lines, origins, None
    again = message.str.extract_groups(
        r"^message repeated ([0-9]{1,9}) times: \[ ?((?s:.*))\]$"
    ).struct
    bare = message.str.extract(r"^(?:--- )?last message repeated ([0-9]{1,9}) times?(?: ---)?$", 1)
    found = found.select(
        "row",
        pl.coalesce(again.field("1"), bare).cast(pl.Int64).alias("repeats"),
        again.field("2").alias("said"),
        bare.is_not_null().alias("bare"),
    ).filter(pl.col("repeats").is_not_null())
    lines = lines.join(found, on="row", how="left", maintain_order="left")
    lines = lines.with_columns(pl.coalesce("said", "message").alias("message"))
    if found.get_column("bare").any():
        # The note speaks of the line before it, if that is the same host's; the line before is
        # always in the same chunk (lines.py).
        is_bare = pl.col("bare").fill_null(False)
        host = pl.col("origin").replace_strict(
            origins["origin"], origins["host"], return_dtype=pl.String
        )
        before = ("origin", "message", "host")
        lines = lines.with_columns(host.alias("host")).with_columns(
            pl.when(~is_bare).then(pl.col(c)).forward_fill().alias(f"_{c}") for c in before
        )
        same = is_bare & pl.col("host").eq_missing(pl.col("_host"))
        lines = lines.with_columns(
            pl.when(same).then(pl.coalesce(f"_{c}", c)).otherwise(c).alias(c)
            for c in ("origin", "message")
        )
    return lines.select(headers.lines.columns), origins, found.select("row", "repeats")
