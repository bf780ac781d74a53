"""Exim: connections, logins, TLS and ACL warnings - what happened without refusing a command."""

import polars as pl

from .exim_syntax import ADDRESS, CLIENT, CLIENT_FIELDS, CLIENT_REST, IP
from .rules import Rule

_INBOUND = {"kind": "session", "direction": "inbound"}
_FROM = rf"{CLIENT}{CLIENT_REST}"
_WHO = rf"(?:{_FROM}|[^ ]+)"

RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.auth-failed",
        has=(" authenticator failed for ",),
        pattern=rf"[^ ]+ authenticator failed for (?:H=)?{_WHO}: "
        r"(?<reply>[45][0-9]{2} [A-Za-z0-9][A-Za-z0-9 -]*?)"
        # 535 ends with the login; a 435 is followed by the reason.
        r"(?: \(set_id=(?:(?<sasl_user>.*)\)|(?<_deferred>.*?)\): .*))?$",
        set={"kind": "auth", "direction": "inbound", "outcome": "rejected"}
        | {"stage": "AUTH", "command": "AUTH"},
        derive={"sasl_user": pl.coalesce("sasl_user", "_deferred")},
    ),
    Rule(
        name="exim.auth-failed-odd",
        has=(" authenticator failed for ",),
        pattern=rf"[^ ]+ authenticator failed for (?:{_FROM}|(?:[^:]|:[^ ])*): "
        r"(?<reply>[45][0-9]{2} .*)$",
        set={"kind": "auth", "direction": "inbound", "outcome": "rejected"}
        | {"stage": "AUTH", "command": "AUTH"},
    ),
    Rule(
        name="exim.disconnected",
        starts=("unexpected disconnection ", "unexpected EOF "),
        pattern=r"(?<reply_text>unexpected (?:disconnection|EOF) while reading SMTP command) from "
        rf"(?:TFO\*? )?{_WHO}(?: TFO\*?)?(?: \(error: [^)]*\))?(?: D=[^ ]*)?$",
        set=_INBOUND,
    ),
    Rule(
        name="exim.signal",
        starts=("SMTP connection from ",),
        has=(" closed ",),
        pattern=rf"SMTP connection from {_FROM}(?: \(via inetd\))?(?: D=[^ ]*)? "
        r"(?<reply_text>closed (?:after )?SIG(?:TERM|INT))(?: D=[^ ]*)?$",
        set=_INBOUND,
        implied="exim.signal",
    ),
    Rule(
        name="exim.connection-end",
        starts=("SMTP connection from ",),
        pattern=rf"SMTP connection from {_WHO}(?: \(via inetd\))?(?: D=[^ ]*)? "
        r"(?<reply_text>(?:closed by|(?:TFO\*? )?lost|D=[^ ]* closed).*)$",
        set=_INBOUND,
    ),
    Rule(
        name="exim.connection",
        starts=("SMTP connection from ",),
        pattern=rf"SMTP connection from {_WHO}(?: \([^)]*\))?$",
        set=_INBOUND | {"stage": "CONNECT"},
    ),
    Rule(
        name="exim.command-timeout",
        starts=("SMTP command timeout on ",),
        pattern=rf"(?<reply_text>SMTP command timeout) on(?: TLS)? connection from {_WHO}(?: D=[^ ]*)?$",
        set=_INBOUND,
        implied="exim.command-timeout",
    ),
    Rule(
        name="exim.data-timeout",
        starts=("SMTP data timeout ",),
        pattern=rf"(?<reply_text>SMTP data timeout \(message abandoned\)) on connection from {_WHO} "
        rf"F=<(?<sender>{ADDRESS})>(?: D=[^ ]*)?$",
        set=_INBOUND | {"stage": "EOD", "command": "end of data"},
        implied="exim.data-timeout",
    ),
    Rule(
        name="exim.lost-at-dot",
        starts=("SMTP connection lost after final dot",),
        pattern=rf"(?<reply_text>SMTP connection lost after final dot)(?: H={_FROM})?(?: P=[^ ]*)?(?: .*)?$",
        set=_INBOUND | {"stage": "EOD"},
    ),
    Rule(
        name="exim.no-mail",
        starts=("no MAIL in ",),
        pattern=rf"(?<reply_text>no MAIL in (?:TFO\*? )?SMTP connection) from {_WHO} D=[^ ]*(?: .*)?$",
        set=_INBOUND,
    ),
    Rule(
        name="exim.incomplete",
        starts=("H=", "U=", " DSH="),
        has=(" incomplete transaction (",),
        pattern=rf"(?: DS ?)?(?:H={_FROM}|U=[^ ]*) (?<reply_text>incomplete transaction \([^)]*\))"
        rf"(?: from <(?<sender>{ADDRESS})>)?(?: for .*)?$",
        set=_INBOUND,
    ),
    Rule(
        name="exim.warning",
        starts=("H=", "U=", " DSH="),
        has=(" Warning: ",),
        pattern=rf"(?: DS ?)?(?:H={CLIENT} |U=[^ ]* ){CLIENT_FIELDS}"
        rf"(?:F=<(?<sender>{ADDRESS})> (?:A=[^ ]* )?)?Warning: (?<reply_text>.*)$",
        set=_INBOUND | {"outcome": "warned"},
    ),
    Rule(
        name="exim.warning-local",
        starts=("Warning: ",),
        pattern=r"Warning: (?<reply_text>.*)$",
        set={"kind": "system", "outcome": "warned"},
    ),
    Rule(
        name="exim.tls-error",
        starts=("TLS ",),
        has=(" connection from ",),
        pattern=rf"TLS (?:[a-z]+ )?error on (?:SMTP )?connection from {_FROM}:? (?<reply_text>.*)$",
        set=_INBOUND | {"stage": "STARTTLS"},
    ),
    Rule(
        name="exim.tls-error-out",
        starts=("TLS ",),
        has=(" connection to ",),
        pattern=r"TLS (?:[a-z]+ )?error on connection to "
        rf"(?<relay_name>[^ ]+) \[(?<relay_ip>{IP})\](?::(?<relay_port>[0-9]+))?:? (?<reply_text>.*)$",
        set={"kind": "session", "direction": "outbound", "stage": "STARTTLS"},
    ),
    Rule(
        name="exim.tls-other",
        starts=("TLS ", "SSL ", "SSL_", "DANE ", "OCSP "),
        pattern=r"(?<reply_text>(?:TLS|SSL|DANE|OCSP)[ _].*)$",
        set={"kind": "session", "stage": "STARTTLS"},
    ),
    Rule(
        name="exim.certificate",
        starts=("[", "H="),
        has=("SSL verify error",),
        pattern=rf"(?:H=[^ ]+ )?\[(?<relay_ip>{IP})\](?::[0-9]+)?:? (?<reply_text>SSL verify error.*)$",
        set={"kind": "session", "stage": "STARTTLS"},
    ),
    Rule(
        name="exim.etrn",
        starts=("ETRN ",),
        pattern=rf"ETRN (?<reply_text>.*) received from {_WHO}$",
        set=_INBOUND | {"stage": "ETRN", "command": "ETRN"},
    ),
    Rule(
        name="exim.ignored-auth",
        starts=("ignoring AUTH=",),
        pattern=rf"ignoring AUTH=[^ ]* from (?:H={_FROM}|U=[^ ]*) \((?<reply_text>.*)\)$",
        set=_INBOUND | {"stage": "MAIL", "command": "MAIL FROM"},
    ),
    Rule(
        name="exim.ident",
        starts=("ident connection to ",),
        pattern=rf"ident connection to \[?(?<client_ip>{IP})\]? (?<reply_text>.*)$",
        set=_INBOUND | {"stage": "CONNECT"},
    ),
    Rule(
        name="exim.dkim-failed",
        starts=("DKIM: ",),
        pattern=r"(?<reply_text>DKIM: (?:d=[^ ]* .*\[(?:verification failed|invalid).*|[A-Za-z]{2}.*))$",
        set=_INBOUND | {"outcome": "warned", "stage": "EOD"},
    ),
    Rule(
        name="exim.dkim-seen",
        starts=("DKIM: ", "DKIM="),
        pattern=r"DKIM[:=].*$",
        ignore=True,
    ),
    Rule(
        name="exim.policy",
        starts=("SPF", "DMARC", "ARC", "spf", "PDKIM", "dmarc", "PRDR "),
        pattern=r"(?<reply_text>P?(?i:DKIM|SPF|DMARC|ARC|PRDR)\b.*)$",
        set=_INBOUND,
    ),
    # What cPanel's and sa-exim's own code in Exim says of a session.
    Rule(
        name="exim.connection-other",
        starts=("SMTP connection ", "Sender identification ", "SA: "),
        pattern=r"(?<reply_text>(?:SMTP connection (?:identification|outbound)"
        r"|Sender identification|SA:) .*)$",
        set={"kind": "session"},
    ),
)
