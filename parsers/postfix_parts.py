"""Fields that many kinds of Postfix lines have, and what is computed from them.

What a client can choose (addresses, HELO) is matched so that it cannot end its own field:
the hot patterns refuse the characters it would need, their fallbacks look from the line's end.
"""

import polars as pl

from .smtp_reply import reply_columns, stage_of

# `name[address]` or, with smtpd_client_port_logging, `name[address]:port`.
CLIENT = r"(?<client_name>[^ \[]+)\[(?<client_ip>[^\] ]+)\](?::(?:[0-9]+|unknown))?"
# The same with the colon that follows it: one-pass, as the byte after the colon decides.
CLIENT_SAYS = r"(?<client_name>[^ \[]+)\[(?<client_ip>[^\] ]+)\]:(?:(?:[0-9]+|unknown):)? "
# Postscreen and tlsproxy know no names.
PEER = r"\[(?<client_ip>[0-9A-Za-z:.%]+)\]:[0-9]+"
# `name[address]:port` of a server; a unix socket stands in the brackets with LMTP.
SERVER = r"(?<relay_name>[^ ,\[]+)\[(?<relay_ip>[^\] ]*)\](?::(?<relay_port>[0-9]+))?"
# An address whose quoted local part may hold what would end it: taken as a whole, else up to
# the first `>`, else as far as what follows needs.
ADDRESS = r'(?:"(?:[^"\\]|\\.)*"[^>"]*|[^>]*|.*?)'
# The same with no guessing: a quoted local part as a whole, or nothing that could end it.
QUOTED = r'(?:"(?:[^"\\]|\\.)*"[^<>"]*|[^<>"]*)'
# RFC 3463; the log's own dsn= field and most replies have one.
ENHANCED = r"(?<enhanced_code>[245]\.[0-9]{1,3}\.[0-9]{1,3})"


def known(column: str) -> pl.Expr:
    """The column, null where Postfix says unknown."""
    value = pl.col(column)
    return pl.when(value != "unknown").then(value)


def address(column: str) -> pl.Expr:
    """The column, null where it is a unix socket or unknown instead of an IP address."""
    value = pl.col(column)
    return pl.when(value.str.contains(r"^[0-9A-Fa-f]*[:.]")).then(value)


def reply_or_dsn(raw: str = "_reply", *, closed: bool = False) -> dict[str, pl.Expr]:
    """Columns of a reply, the enhanced code from the log's dsn= field where it has none.

    Unless `closed`, it goes on to the line's end, where a parenthesis closes it.
    """
    text = pl.col(raw) if closed else pl.col(raw).str.strip_suffix(")")
    columns = {column.meta.output_name(): column for column in reply_columns(text)}
    given = columns["enhanced_code"]
    return columns | {
        "enhanced_code": pl.coalesce(given, pl.col("_dsn")),
        "enhanced_from": pl.when(given.is_not_null())
        .then(pl.lit("reply"))
        .when(pl.col("_dsn").is_not_null())
        .then(pl.lit("dsn")),
    }


def stage() -> pl.Expr:
    """Stage of the dialogue from the column `command`."""
    return stage_of(pl.col("command"))


def delays() -> pl.Expr:
    """The four figures of `delays=a/b/c/d`."""
    figures = pl.col("_delays").str.split("/").cast(pl.List(pl.Float64), strict=False)
    return figures.list.to_array(4)


CLIENT_KNOWN: dict[str, pl.Expr] = {
    "client_name": known("client_name"),
    "client_ip": known("client_ip"),
}
