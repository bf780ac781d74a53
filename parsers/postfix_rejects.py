"""Refusals and other verdicts of smtpd's restrictions, header and body checks, and milters."""

import polars as pl

from .postfix_parts import ADDRESS, CLIENT_KNOWN, CLIENT_SAYS, ENHANCED, QUOTED, stage
from .postfix_smtpd import SMTPD
from .rules import Rule

# What a restriction, a check or a milter did to the message, other than refusing it.
OUTCOME_OF = {
    "reject_warning": "warned",
    "warn": "warned",
    "warning": "warned",
    "info": "warned",
    "hold": "held",
    "quarantine": "held",
    "discard": "discarded",
}
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
# The command it answered; `DATA content` is the message itself.
STAGE = r"(?<command>[A-Z-]+) (?:content )?"
# Found from the line's end: the text before may hold anything, HELO can hold no < or >.
HELO = r"(?: proto=[A-Z]+)?(?: helo=<(?<helo>[^<>]*)>)?(?: sasl_username=<(?<sasl_user>.*)>)?"
ENVELOPE = rf"; from=<(?<sender>{ADDRESS})>(?: to=<(?<recipient>{ADDRESS})>)?"
FROM = ENVELOPE + HELO
# Before MAIL there is no sender; `421 4.3.0 Server local data error` has no fields at all.
EARLY = rf"(?:;(?: to=<(?<recipient>{ADDRESS})>)?{HELO})?"
_CODE = r"[2-5][0-9]{2}"
_STAGED = CLIENT_KNOWN | {"stage": stage()}
_VERDICT = _STAGED | {"outcome": pl.col("_action").replace_strict(OUTCOME_OF, default=None)}
_NOT_421 = r"(?:4[013-9][0-9]|42[02-9]|5[0-9]{2})"

HOT: tuple[Rule, ...] = (
    # Every field refuses the characters that could end it. The reply's text ends at the first
    # `=`, which is that of `; from=<` or no match.
    Rule(
        name="postfix.reject-rcpt",
        starts=("reject: RCPT from ",),
        pattern=rf"reject: RCPT from {CLIENT_SAYS}(?<reply_code>[45][0-9]{{2}}) {ENHANCED} "
        r"(?<reply_text>[^=]*)=<(?<sender>[^<>]*)> to=<(?<recipient>[^<>]*)> proto=[A-Z]+ "
        r"helo=<(?<helo>[^<>]*)>$",
        services=SMTPD,
        set=_REJECTED
        | {"stage": "RCPT", "command": "RCPT", "evidence": "logged", "enhanced_from": "reply"},
        derive=CLIENT_KNOWN | {"reply_text": pl.col("reply_text").str.strip_suffix("; from")},
    ),
)

