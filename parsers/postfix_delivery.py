"""A recipient's outcome (`to=<..>, relay=.., status=..`) and what remote servers said before it.

The hot rules take what nobody can have tampered with: their address fields hold no `>` and no
quote. The others read a quoted local part as a whole, so that `"x>, relay=..."@d` stays an
address; the reply is looked for from the left, as only the remote server can write there.
"""

import polars as pl

from .postfix_parts import ADDRESS, ENHANCED, SERVER, address, delays, reply_or_dsn, stage
from .rules import Rule

# Their remote side speaks SMTP or LMTP. Only here is `host X said:` a reply and no repetition.
CLIENTS = ("smtp", "lmtp")
_DELIVERED = {"kind": "delivery", "outcome": "sent"}
_REMOTE = {"kind": "delivery", "direction": "outbound"}
_TO = r'to=<(?<recipient>[^>"]*)>, (?:orig_to=<(?<orig_recipient>[^>"]*)>, )?'
_RELAY = (
    r"relay=(?<relay_name>[^ ,\[]+)\["
    r"(?:(?<relay_ip>[0-9A-Fa-f:.]+)\]:(?<relay_port>[0-9]+)|[g-zG-Z/_][^\] ]*\]), "
)
_FIGURE = r"[0-9.]+"
_DELAYS = rf"(?<_delays>{_FIGURE}/{_FIGURE}/{_FIGURE}/{_FIGURE})"
_TIMES = rf"(?:conn_use=[0-9]+, )?delay=(?<delay>{_FIGURE}), delays={_DELAYS}, (?:tls=[^ ,]*, )?"
_TRANSPORT = pl.when(pl.col("relay_name") != "none").then(pl.col("relay_name"))
_UNCLOSED = pl.col("reply_text").str.strip_suffix(")")

HOT: tuple[Rule, ...] = (
    Rule(
        name="postfix.sent",
        starts=("to=<",),
        has=(", status=sent (",),
        pattern=rf"{_TO}{_RELAY}{_TIMES}dsn=(?<_dsn>[0-9.]+), status=sent "
        rf"\((?<reply_code>2[0-9]{{2}}) (?:{ENHANCED} (?<reply_text>.*)|(?<_plain>[^0-9].*))$",
        services=CLIENTS,
        set=_REMOTE | {"outcome": "sent", "stage": "EOD", "evidence": "logged"},
        derive={
            "delays": delays(),
            "enhanced_from": pl.when(pl.col("enhanced_code").is_null())
            .then(pl.lit("dsn"))
            .otherwise(pl.lit("reply")),
            "enhanced_code": pl.coalesce("enhanced_code", "_dsn"),
            "reply_text": pl.coalesce("reply_text", "_plain").str.strip_suffix(")"),
        },
    ),
    Rule(
        name="postfix.delivered",
        starts=("to=<",),
        has=(", status=sent (",),
        pattern=rf"{_TO}relay=(?<relay_name>[^ ,\[]+), {_TIMES}dsn={ENHANCED}, status=sent "
        r"\((?<reply_text>.*)$",
        services=("local", "virtual", "pipe"),
        set=_DELIVERED | {"direction": "local", "enhanced_from": "dsn"},
        derive={"delays": delays(), "reply_text": _UNCLOSED, "relay_name": _TRANSPORT},
    ),
)

