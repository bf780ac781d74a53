"""Exim: commands and messages that an ACL or local_scan() refused.

A line prints the reply only where the ACL's message begins with its code; otherwise it is
the default of that ACL, from implied_exim.py.
"""

from collections.abc import Iterator, Mapping

import polars as pl

from .exim_syntax import ADDRESS, CLIENT, CLIENT_FIELDS, login, refusal
from .rules import Rule
from .smtp_reply import stage_of

_REJECT = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_HEADS = ("H=", "U=", " DSH=", " DS H=")
_CLIENT = rf"(?: DS ?)?(?:H={CLIENT} |U=[^ ]* ){CLIENT_FIELDS}"
_SENDER = rf"(?:F=<(?<sender>{ADDRESS})> (?:A=(?<_login>[^ ]*) )?)?"
_UNBRACKETED = r"F=(?<sender>[^ <>\"]+) (?:A=(?<_login>[^ ]*) )?"
_TEXT = r"(?:: (?<_text>.*))?$"
_COMMANDS = "AUTH|VRFY|EXPN|ETRN|STARTTLS"
_WORDS = (("temporarily ", "deferred"), ("", "rejected"))


def _acl(
    name: str,
    what: str,
    columns: dict[str, str],
    *,
    has: str = "",
    derive: Mapping[str, pl.Expr] | None = None,
    sender: str = _SENDER,
    form: str = "",
) -> Iterator[Rule]:
    """The two rules of an ACL's refusal, temporary first (smtp_handle_acl_fail())."""
    for word, kind in _WORDS:
        implied = "exim.deferred" if word else f"exim.rejected-{name}"
        yield Rule(
            name=f"exim.{kind}-{name}{form}",
            starts=_HEADS,
            has=(f" {word}rejected {has}",),
            pattern=f"{_CLIENT}{sender}{word}rejected {what}{_TEXT}",
            set=_REJECT | columns,
            # VRFY's ACL may answer with any code (globals.c: it defaults to 252).
            derive={"sasl_user": login("_login")}
            | refusal(implied, any_code=name == "vrfy")
            | dict(derive or {}),
            implied=implied,
        )


def _blanks(name: str, word: str, commands: str, rest: str, implied: str | None) -> Rule:
    """A command whose argument has blanks."""
    return Rule(
        name=f"exim.{name}",
        starts=_HEADS,
        has=(f" {word}rejected ",),
        pattern=rf"{_CLIENT}{_SENDER}{word}rejected (?<command>{commands}) (?<reply_text>{rest})$",
        set=_REJECT,
        derive={"sasl_user": login("_login"), "stage": stage_of(pl.col("command"))},
        implied=implied,
    )


_RCPT = {"stage": "RCPT", "command": "RCPT TO"}
_MAIL = {"stage": "MAIL", "command": "MAIL FROM"}
_EOD = {"stage": "EOD", "command": "end of data"}
_ARGUMENT = r"(?<_argument>[^ ]*?)"
# The mechanism and the first response, which is base64.
_LOGIN = r"(?<_argument>[^ ]*?(?: [0-9A-Za-z+/=]+)?)"
# A client's argument with blanks may hold a colon and digits too: no code is read there.
_NO_DIGITS = r"(?:[^:]|:+[^:0-9 ]|:+ +[^0-9: ])*:*"
# An address without brackets, or cut: Exim logs 100 bytes of an argument.
_BARE = r'(?<_plain>[^<>"(:; ]+)|<[^<>" ]{99}'

