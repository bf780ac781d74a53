"""Lines of smtpd about a client's session: connect, TLS, login, message accepted, leave-taking."""

import polars as pl

from .postfix_counters import TELLING, last_unknown, refusals
from .postfix_parts import CLIENT, CLIENT_KNOWN, CLIENT_SAYS, address, known, stage
from .rules import Rule

SMTPD = ("smtpd", "qmqpd")
_SESSION = {"kind": "session", "direction": "inbound"}
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
# The last command; `DATA content` and a number of bytes where the message itself was cut.
_WHERE = r"(?<command>[A-Z-]+) (?:content )?(?:\([0-9]+ bytes\) )?"

HOT: tuple[Rule, ...] = (
    Rule(
        name="postfix.connect",
        starts=("connect from ",),
        pattern=rf"connect from {CLIENT}$",
        services=SMTPD,
        set=_SESSION | {"stage": "CONNECT"},
        derive=CLIENT_KNOWN,
        certain=True,
    ),
    Rule(
        name="postfix.disconnect-refused",
        starts=("disconnect from ",),
        has_any=TELLING,
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
        certain=True,
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
    # `to` and the name that the client asked for (SNI), where there are certificates by name.
    Rule(
        name="postfix.tls-established",
        starts=("Anonymous TLS ", "Untrusted TLS ", "Trusted TLS ", "Verified TLS "),
        pattern=rf"(?<reply_text>[A-Z][a-z]+ TLS connection established from {CLIENT}(?: to [^ :]+)?: "
        r"[!-~]+ with cipher .*)$",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive=CLIENT_KNOWN,
        certain=True,
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
        pattern=rf"lost connection after UNKNOWN from {CLIENT}$",
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
        pattern=rf"timeout after UNKNOWN from {CLIENT}$",
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
        pattern=rf"too many errors after UNKNOWN from {CLIENT}$",
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
        name="postfix.hostname-mismatch",
        starts=("warning: hostname ",),
        pattern=r"(?<reply_text>warning: hostname (?<client_name>[^ ]+) does not resolve to "
        r"address (?<client_ip>[^ ]+?)(?:: .*)?)$",
        set={"kind": "system"},
        derive={"client_ip": address("client_ip")},
    ),
    Rule(
        name="postfix.tls-accept",
        starts=("SSL_accept error from ", "SSL_accept:error in ", "TLS SNI ", "setting up TLS "),
        pattern=rf"(?<reply_text>SSL_accept error from {CLIENT}(?:: .*)?|SSL_accept:error in .*"
        rf"|setting up TLS connection from (?<_name>[^ \[]+)\[(?<_ip>[^\] ]+)\](?::[0-9]+)?"
        r"|TLS SNI .*)$",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive={
            "client_name": pl.coalesce(known("client_name"), known("_name")),
            "client_ip": pl.coalesce(known("client_ip"), known("_ip")),
        },
    ),
    # 421 to the next command, if there is one: no line says so.
    Rule(
        name="postfix.tls-abort",
        starts=("abort: TLS from ",),
        pattern=rf"abort: TLS from {CLIENT_SAYS}(?<reply_text>.*)$",
        services=SMTPD,
        set=_REJECTED | {"stage": "STARTTLS"},
        derive=CLIENT_KNOWN,
    ),
    # Postfix 2.2 to 2.4.
    Rule(
        name="postfix.tls-established-old",
        starts=("TLS connection established from ",),
        pattern=rf"(?<reply_text>TLS connection established from {CLIENT_SAYS}[!-~]+ with cipher .*)$",
        services=SMTPD,
        set=_SESSION | {"stage": "STARTTLS"},
        derive=CLIENT_KNOWN,
    ),
    # smtpd_tls_loglevel, smtpd_command_filter, smtpd_discard_ehlo_keywords and the like.
    Rule(
        name="postfix.client-note",
        pattern=rf"{CLIENT_SAYS}(?:replacing command |Trusted: |Untrusted: |Verified: |fingerprint="
        r"|subject_CN=|re-using session |save session |certificate |TLS |(?:Issu|Decrypt)ing session "
        r"|[Rr]eusing (?:old )?session|depth=).*$",
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
