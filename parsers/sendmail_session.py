"""Sendmail as a server: a client's conduct, logins, and TLS.

Most of Sendmail's own refusals are logged without their code (`usrerr` drops it): those that
one code follows from are rows of the implied table, the rest carry no reply.
"""

import polars as pl

from .rules import Rule
from .sendmail_syntax import ADDRESS, CLIENT, CLIENT_NAME, WORD, bare

_REFUSED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
_RCPT = _REFUSED | {"stage": "RCPT"}
_SESSION = {"kind": "session", "direction": "inbound"}
_CLIENT = {"client_name": CLIENT_NAME}
_TO = rf"(?:(?<_to>{WORD})\.\.\. )?"
_RECIPIENT = {"recipient": bare(pl.col("_to"))}
_COMMAND = {
    "command": pl.col("command").str.to_uppercase(),
    "stage": pl.col("command").str.to_uppercase(),
}

REFUSALS: tuple[Rule, ...] = (
    Rule(
        name="sendmail.user-unknown",
        has=("nknown",),
        pattern=rf"{_TO}(?<reply_text>User unknown|Addressee unknown)$",
        set=_RCPT,
        implied="sendmail.user-unknown",
        derive=_RECIPIENT,
    ),
    Rule(
        name="sendmail.too-many-recipients",
        starts=("Too many recipients",),
        pattern=r"(?<reply_text>Too many recipients)$",
        set=_RCPT,
        implied="sendmail.too-many-recipients",
    ),
    Rule(
        name="sendmail.bad-syntax",
        pattern=r"(?<reply_text>Syntax error in (?:parameters scanning .*|(?:UTF-8 )?ORCPT parameter value)"
        r"|Bad argument .* to NOTIFY|(?:NOTIFY|ORCPT) requires a value|Duplicate ORCPT parameter|Missing recipient)$",
        starts=(
            "Syntax error in ",
            "Bad argument ",
            "NOTIFY requires",
            "ORCPT requires",
            "Duplicate ORCPT",
            "Missing recipient",
        ),
        set=_RCPT,
        implied="sendmail.bad-syntax",
    ),
    Rule(
        name="sendmail.bad-parameter",
        has=(" parameter unrecognized",),
        pattern=r"(?<reply_text>[^ ]+ parameter unrecognized)$",
        set=_RCPT,
        implied="sendmail.bad-parameter",
    ),
    Rule(
        name="sendmail.no-dsn",
        starts=("Sorry, ",),
        pattern=r"(?<reply_text>Sorry, (?:NOTIFY|ORCPT) not supported, we do not allow DSN)$",
        set=_RCPT,
        implied="sendmail.no-dsn",
    ),
    Rule(
        name="sendmail.bad-address",
        pattern=rf"{_TO}(?<reply_text>User address required|Invalid route address|Colon illegal in host name part"
        r"|Unbalanced '[<>()\[\]\x22]'|Illegal character .*|List:; syntax illegal for recipient addresses"
        r"|(?:Invalid|Missing) (?:syntax|address|host)[a-z ]*|Hostname required|Address too long|prescan: [a-z ]+)$",
        set=_RCPT,
        implied="sendmail.bad-address",
        derive=_RECIPIENT,
    ),
    Rule(
        # 450 or not: the text is the site's own.
        name="sendmail.put-off-recipient",
        has=("... ",),
        pattern=rf"(?<_to>{WORD})\.\.\. (?<reply_text>.*(?:[Ll]ater|[Aa]gain|[Tt]empora|[Gg]r[ea]ylist|[Dd]eferred|[Dd]elayed).*)$",
        set=_RCPT,
        derive=_RECIPIENT,
    ),
    Rule(
        name="sendmail.refused-recipient",
        has=("... ",),
        pattern=rf"(?<_to>{WORD})\.\.\. (?<reply_text>.+)$",
        set=_RCPT,
        implied="sendmail.refused-recipient",
        derive=_RECIPIENT,
    ),
)

_TEMPFAILED = rf"\(.*\) from {CLIENT} (?<reply_text>tempfailed \(due to previous checks\))$"