_OFTEN = (
    *_acl("rcpt", rf"RCPT <(?<recipient>{ADDRESS})>", _RCPT, has="RCPT <"),
    *_acl("eod", r"(?:after DATA(?: PRDR)?|during MIME ACL checks|DKIM [^:]*)", _EOD),
    *_acl(
        "mail",
        rf"MAIL <(?<_from>{ADDRESS})>(?: [A-Z]+=[^ ]*)*?",
        _MAIL,
        has="MAIL <",
        derive={"sender": pl.col("_from")},
    ),
    *_acl(
        "connect",
        r'connection in "connect" ACL',
        {"stage": "CONNECT"},
        has='connection in "connect" ACL',
    ),
    *_acl(
        "helo",
        rf"EHLO or HELO {_ARGUMENT}",
        {"stage": "HELO", "command": "EHLO"},
        has="EHLO or HELO ",
        derive={"helo": pl.col("_argument")},
    ),
)
_SELDOM = (
    *_acl("data", r"(?:PRE)?DATA", {"stage": "DATA", "command": "DATA"}),
    *(
        rule
        for command in ("AUTH", "VRFY", "EXPN", "ETRN", "STARTTLS")
        for rule in _acl(
            command.lower(),
            rf"{command} {_LOGIN if command == 'AUTH' else _ARGUMENT}",
            {"stage": command, "command": command},
            has=command,
        )
    ),
    *(
        _blanks(f"rejected-{name}-argument", "", name.upper(), _NO_DIGITS, f"exim.rejected-{name}")
        for name in ("auth", "vrfy", "expn", "etrn")
    ),
    _blanks("deferred-argument", "temporarily ", _COMMANDS, _NO_DIGITS, "exim.deferred"),
    _blanks("rejected-unsaid", "", _COMMANDS, ".*", None),
    _blanks("deferred-unsaid", "temporarily ", _COMMANDS, ".*", None),
    *_acl(
        "rcpt",
        rf"RCPT (?:{_BARE})",
        _RCPT,
        has="RCPT ",
        derive={"recipient": pl.col("_plain")},
        form="-bare",
    ),
    *_acl(
        "mail",
        rf"MAIL (?:{_BARE})",
        _MAIL,
        has="MAIL ",
        derive={"sender": pl.col("_plain")},
        form="-bare",
    ),
    # A log whose angle brackets were lost on its way.
    *_acl(
        "rcpt",
        r"RCPT (?<recipient>[^ <>\":;]+)",
        _RCPT,
        has="RCPT ",
        sender=_UNBRACKETED,
        form="-unbracketed",
    ),
    *_acl(
        "eod",
        "after DATA",
        _EOD,
        has="after DATA",
        sender=_UNBRACKETED,
        form="-unbracketed",
    ),
)


_VERB = pl.col("_text").str.extract(r"^([A-Z]{4,8})\b", 1)


def _other(word: str, kind: str, implied: str) -> Rule:
    """Whatever else was refused: no digits of its text are a code, it may be the client's."""
    return Rule(
        name=f"exim.{kind}-other",
        starts=_HEADS,
        has=(f" {word}rejected ",),
        pattern=rf"(?: DS ?)?[HU]=(?<_client>.*?) {word}rejected (?<_text>[a-zA-Z].*)$",
        set=_REJECT,
        derive={
            "client_ip": pl.col("_client").str.extract(r"\[([0-9A-Fa-f:.]+)\]", 1),
            "sender": pl.col("_client").str.extract(rf" F=<({ADDRESS})>(?: |$)", 1),
            "command": _VERB.replace({"RCPT": "RCPT TO", "MAIL": "MAIL FROM"}),
            "stage": stage_of(_VERB),
        }
        | refusal(implied),
        implied=implied,
    )


_SCANNED = rf"F=(?<sender>[^ ]+) (?:H={CLIENT} )?(?:I=[^ ]* |U=[^ ]* |P=[^ ]* |L[-.*]* )*"

RULES: tuple[Rule, ...] = (
    *_OFTEN,
    Rule(
        name="exim.discarded-rcpt",
        starts=_HEADS,
        has=(": discarded by ",),
        pattern=rf"{_CLIENT}F=<(?<sender>{ADDRESS})> RCPT (?:<(?<recipient>{ADDRESS})>|.*?): "
        r"discarded by (?:RCPT|MAIL) ACL(?:: (?<reply_text>.*))?$",
        set=_REJECT | {"outcome": "discarded"} | _RCPT,
    ),
    *_SELDOM,
    *(
        Rule(
            name=f"exim.{kind}-local-scan",
            starts=("F=",),
            has=(f" {word}rejected by local_scan(): ",),
            pattern=rf"{_SCANNED}{word}rejected by local_scan\(\): (?<_text>.*)$",
            set=_REJECT | _EOD,
            derive={"sender": pl.col("sender").replace("<>", "")}
            | refusal(f"exim.{kind}-local-scan"),
            implied=f"exim.{kind}-local-scan",
        )
        for word, kind in _WORDS
    ),
    Rule(
        name="exim.local-scan-died",
        starts=("local_scan() function ",),
        pattern=r"(?<reply_text>local_scan\(\) function (?:crashed|timed out).*)$",
        set=_REJECT | _EOD,
        implied="exim.local-scan-died",
    ),
    # A message from this host: its sender gets an exit status, no SMTP reply.
    Rule(
        name="exim.rejected-not-smtp",
        starts=("F=<",),
        has=("rejected by non-SMTP ACL",),
        pattern=rf"F=<(?<sender>{ADDRESS})> (?:temporarily )?rejected by non-SMTP ACL"
        r"(?:: (?<reply_text>.*))?$",
        set={"kind": "reject", "direction": "local", "outcome": "rejected"},
    ),
)

LATE_RULES: tuple[Rule, ...] = (
    _other("temporarily ", "deferred", "exim.deferred"),
    _other("", "rejected", "exim.rejected-other"),
)
