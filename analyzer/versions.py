"""Which MTA versions a log names, and what hangs on them."""

from dataclasses import replace

import polars as pl

from parsers.implied import IMPLIED

from .summary import Summary

# Postfix answers an unknown command with 500 since 3.7 and with 502 before (RFC 5321 4.2.4).
UNKNOWN_NOW = "postfix.unknown-command"
UNKNOWN_BEFORE = "postfix.unknown-command-before-3.7"
_CHANGED = (3, 7)


def version_labels(tables: dict[str, pl.DataFrame]) -> tuple[str, ...]:
    """`postfix 3.7.11`, or the bare name where the log names no version."""
    seen = tables["sources"].filter(pl.col("mta").is_not_null()).get_column("mta").unique().sort()
    named = tables["versions"].filter(pl.col("version").is_not_null())
    labels = []
    for mta in seen.cast(pl.String):
        versions = (
            named.filter(pl.col("mta").cast(pl.String) == mta).get_column("version").unique().sort()
        )
        labels.append(" ".join([mta, ", ".join(versions)]).strip())
    return tuple(labels)


def resolve(summary: Summary) -> tuple[Summary, tuple[str, ...]]:
    """Give unknown commands the code their host's version sends; says so where it is unknown."""
    replies = summary.tables["replies"]
    asked = replies.filter(pl.col("implied") == UNKNOWN_NOW)
    if asked.is_empty():
        return summary, ()
    named = summary.tables["versions"].filter(
        (pl.col("mta").cast(pl.String) == "postfix") & pl.col("version").is_not_null()
    )
    major = pl.col("version").str.extract(r"^([0-9]+)\.", 1).cast(pl.Int64, strict=False)
    minor = pl.col("version").str.extract(r"^[0-9]+\.([0-9]+)", 1).cast(pl.Int64, strict=False)
    old = named.group_by("host").agg(
        ((major < _CHANGED[0]) | ((major == _CHANGED[0]) & (minor < _CHANGED[1])))
        .all()
        .alias("old")
    )
    hosts = asked.select("host").unique().join(old, on="host", how="left", nulls_equal=True)
    notes: tuple[str, ...] = ()
    if hosts["old"].null_count():
        notes = (
            "Unknown commands are counted as 500, the reply of Postfix 3.7 and later; "
            "the log names no version (before 3.7 it was 502).",
        )
    old_hosts = hosts.filter("old").get_column("host")
    if old_hosts.is_empty():
        return summary, notes
    old_only = hosts.height == old_hosts.len()
    tables = dict(summary.tables)
    tables["replies"] = _swap(replies, pl.col("host").is_in(old_hosts.implode(), nulls_equal=True))
    if old_only:
        # Tables without a host can only be told apart where all hosts agree.
        tables["reply_peers"] = _swap(tables["reply_peers"], pl.lit(True))
        return replace(
            summary, tables=tables, examples=_swap(summary.examples, pl.lit(True))
        ), notes
    return replace(summary, tables=tables), notes


def _swap(frame: pl.DataFrame, where: pl.Expr) -> pl.DataFrame:
    before = IMPLIED[UNKNOWN_BEFORE]
    hit = (pl.col("implied") == UNKNOWN_NOW).fill_null(False) & where
    return frame.with_columns(
        pl.when(hit)
        .then(pl.lit(before.code, dtype=pl.UInt16))
        .otherwise("reply_code")
        .alias("reply_code"),
        pl.when(hit & pl.col("enhanced_code").is_not_null())
        .then(pl.lit(before.enhanced))
        .otherwise("enhanced_code")
        .alias("enhanced_code"),
        pl.when(hit).then(pl.lit(UNKNOWN_BEFORE)).otherwise("implied").alias("implied"),
    )
