"""What is done to Exim's lines before rules see them.

Syslog: Exim cuts a long message into `[1/4] ... [4/4] ...` and one with line breaks into
`[1\\4] ... [4/4] ...` (log.c, write_syslog()), and may repeat its own stamp inside.
"""

import polars as pl

from .exim_syntax import QUOTED

_PART = r"^\[([0-9]{1,4})([\\/])([0-9]{1,4})\] (?s:(.*))$"
_OWN_STAMP = (
    r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?: [+-][0-9]{4})? )?(?:\[[0-9]{1,10}\] )?"
)
_SENT_TO = r"^(?<_head>(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} )?(?:[-=*>]>|\*\*|==) )"


def prepare(lines: pl.DataFrame) -> pl.DataFrame:
    """Join what syslog split, take Exim's own stamp off, write quoted recipients one way."""
    message = pl.col("message")
    syslog = (pl.col("style").cast(pl.String) != "exim").fill_null(False)
    if lines.select((syslog & message.str.contains(r"^[\[0-9]")).any()).item():
        lines = _join(lines, syslog)
        lines = lines.with_columns(
            pl.when(syslog).then(message.str.replace(_OWN_STAMP, "")).otherwise(message)
        )
    return _requote(lines)


def _join(lines: pl.DataFrame, syslog: pl.Expr) -> pl.DataFrame:
    """Put the parts of a message into the row of its first part.

    What follows a line break (`\\`) is dropped: in the reject log it is the headers of the
    refused message, which anybody may have written.
    """
    part = pl.col("message").str.extract_groups(_PART).struct
    number = part.field("1").cast(pl.Int64, strict=False)
    split = lines.with_columns(
        pl.when(syslog).then(number).alias("_number"),
        part.field("2").alias("_mark"),
        part.field("4").alias("_part"),
    )
    pieces = split.filter(pl.col("_number").is_not_null())
    if pieces.is_empty():
        return lines
    writer = ["host", "tag", "pid"]
    # Parts of one writer follow each other; a first part opens the next message.
    pieces = pieces.with_columns((pl.col("_number") == 1).cum_sum().over(writer).alias("_message"))
    whole = [*writer, "_message"]
    broken = (pl.col("_mark") == "\\").cast(pl.Int64)
    joined = (
        pieces.filter(pl.col("_message") > 0)
        .filter((broken.cum_sum().over(whole) - broken.over(whole)) == 0)
        .group_by(whole, maintain_order=True)
        .agg(pl.col("row").first(), pl.col("_part").str.join("").alias("_joined"))
    )
    return (
        lines.join(pieces.filter(pl.col("_number") != 1).select("row"), on="row", how="anti")
        .join(joined.select("row", "_joined"), on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_joined", "message").alias("message"))
        .drop("_joined")
    )


def _requote(lines: pl.DataFrame) -> pl.DataFrame:
    """`a b@d.test <"a b"@d.test>` to `"a b"@d.test`.

    Exim logs a recipient's local part without its quotes and the original beside it. Bare it
    may hold blanks and look like any field; it is taken for a recipient only where it equals
    the quoted form, the last one in the line first.
    """
    odd = lines.select("row", "message").filter(
        pl.col("message").str.contains(' <"', literal=True)
        & pl.col("message").str.contains(_SENT_TO)
    )
    if odd.is_empty():
        return lines
    quoted = rf' <(?<_quoted>{QUOTED}@[^ <>"]+)>(?: [A-Z]=| \(|: | defer| routing)'
    for plain in ("(?<_plain>.*)", "(?<_plain>.*?)"):
        found = pl.col("message").str.extract_groups(_SENT_TO + plain + quoted).struct
        local = found.field("_quoted").str.extract(rf"^({QUOTED})@", 1)
        domain = found.field("_quoted").str.extract(r"@([^@]*)$", 1)
        bare = local.str.slice(1, local.str.len_chars() - 2).str.replace_all(r"\\(.)", "$1")
        same = (bare + "@" + domain.str.to_lowercase()) == found.field("_plain")
        head, old = found.field("_head"), found.field("_plain") + found.field("_quoted")
        rest = pl.col("message").str.slice((head + old).str.len_chars() + len(" <>"))
        odd = odd.with_columns(
            pl.when(same.fill_null(False))
            .then(head + found.field("_quoted") + rest)
            .otherwise(pl.col("message"))
            .alias("message")
        )
    return lines.update(odd, on="row", how="left", maintain_order="left")
