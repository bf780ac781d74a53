"""Verdicts of cleanup: header and body checks, and milters at the end of a message.

The header or body line in front is the sender's (up to 200 characters of it), so everything
is found from the line's end, where Postfix' own fields stand.
"""

import polars as pl

from .postfix_delivery import CLIENTS
from .postfix_parts import CLIENT, CLIENT_KNOWN, CLIENT_SAYS, ENHANCED, stage
from .postfix_rejects import ENVELOPE, FROM, OUTCOME_OF, STAGE
from .rules import Rule

_CLEANUP = ("cleanup",)
_REJECTED = {"kind": "reject", "outcome": "rejected"}
_INBOUND = _REJECTED | {"direction": "inbound"}
_PART = r"(?:header|body|mime|content|[a-z]+-[a-z]+) "
# Mail that came by SMTP has the client's protocol; other mail is nobody's to refuse.
_SMTP = r" proto=[A-Z]+(?: helo=<(?<helo>[^<>]*)>)?(?: sasl_username=<(?<sasl_user>.*)>)?"
_ORIGIN = rf"(?:{CLIENT}|local|unknown|[^ ;\[\]]+)"
_WHENCE = CLIENT_KNOWN | {
    "direction": pl.when(pl.col("client_ip").is_not_null())
    .then(pl.lit("inbound"))
    .otherwise(pl.lit("local"))
}

_MARKED = pl.col("_action").replace_strict(OUTCOME_OF, default=None, return_dtype=pl.String)

RULES: tuple[Rule, ...] = (
    Rule(
        name="postfix.milter-reject",
        starts=("milter-reject: ",),
        pattern=rf"milter-reject: {STAGE}from {CLIENT_SAYS}"
        r"(?<enhanced_code>5\.[0-9]{1,3}\.[0-9]{1,3}) "
        rf"(?<reply_text>.*){ENVELOPE}{_SMTP}$",
        services=_CLEANUP,
        set=_INBOUND | {"enhanced_from": "reply"},
        derive=CLIENT_KNOWN | {"stage": stage()},
        implied="postfix.milter-reject",
    ),
    Rule(
        name="postfix.milter-tempfail",
        starts=("milter-reject: ",),
        pattern=rf"milter-reject: {STAGE}from {CLIENT_SAYS}"
        r"(?<enhanced_code>4\.[0-9]{1,3}\.[0-9]{1,3}) "
        rf"(?<reply_text>.*){ENVELOPE}{_SMTP}$",
        services=_CLEANUP,
        set=_INBOUND | {"enhanced_from": "reply"},
        derive=CLIENT_KNOWN | {"stage": stage()},
        implied="postfix.milter-tempfail",
    ),
    # Neither class nor client known: nothing proves what was said, and to whom.
    Rule(
        name="postfix.milter-reject-other",
        starts=("milter-reject: ",),
        pattern=rf"milter-reject: {STAGE}from {CLIENT_SAYS}"
        rf"(?:{ENHANCED} )?(?<reply_text>.*){FROM}$",
        services=_CLEANUP,
        set=_REJECTED,
        derive=_WHENCE
        | {
            "stage": stage(),
            "enhanced_from": pl.when(pl.col("enhanced_code").is_not_null()).then(pl.lit("reply")),
        },
    ),
    Rule(
        name="postfix.content-reject",
        starts=("reject: ",),
        pattern=rf"reject: {_PART}.* from {CLIENT}{ENVELOPE}{_SMTP}: "
        r"(?<enhanced_code>5\.[0-9]{1,3}\.[0-9]{1,3}) (?<reply_text>.*)$",
        services=_CLEANUP,
        set=_INBOUND | {"stage": "EOD", "enhanced_from": "reply"},
        derive=CLIENT_KNOWN,
        implied="postfix.content-reject",
    ),
    Rule(
        name="postfix.content-reject-other",
        starts=("reject: ",),
        pattern=rf"reject: {_PART}.* from {_ORIGIN}{FROM}(?:: (?<reply_text>.*))?$",
        services=_CLEANUP,
        set=_REJECTED | {"stage": "EOD"},
        derive=_WHENCE,
    ),
    Rule(
        name="postfix.content-verdict",
        starts=("warning: ", "info: ", "hold: ", "discard: "),
        has=("; from=<",),
        pattern=rf"(?<_action>[a-z]+): {_PART}.* from {_ORIGIN}{FROM}"
        r"(?:: (?<reply_text>.*))?$",
        services=_CLEANUP,
        set={"kind": "reject", "stage": "EOD"},
        derive=_WHENCE | {"outcome": pl.col("_action").replace_strict(OUTCOME_OF, default=None)},
    ),
    Rule(
        name="postfix.content-change",
        starts=("filter: ", "redirect: ", "prepend: ", "replace: ", "strip: ", "bcc: ", "pass: "),
        pattern=rf"[a-z]+: {_PART}.* from {_ORIGIN}{FROM}(?:: (?<reply_text>.*))?$",
        services=_CLEANUP,
        set={"kind": "queue"},
        derive=CLIENT_KNOWN,
    ),
    # milter_header_checks. A refusal is repeated by `milter-reject: END-OF-MESSAGE`.
    Rule(
        name="postfix.milter-header",
        starts=("milter-header-",),
        pattern=r"milter-header-(?<_action>[a-z]+): header .* "
        rf"from {_ORIGIN}{FROM}(?:: (?<reply_text>.*))?$",
        services=_CLEANUP,
        derive=_WHENCE
        | {
            "outcome": _MARKED,
            "kind": pl.when(_MARKED.is_not_null())
            .then(pl.lit("reject"))
            .otherwise(pl.lit("queue")),
            "stage": pl.lit("EOD"),
        },
    ),
    # smtp_header_checks and the like, on the way out: there is no client. Cut lines of cleanup.
    Rule(
        name="postfix.content-change-out",
        starts=("filter: ", "redirect: ", "prepend: ", "replace: ", "strip: ", "info: "),
        pattern=r"(?<reply_text>[a-z]+: (?:header|body|mime-header|nested-header) .*)$",
        services=(*CLIENTS, *_CLEANUP),
        set={"kind": "queue"},
    ),
    # Too many Received: headers. The client of an SMTP session gets 554, other mail bounces.
    Rule(
        name="postfix.hop-count",
        starts=("warning: ",),
        has=(": message rejected: hopcount exceeded",),
        pattern=r"warning: (?<queue_id>[0-9A-Za-z]{6,25}): "
        r"(?<reply_text>message rejected: hopcount exceeded)$",
        services=_CLEANUP,
        set=_REJECTED | {"direction": "local", "stage": "EOD"},
    ),
)
