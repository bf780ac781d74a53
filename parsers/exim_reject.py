"""Exim: what we refused a client (`rejected RCPT`, `refused connection`, syntax errors).

No such line prints the reply, except where an ACL's message begins with its code; the codes
come from implied_exim.py.
"""

from collections.abc import Iterator, Mapping

import polars as pl

from .exim_syntax import ADDRESS, CLIENT, CLIENT_FIELDS, CLIENT_REST, login, refusal
from .rules import Rule
from .smtp_reply import stage_of

_REJECT = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_HEADS = ("H=", "U=", " DSH=", " DS H=")
_CLIENT = rf"(?: DS ?)?(?:H={CLIENT} |U=[^ ]* ){CLIENT_FIELDS}"
_SENDER = rf"(?:F=<(?<sender>{ADDRESS})> (?:A=(?<_login>[^ ]*) )?)?"
_USER = {"sasl_user": login("_login")}
_TEXT = r"(?:: (?<_text>.*))?$"


def _acl(
    name: str,
    what: str,
    stage: str,
    command: str | None,
    has: str,
    derive: Mapping[str, pl.Expr] | None = None,
    starts: tuple[str, ...] = _HEADS,
) -> Iterator[Rule]:
    """The two rules of an ACL's refusal, temporary first (smtp_handle_acl_fail())."""
    columns = _REJECT | {"stage": stage} | ({"command": command} if command else {})
    for word, kind, digit in (("temporarily ", "deferred", 4), ("", "rejected", 5)):
        # VRFY's ACL may answer with any code.
        first = None if name == "vrfy" else digit
        yield Rule(
            name=f"exim.{kind}-{name}",
            starts=starts,
            has=(f" {word}rejected {has}",),
            pattern=f"{_CLIENT}{_SENDER}{word}rejected {what}{_TEXT}",
            set=columns,
            derive=_USER | dict(derive or {}),
            expand=refusal("exim.deferred" if digit == 4 else f"exim.rejected-{name}", first),
        )


# Exim logs no more than 100 bytes of the argument, so a long address has no end.
_ODD_RCPT = r'RCPT (?:(?<recipient>[^<>"(:; ]+)|<(?<_cut>[^<>" ]{99}))'
_ODD_MAIL = r'MAIL (?:(?<_plain>[^<>"(:; ]+)|<(?<_cut>[^<>" ]{99}))'
_ARGUMENT = r"(?<_argument>[^ ]*?)"

ACL_RULES: tuple[Rule, ...] = (
    *_acl("rcpt", rf"RCPT <(?<recipient>{ADDRESS})>", "RCPT", "RCPT TO", "RCPT <"),
    *_acl("eod", r"(?:after DATA(?: PRDR)?|during MIME ACL checks)", "EOD", "end of data", ""),
    *_acl(
        "mail",
        rf"MAIL <(?<_from>{ADDRESS})>(?: [A-Z]+=[^ ]*)*?",
        "MAIL",
        "MAIL FROM",
        "MAIL <",
        {"sender": pl.col("_from")},
    ),
    *_acl("connect", r'connection in "connect" ACL', "CONNECT", None, "connection in"),
    *_acl("helo", rf"EHLO or HELO {_ARGUMENT}", "HELO", "EHLO", "EHLO or HELO ", {"helo": pl.col("_argument")}),
    *_acl("data", r"(?:PRE)?DATA", "DATA", "DATA", ""),
    *_acl("auth", rf"AUTH {_ARGUMENT}", "AUTH", "AUTH", "AUTH "),
    *_acl("vrfy", rf"VRFY {_ARGUMENT}", "VRFY", "VRFY", "VRFY "),
    *_acl("expn", rf"EXPN {_ARGUMENT}", "EXPN", "EXPN", "EXPN "),
    *_acl("etrn", rf"ETRN {_ARGUMENT}", "ETRN", "ETRN", "ETRN "),
    *_acl("starttls", r"STARTTLS ?", "STARTTLS", "STARTTLS", "STARTTLS"),
)


def _renamed(rules: Iterator[Rule], suffix: str) -> Iterator[Rule]:
    for rule in rules:
        yield Rule(**{f: getattr(rule, f) for f in rule.__slots__} | {"name": rule.name + suffix})