SESSIONS: tuple[Rule, ...] = (
    Rule(
        name="sendmail.no-command",
        has=(" did not issue ",),
        pattern=rf"{CLIENT} did not issue (?<reply_text>[A-Z/]+ during connection to .*)$",
        set=_SESSION,
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.verify-refused",
        has=(" [rejected]",),
        pattern=rf"{CLIENT}: (?<command>[Vv][Rr][Ff][Yy])(?: .*)? \[rejected\]$",
        set=_REFUSED,
        implied="sendmail.vrfy",
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.expand-refused",
        has=(" [rejected]",),
        pattern=rf"{CLIENT}: (?<command>[Ee][Xx][Pp][Nn]|[Ee][Tt][Rr][Nn])(?: .*)? \[rejected\]$",
        set=_REFUSED,
        implied="sendmail.expn",
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.verify",
        has=(": ",),
        pattern=rf"{CLIENT}: (?<command>[Vv][Rr][Ff][Yy]|[Ee][Xx][Pp][Nn]|[Ee][Tt][Rr][Nn])(?: .*)?$",
        set=_SESSION,
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.lost",
        starts=("lost input channel from ",),
        pattern=rf"lost input channel from {CLIENT} (?<reply_text>to .* after [a-z]+)$",
        set=_SESSION,
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.silent-client",
        starts=("timeout waiting for input from ",),
        pattern=rf"timeout waiting for input from {CLIENT} (?<reply_text>during (?:server [a-zA-Z ]+|(?:message )?collect.*))$",
        set=_SESSION,
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.silent-server",
        starts=("timeout waiting for input from ",),
        pattern=r"timeout waiting for input from (?:(?<relay_name>[^ \[\]]+?)\.?)? ?(?:\[(?:IPv6:)?(?<relay_ip>[0-9A-Fa-f:.]+)\])? "
        r"?(?<reply_text>during .*)$",
        set={"kind": "session", "direction": "local"},
    ),
    Rule(
        name="sendmail.unparsable-sender",
        starts=("setsender: ",),
        pattern=rf"setsender: (?<_from>.*): (?<reply_text>invalid or unparsable), received from {CLIENT}$",
        set=_SESSION | {"stage": "MAIL"},
        derive=_CLIENT | {"sender": bare(pl.col("_from"))},
    ),
    Rule(
        # 550 to whatever the client says next.
        name="sendmail.tcp-wrappers",
        starts=("tcpwrappers (",),
        pattern=r"tcpwrappers \((?<_name>[^ ,()]+), \[?(?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)\]?\) (?<reply_text>rejection)$",
        set=_REFUSED | {"stage": "CONNECT"},
        derive={
            "client_name": pl.when(~pl.col("_name").str.starts_with("[")).then(pl.col("_name"))
        },
    ),
    Rule(
        name="sendmail.connect",
        starts=("connect from ", "Null connection from ", "SMTP connect from "),
        pattern=rf"(?:SMTP connect|connect|Null connection) from {CLIENT}(?: \([^()]*\))?$",
        set=_SESSION | {"stage": "CONNECT"},
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.open-proxy",
        has=(": probable open proxy: ",),
        pattern=rf"{CLIENT}: (?<reply_text>probable open proxy: command=.*)$",
        set=_REFUSED | {"stage": "OTHER"},
        implied="sendmail.open-proxy",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.greet-pause",
        starts=("rejecting commands from ",),
        pattern=rf"rejecting commands from +{CLIENT} (?:\[[0-9A-Fa-f:.]+\] )?(?<reply_text>due to pre-greeting traffic.*)$",
        set=_REFUSED | {"stage": "CONNECT"},
        implied="sendmail.greet-pause",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.early-talker",
        starts=("rejecting server ",),
        pattern=rf"rejecting server [A-Z]+ from {CLIENT} (?<reply_text>due to traffic before response.*)$",
        set=_REFUSED | {"stage": "HELO"},
        implied="sendmail.early-talker",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.long-command",
        has=(": SMTP violation, input too long",),
        pattern=rf"{CLIENT}: (?<reply_text>SMTP violation, input too long: [0-9]+)$",
        set=_REFUSED | {"stage": "OTHER"},
        implied="sendmail.long-command",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.rcpt-flood-closed",
        has=(": Possible SMTP RCPT flood, shutting down",),
        pattern=rf"{CLIENT}: (?<reply_text>Possible SMTP RCPT flood, shutting down.*)$",
        set=_RCPT,
        implied="sendmail.rcpt-flood",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.suspect",
        has=("ossible SMTP ",),
        pattern=rf"{CLIENT}: (?<reply_text>[Pp]ossible SMTP (?:attack: command=.*|RCPT flood, .*))$",
        set=_SESSION,
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.bad-helo",
        starts=("invalid domain name (",),
        pattern=rf"invalid domain name \((?<helo>.*)\) from {CLIENT}$",
        set=_REFUSED | {"stage": "HELO"},
        implied="sendmail.bad-helo",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.bogus-command",
        starts=('"',),
        has=(" command from ",),
        pattern=rf'"(?<command>[a-z]+)" command from {CLIENT} \([^()]*\)$',
        set=_REFUSED | {"stage": "OTHER"},
        implied="sendmail.bogus-command",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.tempfailed-mail",
        starts=("SMTP MAIL command (", "SMTP ETRN command ("),
        pattern=rf"SMTP (?<command>MAIL|ETRN) command {_TEMPFAILED}",
        set=_REFUSED,
        implied="sendmail.tempfailed-mail",
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.tempfailed-auth",
        starts=("SMTP AUTH command (", "SMTP STARTTLS command ("),
        pattern=rf"SMTP (?<command>AUTH|STARTTLS) command {_TEMPFAILED}",
        set=_REFUSED,
        implied="sendmail.tempfailed-auth",
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.tempfailed-vrfy",
        starts=("SMTP VRFY command (", "SMTP EXPN command ("),
        pattern=rf"SMTP (?<command>VRFY|EXPN) command {_TEMPFAILED}",
        set=_REFUSED,
        implied="sendmail.tempfailed-vrfy",
        derive=_CLIENT | _COMMAND,
    ),
    Rule(
        name="sendmail.unauthorised-pipelining",
        starts=("unauthorized PIPELINING", "ERROR: srv_features=tempfail"),
        pattern=rf"(?<reply_text>unauthorized PIPELINING.*|ERROR: srv_features=tempfail), relay={CLIENT}(?:, .*)?$",
        set=_SESSION,
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.dialogue",
        starts=("<-- ", "--- "),
        pattern=r"(?:<--|---) (?<reply_text>.*)$",
        set=_SESSION,
    ),
)

