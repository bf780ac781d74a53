"""Lines about a message in the queue: cleanup, the queue managers, bounce, pickup, postsuper."""

import polars as pl

from .rules import Rule

_QMGR = ("qmgr", "nqmgr", "oqmgr")
_QUEUE = {"kind": "queue"}

HOT: tuple[Rule, ...] = (
    Rule(
        name="postfix.message-id",
        starts=("message-id=",),
        pattern=r"message-id=(?<message_id>.*)$",
        services=("cleanup",),
        set=_QUEUE,
        derive={
            "message_id": pl.col("message_id").str.strip_prefix("<").str.strip_suffix(">"),
        },
        certain=True,
    ),
    Rule(
        name="postfix.queued",
        starts=("from=<",),
        pattern=r"from=<(?<sender>[^>]*)>, size=(?<size>[0-9]+), nrcpt=(?<nrcpt>[0-9]+) "
        r"\(queue active\)$",
        services=_QMGR,
        set=_QUEUE,
    ),
    # The whole text: no pattern needed.
    Rule(
        name="postfix.removed",
        starts=("removed",),
        services=_QMGR,
        set=_QUEUE | {"outcome": "removed"},
    ),
)

RULES: tuple[Rule, ...] = (
    Rule(
        name="postfix.expired",
        starts=("from=<",),
        has=("expired, returned to sender",),
        pattern=r"from=<(?<sender>.*)>, status=(?:force-)?expired, returned to sender$",
        services=_QMGR,
        set=_QUEUE | {"outcome": "expired"},
    ),
    # A quoted local part may hold what ends the address elsewhere: looked for from the right.
    Rule(
        name="postfix.queued-odd",
        starts=("from=<",),
        pattern=r"from=<(?<sender>.*)>, size=(?<size>[0-9]+), nrcpt=(?<nrcpt>[0-9]+) "
        r"\(queue [a-z]+\)$",
        services=_QMGR,
        set=_QUEUE,
    ),
    Rule(
        name="postfix.skipped",
        starts=("skipped, still being delivered", "skipped: ", "to=<>: "),
        services=_QMGR,
        ignore=True,
    ),
    Rule(
        name="postfix.resent-message-id",
        starts=("resent-message-id=",),
        pattern=r"resent-message-id=<?(?<_id>.*)$",
        services=("cleanup",),
        set=_QUEUE,
    ),
    Rule(
        name="postfix.notification",
        starts=(
            "sender non-delivery notification: ",
            "sender delay notification: ",
            "sender delivery status notification: ",
            "postmaster non-delivery notification: ",
            "postmaster delay notification: ",
        ),
        pattern=r"(?<reply_text>[a-z -]+ notification: [0-9A-Za-z]+)$",
        services=("bounce", "defer", "trace"),
        set=_QUEUE,
    ),
    Rule(
        name="postfix.notification-dropped",
        starts=("undeliverable postmaster notification discarded",),
        pattern=r"(?<reply_text>undeliverable postmaster notification discarded.*)$",
        services=("bounce", "defer", "trace"),
        set=_QUEUE | {"outcome": "discarded"},
    ),
    # `orig_id=` is a message put back into the queue under a new id; handovers.py joins the two.
    Rule(
        name="postfix.requeued",
        starts=("uid=",),
        has=(" orig_id=",),
        pattern=r"uid=[0-9]+ from=<(?<sender>.*)> orig_id=[0-9A-Za-z]+$",
        services=("pickup",),
        set={"kind": "received", "direction": "local"},
    ),
    Rule(
        name="postfix.pickup",
        starts=("uid=",),
        pattern=r"uid=[0-9]+ from=<(?<sender>.*)>$",
        services=("pickup",),
        set={"kind": "received", "direction": "local"},
    ),
    Rule(
        name="postfix.deleted",
        starts=("removed",),
        pattern=r"(?<reply_text>removed)$",
        services=("postsuper",),
        set=_QUEUE | {"outcome": "removed"},
    ),
    Rule(
        name="postfix.held",
        starts=("placed on hold",),
        pattern=r"(?<reply_text>placed on hold)$",
        services=("postsuper",),
        set=_QUEUE | {"outcome": "held"},
    ),
    Rule(
        name="postfix.postsuper",
        starts=("released from hold", "requeued", "expired", "renamed "),
        pattern=r"(?<reply_text>(?:released from hold|requeued|expired|renamed .*))$",
        services=("postsuper",),
        set=_QUEUE,
    ),
    Rule(
        name="postfix.postsuper-sum",
        starts=(
            "Deleted: ",
            "Placed on hold: ",
            "Released from hold: ",
            "Requeued: ",
            "Expired: ",
            "Renamed to match inode number: ",
        ),
        pattern=r"(?<reply_text>[A-Z][a-z ]+: [0-9]+ messages?)$",
        services=("postsuper",),
        set={"kind": "system"},
    ),
)
