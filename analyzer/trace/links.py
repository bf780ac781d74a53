"""Which lines name another message: handed on, sent out again, told of in a notice.

A text in a log only ever suggests a link. Where the words are a stranger's (a remote server's
reply) the two messages must also agree in time, Message-ID and who handed it over; see
trace_join.py. Where they are the mail server's own, its place in the line is enough.
"""

import polars as pl

from analyzer.handovers import next_queue_id

HANDED = "handed"
"""The next queue, in a reply: `queued as X`, `OK id=X`, `(X Message accepted for delivery)`."""
FORWARDED = "forwarded"
"""Postfix local(8): what an alias led to goes on as a new message."""
NOTICE = "notice"
"""A bounce or another notice was made of this message."""
CLONE = "clone"
"""Sendmail split it in several, an owner or a part of the recipients each."""
ABOUT = "about"
"""Exim: this message is a notice about another one (`<= <> R=X`)."""
AGAIN = "again"
"""Postfix: put back into the queue under a new id (`orig_id=X`)."""

LINKS = pl.Enum([HANDED, FORWARDED, NOTICE, CLONE, ABOUT, AGAIN])

_ID = "[0-9A-Za-z]{6,25}"
_EXIM_ID = "[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
# Exim's own stamp and process id may stand before the id, where syslog wrote the line.
_EXIM_HEAD = r"^(?:[0-9]{4}-[-0-9:. +]* )?(?:\[[0-9]+\] )?"


def with_links(events: pl.DataFrame) -> pl.DataFrame:
    """Add `link`, how the event names another message, and `names`, that message's queue id."""
    mta, rule = pl.col("mta").cast(pl.String), pl.col("rule")
    text, raw = pl.col("reply_text"), pl.col("raw")
    delivered = (pl.col("kind") == "delivery") & (pl.col("outcome") == "sent")
    # What sendmail-msp gives to the daemon of its host is no delivery yet.
    passed = (pl.col("kind") == "queue") & pl.col("recipient").is_not_null()
    found = {
        FORWARDED: pl.when(delivered & (mta == "postfix") & (pl.col("direction") == "local")).then(
            text.str.extract(rf"^forwarded as ({_ID})$", 1)
        ),
        HANDED: pl.when(delivered | passed).then(next_queue_id(text)),
        NOTICE: pl.when(rule == "postfix.notification")
        .then(text.str.extract(rf"notification: ({_ID})$", 1))
        .when(rule.is_in(["sendmail.notice", "sendmail.expired"]))
        .then(raw.str.extract(rf"^{_ID}: ({_ID}): ", 1)),
        CLONE: pl.when(rule == "sendmail.split").then(
            raw.str.extract(rf"^{_ID}: ({_ID}): clone", 1)
        ),
        ABOUT: pl.when(rule == "exim.received").then(
            raw.str.extract(rf"{_EXIM_HEAD}{_EXIM_ID} <= <> R=({_EXIM_ID}) ", 1)
        ),
        AGAIN: pl.when(rule == "postfix.requeued").then(raw.str.extract(rf" orig_id=({_ID})$", 1)),
    }
    link = pl.coalesce(pl.when(name.is_not_null()).then(pl.lit(k)) for k, name in found.items())
    return events.with_columns(
        link.cast(LINKS).alias("link"), pl.coalesce(*found.values()).alias("names")
    )
