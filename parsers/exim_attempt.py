"""Exim: what one remote host did to a message, without settling any recipient.

The reply of a host-level line stands again in the recipients' own lines where it decided
their fate, so it is no reply here: each is counted once.
"""

import polars as pl

from .exim_syntax import (
    ADDRESS,
    CLIENT,
    CLIENT_REST,
    COMMAND,
    HOST,
    IP,
    command_columns,
    remote_reply,
)
from .rules import Rule

_ERROR = r"(?:SMTP|LMTP) error from remote mail(?:er| server) after "
_TRIED = {"kind": "attempt", "direction": "outbound"}
_UNREACHED = {"kind": "attempt", "direction": "local"}
_VERIFYING = (
    rf"(?: DS ?)?(?:H={CLIENT}{CLIENT_REST}|U=[^ ]*) "
    rf"sender verify (?<_result>fail|defer) for <(?<recipient>{ADDRESS})>"
)
_CALLOUT = (
    r'(?:Could not complete [a-z]+ verify callout: )?response to "(?<_phrase>[A-Z][^:<\[]*)(?::.*?)?" '
    rf"(?:from (?<relay_name>[^ ]+) \[(?<relay_ip>{IP})\](?::(?<relay_port>[0-9]+))? )?"
    r"was: (?<_said>[1-9][0-9]{2}(?:[ -].*)?)$"
)

RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.host-error",
        starts=("H=",),
        has=("MTP error from remote mail",),
        pattern=rf"{HOST}(?: [A-Z]+=[^ ]+)*: {_ERROR}{COMMAND}(?<reply_text>[0-9]{{3}}.*)$",
        set=_TRIED,
        derive=command_columns()
        | {"reply_text": pl.col("reply_text").str.replace(r"^[0-9]{3}[ -]?", "")},
    ),
    Rule(
        name="exim.host-error-old",
        starts=("SMTP error from ", "LMTP error from "),
        has=(": host ",),
        pattern=rf"{_ERROR}{COMMAND}"
        rf"host (?<relay_name>[^ ]+) \[(?<relay_ip>{IP})\](?::(?<relay_port>[0-9]+))?: "
        r"[0-9]{3}[ -]?(?<reply_text>.*)$",
        set=_TRIED,
        derive=command_columns(),
    ),
    Rule(
        name="exim.client-auth-failed",
        has=(" authenticator failed H=",),
        pattern=rf"[^ ]+ authenticator failed {HOST} (?<reply>.*)$",
        set=_TRIED | {"stage": "AUTH", "command": "AUTH"},
    ),
    Rule(
        name="exim.tls-refused",
        starts=("TLS session",),
        has=("delivering unencrypted to ",),
        pattern=r"TLS session(?: failure)?:(?<reply_text>.*?):? ?delivering unencrypted to "
        rf"(?:{HOST}|(?<_name>[^ ]+) \[(?<_ip>{IP})\](?::[0-9]+)?) \(not in hosts_require_tls\)$",
        set=_UNREACHED | {"stage": "STARTTLS", "outcome": "warned"},
        derive={
            "relay_name": pl.coalesce("relay_name", "_name"),
            "relay_ip": pl.coalesce("relay_ip", "_ip"),
            "reply_text": pl.col("reply_text").str.strip_chars(" "),
        },
    ),
    Rule(
        name="exim.sender-callout",
        has=(" sender verify ", " was: "),
        pattern=f"{_VERIFYING}: {_CALLOUT}",
        set={"kind": "probe", "direction": "outbound"},
        derive=command_columns()
        | {"outcome": pl.col("_result").replace_strict({"fail": "bounced", "defer": "deferred"})}
        | remote_reply("_said"),
    ),
    Rule(
        name="exim.sender-verify",
        has=(" sender verify ",),
        pattern=rf"{_VERIFYING}(?:: (?<reply_text>.*))?$",
        set={"kind": "probe", "direction": "local"},
        derive={
            "outcome": pl.col("_result").replace_strict({"fail": "bounced", "defer": "deferred"})
        },
    ),
)

LATE_RULES: tuple[Rule, ...] = (
    # After everything that begins with a client's `H=`: a word follows here, no field.
    Rule(
        name="exim.host-unreached",
        starts=("H=",),
        has=("]",),
        pattern=rf"{HOST} (?<reply_text>(?:[A-Z][a-z]|TLS |SSL).*)$",
        set=_UNREACHED,
    ),
    Rule(
        name="exim.host-failed",
        starts=("H=",),
        has=("]",),
        pattern=rf"{HOST}(?: [A-Z]+=[^ ]+)*: (?<reply_text>[^ ].*)$",
        set=_UNREACHED,
    ),
    Rule(
        name="exim.host-unreached-old",
        has=(" [",),
        pattern=rf"(?<relay_name>[0-9A-Za-z_.-]+) \[(?<relay_ip>{IP})\](?::(?<relay_port>[0-9]+))?:? "
        r"(?<reply_text>(?:Connection|Operation|Network|No route|Host is|Broken pipe|Cannot assign|"
        r"Address family|Permission denied|Invalid argument|SMTP timeout|Remote host)\b.*)$",
        set=_UNREACHED,
    ),
    Rule(
        name="exim.host-failed-old",
        starts=(
            "SMTP timeout ",
            "Remote host ",
            "Malformed SMTP reply ",
            "SMTP error from ",
            "LMTP error from ",
        ),
        pattern=r"(?<reply_text>(?:SMTP timeout |Remote host |Malformed SMTP reply |[LS]MTP error from ).*)$",
        set=_UNREACHED,
    ),
)