RULES: tuple[Rule, ...] = (
    # smtpd answers 250 and keeps the milter's refusal for MAIL, which has its own line.
    Rule(
        name="postfix.milter-greeting",
        starts=("milter-reject: EHLO from ", "milter-reject: HELO from "),
        pattern=rf"milter-reject: (?<command>EHLO|HELO) from {CLIENT_SAYS}"
        rf"(?<reply_text>{_NOT_421} .*?){EARLY}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "stage": "HELO"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.milter-connect",
        starts=("milter-reject: CONNECT from ",),
        pattern=rf"milter-reject: CONNECT from {CLIENT_SAYS}(?<reply_text>5[0-9]{{2}} .*?){EARLY}$",
        services=SMTPD,
        set=_REJECTED | {"stage": "CONNECT"},
        derive=CLIENT_KNOWN,
        implied="postfix.milter-connect",
    ),
    Rule(
        name="postfix.milter-connect-later",
        starts=("milter-reject: CONNECT from ",),
        pattern=rf"milter-reject: CONNECT from {CLIENT_SAYS}(?<reply_text>{_NOT_421} .*?){EARLY}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "stage": "CONNECT"},
        derive=CLIENT_KNOWN,
    ),
    # Quoted local parts may hold what looks like the fields after them. The text goes on to the
    # first envelope that is one to the line's end.
    Rule(
        name="postfix.reject-quoted",
        starts=("reject: ", "milter-reject: "),
        has=('"', "; from=<"),
        pattern=rf"(?:milter-)?reject: {STAGE}from {CLIENT_SAYS}"
        rf"(?<reply>{_CODE}[ -](?:[245]\.[0-9]{{1,3}}\.[0-9]{{1,3}} )?(?:<{QUOTED}>: )?.*?)"
        rf"; from=<(?<sender>{QUOTED})>(?: to=<(?<recipient>{QUOTED})>)?{HELO}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    Rule(
        name="postfix.reject",
        starts=("reject: ", "milter-reject: "),
        pattern=rf"(?:milter-)?reject: {STAGE}from {CLIENT_SAYS}"
        rf"(?<reply>{_CODE}[ -].*){FROM}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    Rule(
        name="postfix.reject-early",
        starts=("reject: ", "milter-reject: "),
        pattern=rf"(?:milter-)?reject: {STAGE}from {CLIENT_SAYS}(?<reply>{_CODE}[ -].*?){EARLY}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    # What smtpd_proxy_filter said is what the client got; the line does not name the client.
    Rule(
        name="postfix.proxy-reject",
        starts=("proxy-reject: ",),
        pattern=rf"proxy-reject: (?<command>[A-Z-]+)(?: from [^ ]+)?: (?<reply>{_CODE}[ -].*)"
        rf"{FROM}$",
        services=SMTPD,
        set=_REJECTED,
        derive={"stage": stage()},
    ),
    Rule(
        name="postfix.proxy-reject-silent",
        starts=("proxy-reject: ",),
        has=(": ; from=<",),
        pattern=rf"proxy-reject: (?<command>[A-Z-]+)(?: from [^ ]+)?: {FROM}$",
        services=SMTPD,
        set=_REJECTED,
        derive={"stage": stage()},
    ),
    Rule(
        name="postfix.proxy-accept",
        starts=("proxy-accept: ",),
        pattern=rf"proxy-accept: (?<command>[A-Z-]+)(?: from [^ ]+)?: (?<reply>{_CODE}[ -].*)"
        rf"{FROM}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "outcome": "accepted"},
        derive={"stage": stage()},
    ),
    Rule(
        name="postfix.proxy-rejected-command",
        starts=("warning: proxy ",),
        has=(' rejected "',),
        pattern=r'warning: proxy [^ ]+ rejected "(?<command>MAIL FROM|RCPT TO):.*": '
        rf'"(?<reply>{_CODE}[ -].*)"$',
        services=SMTPD,
        set=_REJECTED,
        derive={"stage": stage()},
    ),
    # What is only noted: the client got 250. The would-be reply stays text.
    Rule(
        name="postfix.verdict",
        starts=("reject_warning: ", "warn: ", "info: ", "hold: ", "discard: "),
        pattern=rf"(?<_action>[a-z_]+): {STAGE}from {CLIENT_SAYS}(?<reply_text>.*){FROM}$",
        services=SMTPD,
        set={"kind": "reject", "direction": "inbound"},
        derive=_VERDICT,
    ),
    Rule(
        name="postfix.verdict-early",
        starts=("reject_warning: ", "warn: ", "info: ", "hold: ", "discard: "),
        pattern=rf"(?<_action>[a-z_]+): {STAGE}from {CLIENT_SAYS}(?<reply_text>.*?){EARLY}$",
        services=SMTPD,
        set={"kind": "reject", "direction": "inbound"},
        derive=_VERDICT,
    ),
    Rule(
        name="postfix.milter-verdict",
        starts=("milter-hold: ", "milter-discard: ", "milter-quarantine: "),
        pattern=rf"milter-(?<_action>[a-z]+): {STAGE}from {CLIENT_SAYS}(?<reply_text>.*?)"
        rf"(?:;(?: from=<(?<sender>{ADDRESS})>)?(?: to=<(?<recipient>{ADDRESS})>)?{HELO})?$",
        services=(*SMTPD, "cleanup"),
        set={"kind": "reject", "direction": "inbound"},
        derive=_VERDICT,
    ),
    Rule(
        name="postfix.routing",
        starts=("filter: ", "redirect: ", "bcc: ", "prepend: ", "delay: ", "permit: "),
        pattern=rf"[a-z]+: {STAGE}from {CLIENT_SAYS}(?<reply_text>.*){FROM}$",
        services=SMTPD,
        set={"kind": "queue"},
        derive=CLIENT_KNOWN,
    ),
)
