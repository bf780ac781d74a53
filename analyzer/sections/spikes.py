"""What the spikes need beyond the standard tables: minutes and who was behind what was refused.

Both tables are about replies of 400 and above and our own verdicts (direction local); their keys
are flat columns, their times instants of UTC, so that days can be kept and put together again.

spikes_minutes  host, direction, reply_code, enhanced_code, cause, minute -> n
spikes_who      host, direction, reply_code, enhanced_code, cause, dim, name, hour -> n; `dim` says
                what `name` is: a client's IP, the sender's or recipient's domain, the relay

The hourly counts themselves are the standard table `replies`, the time that is covered is
`activity` and `sources`; see analyzer/spikes/series.py, which makes all of them what `detect` reads.
"""

import polars as pl

from analyzer.peers import domain_of, relay, sender_domain_of
from analyzer.tables import PLAIN, LazyTables, Table, Tables, counts
from parsers.event import TIME, Direction
from reports.model import STANDARD, Listing

from . import Section, Shown

MINUTES = "spikes_minutes"
WHO = "spikes_who"
DIMS = ("client", "sender-domain", "recipient-domain", "relay")

_S = pl.String()
_SERIES: dict[str, pl.DataType] = {
    "host": _S,
    "direction": Direction,
    "reply_code": pl.UInt16(),
    "enhanced_code": _S,
    "cause": _S,
}
_LONGEST = 255  # bytes of a domain name; whatever is longer is none
# Sendmail refuses a recipient in a line without its client, which a later line names, perhaps
# beyond a cut: these are counted without one.
_CLIENTLESS = ("user-unknown", "too-many-recipients", "bad-syntax", "bad-parameter", "no-dsn",
               "bad-address", "refused-recipient")  # fmt: skip


def is_refusal() -> pl.Expr:
    """Whether a counted reply is one that spikes are looked for in."""
    return (pl.col("reply_code") >= 400).fill_null(False) | (pl.col("direction") == "local")


def _begin(minutes: int, name: str) -> pl.Expr:
    length = minutes * 60_000_000
    return (pl.col("time").to_physical() // length * length).cast(TIME).alias(name)


def _client() -> pl.Expr:
    later = pl.col("implied").is_in([f"sendmail.{name}" for name in _CLIENTLESS])
    inbound = (pl.col("direction") == "inbound") & ~later.fill_null(False)
    return pl.when(inbound).then(pl.coalesce("client_ip", "client_name"))


def _count(events: pl.LazyFrame) -> LazyTables:
    names = {
        "client": _client(),
        "sender-domain": sender_domain_of(pl.col("sender")),
        "recipient-domain": domain_of(pl.col("recipient")),
        "relay": pl.when(pl.col("direction") == "outbound").then(relay()),
    }
    told = (
        events.filter(pl.col("cause").is_not_null() & is_refusal() & pl.col("time").is_not_null())
        .select(
            *_SERIES,
            _begin(1, "minute"),
            _begin(60, "hour"),
            *(value.str.slice(0, _LONGEST).alias(dim) for dim, value in names.items()),
            pl.col("count").cast(pl.UInt64).alias("n"),
        )
        .collect(engine="in-memory", optimizations=PLAIN)
        .lazy()
    )
    n = pl.col("n").sum()
    who = [
        told.filter(pl.col(dim).is_not_null())
        .group_by(*_SERIES, pl.lit(dim).alias("dim"), pl.col(dim).alias("name"), "hour")
        .agg(n)
        for dim in DIMS
    ]
    return {MINUTES: told.group_by(*_SERIES, "minute").agg(n), WHO: pl.concat(who)}


def _show(_: Tables, __: Shown) -> tuple[Listing, ...]:
    return ()  # the report has its own place for them


SECTIONS = (
    Section(
        name="spikes",
        title="Spikes",
        about=STANDARD["spikes"],
        tables={
            MINUTES: Table(_SERIES | {"minute": TIME}, counts("n")),
            WHO: Table(_SERIES | {"dim": _S, "name": _S, "hour": TIME}, counts("n")),
        },
        count=_count,
        show=_show,
    ),
)
