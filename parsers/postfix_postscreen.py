"""Lines of postscreen and the helpers that work for it: dnsblog and tlsproxy."""

import polars as pl

from .postfix_parts import ENHANCED, PEER, QUOTED
from .rules import Rule

_POSTSCREEN = ("postscreen",)
_SESSION = {"kind": "session", "direction": "inbound"}
_REJECTED = {"kind": "reject", "direction": "inbound", "outcome": "rejected"}

HOT: tuple[Rule, ...] = (
    Rule(
        name="postfix.postscreen-connect",
        starts=("CONNECT from ",),
        pattern=rf"(?<reply_text>CONNECT from {PEER}(?: to \[[^\]]+\]:[0-9]+)?)$",
        services=("postscreen", "tlsproxy"),
        set=_SESSION | {"stage": "CONNECT"},
        certain=True,
    ),
    Rule(
        name="postfix.postscreen-pass",
        starts=("PASS ", "DISCONNECT "),
        pattern=rf"(?<reply_text>(?:PASS (?:OLD|NEW)|DISCONNECT) {PEER})$",
        services=("postscreen", "tlsproxy"),
        set=_SESSION,
        certain=True,
    ),
    Rule(
        name="postfix.postscreen-reject",
        starts=("reject: RCPT from [",),
        pattern=rf"reject: RCPT from {PEER}: (?<reply_code>[45][0-9]{{2}}) {ENHANCED} "
        r"(?<reply_text>[^=]*)=<(?<sender>[^<>]*)>, to=<(?<recipient>[^<>]*)>, proto=[A-Z]+, "
        r"helo=<(?<helo>[^<>]*)>$",
        services=_POSTSCREEN,
        set=_REJECTED
        | {"stage": "RCPT", "command": "RCPT", "evidence": "logged", "enhanced_from": "reply"},
        derive={"reply_text": pl.col("reply_text").str.strip_suffix("; from")},
    ),
    Rule(
        name="postfix.postscreen-test",
        starts=("PREGREET ", "DNSBL rank ", "HANGUP after "),
        pattern=rf"(?<reply_text>PREGREET [0-9]+ after [0-9.]+ from {PEER}: .*"
        r"|DNSBL rank -?[0-9]+ for \[(?<_listed>[^\]]+)\]:[0-9]+"
        r"|HANGUP after -?[0-9.]+ from \[(?<_gone>[^\]]+)\]:[0-9]+ in .*)$",
        services=_POSTSCREEN,
        set=_SESSION | {"stage": "CONNECT"},
        derive={"client_ip": pl.coalesce("client_ip", "_listed", "_gone")},
        certain=True,
    ),
    Rule(
        name="postfix.dnsblog",
        starts=("addr ",),
        pattern=r"(?<reply_text>addr (?<client_ip>[0-9A-Fa-f:.]+) (?:not )?listed by domain .*)$",
        services=("dnsblog",),
        set=_SESSION | {"stage": "CONNECT"},
        certain=True,
    ),
)

