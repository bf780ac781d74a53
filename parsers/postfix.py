"""Postfix: which lines are its own, and the table of rules for them in the order of trial."""

from . import (
    postfix_content,
    postfix_delivery,
    postfix_misuse,
    postfix_postscreen,
    postfix_queue,
    postfix_rejects,
    postfix_smtp,
    postfix_smtpd,
    postfix_system,
)
from .mta import MtaParser
from .rules import Rule

RULES: tuple[Rule, ...] = (
    *postfix_smtpd.HOT,
    *postfix_rejects.HOT,
    *postfix_queue.HOT,
    *postfix_delivery.HOT,
    *postfix_postscreen.HOT,
    *postfix_delivery.RULES,
    *postfix_rejects.RULES,
    *postfix_content.RULES,
    *postfix_queue.RULES,
    *postfix_postscreen.RULES,
    *postfix_smtp.RULES,
    *postfix_misuse.RULES,
    *postfix_smtpd.RULES,
    *postfix_system.WARNINGS,
    *postfix_system.RULES,
)

# syslog_name is anybody's choice: other names are taken for Postfix' by the daemon after it.
_DAEMONS = (
    r"smtpd|smtp|lmtp|local|virtual|pipe|cleanup|[no]?qmgr|bounce|defer|trace|pickup|error|retry"
    r"|discard|verify|postscreen|dnsblog|tlsproxy|tlsmgr|anvil|scache|flush|showq|proxymap"
    r"|trivial-rewrite|spawn|qmqpd|master|sendmail|post(?:logd?|drop|super|queue|map|alias|cat|conf"
    r"|kick|multi|fix|fix-script|fix-tls-script|multi-script|-install|grey)|posttls-finger"
    r"|polic(?:y|yd)(?:-spf)?|spf-policy|greylist"
)
_NAME = r"[!-.0-9;-~]+"

PARSER = MtaParser(
    name="postfix",
    # `postfix/submission/smtpd`, `mx-in/smtpd`; `postfix` alone where the system logger cuts
    # the daemon off (RFC 5424 of rsyslog).
    tags=rf"{_NAME}/((?:{_NAME}/)*(?:{_DAEMONS}))|postfix[!-.0-9;-~]*/{_NAME}(?:/{_NAME})*"
    r"|postfix(?:-(?:in|out|mx|relay|internal|external|incoming|outgoing|[0-9]{1,3}))?",
    # Short ids are hexadecimal; long ones (enable_long_queue_ids) begin with the time, so for
    # decades with a digit, and hold no vowels.
    queue_id=r"(?:([0-9A-F][0-9A-HJ-NP-TV-Zb-df-hj-np-tv-z]{5,24})|NOQUEUE): ",
    id_heads=r"[0-9A-F][0-9A-HJ-NP-TV-Zb-df-hj-np-tv-z]|NO",
    rules=RULES,
)
