"""Exim: messages that arrive and recipients' outcomes (`<= => -> >> *> ** ==`).

Delivery lines are put together by delivery_log() and deferral_log() in deliver.c.
"""

import polars as pl

from .exim_syntax import (
    ADDRESS,
    CLIENT,
    COMMAND,
    HOST,
    TOKEN,
    command_columns,
    login,
    receiving,
    remote_reply,
    seconds,
    transmission,
)
from .rules import Rule


def _arrival(authenticated: str, ident: str, certificate: str) -> str:
    """The pattern of `<=`; S= ends the fields that the client has a say in."""
    return (
        rf"(?<sender>{TOKEN}) "
        rf"(?:(?:DS )?H={CLIENT} |R=[^ ]* |I=\[[^\] ]*\](?::[0-9]+)? |TFO\*? |U={ident} "
        r"|P(?:=[^ ]*|RX=[^ ]*|RDR) |L[-.*]* |X=[^ ]* |CV=[^ ]* "
        rf'|DN="{certificate}" |A=(?<_login>{authenticated}) |K )*'
        rf'S(?:NI=(?:"[^"]*"|[^" ][^ ]*|) (?:A=(?<_login_after>{authenticated}) |P(?:RX=[^ ]*|RDR) |K )*S)?='
        r"(?<size>[0-9]+)"
        r"(?:$| (?:(?:M8S=[0-9]+|DKIM=[^ ]*|ARC|RT=(?<_receiving>[^ ]*)|Q=[^ ]*) )*"
        r"(?:id\*?=(?<message_id>[^ ]*))?)"
    )


_ARRIVED = {
    # Exim prints <> for the null sender.
    "sender": pl.col("sender").replace("<>", ""),
    "direction": pl.when(pl.col("client_ip").is_null())
    .then(pl.lit("local"))
    .otherwise(pl.lit("inbound")),
    "sasl_user": pl.coalesce(login("_login"), login("_login_after")),
    "delays": receiving("_receiving"),
}

# After the recipient: parents (selector all_parents), the original recipient.
_TO = rf"(?<recipient>{TOKEN}) (?:\([^)]*\) )?(?:<(?<orig_recipient>{ADDRESS})> )?"
_ENVELOPE = rf"(?:F=<(?<sender>{ADDRESS})> |P=<{ADDRESS}> |Q=[^ ]* |SRS=<{ADDRESS}> )*"
_PATH = r"(?:R=[^ ]* )?(?:T=(?<service>[^ ]*) )?"
_TLS = r'X=[^ ]*|CV=[^ ]*|DN="[^"]*"|I=\[[^\] ]*\](?::[0-9]+)?|PRX=[^ ]*|TFO\**|DT=(?<_took>[^ ]*)|L\*?|K|A=[^ ]*'
_TOOK = {"delays": transmission("_took")}

_FULL = {
    "recipient": pl.when(pl.col("recipient").str.contains("@", literal=True))
    .then(pl.col("recipient"))
    .otherwise(pl.coalesce("orig_recipient", "recipient")),
    "orig_recipient": pl.when(pl.col("orig_recipient") != pl.col("recipient")).then(
        pl.col("orig_recipient")
    ),
}

# Local deliveries: a pipe's command and a file's name may hold blanks and are followed by the
# address they stand for; any other recipient ends at a blank, a colon or the line's end.
_ANY_TO = (
    rf"(?:(?:[|/>]|save ).*?(?: \([^)]*\))? <(?<_owner>{ADDRESS})>"
    rf"|(?<_to>{TOKEN}?)(?: \([^)]*\))?(?: <(?<_orig>{ADDRESS})>)?)"
)
_ANY_FIELDS = (
    rf"(?: F=<(?<sender>{ADDRESS})>| F=[^ <>:]+| P=<{ADDRESS}>| Q=[^ :]+| R=[^ :]+"
    r"| T=(?<service>\*\*bypassed\*\*|[^ :]+)| S=[0-9]+)*"
)
# A bare local part gives way to the full address beside it.
_RECIPIENT = {
    "recipient": pl.when(pl.col("_to").str.contains("@", literal=True))
    .then(pl.col("_to"))
    .otherwise(pl.coalesce("_orig", "_owner", "_to")),
    "orig_recipient": pl.when(pl.col("_orig") != pl.col("recipient")).then(pl.col("_orig")),
}

_ERROR = r"(?:SMTP|LMTP|PRDR) error (?:from remote mail(?:er| server) )?after "
_REPLY = r"(?<_said>[1-9][0-9]{2}(?:[ -].*)?)$"
# Before 4.87 the host stood in the message.
_OLD_HOST = (
    r"host (?<relay_name>[^ ]+) \[(?<relay_ip>[0-9A-Fa-f:.]+)\](?::(?<relay_port>[0-9]+))?: "
)
_EHLO = (
    r"Remote host closed connection in response to (?:pipelined )?[EHL]{2}LO [^ ]* "
    r"\((?:EHLO|HELO|LHLO) response was: (?<_said>[1-9][0-9]{2}(?:[ -].*)?)\)$"
)
_DEFER = r"(?:routing )?defer \((?:-?[0-9]+)\)(?:: [^:\[]*?)? "
_AGAIN = {"kind": "delivery", "direction": "outbound", "outcome": "deferred"}
_FAILED = {"kind": "delivery", "direction": "outbound", "outcome": "bounced"}
_LOCAL = {"kind": "delivery", "direction": "local"}


RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.received",
        starts=("<= ",),
        pattern=r"<= " + _arrival("[^ ]*", "[^ ]*", '[^"]*'),
        set={"kind": "received", "outcome": "accepted"},
        derive=_ARRIVED,
    ),
    Rule(
        name="exim.sent",
        starts=("=> ", "-> ", ">> "),
        has=(' C="',),
        pattern=r"(?:=>|->|>>) +"
        + _TO
        + _ENVELOPE
        + r"(?:R=[^ ]* )?T=(?<service>[^ ]*) (?:S=[0-9]+ )?"
        + rf"(?:{HOST} )?"
        + r"(?:PRX=[^ ]* |I=\[[^\] ]*\](?::[0-9]+)? |TFO\** |X=[^ ]* |A=[^ ]* |L\*? |PRDR |K "
        + r'|D(?:S|N="[^"]*"|KIM=[^ ]*) )*'
        + r'C(?:V=[^ ]* (?:DN="[^"]*" |DKIM=[^ ]* |A=[^ ]* |L\*? |PRDR |K )*C)?='
        + r'"(?<_said>(?:[^"\\]|\\.)*)"(?: (?:QT=(?<_queued>[^ ]*)|DT=(?<_took>[^ ]*)|(?:[A-CE-PR-Z]|D[A-SU-Z])[A-Z]*=[^ "]*))*$',
        set={"kind": "delivery", "direction": "outbound", "outcome": "sent", "stage": "EOD"},
        derive=_FULL | {"delay": seconds("_queued")} | _TOOK | remote_reply("_said", escaped=True),
    ),
    Rule(
        name="exim.completed",
        starts=("Completed",),
        pattern=r"Completed(?: QT=(?<_queued>[^ ]*))?$",
        set={"kind": "queue", "outcome": "removed"},
        derive={"delay": seconds("_queued")},
    ),
    Rule(
        name="exim.deferred-reply",
        starts=("== ",),
        has=(" error ", "]"),
        pattern=rf"== {_TO}{_ENVELOPE}{_PATH}{_DEFER}{HOST}(?: (?:{_TLS}))* ?: {_ERROR}{COMMAND}{_REPLY}",
        set=_AGAIN,
        derive=command_columns() | _TOOK | remote_reply("_said"),
    ),
    Rule(
        name="exim.bounced-reply",
        starts=("** ",),
        has=(" error ", "]"),
        pattern=rf"\*\* {_TO}{_ENVELOPE}{_PATH}{HOST}(?: (?:{_TLS}))* ?: {_ERROR}{COMMAND}{_REPLY}",
        set=_FAILED,
        derive=command_columns() | _TOOK | remote_reply("_said"),
    ),
    Rule(
        name="exim.sent-no-reply",
        starts=("=> ", "-> ", ">> "),
        has=(" H=",),
        pattern=rf"(?:=>|->|>>) +{_TO}{_ENVELOPE}(?:R=[^ ]* )?T=(?<service>[^ ]*) (?:S=[0-9]+ )?{HOST}"
        rf"(?: (?:{_TLS}|PRDR|DKIM=[^ ]*|DS|QT=(?<_queued>[^ ]*)))*$",
        set={"kind": "delivery", "direction": "outbound", "outcome": "sent"},
        derive={"delay": seconds("_queued")} | _TOOK,
    ),
    Rule(
        name="exim.sent-odd",
        starts=("=> ", "-> ", ">> "),
        has=(' C="',),
        pattern=rf"(?:=>|->|>>) +{_ANY_TO}{_ANY_FIELDS}(?: {HOST})?(?: .*)?"
        r' C="(?<_said>(?:[^"\\]|\\.)*)"(?: (?:QT=(?<_queued>[^ ]*)|DT=(?<_took>[^ ]*)|(?:[A-CE-PR-Z]|D[A-SU-Z])[A-Z]*=[^ "]*))*$',
        set={"kind": "delivery", "direction": "outbound", "outcome": "sent", "stage": "EOD"},
        derive=_RECIPIENT
        | {"delay": seconds("_queued")}
        | _TOOK
        | remote_reply("_said", escaped=True),
    ),
    Rule(
        name="exim.discarded-all",
        starts=("=> blackhole", "=> discarded"),
        pattern=r"=> (?:blackhole|discarded) \((?<reply_text>.*)$",
        set=_LOCAL | {"outcome": "sent"},
        derive={"reply_text": pl.col("reply_text").str.replace(")", "", literal=True)},
    ),
    Rule(
        name="exim.delivered",
        starts=("=> ", "-> ", ">> "),
        pattern=rf"(?:=>|->|>>) +{_ANY_TO}{_ANY_FIELDS}"
        r"(?: .*?)??(?: QT=(?<_queued>[^ ]*))?(?: DT=(?<_took>[^ ]*))?$",
        set=_LOCAL | {"outcome": "sent"},
        derive=_RECIPIENT | {"delay": seconds("_queued")} | _TOOK,
    ),
    Rule(
        name="exim.not-delivered",
        starts=("*> ",),
        pattern=rf"\*> {_ANY_TO}{_ANY_FIELDS}(?: .*)?$",
        set=_LOCAL,
        derive=_RECIPIENT,
    ),
    Rule(
        name="exim.deferred-reply-old",
        starts=("== ",),
        has=(" error ", ": host "),
        pattern=rf"== {_TO}{_ENVELOPE}{_PATH}(?:routing )?defer \(-?[0-9]+\): {_ERROR}{COMMAND}"
        rf"{_OLD_HOST}{_REPLY}",
        set=_AGAIN,
        derive=command_columns() | remote_reply("_said"),
    ),
    Rule(
        name="exim.bounced-reply-old",
        starts=("** ",),
        has=(" error ", ": host "),
        pattern=rf"\*\* {_ANY_TO}{_ANY_FIELDS} ?: {_ERROR}{COMMAND}{_OLD_HOST}{_REPLY}",
        set=_FAILED,
        derive=_RECIPIENT | command_columns() | remote_reply("_said"),
    ),
    Rule(
        name="exim.deferred-lmtp",
        starts=("== ",),
        has=("MTP error ",),
        pattern=rf"== {_TO}{_ENVELOPE}{_PATH}(?:routing )?defer \(-?[0-9]+\): {_ERROR}{COMMAND}{_REPLY}",
        set=_AGAIN,
        derive=command_columns() | remote_reply("_said"),
    ),
    Rule(
        name="exim.bounced-lmtp",
        starts=("** ",),
        has=("MTP error ",),
        pattern=rf"\*\* {_ANY_TO}{_ANY_FIELDS} ?: {_ERROR}{COMMAND}{_REPLY}",
        set=_FAILED,
        derive=_RECIPIENT | command_columns() | remote_reply("_said"),
    ),
    Rule(
        name="exim.deferred-ehlo",
        starts=("== ",),
        has=(" response was: ",),
        pattern=rf"== {_TO}{_ENVELOPE}{_PATH}{_DEFER}{HOST}(?: (?:{_TLS}))* ?: {_EHLO}",
        set=_AGAIN | {"stage": "HELO", "command": "EHLO"},
        derive=_TOOK | remote_reply("_said"),
    ),
    Rule(
        name="exim.bounced-ehlo",
        starts=("** ",),
        has=(" response was: ",),
        pattern=rf"\*\* {_TO}{_ENVELOPE}{_PATH}{HOST}(?: (?:{_TLS}))* ?: {_EHLO}",
        set=_FAILED | {"stage": "HELO", "command": "EHLO"},
        derive=_TOOK | remote_reply("_said"),
    ),
    Rule(
        name="exim.deferred",
        starts=("== ",),
        pattern=rf"== {_ANY_TO}{_ANY_FIELDS}(?: routing)? defer "
        r"\((?:(?:-[0-9]+|0)\)|[0-9]+\)(?:: (?<_errno>[^:=]*?))?)"
        rf"(?: {HOST})?(?: DT=(?<_took>[^ ]*))?(?: ?: (?<_why>.*))?$",
        set=_LOCAL | {"outcome": "deferred"},
        derive=_RECIPIENT
        | _TOOK
        | {
            "reply_text": pl.when(pl.any_horizontal(pl.col("_errno", "_why").is_not_null())).then(
                pl.concat_str("_errno", "_why", separator=": ", ignore_nulls=True)
            )
        },
    ),
    Rule(
        name="exim.crashed-delivery",
        starts=("** Process ", "== Process "),
        pattern=r"[*=]{2} Process .*$",
        set={"kind": "system"},
    ),
    Rule(
        name="exim.bounced",
        starts=("** ",),
        pattern=rf"\*\* {_ANY_TO}{_ANY_FIELDS}(?: {HOST}(?: (?:{_TLS}))*)?(?: ?: (?<reply_text>.*))?$",
        set=_LOCAL | {"outcome": "bounced"},
        derive=_RECIPIENT | _TOOK,
    ),
    Rule(
        name="exim.fakereject",
        starts=("(= ",),
        pattern=r"\(= " + _arrival("[^ ]*", "[^ ]*", '[^"]*'),
        set={"kind": "received", "outcome": "accepted", "stage": "EOD"},
        derive=_ARRIVED,
        implied="exim.fakereject",
    ),
    # Logins and ident answers with blanks in them, certificates with quotes.
    Rule(
        name="exim.received-odd",
        starts=("<= ",),
        pattern=r"<= " + _arrival("[^=]*", "[^=]*", ".*?"),
        set={"kind": "received", "outcome": "accepted"},
        derive=_ARRIVED,
    ),
    Rule(
        name="exim.received-plain",
        starts=("<= ", "(= "),
        pattern=rf"[<(]= (?<sender>{TOKEN})(?: .*)?$",
        set={"kind": "received", "outcome": "accepted"},
        derive={"sender": pl.col("sender").replace("<>", "")},
    ),
)
