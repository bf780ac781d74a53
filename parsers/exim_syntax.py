"""How Exim writes hosts, addresses and refusals: pattern fragments and helpers of the rules.

Fields that stand in a row end with their own blank (`X=... `), so that the next byte always
decides: that keeps the patterns one-pass (design.md).
"""

import polars as pl

from .implied_exim import IMPLIED_EXIM
from .smtp_reply import reply_columns, stage_of

IP = r"[0-9A-Fa-f:.]+"
QUOTED = r'"(?:[^"\\]|\\.)*"'
"""A quoted part of an address; Exim keeps the quotes of envelope addresses."""
ADDRESS = rf'(?:[^"<> ]|{QUOTED})*'
"""An address between angle brackets; bare it can hold neither blank nor bracket."""
TOKEN = rf'(?:[^" ]|{QUOTED})+'
"""An address that ends at a blank."""

CLIENT = (
    r"(?:(?<client_name>[^ ()\[\]]+) )?(?:\((?<helo>[^)]*)\) )?"
    rf"\[(?<client_ip>{IP})(?:%[^\] ]*)?\](?::[0-9]+)?"
)
"""sender_fullhost: verified name, what HELO said where it differs, address, port."""
_INTERFACE = r"I=\[[^\] ]*\](?::[0-9]+)?"
CLIENT_REST = rf"(?: {_INTERFACE}| U=[^ ]*)*"
"""What host_and_ident() may put after it: our own address, the ident answer."""
CLIENT_FIELDS = rf'(?:{_INTERFACE} |TFO\*? |U=[^ ]* |X=[^ ]* |CV=[^ ]* |DN="[^"]*" |SNI=(?:"[^"]*"|[^" ][^ ]*|) )*'
HOST = (
    r"H=(?<relay_name>[^ ]+) (?:DS )?"
    rf"\[(?<relay_ip>{IP})(?:%[^\] ]*)?\](?::(?<relay_port>[0-9]+))?\*?"
)
"""The host a message goes to; `*` marks a connection that is used again."""

COMMAND = (
    r"(?<_phrase>[A-Za-z][^:<\[]*)(?:\[[^\] ]*\])?"
    rf":(?:<{ADDRESS}>(?: [A-Z][A-Z0-9]*(?:=[^ ]*)?)*:)? "
)
"""The command a remote reply answered, and the `: ` before that reply. An address is followed
to the bracket that closes it, for it may say anything."""


def command_columns() -> dict[str, pl.Expr]:
    """Columns command and stage of COMMAND's group (`EHLO mx1.lab.test` is `EHLO`)."""
    command = pl.col("_phrase").str.extract(
        r"^(?:pipelined )?(RCPT TO|MAIL FROM|[A-Z]+|[a-z]+(?: [a-z]+)*)", 1
    )
    return {"command": command, "stage": stage_of(command)}


def refusal(key: str, *, any_code: bool = False) -> dict[str, pl.Expr]:
    """Reply columns of a refused command from the log text `_text`, as far as it has them.

    The ACL's message may begin with the reply's code. Exim takes only one with the first
    digit of the code it replaces and a blank after it (smtp_message_code()); other digits are
    the administrator's prose.
    """
    first = "[2-5]" if any_code else str(IMPLIED_EXIM[key].code // 100)
    text = pl.col("_text")
    logged = text.str.contains(rf"^{first}[0-9]{{2}} ")
    columns = _reply(pl.when(logged).then(text))
    return columns | {"reply_text": pl.coalesce(columns["reply_text"], text)}


def remote_reply(column: str, *, escaped: bool = False) -> dict[str, pl.Expr]:
    """Reply columns of a remote server's reply as Exim prints it.

    Its lines are joined by a backslash and an n; inside C="..." quotes and backslashes are
    escaped once more. Digits after a mere blank are text, not a further line's code.
    """
    said = pl.col(column)
    if escaped:
        said = said.str.replace_all(r'\\(["\\])', "$1")
    joined = said.str.replace_all(
        r"\\n[0-9]{3}(?:[ -](?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |$))?|$)", " "
    ).str.replace(r"^([0-9]{3})-", "$1 ")
    text = pl.when(said.str.contains(r"^[0-9]{3}-")).then(joined).otherwise(said)
    return _reply(pl.col(column)) | {"reply_text": _reply(text)["reply_text"]}


def _reply(raw: pl.Expr) -> dict[str, pl.Expr]:
    return {column.meta.output_name(): column for column in reply_columns(raw)}


def login(column: str) -> pl.Expr:
    """The login name of an `A=authenticator:name` field."""
    return pl.col(column).str.extract(r"^[^:]*:([^:]*)", 1)


def seconds(column: str) -> pl.Expr:
    """Seconds of a time as Exim prints it: `1w2d3h4m5s`, `0.250s`."""
    units = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
    parts = [
        pl.col(column).str.extract(rf"([0-9.]+){unit}", 1).cast(pl.Float64, strict=False) * factor
        for unit, factor in units.items()
    ]
    total = pl.sum_horizontal(parts)
    return pl.when(pl.col(column).is_not_null()).then(total)


def receiving(column: str) -> pl.Expr:
    """`delays` of a message's arrival: RT=, what it took to receive it."""
    return _delays(seconds(column), 0)


def transmission(column: str) -> pl.Expr:
    """`delays` of an attempt: DT=, what it took; the connection's setup is in it."""
    return _delays(seconds(column), 3)


def _delays(took: pl.Expr, place: int) -> pl.Expr:
    """The four figures of which only one is known."""
    nothing = pl.lit(None, dtype=pl.Float64)
    four = pl.concat_list([took if n == place else nothing for n in range(4)])
    return pl.when(took.is_not_null()).then(four.list.to_array(4))
