"""Postfix: every daemon's lines."""

import polars as pl

from .mta import MtaParser
from .rules import Rule
from .smtp_reply import stage_of

_PEER = r"(?<client_name>[^ \[\]]+)\[(?<client_ip>[0-9A-Fa-f:.]+|unknown)\](?::[0-9]+)?"

RULES: tuple[Rule, ...] = (
    Rule(
        name="postfix.connect",
        starts=("connect from ",),
        pattern=rf"connect from {_PEER}$",
        services=("smtpd",),
        set={"kind": "session", "stage": "CONNECT"},
    ),
    Rule(
        name="postfix.reject",
        starts=("reject: ",),
        pattern=rf"reject: (?<_stage>[A-Z-]+) from {_PEER}: (?<reply>[0-9]{{3}} [^;]*(?:;[^;]*)*?); "
        r"from=<(?<sender>[^>]*)> (?:to=<(?<recipient>[^>]*)> )?proto=[A-Z]+(?: helo=<(?<helo>[^>]*)>)?$",
        services=("smtpd",),
        set={"kind": "reject", "direction": "inbound", "outcome": "rejected"},
        derive={"stage": stage_of(pl.col("_stage"))},
    ),
    Rule(name="postfix.removed", starts=("removed",), services=("qmgr",), set={"kind": "queue", "outcome": "removed"}),
)

PARSER = MtaParser(
    name="postfix",
    tags=r"[!-9;-~]*?[!-.0-9;-~]/((?:[a-z]+/)*(?:smtpd|smtp|lmtp|qmgr|cleanup|local|virtual|pipe|bounce|pickup|master|postscreen|anvil|error|trace|defer|discard|verify|scache|tlsproxy|dnsblog|proxymap|trivial-rewrite|postfix-script|oqmgr|flush|showq|spawn|tlsmgr|postlog|sendmail|postdrop|postsuper|postqueue|postmap|postalias))|postfix(?:())?",
    queue_id=r"(?:([0-9A-F]{6,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]+)|NOQUEUE): ",
    rules=RULES,
)
