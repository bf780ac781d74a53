"""What smtpd says of clients that do wrong: failed logins, broken syntax, too much of anything.

Few of these lines print the reply; the one that follows from each is in implied_postfix.py.
"""

import polars as pl

from .postfix_parts import CLIENT, CLIENT_KNOWN, CLIENT_SAYS, stage
from .postfix_smtpd import SMTPD
from .rules import Rule

_SESSION = {"kind": "session", "direction": "inbound"}
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_SASL_USER = r"(?:, sasl_username=(?<sasl_user>.*))?$"
_LOGIN_FAILED = {
    "kind": "auth",
    "direction": "inbound",
    "stage": "AUTH",
    "command": "AUTH",
    "outcome": "rejected",
}
_LOGIN_KNOWN = CLIENT_KNOWN | {
    "sasl_user": pl.when(pl.col("sasl_user") != "(unavailable)").then(pl.col("sasl_user"))
}

RULES: tuple[Rule, ...] = (
    Rule(
        name="postfix.login-unavailable",
        starts=("warning: ",),
        has=(" authentication failed: Connection lost to authentication server",),
        pattern=rf"warning: {CLIENT_SAYS}SASL [^ ]+ authentication failed: "
        rf"(?<reply_text>Connection lost to authentication server){_SASL_USER}",
        services=SMTPD,
        set=_LOGIN_FAILED,
        derive=_LOGIN_KNOWN,
        implied="postfix.auth-temporary",
    ),
    Rule(
        name="postfix.login-failed",
        starts=("warning: ",),
        has=(" authentication failed: ",),
        pattern=rf"warning: {CLIENT_SAYS}SASL [^ ]+ authentication failed: "
        rf"(?<reply_text>.*?){_SASL_USER}",
        services=SMTPD,
        set=_LOGIN_FAILED,
        derive=_LOGIN_KNOWN,
        implied="postfix.auth-failed",
    ),
    Rule(
        name="postfix.login-aborted",
        starts=("warning: ",),
        has=(" authentication aborted",),
        pattern=rf"warning: {CLIENT_SAYS}SASL [^ ]+ authentication aborted$",
        services=SMTPD,
        set=_LOGIN_FAILED,
        derive=CLIENT_KNOWN,
        implied="postfix.auth-aborted",
    ),
    # What the SASL library says besides; the line with the client follows.
    Rule(
        name="postfix.sasl-library",
        starts=("warning: SASL authentication failure: ", "warning: SASL authentication problem: "),
        services=SMTPD,
        ignore=True,
    ),
    Rule(
        name="postfix.non-smtp-command",
        starts=("warning: non-SMTP command from ",),
        pattern=rf"warning: non-SMTP command from {CLIENT_SAYS}(?<command>[A-Za-z]{{1,20}})?.*$",
        services=SMTPD,
        set=_SESSION | {"stage": "OTHER"},
        derive=CLIENT_KNOWN,
        implied="postfix.non-smtp-command",
    ),
    Rule(
        name="postfix.pipelining",
        starts=("improper command pipelining after ",),
        pattern=rf"improper command pipelining after (?<command>[A-Z-]+) (?:content )?"
        rf"from {CLIENT}(?::.*)?$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN | {"stage": stage()},
    ),
    Rule(
        name="postfix.address-syntax",
        starts=("warning: Illegal address syntax from ",),
        pattern=rf"warning: Illegal address syntax from {CLIENT} in "
        r"(?<command>[A-Z]+) command: .*$",
        services=SMTPD,
        set=_REJECTED,
        derive=CLIENT_KNOWN | {"stage": stage()},
        implied="postfix.address-syntax",
    ),
    # The domain is the client's: the peer stands at the end, whatever comes before.
    Rule(
        name="postfix.etrn-refused",
        starts=("warning: reject: ETRN ",),
        pattern=rf"warning: reject: ETRN .*\.\.\. from {CLIENT}$",
        services=SMTPD,
        set=_REJECTED | {"stage": "ETRN", "command": "ETRN"},
        derive=CLIENT_KNOWN,
        implied="postfix.etrn-refused",
    ),
    Rule(
        name="postfix.etrn-bad",
        starts=("warning: bad ETRN ",),
        pattern=rf"warning: bad ETRN .*\.\.\. from {CLIENT}$",
        services=SMTPD,
        set=_REJECTED | {"stage": "ETRN", "command": "ETRN"},
        derive=CLIENT_KNOWN,
        implied="postfix.etrn-bad",
    ),
    Rule(
        name="postfix.connection-limit",
        starts=(
            "warning: Connection concurrency limit exceeded: ",
            "warning: Connection rate limit exceeded: ",
        ),
        pattern=rf"warning: Connection [a-z]+ limit exceeded: [0-9]+ from {CLIENT} for service .*$",
        services=SMTPD,
        set=_REJECTED | {"stage": "CONNECT"},
        derive=CLIENT_KNOWN,
        implied="postfix.too-many-connections",
    ),
    Rule(
        name="postfix.rate-limit",
        starts=(
            "warning: Message delivery request rate limit exceeded: ",
            "warning: Recipient address rate limit exceeded: ",
            "warning: AUTH command rate limit exceeded: ",
        ),
        pattern=r"warning: (?<_what>Message|Recipient|AUTH)[a-z ]+ rate limit exceeded: [0-9]+ "
        rf"from {CLIENT} for service .*$",
        services=SMTPD,
        set=_REJECTED,
        derive=CLIENT_KNOWN
        | {
            "command": pl.col("_what").replace({"Message": "MAIL", "Recipient": "RCPT"}),
            "stage": stage(),
        },
        implied="postfix.too-much-mail",
    ),
    Rule(
        name="postfix.tls-rate-limit",
        starts=("warning: New TLS session rate limit exceeded: ",),
        pattern=r"warning: New TLS session rate limit exceeded: [0-9]+ "
        rf"from {CLIENT} for service .*$",
        services=SMTPD,
        set=_REJECTED | {"stage": "STARTTLS", "command": "STARTTLS"},
        derive=CLIENT_KNOWN,
        implied="postfix.too-many-tls-sessions",
    ),
    Rule(
        name="postfix.message-too-big",
        starts=("warning: ",),
        has=(": queue file size limit exceeded",),
        pattern=r"warning: (?:(?<queue_id>[0-9A-Za-z]{6,25})|NOQUEUE): queue file size limit "
        r"exceeded$",
        services=("smtpd",),
        set=_REJECTED | {"stage": "EOD"},
        implied="postfix.message-too-big",
    ),
)