RULES: tuple[Rule, ...] = (
    # Addresses of the client are printed without their quotes here.
    # A quoted local part may hold what looks like the fields after it.
    Rule(
        name="postfix.postscreen-reject-quoted",
        starts=("reject: RCPT from [",),
        has=('"',),
        pattern=rf"reject: (?<command>RCPT) from {PEER}: (?<reply>[45][0-9]{{2}} .*?); "
        rf"from=<(?<sender>{QUOTED})>, to=<(?<recipient>{QUOTED})>, proto=[A-Z]+, "
        r"helo=<(?<helo>[^<>]*)>$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "RCPT"},
    ),
    Rule(
        name="postfix.postscreen-reject-odd",
        starts=("reject: RCPT from [",),
        pattern=rf"reject: (?<command>RCPT) from {PEER}: (?<reply>[45][0-9]{{2}} .*); "
        r"from=<(?<sender>.*?)>, to=<(?<recipient>.*)>, proto=[A-Z]+, helo=<(?<helo>.*)>$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "RCPT"},
    ),
    Rule(
        name="postfix.postscreen-too-many",
        starts=("reject: CONNECT from [",),
        has=(": too many connections",),
        pattern=rf"reject: CONNECT from {PEER}: (?<reply_text>too many connections)$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "CONNECT"},
        implied="postfix.postscreen-too-many",
    ),
    Rule(
        name="postfix.postscreen-busy",
        starts=("reject: CONNECT from [",),
        has=(": all ",),
        pattern=rf"reject: CONNECT from {PEER}: "
        r"(?<reply_text>all (?:server|screening) ports busy)$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "CONNECT"},
        implied="postfix.postscreen-busy",
    ),
    # The action is a setting; a refusal comes at RCPT and has its own line.
    Rule(
        name="postfix.postscreen-protocol",
        starts=("COMMAND PIPELINING from ", "BARE NEWLINE from "),
        pattern=rf"(?<reply_text>(?:COMMAND PIPELINING|BARE NEWLINE) from {PEER}(?: after .*)?)$",
        services=_POSTSCREEN,
        set=_SESSION | {"stage": "OTHER"},
    ),
    Rule(
        name="postfix.postscreen-time-limit",
        starts=("COMMAND TIME LIMIT from ",),
        pattern=rf"COMMAND TIME LIMIT from {PEER}(?: after .*)?$",
        services=_POSTSCREEN,
        set=_SESSION | {"stage": "OTHER"},
        implied="postfix.postscreen-timeout",
    ),
    Rule(
        name="postfix.postscreen-limit",
        starts=("COMMAND COUNT LIMIT from ", "COMMAND LENGTH LIMIT from "),
        pattern=rf"COMMAND (?:COUNT|LENGTH) LIMIT from {PEER}(?: after .*)?$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "OTHER"},
        implied="postfix.postscreen-limit",
    ),
    Rule(
        name="postfix.postscreen-non-smtp",
        starts=("NON-SMTP COMMAND from ",),
        pattern=rf"NON-SMTP COMMAND from {PEER}(?: .*)?$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "OTHER"},
        implied="postfix.postscreen-non-smtp",
    ),
    Rule(
        name="postfix.postscreen-no-recipient",
        starts=("DATA without valid RCPT from ", "BDAT without valid RCPT from "),
        pattern=rf"(?<command>DATA|BDAT) without valid RCPT from {PEER}$",
        services=_POSTSCREEN,
        set=_REJECTED | {"stage": "DATA"},
        implied="postfix.postscreen-no-recipient",
    ),
    # With `drop` a listed client gets 521, otherwise nothing yet: no line says which.
    Rule(
        name="postfix.postscreen-listed",
        starts=(
            "ALLOWLISTED ",
            "DENYLISTED ",
            "WHITELISTED ",
            "BLACKLISTED ",
            "ALLOWLIST VETO ",
            "WHITELIST VETO ",
        ),
        pattern=rf"(?<reply_text>(?:[A-Z]+LISTED|[A-Z]+LIST VETO) {PEER})$",
        services=_POSTSCREEN,
        set=_SESSION | {"stage": "CONNECT"},
    ),
    Rule(
        name="postfix.postscreen-state",
        starts=("ENFORCE ", "DROP ", "FAIL ", "SKIP ", "UNFAIL ", "UNPASS ", "PASS "),
        pattern=rf"(?<reply_text>(?:ENFORCE|DROP|FAIL|SKIP|UNFAIL|UNPASS|PASS) (?:[^\[]* )?{PEER}"
        r"(?: .*)?)$",
        services=_POSTSCREEN,
        set=_SESSION,
    ),
    Rule(
        name="postfix.proxy-tls",
        starts=(
            "Anonymous TLS ",
            "Untrusted TLS ",
            "Trusted TLS ",
            "Verified TLS ",
            "SSL_accept error from ",
        ),
        pattern=rf"(?<reply_text>(?:[A-Z][a-z]+ TLS connection established from"
        rf"|SSL_accept error from) {PEER}(?: to [^ :]+)?(?:: .*)?)$",
        services=("tlsproxy",),
        set=_SESSION | {"stage": "STARTTLS"},
    ),
    Rule(
        name="postfix.postscreen-dialogue",
        starts=("< [", "> ["),
        pattern=rf"[<>] {PEER}: (?<reply_text>.*)$",
        services=_POSTSCREEN,
        set=_SESSION,
    ),
    Rule(
        name="postfix.postscreen-cache",
        starts=("cache ", "close database ", "psc_"),
        pattern=r"(?:cache [^ ]+ (?:full )?cleanup: .*|close database .*|psc_[a-z_]+: .*)$",
        services=("postscreen", "verify"),
        ignore=True,
    ),
)
