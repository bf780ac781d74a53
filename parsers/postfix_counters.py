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
TELLING = tuple(
    f" {name}=0/" for name in ("unknown", "vrfy", "data", "bdat", "rset", "ehlo", "helo")
)


def _done(name: str) -> pl.Expr:
    """At least one such command succeeded."""
    return _COUNTERS.str.contains(f" {name}=[1-9]")


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
    counter: str
    """The counter that has to show no success."""
    times: pl.Expr


def _where(condition: pl.Expr, count: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(count).otherwise(0)


# RSET cannot fail by itself: where it does without TLS, smtpd wants STARTTLS before all else.
_LOCKED = _COUNTERS.str.contains(" rset=0/", literal=True) & ~_done("starttls") & ~_done("mail")

_REFUSALS: tuple[_Refusal, ...] = (
    # Without QUIT the last command may be the forbidden one that is answered with 221; a
    # session that ended otherwise has `lost connection after UNKNOWN`, which counts it.
    _Refusal(
        "postfix.unknown-command",
        "OTHER",
        None,
        "unknown",
        _failures("unknown") - pl.when(_done("quit")).then(0).otherwise(1),
    ),
    _Refusal("postfix.vrfy-disabled", "VRFY", "VRFY", "vrfy", _where(~_LOCKED, _failures("vrfy"))),
    *(
        # One at most per transaction: further ones may be 503.
        _Refusal(
            "postfix.no-valid-recipients",
            "DATA",
            name.upper(),
            name,
            _where(~_done("rcpt"), pl.min_horizontal(_failures(name), _successes("mail"))),
        )
        for name in ("data", "bdat")
    ),
    *(
        _Refusal(
            "postfix.helo-syntax",
            "HELO",
            name.upper(),
            name,
            _where(_done("mail") & ~_done("ehlo") & ~_done("helo"), _failures(name)),
        )
        for name in ("ehlo", "helo")
    ),
    *(
        _Refusal("postfix.starttls-first", stage, name.upper(), name, _failures(name))
        for name, stage in (
            ("rset", "OTHER"),
            ("auth", "AUTH"),
            ("mail", "MAIL"),
            ("rcpt", "RCPT"),
            ("data", "DATA"),
            ("vrfy", "VRFY"),
            ("etrn", "ETRN"),
        )
    ),
)


def refusals(hits: pl.DataFrame) -> pl.DataFrame:
    """The sessions' own events, and one for each sort of refusal their counters prove."""
    # Thousands of sessions end with the same few dozen sets of counters.
    telling = hits.select("_counters").unique()
    locked = telling.filter(_LOCKED)
    proofs: list[pl.DataFrame] = []
    for refusal in _REFUSALS:
        sets = locked if refusal.implied == "postfix.starttls-first" else telling
        of_it = sets.filter(_COUNTERS.str.contains(f" {refusal.counter}=0/", literal=True))
        if of_it.is_empty():
            continue
        counted = of_it.with_columns(refusal.times.alias("count")).filter(pl.col("count") > 0)
        proofs.append(counted.with_columns(_event(refusal)))
    if not proofs:
        return hits
    proven = hits.select("row", "client_name", "client_ip", "_counters").join(
        pl.concat(proofs), on="_counters"
    )
    return pl.concat([hits, proven.drop("_counters")], how="diagonal")


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
    refusal = _REFUSALS[0]
    refused = hits.select("row", "client_name", "client_ip").with_columns(_event(refusal))
    if "implied" not in hits.columns:
        hits = hits.with_columns(pl.lit(None, dtype=pl.String).alias("implied"))
    return pl.concat([hits, refused], how="diagonal")
