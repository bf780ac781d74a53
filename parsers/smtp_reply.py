"""Take an SMTP reply apart: `550-5.7.1 one 550 5.7.1 two (in reply to RCPT TO command)`.

The code is the first three digits of the text and nothing else: digits further on are
the sender's prose (RFC 5321 4.2). The enhanced code follows it at once (RFC 2034 4).
"""

import polars as pl

from .event import EnhancedFrom, Evidence, Stage

_HEAD = (
    r"^[ ]*(?<reply_code>[1-9][0-9]{2})(?:[ -]|$)[ ]?"
    r"(?:(?<enhanced_code>[245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ :]|$))?"
)

# The command a reply answered, as the three MTAs spell it, to the stage of the dialogue.
STAGE_OF_COMMAND: dict[str, str] = {
    "CONNECT": "CONNECT",
    "INITIAL CONNECTION": "CONNECT",
    "HELO": "HELO",
    "EHLO": "HELO",
    "LHLO": "HELO",
    "STARTTLS": "STARTTLS",
    "AUTH": "AUTH",
    "MAIL": "MAIL",
    "MAIL FROM": "MAIL",
    "XFORWARD": "OTHER",
    "XCLIENT": "OTHER",
    "RCPT": "RCPT",
    "RCPT TO": "RCPT",
    "DATA": "DATA",
    "BDAT": "DATA",
    "END OF DATA": "EOD",
    "END OF DATA (BDAT)": "EOD",
    "END-OF-MESSAGE": "EOD",
    "END OF DATA COMMAND": "EOD",
    "VRFY": "VRFY",
    "EXPN": "EXPN",
    "ETRN": "ETRN",
}


def reply_columns(raw: pl.Expr) -> list[pl.Expr]:
    """Columns reply_code, evidence, enhanced_code, enhanced_from and reply_text of a raw reply."""
    head = raw.str.extract_groups(_HEAD)
    code = head.struct.field("reply_code").cast(pl.UInt16, strict=False)
    enhanced = head.struct.field("enhanced_code")
    columns = {
        "reply_code": code,
        "evidence": pl.when(code.is_not_null()).then(pl.lit("logged", dtype=Evidence)),
        "enhanced_code": enhanced,
        "enhanced_from": pl.when(enhanced.is_not_null()).then(pl.lit("reply", dtype=EnhancedFrom)),
        "reply_text": _joined(raw),
    }
    return [e.alias(n) for n, e in columns.items()]


def _joined(raw: pl.Expr) -> pl.Expr:
    """The text with the code repeated on continuation lines taken out (`550-5.1.1 a 550 5.1.1 b`)."""
    single = raw.str.replace(_HEAD, "").str.strip_chars(" ")
    many = single.str.replace_all(
        r"(?:\\n|\?| )[1-9][0-9]{2}[ -](?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |$))?", " "
    )
    return pl.when(raw.str.contains(r"^[0-9]{3}-")).then(many).otherwise(single)


def stage_of(command: pl.Expr) -> pl.Expr:
    """Stage of the dialogue from the command's name; unknown commands are OTHER."""
    return (
        command.str.to_uppercase()
        .replace_strict(STAGE_OF_COMMAND, default="OTHER", return_dtype=pl.String)
        .cast(Stage)
    )