# Every version's fields: delays= and dsn= since 2.3, tls= since 3.11, no port before 2.3.
_ANY = (
    rf"to=<(?<recipient>{ADDRESS})>, (?:orig_to=<(?<orig_recipient>{ADDRESS})>, )?"
    r"relay=(?<relay_name>[^ ,\[]*)(?:\[(?<relay_ip>[^\] ]*)\])?(?::(?<relay_port>[0-9]+))?, "
    rf"(?:conn_use=[0-9]+, )?delay=(?<delay>{_FIGURE}), (?:delays={_DELAYS}, )?"
    r"(?:[a-ce-rt-z][a-z_]*=[^ ,]*, )*"
    r"(?:dsn=(?<_dsn>[0-9]\.[0-9]{1,3}\.[0-9]{1,3}), )?status=(?<_status>[A-Za-z-]+) "
)
_OUTCOMES = {
    "sent": "sent",
    "deferred": "deferred",
    "SOFTBOUNCE": "deferred",
    "bounced": "bounced",
    "deliverable": "accepted",
    "undeliverable": "rejected",
}
_PROBE = pl.col("_status").is_in(["deliverable", "undeliverable"])
# The same in a log whose angle brackets were lost on its way.
_PLAIN = _ANY.replace(
    rf"to=<(?<recipient>{ADDRESS})>, (?:orig_to=<(?<orig_recipient>{ADDRESS})>, )?",
    r'to=(?<recipient>[^<>", ]*), (?:orig_to=(?<orig_recipient>[^<>", ]*), )?',
)
# What is read off the status and the relay goes before what a rule sets.
_OUTCOME: dict[str, pl.Expr] = {
    "kind": pl.when(_PROBE).then(pl.lit("probe")).otherwise(pl.lit("delivery")),
    "outcome": pl.col("_status").replace_strict(_OUTCOMES, default=None),
    "delays": delays(),
    "relay_name": _TRANSPORT,
    "relay_ip": address("relay_ip"),
}
_NO_REPLY: dict[str, pl.Expr] = {
    "direction": pl.when(pl.col("outcome").is_in(["sent", "accepted"]))
    .then(pl.when(pl.col("relay_ip").is_not_null()).then(pl.lit("outbound")))
    .fill_null("local"),
    "enhanced_code": pl.col("_dsn"),
    "enhanced_from": pl.when(pl.col("_dsn").is_not_null()).then(pl.lit("dsn")),
    "reply_text": _UNCLOSED,
}
# An empty field is a lost one: nothing says that it was empty before.
_NAMED = {"recipient": pl.when(pl.col("recipient") != "").then(pl.col("recipient"))}
_SAID = r"\(host [^ ]+ said: (?<_reply>.*) \(in reply to (?<command>[A-Za-z/ ]+) command\)\)$"
_COMMAND_STAGE = {"stage": stage()}

