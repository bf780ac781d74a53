"""Exim: what its SMTP server itself refuses, before or beside any ACL (smtp_in.c, receive.c).

None of these lines prints the reply; implied_exim.py says which one each proves.
"""

import polars as pl

from .exim_syntax import ADDRESS, CLIENT, CLIENT_REST
from .rules import Rule
from .smtp_reply import stage_of

_REJECT = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_FROM = rf"{CLIENT}{CLIENT_REST}"
_PEER = rf"(?:H={_FROM}|U=[^ ]*)"
_MAIL = {"stage": "MAIL", "command": "MAIL FROM"}
_EOD = {"stage": "EOD", "command": "end of data"}
_RCPT = {"stage": "RCPT", "command": "RCPT TO"}
_CONNECT = {"stage": "CONNECT"}

# The client's command may say anything, so it ends at the last `" H=...` of the line.
_ERROR = rf'SMTP (?:syntax|protocol) error in "(?<_said>.*)" {_PEER} '
_WORD = pl.col("_said").str.to_uppercase().str.extract(r"^ *([A-Z]{3,10})(?:[^A-Z0-9]|$)", 1)
_COMMAND = {
    "command": _WORD.replace({"MAIL": "MAIL FROM", "RCPT": "RCPT TO"}),
    "stage": stage_of(_WORD),
}


def _error(
    name: str,
    implied: str | None,
    text: str,
    *has: str,
    kinds: tuple[str, ...] = ("syntax", "protocol"),
) -> Rule:
    return Rule(
        name=f"exim.{name}",
        starts=tuple(f"SMTP {kind} error in " for kind in kinds),
        has=has,
        pattern=rf"{_ERROR}(?<reply_text>{text})$",
        set=_REJECT if implied else {"kind": "session", "direction": "inbound"},
        derive=_COMMAND,
        implied=implied,
    )


_ERRORS = (
    _error("unknown-command", "exim.unknown-command", r"unrecognized command", "unrecognized"),
    _error(
        "sequence",
        "exim.sequence",
        r"AUTH command used when not advertised|already authenticated"
        r"|not permitted in mail transaction|sender (?:already|not yet) given"
        r"|(?:STARTTLS|BDAT) command used when .* ?not advertised"
        r"|(?:valid RCPT|MAIL FROM:<sender>|RCPT TO:<recipient>) (?:command )?must precede [A-Z]+"
        r"|only BDAT permissible after non-LAST BDAT|only RSET accepted now"
        r"|(?:ETRN|ATRN) is not permitted inside a transaction",
    ),
    _error(
        "unsupported",
        "exim.unsupported",
        r"[^ ]* authentication mechanism not supported|zero size for BDAT command",
        " ",
    ),
    # Logged a second time, beside the line of exim.sync.
    _error("sync-again", None, r"SMTP synchronization error", "SMTP synchronization error"),
    _error("syntax", "exim.syntax", r".*", kinds=("syntax",)),
    _error(
        "bad-argument",
        "exim.syntax",
        r"MAIL must have an address operand|missing size for BDAT command",
        kinds=("protocol",),
    ),
    _error("protocol", None, r".*", kinds=("protocol",)),
)

# The wording up to Exim 4.5x had `violation: ` in it.
_SYNC = r"SMTP protocol (?<reply_text>(?:violation: )?synchronization error) "

