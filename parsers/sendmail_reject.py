"""Sendmail as a server: what it refused, by ruleset, by milter, or by its own checks."""

import polars as pl

from .rules import Rule
from .sendmail_syntax import ADDRESS, CLIENT, CLIENT_NAME, bare

_REFUSED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}
# discard and quarantine: the client is told 250; the message's own line tells its end.
_MARKED = {"kind": "session", "direction": "inbound"}

_STAGE_OF_RULESET = {
    "check_relay": "CONNECT",
    "check_mail": "MAIL",
    "check_rcpt": "RCPT",
    "check_data": "DATA",
    "check_eoh": "EOD",
    "check_eom": "EOD",
    "check_vrfy": "VRFY",
    "check_expn": "EXPN",
    "check_etrn": "ETRN",
    "check_other": "OTHER",
    "tls_client": "STARTTLS",
    "trust_auth": "MAIL",
}
_ENVELOPE = r"ruleset=(?<_set>check_(?:mail|rcpt|relay))"
_ARGUMENTS = rf", arg1=(?<_arg>(?:{ADDRESS})?)(?:, arg2=(?:{ADDRESS})?)?(?:, relay={CLIENT})?"
# Header text may hold anything: it ends only at the last `, relay=` before a verdict.
_TEXT = rf"ruleset=(?<_set>[A-Za-z0-9_.$-]+), arg1=.*, relay={CLIENT}"


def _subject(ruleset: str) -> pl.Expr:
    return pl.when(pl.col("_set") == ruleset).then(bare(pl.col("_arg")))


_ENVELOPE_COLUMNS = {
    "stage": pl.col("_set").replace_strict(
        _STAGE_OF_RULESET, default="OTHER", return_dtype=pl.String
    ),
    "sender": _subject("check_mail"),
    "recipient": _subject("check_rcpt"),
    "client_name": CLIENT_NAME,
}
# Rulesets of header fields (`CheckSubject`, `$>+Name`) speak at the end of data.
_TEXT_COLUMNS = {
    "stage": pl.col("_set").replace_strict(
        _STAGE_OF_RULESET, default="EOD", return_dtype=pl.String
    ),
    "client_name": CLIENT_NAME,
}

RULESETS: tuple[Rule, ...] = (
    Rule(
        name="sendmail.ruleset",
        starts=("ruleset=check_",),
        pattern=rf"{_ENVELOPE}{_ARGUMENTS}, reject=(?<reply>.*)$",
        set=_REFUSED,
        derive=_ENVELOPE_COLUMNS,
    ),
    Rule(
        name="sendmail.ruleset-marked",
        starts=("ruleset=check_",),
        pattern=rf"{_ENVELOPE}{_ARGUMENTS}, (?<reply_text>discard|quarantine=.*)$",
        set=_MARKED,
        derive=_ENVELOPE_COLUMNS,
    ),
    Rule(
        # Checks of a server we deliver to, or of a message already taken: nobody gets the reply.
        name="sendmail.ruleset-own",
        starts=(
            "ruleset=tls_server",
            "ruleset=tls_rcpt",
            "ruleset=try_tls",
            "ruleset=check_compat",
            "ruleset=authinfo",
        ),
        pattern=r"ruleset=(?:tls_server|tls_rcpt|try_tls|authinfo|check_compat), arg1=.*?"
        r"(?:, relay=(?:(?<relay_name>[^ ,\[\]]+?)\.?)? ?(?:\[(?:IPv6:)?(?<relay_ip>[0-9A-Fa-f:.]+)\])?"
        r"(?: [\[(]may be forged[\])])?)?, (?<reply_text>(?:reject=|quarantine=|discard).*)$",
        set={"kind": "session", "direction": "local"},
    ),
    Rule(
        name="sendmail.ruleset-text",
        starts=("ruleset=",),
        has=(", reject=",),
        pattern=rf"{_TEXT}, reject=(?<reply>.*)$",
        set=_REFUSED,
        derive=_TEXT_COLUMNS,
    ),
    Rule(
        name="sendmail.ruleset-text-marked",
        starts=("ruleset=",),
        pattern=rf"{_TEXT}, (?<reply_text>discard|quarantine=.*)$",
        set=_MARKED,
        derive=_TEXT_COLUMNS,
    ),
    Rule(
        # Given in by a local program: there is no client.
        name="sendmail.ruleset-local",
        starts=("ruleset=",),
        pattern=r"ruleset=[A-Za-z0-9_.$-]+, arg1=.*, (?<reply_text>reject=.*|discard|quarantine=.*)$",
        set={"kind": "session", "direction": "local"},
    ),
)

_STAGE_OF_MILTER = {"to": "RCPT", "from": "MAIL", "cmd": "DATA", "unknown": "OTHER"}
# `421, errormode=4`: the filter failed and its flag says T.
_MILTER_REPLY = r"reject=(?<reply>[0-9]{3}(?:[ -].*)?)(?:, errormode=4)?$"


def _argument(name: str) -> pl.Expr:
    return pl.when(pl.col("_what") == name).then(bare(pl.col("_arg")))


_MILTER_COLUMNS = {
    "stage": pl.col("_what").replace_strict(
        _STAGE_OF_MILTER, default="OTHER", return_dtype=pl.String
    ),
    "sender": _argument("from"),
    "recipient": _argument("to"),
}