RULES: tuple[Rule, ...] = (
    # Of one line, with an enhanced code and no parenthesis: the usual case, one-pass.
    Rule(
        name="postfix.said-enhanced",
        starts=("to=<",),
        has=(" said: ",),
        pattern=rf"{_TO}{_RELAY}{_TIMES}dsn=[0-9.]+, status=(?<outcome>bounced|deferred) "
        rf"\(host [^ ]+ said: (?<reply_code>[2-5][0-9]{{2}}) {ENHANCED} (?<reply_text>[^(]*)"
        r"\(in reply to (?<command>[A-Za-z/ ]+) command\)\)$",
        services=CLIENTS,
        set=_REMOTE | {"evidence": "logged", "enhanced_from": "reply"},
        derive={
            "delays": delays(),
            "stage": stage(),
            "reply_text": pl.col("reply_text").str.strip_suffix(" "),
        },
    ),
    Rule(
        name="postfix.said",
        starts=("to=<",),
        has=(" said: ",),
        pattern=_ANY + _SAID,
        services=CLIENTS,
        set=_REMOTE,
        derive=_OUTCOME | _COMMAND_STAGE | reply_or_dsn(closed=True),
    ),
    # Cut by the system logger: which command it was is lost.
    Rule(
        name="postfix.said-cut",
        starts=("to=<",),
        has=(" said: ",),
        pattern=_ANY + r"\(host [^ ]+ said: (?<_reply>.*)$",
        services=CLIENTS,
        set=_REMOTE,
        derive=_OUTCOME | reply_or_dsn(),
    ),
    # The greeting or the answer to EHLO; the line does not say which.
    Rule(
        name="postfix.refused",
        starts=("to=<",),
        has=(" refused to talk to me: ",),
        pattern=_ANY + r"\(host [^ ]+ refused to talk to me: (?<_reply>.*)$",
        services=CLIENTS,
        set=_REMOTE | {"stage": "CONNECT"},
        derive=_OUTCOME | reply_or_dsn(),
    ),
    Rule(
        name="postfix.login-refused",
        starts=("to=<",),
        has=("SASL authentication failed; server ",),
        pattern=_ANY + r"\(SASL authentication failed; server [^ ]+ said: (?<_reply>.*)$",
        services=CLIENTS,
        set=_REMOTE | {"stage": "AUTH", "command": "AUTH"},
        derive=_OUTCOME | reply_or_dsn(),
    ),
    Rule(
        name="postfix.starttls-refused",
        starts=("to=<",),
        has=(" refused to start TLS: ",),
        pattern=_ANY + r"\(TLS is required, but host [^ ]+ refused to start TLS: (?<_reply>.*)$",
        services=CLIENTS,
        set=_REMOTE | {"stage": "STARTTLS", "command": "STARTTLS"},
        derive=_OUTCOME | reply_or_dsn(),
    ),
    # Sent, or found deliverable, with any reply. A local pipe may say `250` too: it has no
    # address in brackets.
    Rule(
        name="postfix.accepted",
        starts=("to=<",),
        has=(" (2",),
        pattern=_ANY.replace(r"(?:\[(?<relay_ip>[^\] ]*)\])?", r"\[(?<relay_ip>[^\] ]*)\]")
        + r"\((?<_reply>2[0-9]{2}(?:[ -].*|\)))$",
        services=CLIENTS,
        set=_REMOTE,
        derive=_OUTCOME | reply_or_dsn(),
    ),
    # Everything without a reply of its own: mailboxes, pipes, connection trouble, the error
    # transport, and replies repeated by it (`delivery temporarily suspended: host .. said: ..`).
    Rule(
        name="postfix.delivery",
        starts=("to=<",),
        pattern=_ANY + r"\((?<reply_text>.*)$",
        set={"kind": "delivery"},
        derive=_OUTCOME | _NO_REPLY,
    ),
    Rule(
        name="postfix.said-unbracketed",
        starts=("to=",),
        has=(" said: ",),
        pattern=_PLAIN + _SAID,
        services=CLIENTS,
        set=_REMOTE,
        derive=_OUTCOME | _COMMAND_STAGE | _NAMED | reply_or_dsn(closed=True),
    ),
    Rule(
        name="postfix.accepted-unbracketed",
        starts=("to=",),
        has=(" (2",),
        pattern=_PLAIN + r"\((?<_reply>2[0-9]{2}(?:[ -].*|\)))$",
        services=CLIENTS,
        set=_REMOTE,
        derive=_OUTCOME | _NAMED | reply_or_dsn(),
    ),
    Rule(
        name="postfix.delivery-unbracketed",
        starts=("to=",),
        pattern=_PLAIN + r"\((?<reply_text>.*)$",
        set={"kind": "delivery"},
        derive=_OUTCOME | _NAMED | _NO_REPLY,
    ),
    # Without a recipient: the next server is tried, the recipient's line comes later.
    Rule(
        name="postfix.attempt-said",
        starts=("host ",),
        has=(" said: ",),
        pattern=rf"host {SERVER} said: (?<reply>.*) "
        r"\(in reply to (?<command>[A-Za-z/ ]+) command\)$",
        services=CLIENTS,
        set={"kind": "attempt", "direction": "outbound"},
        derive=_COMMAND_STAGE | {"relay_ip": address("relay_ip")},
    ),
    Rule(
        name="postfix.attempt-said-cut",
        starts=("host ",),
        has=(" said: ",),
        pattern=rf"host {SERVER} said: (?<reply>.*)$",
        services=CLIENTS,
        set={"kind": "attempt", "direction": "outbound"},
        derive={"relay_ip": address("relay_ip")},
    ),
    Rule(
        name="postfix.attempt-refused",
        starts=("host ",),
        has=(" refused to talk to me: ",),
        pattern=rf"host {SERVER} refused to talk to me: (?<reply>.*)$",
        services=CLIENTS,
        set={"kind": "attempt", "direction": "outbound", "stage": "CONNECT"},
        derive={"relay_ip": address("relay_ip")},
    ),
    Rule(
        name="postfix.attempt-login",
        starts=("SASL authentication failed; server ",),
        pattern=rf"SASL authentication failed; server {SERVER} said: (?<reply>.*)$",
        services=CLIENTS,
        set={"kind": "attempt", "direction": "outbound", "stage": "AUTH", "command": "AUTH"},
        derive={"relay_ip": address("relay_ip")},
    ),
    Rule(
        name="postfix.attempt-starttls",
        starts=("TLS is required, but host ",),
        pattern=rf"TLS is required, but host {SERVER} refused to start TLS: (?<reply>.*)$",
        services=CLIENTS,
        set={
            "kind": "attempt",
            "direction": "outbound",
            "stage": "STARTTLS",
            "command": "STARTTLS",
        },
        derive={"relay_ip": address("relay_ip")},
    ),
)
