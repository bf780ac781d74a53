"""Refusals that only the counters of smtpd's `disconnect` line show (Postfix 3.0 and later).

`vrfy=0/3` is successes/total. Refused RCPT, MAIL, ETRN and AUTH have lines of their own, so
they count here only where the session shows that they cannot have one.
"""

from typing import NamedTuple

import polars as pl

from .event import SCHEMA
from .implied import IMPLIED

_COUNTERS = pl.col("_counters")
# A session with none of these has nothing to tell beyond its own lines.
_TELLING = [f" {name}=0/" for name in ("unknown", "vrfy", "data", "bdat", "rset", "ehlo", "helo")]


def _done(name: str) -> pl.Expr:
    """At least one such command succeeded."""
    return _COUNTERS.str.contains(f" {name}=[1-9]")


def _sent(name: str) -> pl.Expr:
    return _COUNTERS.str.contains(f" {name}=", literal=True)


def _successes(name: str) -> pl.Expr:
    count = _COUNTERS.str.extract(f" {name}=([0-9]{{1,9}})", 1)
    return count.cast(pl.Int64).fill_null(0)


def _failures(name: str) -> pl.Expr:
    """How many such commands were refused."""
    total = _COUNTERS.str.extract(f" {name}=[0-9]{{1,9}}/([0-9]{{1,9}})", 1)
    return total.cast(pl.Int64).fill_null(0) - _successes(name)


class _Refusal(NamedTuple):
    """A reply that the counters prove, and how often it was given."""

    implied: str
    stage: str
    command: str | None
    count: pl.Expr


# RSET cannot fail by itself: where it does without TLS, smtpd wants STARTTLS before all else.
_LOCKED = (_failures("rset") > 0) & ~_done("rset") & ~_done("starttls") & ~_done("mail")
_OPEN = ~_LOCKED


def _where(condition: pl.Expr, count: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(count).otherwise(0)


_REFUSALS: tuple[_Refusal, ...] = (
    # Without QUIT the last command may be the forbidden one that is answered with 221; a
    # session that ended otherwise has `lost connection after UNKNOWN`, which counts it.
    _Refusal(
        "postfix.unknown-command",
        "OTHER",
        None,
        _failures("unknown") - pl.when(_done("quit")).then(0).otherwise(1),
    ),
    _Refusal(
        "postfix.vrfy-disabled",
        "VRFY",
        "VRFY",
        _where(_OPEN & ~_done("vrfy"), _failures("vrfy")),
    ),
    *(
        # One at most per transaction: further ones may be 503.
        _Refusal(
            "postfix.no-valid-recipients",
            "DATA",
            name.upper(),
            _where(~_done("rcpt"), pl.min_horizontal(_failures(name), _successes("mail"))),
        )
        for name in ("data", "bdat")
    ),
    _Refusal(
        "postfix.need-mail", "RCPT", "RCPT", _where(_OPEN & ~_sent("mail"), _failures("rcpt"))
    ),
    *(
        _Refusal(
            "postfix.helo-syntax",
            "HELO",
            name.upper(),
            _where(_done("mail") & ~_done("ehlo") & ~_done("helo"), _failures(name)),
        )
        for name in ("ehlo", "helo")
    ),
    *(
        _Refusal("postfix.starttls-first", stage, stage, _where(_LOCKED, _failures(name)))
        for name, stage in (
            ("auth", "AUTH"),
            ("mail", "MAIL"),
            ("rcpt", "RCPT"),
            ("data", "DATA"),
            ("vrfy", "VRFY"),
            ("etrn", "ETRN"),
        )
    ),
    _Refusal("postfix.starttls-first", "OTHER", "RSET", _where(_LOCKED, _failures("rset"))),
)


def refusals(hits: pl.DataFrame) -> pl.DataFrame:
    """The sessions' own events, and one for each sort of refusal that a session's counters prove."""
    lonely_rcpt = _COUNTERS.str.contains(" rcpt=0/", literal=True) & ~_sent("mail")
    telling = hits.filter(_COUNTERS.str.contains_any(_TELLING) | lonely_rcpt)
    if telling.is_empty():
        return hits
    counts = telling.select(
        refusal.count.alias(str(number)) for number, refusal in enumerate(_REFUSALS)
    )
    client = telling.select("row", "client_name", "client_ip")
    found = [
        client.with_columns(counts.get_column(str(number)).alias("count"))
        .filter(pl.col("count") > 0)
        .with_columns(_event(refusal))
        for number, refusal in enumerate(_REFUSALS)
    ]
    return pl.concat([hits, *(events for events in found if not events.is_empty())], how="diagonal")


def _event(refusal: _Refusal) -> list[pl.Expr]:
    values = {
        "kind": "reject",
        "direction": "inbound",
        "outcome": "rejected",
        "stage": refusal.stage,
        "command": refusal.command,
        "reply_code": IMPLIED[refusal.implied].code,
        "evidence": "implied",
    }
    columns = [pl.lit(value, dtype=SCHEMA[name]).alias(name) for name, value in values.items()]
    return [*columns, pl.lit(refusal.implied).alias("implied")]


def last_unknown(hits: pl.DataFrame) -> pl.DataFrame:
    """A session's end after an unknown command: that command's refusal besides the end itself."""
    refusal = _Refusal("postfix.unknown-command", "OTHER", None, pl.lit(1))
    refused = hits.select("row", "client_name", "client_ip").with_columns(_event(refusal))
    if "implied" not in hits.columns:
        hits = hits.with_columns(pl.lit(None, dtype=pl.String).alias("implied"))
    return pl.concat([hits, refused], how="diagonal")