MILTERS: tuple[Rule, ...] = (
    Rule(
        name="sendmail.milter-command",
        starts=("Milter: to=", "Milter: from=", "Milter: cmd="),
        pattern=rf"Milter: (?<_what>to|from|cmd)=(?<_arg>{ADDRESS}), {_MILTER_REPLY}",
        set=_REFUSED,
        derive=_MILTER_COLUMNS,
    ),
    Rule(
        name="sendmail.milter-data",
        starts=("Milter: data, reject=",),
        pattern=rf"Milter: data, {_MILTER_REPLY}",
        set=_REFUSED | {"stage": "EOD"},
    ),
    Rule(
        # The HELO itself gets 250; the reply is given to what follows.
        name="sendmail.milter-helo",
        starts=("Milter: helo=",),
        pattern=rf"Milter: helo=(?<helo>[^ ]*), {_MILTER_REPLY}",
        set=_REFUSED | {"stage": "HELO"},
    ),
    Rule(
        name="sendmail.milter-helo-refused",
        starts=("Milter: helo=",),
        pattern=r"Milter: helo=(?<helo>[^ ]*), reject=(?<reply_text>Command rejected)$",
        set=_REFUSED | {"stage": "HELO"},
    ),
    Rule(
        # An unknown command may hold anything; only what stands behind the last comma is the filter's.
        name="sendmail.milter-unknown",
        starts=("Milter: unknown=",),
        pattern=rf"Milter: unknown=.*, {_MILTER_REPLY}",
        set=_REFUSED | {"stage": "OTHER"},
    ),
    Rule(
        name="sendmail.milter-discard",
        starts=("Milter: ",),
        pattern=rf"Milter: (?:data|(?<_what>to|from|cmd|unknown)=(?<_arg>{ADDRESS})), (?<reply_text>discard)$",
        set=_MARKED,
        derive=_MILTER_COLUMNS,
    ),
    Rule(
        name="sendmail.milter-connect",
        starts=("Milter: connect: ",),
        pattern=r"Milter: connect: host=(?<_name>[^ ,]+), addr=\[?(?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)\]?, "
        r"(?:reject|shutdown|temp failing commands)=(?<reply>.*)$",
        set=_REFUSED | {"stage": "CONNECT"},
        derive={
            "client_name": pl.when(~pl.col("_name").str.starts_with("[")).then(pl.col("_name"))
        },
    ),
    Rule(
        name="sendmail.milter-connect-refused",
        starts=("Milter: connect: ",),
        pattern=r"Milter: connect: host=(?<_name>[^ ,]+), addr=\[?(?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)\]?, "
        r"(?<reply_text>rejecting commands)$",
        set=_REFUSED | {"stage": "CONNECT"},
        implied="sendmail.milter-reject",
        derive={
            "client_name": pl.when(~pl.col("_name").str.starts_with("[")).then(pl.col("_name"))
        },
    ),
    Rule(
        name="sendmail.milter-connect-shutdown",
        starts=("Milter: connect: ",),
        pattern=r"Milter: connect: host=(?<_name>[^ ,]+), addr=\[?(?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)\]?, "
        r"(?<reply_text>shutdown)$",
        set=_REFUSED | {"stage": "CONNECT"},
        implied="sendmail.milter-shutdown",
        derive={
            "client_name": pl.when(~pl.col("_name").str.starts_with("[")).then(pl.col("_name"))
        },
    ),
    Rule(
        # From here on every MAIL gets 451, which has its own line at LogLevel 10.
        name="sendmail.milter-connect-tempfail",
        starts=("Milter: connect: ",),
        pattern=r"Milter: connect: host=(?<_name>[^ ,]+), addr=\[?(?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)\]?, "
        r"(?<reply_text>temp failing commands)$",
        set=_MARKED | {"stage": "CONNECT"},
        derive={
            "client_name": pl.when(~pl.col("_name").str.starts_with("[")).then(pl.col("_name"))
        },
    ),
    Rule(
        name="sendmail.milter-init-refused",
        starts=("Milter: initialization failed, rejecting commands",),
        pattern=r"Milter: (?<reply_text>initialization failed, rejecting commands)$",
        set=_REFUSED | {"stage": "CONNECT"},
        implied="sendmail.milter-reject",
    ),
    Rule(
        name="sendmail.milter-init-shutdown",
        starts=("Milter: initialization failed, closing connection",),
        pattern=r"Milter: (?<reply_text>initialization failed, closing connection)$",
        set=_REFUSED | {"stage": "CONNECT"},
        implied="sendmail.milter-shutdown",
    ),
    Rule(
        # A filter's word before Sendmail's own `Milter: ..., reject=` line with the same reply.
        name="sendmail.milter-says",
        starts=("milter=",),
        pattern=r"milter=[^ ,]+, (?<reply_text>(?:action=[a-z]+, )?(?:reject|tempfail|discard|quarantine).*)$",
        set=_MARKED,
    ),
    Rule(
        name="sendmail.milter-step",
        starts=("milter=", "Milter: ", "Milter ", 'Sending "'),
        pattern=r"milter=[^ ,]+, (?:action=[a-z]+, (?:continue|accepted|skip)|accept.*|quit.*|abort.*)$"
        r"|Milter: (?:senders?|rcpts?|headers?): .*$|Milter: (?:[^=if]|f[^a])[^=]*$"
        r"|Milter (?:accept|insert|add|change|delete|chgfrom|message)[ :].*$"
        r"|Milter \([^ ()]+\): (?:init success to [a-z]+|time command \(.*|headers, .*|body, .*|quit.*|abort.*)$"
        r"|Sending \".*\" to Milter$",
        ignore=True,
    ),
    Rule(
        name="sendmail.milter-trouble",
        starts=("Milter", "milter_"),
        pattern=r"(?<reply_text>(?:Milter(?: read)? ?\([^()]*\): |milter_[a-z_]+|Milter: (?:initialization failed|can.t|unable|error)).*)$",
        set={"kind": "system"},
    ),
)
