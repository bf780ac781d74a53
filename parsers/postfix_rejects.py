"""Refusals and other verdicts of smtpd's restrictions, header and body checks, and milters."""

import polars as pl

from .postfix_parts import CLIENT, CLIENT_KNOWN, ENHANCED, stage
from .postfix_smtpd import SMTPD
from .rules import Rule

_SERVICES = (*SMTPD, "cleanup")
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_STAGE = r"(?<command>[A-Z-]+(?: content)?)"
# Found from the line's end: the text before may hold anything, HELO can hold no < or >.
_HELO = r"(?: proto=[A-Z]+)?(?: helo=<(?<helo>[^<>]*)>)?"
_LOGIN = r"(?: sasl_username=<(?<sasl_user>.*)>)?"
_FROM = r"; from=<(?<sender>.*?)>(?: to=<(?<recipient>.*)>)?"
_BARE = rf"(?:;(?: to=<(?<recipient>.*)>)?{_HELO}{_LOGIN})?"
_CODE = r"[2-5][0-9]{2}"
_STAGED = CLIENT_KNOWN | {"stage": stage()}
_NOT_421 = r"(?:4[013-9][0-9]|42[02-9]|5[0-9]{2})"

HOT: tuple[Rule, ...] = (
    # Every field refuses the characters that could end it. The reply's text ends at the first
    # `=`, which is that of `; from=<` or no match.
    Rule(
        name="postfix.reject-rcpt",
        starts=("reject: RCPT from ",),
        pattern=rf"reject: RCPT from {CLIENT}: (?<reply_code>[45][0-9]{{2}}) {ENHANCED} "
        r"(?<reply_text>[^=]*)=<(?<sender>[^<>]*)> to=<(?<recipient>[^<>]*)> proto=[A-Z]+ "
        r"helo=<(?<helo>[^<>]*)>$",
        services=SMTPD,
        set=_REJECTED
        | {"stage": "RCPT", "command": "RCPT", "evidence": "logged", "enhanced_from": "reply"},
        derive=CLIENT_KNOWN | {"reply_text": pl.col("reply_text").str.strip_suffix("; from")},
    ),
)

_SMTPD: tuple[Rule, ...] = (
    # smtpd answers 250 and keeps the milter's refusal for MAIL, which has its own line.
    Rule(
        name="postfix.milter-greeting",
        starts=("milter-reject: EHLO from ", "milter-reject: HELO from "),
        pattern=rf"milter-reject: (?<command>EHLO|HELO) from {CLIENT}: "
        rf"(?<reply_text>{_NOT_421} .*?){_BARE}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "stage": "HELO"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.milter-connect",
        starts=("milter-reject: CONNECT from ",),
        pattern=rf"milter-reject: CONNECT from {CLIENT}: (?<reply_text>5[0-9]{{2}} .*?){_BARE}$",
        services=SMTPD,
        set=_REJECTED | {"stage": "CONNECT"},
        derive=CLIENT_KNOWN,
        implied="postfix.milter-connect",
    ),
    Rule(
        name="postfix.milter-connect-later",
        starts=("milter-reject: CONNECT from ",),
        pattern=rf"milter-reject: CONNECT from {CLIENT}: (?<reply_text>{_NOT_421} .*?){_BARE}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "stage": "CONNECT"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.reject",
        starts=("reject: ", "milter-reject: "),
        pattern=rf"(?:milter-)?reject: {_STAGE} from {CLIENT}: "
        rf"(?<reply>{_CODE}[ -].*){_FROM}{_HELO}{_LOGIN}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    # Before MAIL there is no sender; `421 4.3.0 Server local data error` has no fields at all.
    Rule(
        name="postfix.reject-early",
        starts=("reject: ", "milter-reject: "),
        pattern=rf"(?:milter-)?reject: {_STAGE} from {CLIENT}: (?<reply>{_CODE}[ -].*?){_BARE}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    # What smtpd_proxy_filter said is what the client got; the line does not name the client.
    Rule(
        name="postfix.proxy-reject",
        starts=("proxy-reject: ",),
        pattern=rf"proxy-reject: {_STAGE}(?: from {CLIENT})?: (?<reply>{_CODE}[ -].*)"
        rf"{_FROM}{_HELO}{_LOGIN}$",
        services=SMTPD,
        set=_REJECTED,
        derive=_STAGED,
    ),
    Rule(
        name="postfix.proxy-accept",
        starts=("proxy-accept: ",),
        pattern=rf"proxy-accept: {_STAGE}(?: from {CLIENT})?: (?<reply>{_CODE}[ -].*)"
        rf"{_FROM}{_HELO}{_LOGIN}$",
        services=SMTPD,
        set={"kind": "session", "direction": "inbound", "outcome": "accepted"},
        derive=_STAGED,
    ),
    Rule(
        name="postfix.proxy-rejected-command",
        starts=("warning: proxy ",),
        has=(' rejected "',),
        pattern=r'warning: proxy [^ ]+ rejected "(?<command>MAIL FROM|RCPT TO):.*": '
        rf'"(?<_said>{_CODE}[ -].*)"$',
        services=SMTPD,
        set=_REJECTED,
    ),
    # What is only noted: the client got 250. The would-be reply stays text.
    Rule(
        name="postfix.verdict",
        starts=("reject_warning: ", "warn: ", "info: ", "hold: ", "discard: "),
        pattern=rf"(?<_action>[a-z_]+): {_STAGE} from {CLIENT}: "
        rf"(?<reply_text>.*){_FROM}{_HELO}{_LOGIN}$",
        services=SMTPD,
        set={"kind": "reject", "direction": "inbound"},
    ),
    Rule(
        name="postfix.verdict-early",
        starts=("reject_warning: ", "warn: ", "info: ", "hold: ", "discard: "),
        pattern=rf"(?<_action>[a-z_]+): {_STAGE} from {CLIENT}: (?<reply_text>.*?){_BARE}$",
        services=SMTPD,
        set={"kind": "reject", "direction": "inbound"},
    ),
    Rule(
        name="postfix.routing",
        starts=("filter: ", "redirect: ", "bcc: ", "prepend: ", "delay: ", "permit: "),
        pattern=rf"[a-z]+: {_STAGE} from {CLIENT}: (?<reply_text>.*){_FROM}{_HELO}{_LOGIN}$",
        services=SMTPD,
        set={"kind": "queue"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.milter-verdict",
        starts=("milter-hold: ", "milter-discard: ", "milter-quarantine: "),
        pattern=rf"milter-(?<_action>[a-z]+): {_STAGE} from {CLIENT}: (?<reply_text>.*?)"
        rf"(?:;(?: from=<(?<sender>.*?)>)?(?: to=<(?<recipient>.*)>)?{_HELO}{_LOGIN})?$",
        services=_SERVICES,
        set={"kind": "reject", "direction": "inbound"},
    ),
)
