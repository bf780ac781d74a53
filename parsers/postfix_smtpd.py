"""Lines of smtpd about a client's session: connect, TLS, login, message accepted, leave-taking."""

import polars as pl

from .postfix_counters import last_unknown, refusals
from .postfix_parts import CLIENT, CLIENT_KNOWN, CLIENT_SAYS, address, known, stage
from .rules import Rule

SMTPD = ("smtpd", "qmqpd")
_SESSION = {"kind": "session", "direction": "inbound"}
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
# The last command; `DATA content` and a number of bytes where the message itself was cut.
_WHERE = r"(?<command>[A-Z-]+) (?:content )?(?:\([0-9]+ bytes\) )?"
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

HOT: tuple[Rule, ...] = (
    Rule(
        name="postfix.connect",
        starts=("connect from ",),
        pattern=rf"connect from {CLIENT}$",
        services=SMTPD,
        set=_SESSION | {"stage": "CONNECT"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.disconnect-refused",
        starts=("disconnect from ",),
        has=("=0/",),
        pattern=rf"disconnect from {CLIENT}(?<_counters>(?: [a-z]+=[0-9]+(?:/[0-9]+)?)+)$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN,
        expand=refusals,
    ),
    Rule(
        name="postfix.disconnect",
        starts=("disconnect from ",),
        pattern=rf"disconnect from {CLIENT}(?: [a-z]+=[0-9]+(?:/[0-9]+)?)*$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN,
    ),
    # The message is not accepted yet: data may still be refused.
    Rule(
        name="postfix.client",
        starts=("client=",),
        pattern=rf"client={CLIENT}"
        r"(?:, sasl_method=[^ ,]*, sasl_username=(?<sasl_user>[^,]*))?$",
        services=SMTPD,
        set={"kind": "received", "direction": "inbound"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.tls-established",
        starts=("Anonymous TLS ", "Untrusted TLS ", "Trusted TLS ", "Verified TLS "),
        pattern=rf"[A-Z][a-z]+ TLS connection established from {CLIENT_SAYS}[!-~]+ with cipher ",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive=CLIENT_KNOWN,
    ),
)

RULES: tuple[Rule, ...] = (
    # Fields after the login name are found from the line's end: a login may be `x, relay=..`.
    Rule(
        name="postfix.client-more",
        starts=("client=",),
        pattern=rf"client={CLIENT}"
        r"(?:, sasl_method=[^ ,]*)?(?:, sasl_username=(?<sasl_user>.*?))?"
        r"(?:, sasl_sender=[^ ]*)?(?:, orig_queue_id=[0-9A-Za-z]+)?(?:, orig_client=[^ ]+)?$",
        services=SMTPD,
        set={"kind": "received", "direction": "inbound"},
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.lost-after-unknown",
        starts=("lost connection after UNKNOWN from ",),
        pattern=rf"lost connection after (?<command>UNKNOWN) from {CLIENT}$",
        services=SMTPD,
        set=_SESSION | {"stage": "OTHER"},
        derive=CLIENT_KNOWN,
        expand=last_unknown,
    ),
    Rule(
        name="postfix.lost-connection",
        starts=("lost connection after ",),
        pattern=rf"lost connection after {_WHERE}from {CLIENT}$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN | {"stage": stage()},
    ),
    Rule(
        name="postfix.timeout-after-unknown",
        starts=("timeout after UNKNOWN from ",),
        pattern=rf"timeout after (?<command>UNKNOWN) from {CLIENT}$",
        services=SMTPD,
        set=_SESSION | {"stage": "OTHER"},
        derive=CLIENT_KNOWN,
        implied="postfix.timeout",
        expand=last_unknown,
    ),
    Rule(
        name="postfix.timeout",
        starts=("timeout after ",),
        pattern=rf"timeout after {_WHERE}from {CLIENT}$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN | {"stage": stage()},
        implied="postfix.timeout",
    ),
    Rule(
        name="postfix.errors-after-unknown",
        starts=("too many errors after UNKNOWN from ",),
        pattern=rf"too many errors after (?<command>UNKNOWN) from {CLIENT}$",
        services=SMTPD,
        set=_REJECTED | {"stage": "OTHER"},
        derive=CLIENT_KNOWN,
        implied="postfix.too-many-errors",
        expand=last_unknown,
    ),
    Rule(
        name="postfix.too-many-errors",
        starts=("too many errors after ",),
        pattern=rf"too many errors after {_WHERE}from {CLIENT}$",
        services=SMTPD,
        set=_REJECTED,
        derive=CLIENT_KNOWN | {"stage": stage()},
        implied="postfix.too-many-errors",
    ),
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
        pattern=rf"improper command pipelining after {_WHERE}from {CLIENT}(?:: .*)?$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN | {"stage": stage()},
    ),
    Rule(
        name="postfix.address-syntax",
        starts=("warning: Illegal address syntax from ",),
        pattern=rf"warning: Illegal address syntax from {CLIENT} in (?<command>[A-Z]+) command: .*$",
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
    Rule(
        name="postfix.hostname-mismatch",
        starts=("warning: hostname ",),
        pattern=r"warning: (?<reply_text>hostname (?<client_name>[^ ]+) does not resolve to address "
        r"(?<client_ip>[^ ]+?)(?:: .*)?)$",
        set={"kind": "system"},
        derive={"client_ip": address("client_ip")},
    ),
    Rule(
        name="postfix.tls-accept",
        starts=("SSL_accept error from ", "SSL_accept:error in ", "TLS SNI ", "setting up TLS "),
        pattern=rf"(?:SSL_accept error from {CLIENT}(?:: .*)?|SSL_accept:error in .*"
        rf"|setting up TLS connection from (?<_name>[^ \[]+)\[(?<_ip>[^\] ]+)\](?::[0-9]+)?"
        r"|TLS SNI .*)$",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive={
            "client_name": pl.coalesce(known("client_name"), known("_name")),
            "client_ip": pl.coalesce(known("client_ip"), known("_ip")),
        },
    ),
    # Postfix 2.2 to 2.4.
    Rule(
        name="postfix.tls-established-old",
        starts=("TLS connection established from ",),
        pattern=rf"TLS connection established from {CLIENT_SAYS}[!-~]+ with cipher .*$",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive=CLIENT_KNOWN,
    ),
    # smtpd_tls_loglevel, smtpd_command_filter, smtpd_discard_ehlo_keywords and the like.
    Rule(
        name="postfix.client-note",
        pattern=rf"{CLIENT_SAYS}(?:replacing command |Trusted: |Untrusted: |Verified: |fingerprint="
        r"|subject_CN=|re-using session |save session |certificate ).*$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN,
    ),
    Rule(
        name="postfix.session-note",
        starts=("mapping DSN status ", "discarding EHLO keywords: ", "disconnect: "),
        ignore=True,
    ),
    # The dialogue with smtpd -v or debug_peer_list: every refusal has its own line besides.
    Rule(
        name="postfix.dialogue",
        starts=("< ", "> "),
        pattern=rf"[<>] {CLIENT_SAYS}(?<reply_text>.*)$",
        services=SMTPD,
        set=_SESSION,
        derive=CLIENT_KNOWN,
    ),
)
