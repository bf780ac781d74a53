"""The event schema: one row per thing that happened, the same columns for every MTA.

This table is the single source for dtypes, for `smtplens events` and for the docs.
"""

from typing import NamedTuple

import polars as pl

Mta = pl.Enum(["postfix", "exim", "sendmail"])
Kind = pl.Enum(
    ["received", "delivery", "attempt", "probe", "reject", "auth", "session", "queue", "system"]
)
Direction = pl.Enum(["inbound", "outbound", "local"])
Stage = pl.Enum(
    [
        *("CONNECT", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "EOD"),
        *("VRFY", "EXPN", "ETRN", "OTHER"),
    ]
)
Outcome = pl.Enum(
    [
        *("accepted", "sent", "deferred", "bounced", "expired", "rejected"),
        *("warned", "held", "discarded", "removed"),
    ]
)
Evidence = pl.Enum(["logged", "implied"])
EnhancedFrom = pl.Enum(["reply", "dsn"])
TIME = pl.Datetime("us", "UTC")


class Column(NamedTuple):
    """One column of the event table."""

    name: str
    dtype: pl.DataType
    unit: str
    meaning: str


def _column(
    name: str, dtype: pl.DataType | type[pl.DataType], meaning: str, unit: str = ""
) -> Column:
    return Column(name, dtype() if isinstance(dtype, type) else dtype, unit, meaning)


COLUMNS: tuple[Column, ...] = (
    _column("file", pl.String, "the source the line came from, as it was named"),
    _column("line", pl.UInt64, "1-based line number in that source"),
    _column("time", TIME, "when the line was logged", "UTC, microseconds"),
    _column("host", pl.String, "the host named in the line's header"),
    _column("mta", Mta, "the mail server that wrote the line"),
    _column("service", pl.String, "its daemon: smtpd, smtp, submission/smtpd, local ..."),
    _column("pid", pl.Int64, "process id"),
    _column("queue_id", pl.String, "the MTA's id of the message in its queue"),
    _column("kind", Kind, "what sort of thing happened"),
    _column(
        "direction", Direction, "inbound: we reply; outbound: they reply; local: no remote reply"
    ),
    _column("stage", Stage, "the point of the SMTP dialogue; EOD is the end of data"),
    _column("outcome", Outcome, "how it ended; null where nothing ended"),
    _column("reply_code", pl.UInt16, "SMTP reply code, only where a reply was given"),
    _column(
        "evidence", Evidence, "logged: the digits stand in the line; implied: the line proves it"
    ),
    _column("enhanced_code", pl.String, "enhanced code x.y.z (RFC 3463)"),
    _column(
        "enhanced_from", EnhancedFrom, "reply: part of the reply; dsn: only the log's own field"
    ),
    _column("reply_text", pl.String, "the reply's text, continuation lines joined"),
    _column("command", pl.String, "the command the reply answered"),
    _column("sender", pl.String, "envelope sender; empty for the null sender"),
    _column("recipient", pl.String, "envelope recipient"),
    _column("orig_recipient", pl.String, "the recipient before aliases"),
    _column("client_name", pl.String, "the client's host name, as the MTA verified it"),
    _column("client_ip", pl.String, "the client's address"),
    _column("helo", pl.String, "what the client said in HELO or EHLO"),
    _column("sasl_user", pl.String, "the login name of an authenticated or failing client"),
    _column("relay_name", pl.String, "the host the message was handed to"),
    _column("relay_ip", pl.String, "its address"),
    _column("relay_port", pl.UInt16, "its port"),
    _column("message_id", pl.String, "the Message-ID header"),
    _column("size", pl.Int64, "message size", "bytes"),
    _column("nrcpt", pl.Int64, "number of recipients the message has"),
    _column("delay", pl.Float64, "time since arrival", "seconds"),
    _column(
        "delays",
        pl.Array(pl.Float64, 4),
        "before the queue manager, in it, connection setup, transmission",
        "seconds",
    ),
    _column("count", pl.Int64, "how often; more than 1 for repeated messages and counters"),
    _column("cause", pl.String, "why, from the knowledge base"),
)

SCHEMA: dict[str, pl.DataType] = {c.name: c.dtype for c in COLUMNS}
