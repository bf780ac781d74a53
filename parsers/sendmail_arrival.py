"""Sendmail's `from=` lines: a transaction's end as a server, or a message given in locally."""

import polars as pl

from .rules import Rule
from .sendmail_syntax import ADDRESS, CLIENT, CLIENT_NAME, PLAIN, bare

_MORE = r"(?:, bodytype=[^ ,]+)?(?:, smtputf8)?(?:, proto=(?<_proto>[^ ,]+))?(?:, daemon=[^,]*)?(?:, (?:tls_verify|auth)=[^ ,]*)*"
_RELAY = rf", relay=(?:{CLIENT}|\[RESPONSE\])$"


def _arrivals(lines: pl.DataFrame) -> pl.DataFrame:
    """Received, aborted, or given in by a local program that passes it to the daemon.

    Only a message that was collected to its end has its msgid logged (collect.c); a
    transaction cut short is logged when the next begins, without. What a local program gives
    in is logged once here (no protocol, no address) and again by the daemon it is passed to:
    the daemon's line counts. Up to 8.11, whose lines have pri=, there was no such hop.
    """
    ended = pl.col("message_id").is_not_null() & (pl.col("nrcpt") != "0")
    hop = pl.col("_proto").is_null() & pl.col("client_ip").is_null() & pl.col("_pri").is_null()
    received = ended & ~hop
    kind = (
        pl.when(hop)
        .then(pl.lit("queue"))
        .when(ended)
        .then(pl.lit("received"))
        .otherwise(pl.lit("session"))
    )
    return lines.with_columns(
        bare(pl.col("_from")).alias("sender"),
        CLIENT_NAME.alias("client_name"),
        kind.alias("kind"),
        pl.when(hop).then(pl.lit("local")).otherwise(pl.lit("inbound")).alias("direction"),
        pl.when(received).then(pl.lit("accepted")).alias("outcome"),
        # The size would make the queue entry of the hop a message of its own.
        pl.when(received).then(pl.col("size")).alias("size"),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        name="sendmail.from",
        starts=("from=",),
        pattern=rf"from=(?<_from>{PLAIN}), size=(?<size>[0-9]+), class=-?[0-9]+, (?:pri=(?<_pri>-?[0-9]+), )?"
        rf"nrcpts=(?<nrcpt>[0-9]+)(?:, msgid=(?<message_id><[^<>, ]*>))?{_MORE}{_RELAY}",
        expand=_arrivals,
    ),
    Rule(
        name="sendmail.from-any",
        starts=("from=",),
        pattern=rf"from=(?<_from>{ADDRESS}), size=(?<size>[0-9]+), class=-?[0-9]+, (?:pri=(?<_pri>-?[0-9]+), )?"
        rf"nrcpts=(?<nrcpt>[0-9]+)(?:, msgid=(?<message_id>.*?))?{_MORE}{_RELAY}",
        expand=_arrivals,
    ),
    Rule(
        # A sender cut after 200 characters, inside its quotes or brackets.
        name="sendmail.from-cut",
        starts=("from=",),
        pattern=r"from=(?<_from>.{190,}?), size=(?<size>[0-9]+), class=-?[0-9]+, (?:pri=(?<_pri>-?[0-9]+), )?"
        rf"nrcpts=(?<nrcpt>[0-9]+)(?:, msgid=(?<message_id>.*?))?{_MORE}{_RELAY}",
        expand=_arrivals,
    ),
)