RULES: tuple[Rule, ...] = (
    *_ERRORS,
    Rule(
        name="exim.no-helo",
        starts=("rejected MAIL from ",),
        pattern=rf"rejected MAIL from {_FROM}: (?<reply_text>no HELO/EHLO given)$",
        set=_REJECT | _MAIL,
        implied="exim.no-helo",
    ),
    Rule(
        name="exim.helo-syntax",
        starts=("rejected EHLO from ", "rejected HELO from "),
        pattern=rf"rejected (?<command>EHLO|HELO) from {_FROM}: "
        r"(?<reply_text>syntactically invalid argument\(s\)): (?:\(no argument given\)|(?<_said>.*))$",
        set=_REJECT | {"stage": "HELO"},
        derive={"helo": pl.coalesce("_said", "helo")},
        implied="exim.helo-syntax",
    ),
    *(
        Rule(
            name=f"exim.{name}",
            starts=(f'{word}rejected "EHLO ', f'{word}rejected "HELO '),
            pattern=rf'{word}rejected "(?<command>EHLO|HELO) (?<_said>[^ ]*)" from {_FROM}$',
            set=_REJECT | {"stage": "HELO"},
            derive={"helo": pl.col("_said")},
            implied=f"exim.{name}",
        )
        for word, name in (("", "helo-mismatch"), ("temporarily ", "helo-mismatch-deferred"))
    ),
    Rule(
        name="exim.too-big-mail",
        starts=("rejected MAIL FROM:<",),
        pattern=rf"rejected MAIL FROM:<(?<sender>{ADDRESS})> {_PEER}: "
        r"(?<reply_text>message too big: size>?=(?<size>[0-9]+) max=[0-9]+)$",
        set=_REJECT | _MAIL,
        implied="exim.too-big",
    ),
    Rule(
        name="exim.too-many-messages",
        starts=("rejected MAIL command ",),
        pattern=rf"rejected MAIL command {_PEER}: (?<reply_text>too many messages in one connection)$",
        set=_REJECT | _MAIL,
        implied="exim.too-many-messages",
    ),
    Rule(
        name="exim.too-big",
        starts=("rejected from <",),
        has=(": message too big: ",),
        pattern=rf"rejected from <(?<sender>{ADDRESS})>(?: {_PEER})?(?: U=[^ ]*)?: "
        r"(?<reply_text>message too big: read=(?<size>[0-9]+) max=[0-9]+)$",
        set=_REJECT | _EOD,
        implied="exim.too-big",
    ),
    Rule(
        name="exim.mail-loop",
        starts=("rejected from <",),
        pattern=rf"rejected from <(?<sender>{ADDRESS})>(?: {_PEER})?(?: U=[^ ]*)?: "
        r'(?<reply_text>Too many "Received" headers.*)$',
        set=_REJECT | _EOD,
        implied="exim.mail-loop",
    ),
    Rule(
        name="exim.header-line-end",
        starts=("rejected from <",),
        pattern=rf"rejected from <(?<sender>{ADDRESS})>(?: {_PEER})?(?: U=[^ ]*)?: "
        r"(?<reply_text>Non-CRLF-terminated header.*)$",
        set=_REJECT | _EOD,
        implied="exim.header-line-end",
    ),
    Rule(
        name="exim.header-too-big",
        starts=("ridiculously long message header ", "overlong message header line "),
        pattern=rf"(?<reply_text>[a-z]+ (?:long )?message header(?: line)?) received from (?:{_FROM}|[^ ]+) "
        r"\(more than [0-9]+ characters\): message abandoned$",
        set=_REJECT | _EOD,
        implied="exim.header-too-big",
    ),
    *(
        Rule(
            name=f"exim.{name}",
            starts=(f"too many recipients: {word}",),
            pattern=rf"(?<reply_text>too many recipients: {word}): sender=<(?<sender>{ADDRESS})> {_PEER}$",
            set=_REJECT | _RCPT,
            implied=f"exim.{name}",
        )
        for word, name in (
            ("excess temporarily rejected", "too-many-rcpt-deferred"),
            ("message rejected", "too-many-rcpt"),
        )
    ),
    *(
        Rule(
            name=f"exim.unqualified-{what}",
            starts=(f"unqualified {what} rejected: ",),
            pattern=rf"(?<reply_text>unqualified {what} rejected): <(?<{column}>.*)> {_PEER}(?: \([^)]*\))?$",
            set=_REJECT | columns,
            implied="exim.unqualified",
        )
        for what, column, columns in (
            ("sender", "sender", _MAIL),
            ("recipient", "recipient", _RCPT),
            ("verify", "recipient", {"stage": "VRFY", "command": "VRFY"}),
        )
    ),
    Rule(
        name="exim.vrfy-failed",
        starts=("VRFY failed for ",),
        pattern=rf"VRFY failed for <?(?<recipient>.*?)>? {_PEER}$",
        set=_REJECT | {"stage": "VRFY", "command": "VRFY"},
        implied="exim.vrfy-failed",
    ),
    Rule(
        name="exim.sync",
        starts=("SMTP protocol ",),
        has=("synchronization error (next input",),
        pattern=rf"{_SYNC}\(next input sent too soon: pipelining was(?: not)? advertised\): "
        rf'rejected "(?<_said>.*)" {_PEER} next input=.*$',
        set=_REJECT,
        derive=_COMMAND,
        implied="exim.sync",
    ),
    Rule(
        name="exim.sync-connect",
        starts=("SMTP protocol ",),
        has=("synchronization error (input sent",),
        pattern=rf"{_SYNC}\(input sent without waiting for greeting\): "
        rf"rejected connection from (?:H=)?{_FROM}(?: input=.*)?$",
        set=_REJECT | _CONNECT,
        implied="exim.sync",
    ),
    # Per-recipient replies after the data, where the ACL has no words of its own (receive.c).
    *(
        Rule(
            name=f"exim.{name}",
            starts=("PRDR R=<",),
            has=(f"> {what}",),
            pattern=rf"PRDR R=<(?<recipient>{ADDRESS})> (?<reply_text>{what})$",
            set=_REJECT | _EOD,
            implied=f"exim.{name}",
        )
        for what, name in (("temporary refusal", "deferred-prdr"), ("refusal", "rejected-prdr"))
    ),
    # The reply that ended the call is the one of the error line before, where that is logged.
    Rule(
        name="exim.dropped-errors",
        starts=("SMTP call from ",),
        has=(" dropped: too many ",),
        pattern=rf"SMTP call from (?:{_FROM}|[^ ]+) dropped: "
        r"(?<reply_text>too many (?:unrecognized commands|syntax or protocol errors)) ?(?:\(.*)?$",
        set={"kind": "session", "direction": "inbound"},
    ),
    Rule(
        name="exim.dropped-nonmail",
        starts=("SMTP call from ",),
        has=(" dropped: too many nonmail commands",),
        pattern=rf"SMTP call from (?:{_FROM}|[^ ]+) dropped: (?<reply_text>too many nonmail commands)"
        r'(?: \(last was "(?<_said>.*)"\))?$',
        set=_REJECT,
        derive=_COMMAND,
        implied="exim.dropped-nonmail",
    ),
    Rule(
        name="exim.connection-refused",
        starts=("Connection from ",),
        has=(" refused: ",),
        pattern=rf"Connection from {_FROM} refused: (?<reply_text>.*)$",
        set=_REJECT | _CONNECT,
        implied="exim.connection-refused",
    ),
    Rule(
        name="exim.host-refused",
        starts=("refused connection from ",),
        pattern=rf"refused connection from {_FROM} \((?<reply_text>.*)\)$",
        set=_REJECT | _CONNECT,
        implied="exim.host-refused",
    ),
    Rule(
        name="exim.ip-options",
        starts=("connection from ",),
        pattern=rf"connection from {_FROM} refused \((?<reply_text>IP options)\)$",
        set=_REJECT | _CONNECT,
        implied="exim.host-refused",
    ),
    Rule(
        name="exim.host-deferred",
        starts=("temporarily refused connection from ",),
        has=("(tcp wrappers",),
        pattern=rf"temporarily refused connection from {_FROM} \((?<reply_text>tcp wrappers.*)\)$",
        set=_REJECT | _CONNECT,
        implied="exim.host-deferred",
    ),
    Rule(
        name="exim.host-busy",
        starts=("temporarily refused connection from ",),
        pattern=rf"temporarily refused connection from {_FROM}: (?<reply_text>not in reserve list.*)$",
        set=_REJECT | _CONNECT,
        implied="exim.connection-refused",
    ),
)