COLLECTING: tuple[Rule, ...] = (
    Rule(
        name="sendmail.too-large",
        starts=("message size (",),
        pattern=r"(?<reply_text>message size \((?<size>[0-9]+)\) exceeds maximum \([0-9]+\))$",
        set=_REFUSED | {"stage": "EOD"},
        implied="sendmail.too-large",
    ),
    Rule(
        name="sendmail.headers-too-large",
        starts=("headers too large (", "header overflow from "),
        pattern=r"(?<reply_text>headers too large \([0-9]+ max\)|header overflow) from "
        rf"{CLIENT} during message collect$",
        set=_REFUSED | {"stage": "EOD"},
        implied="sendmail.headers-too-large",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.read-timeout",
        has=("collect: relay=", "info=read timeout"),
        pattern=rf"SYSERR\([^()]*\): collect: relay={CLIENT}, from=(?<_from>{ADDRESS}), info=(?<reply_text>read timeout.*)$",
        set=_REFUSED | {"stage": "EOD"},
        implied="sendmail.read-timeout",
        derive=_CLIENT | {"sender": bare(pl.col("_from"))},
    ),
    Rule(
        name="sendmail.bare-lf",
        has=("collect: relay=", "status=tempfail"),
        pattern=rf"collect: relay={CLIENT}, from=(?<_from>{ADDRESS}), info=(?<reply_text>Bare [^,]*(?:, where=[a-z]+)?), status=tempfail$",
        set=_REFUSED | {"stage": "EOD"},
        implied="sendmail.bare-lf",
        derive=_CLIENT | {"sender": bare(pl.col("_from"))},
    ),
    Rule(
        name="sendmail.cut-short",
        has=("collect: ",),
        pattern=rf"(?:SYSERR\([^()]*\): )?collect: relay={CLIENT}, from=(?<_from>{ADDRESS}), info=(?<reply_text>.*)$",
        set=_SESSION | {"stage": "EOD"},
        derive=_CLIENT | {"sender": bare(pl.col("_from"))},
    ),
    Rule(
        # Before 8.16: `collect: read timeout on connection from host, from=<x>` and the like.
        name="sendmail.cut-short-old",
        starts=("collect: ", "SYSERR"),
        has=("collect: ",),
        pattern=r"(?:SYSERR\([^()]*\): )?collect: (?<reply_text>premature EOM: .*|(?:unexpected close|I/O error|read timeout) on connection from .*)$",
        set=_SESSION | {"stage": "EOD"},
    ),
)
