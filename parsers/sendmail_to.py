"""Sendmail's `to=` lines: what became of recipients.

Field order is fixed (deliver.c, logdelivery): to, ctladdr, delay, xdelay, mailer, pri, relay,
dsn, reply, stat. The recipients come first and the remote server's text last, so the fields
between are found from the head, past recipients read by their own syntax. In the tail both
`reply=` and `stat=` may quote the remote server; which `, stat=` parts them follows from the
reply's first digit, because a 4xx reply always defers.
"""

import polars as pl

from .implied import IMPLIED
from .rules import IMPLIED_BY, Rule
from .sendmail_syntax import ADDRESS, PLAIN, bare, seconds
from .smtp_reply import reply_columns

_FIXED = (
    r"delay=(?<_delay>[0-9:+]+), (?:xdelay=[0-9:+]+, )?mailer=(?<_mailer>[^ ,]+), pri=-?[0-9]+, "
    r"(?:relay=(?<_relay>[^ ,]+)(?: \[(?<_ip>[^\[\] ]+)\])?, )?dsn=(?<_dsn>[0-9.]+), "
)
# The same for other versions: tls_verify= and the like, no dsn=, stage=, peer in parentheses.
_LOOSE = (
    r"delay=(?<_delay>[0-9:+]+)(?:, xdelay=[0-9:+]+)?(?:, mailer=(?<_mailer>[^ ,]+))?"
    r"(?:, [a-z_]+=[^ ,]*)*?(?:, pri=-?[0-9]+)?"
    r"(?:, (?:relay=(?<_relay>[^ ,]+)(?: [\[(](?<_ip>[^\[\]() ]+)[\])])?|quarantine=.*?))?"
    r"(?:, dsn=(?<_dsn>[0-9.]+))?(?:, ntries=[0-9]+)?(?:, stage=[^ ,]+)?(?:, status=[^,]*)?"
    r"(?:\.\.\.)?, "
)
_TAIL = r"(?<_tail>(?:reply|stat)=.*)$"

# Sendmail's own words in the place of a reply (usersmtp.c, and the ruleset tls_server).
_OWN = (
    r"^(?:421 4\.4\.1 Connection (?:reset by|timed out with) |451 4\.4\.1 reply: read error from "
    r"|403 |454 4\.7\.0 TLS handshake failed)"
)
_LOCAL_MAILERS = [
    "local",
    "prog",
    "*file*",
    "*include*",
    "file",
    "cyrus",
    "procmail",
    "error",
    "discard",
]
_SMTP_MAILERS = ["smtp", "esmtp", "smtp8", "dsmtp", "relay"]
_LOOPBACK = r"^(?:127\.[0-9.]+|(?:0+:)*:{0,2}0*1)$"
_LOOPBACK_NAME = (
    r"^(?:\[?127\.[0-9.]+\]?|\[IPv6:(?:0+:)*:{0,2}0*1\]|\[?localhost(?:\.localdomain)?\.?\]?)$"
)
# Verdicts reached before or without the remote server's word.
_OWN_VERDICTS = (
    r"^(?:Host unknown|Local configuration error|Deferred|queued|quarantined|Can't create output)"
)
_ABORTED = r"^(?:aborted by sender|RSET|[EH][HE]LO|rset|[eh][he]lo)$"


def _settle(lines: pl.DataFrame) -> pl.DataFrame:
    """One event per line, from the fixed fields and the tail."""
    return _reply(_verdict(_route(lines))).with_columns(delay=seconds(pl.col("_delay")))


def _route(lines: pl.DataFrame) -> pl.DataFrame:
    name, ip = pl.col("_relay"), pl.col("_ip").str.strip_prefix("IPv6:")
    literal = name.str.extract(r"^\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]$", 1)
    ip = pl.when(ip.str.contains(r"^[0-9A-Fa-f:.]+$")).then(ip).otherwise(literal)
    near = ip.str.contains(_LOOPBACK).fill_null(False) | name.str.contains(
        _LOOPBACK_NAME
    ).fill_null(False)
    mailer = pl.col("_mailer")
    return lines.with_columns(
        pl.when(~name.str.starts_with("[")).then(name.str.strip_suffix(".")).alias("relay_name"),
        ip.alias("relay_ip"),
        # sendmail-msp hands mail to the daemon of its own host: the same message goes on there.
        ((mailer == "relay") & near).fill_null(False).alias("_hop"),
        (
            mailer.is_in(_SMTP_MAILERS)
            | (pl.col("_ip").is_not_null() & ~mailer.is_in(_LOCAL_MAILERS))
        )
        .fill_null(False)
        .alias("_smtp"),
    )


def _verdict(lines: pl.DataFrame) -> pl.DataFrame:
    """Columns _raw (the remote's reply, where one stands in the line) and _stat."""
    tail, quoted, early = pl.col("_tail"), pl.col("_quoted"), pl.col("_early").struct
    lines = lines.with_columns(
        pl.when(tail.str.starts_with("reply=")).then(tail.str.slice(6)).alias("_quoted")
    ).with_columns(
        pl.when(quoted.str.starts_with("4"))
        .then(quoted)
        .str.splitn(", stat=Deferred", 2)
        .alias("_early")
    )
    late = pl.when(early.field("field_1").is_null()).then(quoted)
    lines = lines.with_columns(late.str.extract_groups(r"^(.*), stat=(.*)$").alias("_late"))
    parts = pl.col("_late").struct
    deferred = early.field("field_1").is_not_null()
    lines = lines.with_columns(
        pl.when(deferred)
        .then(early.field("field_0"))
        .otherwise(pl.coalesce(parts.field("1"), quoted))
        .alias("_raw"),
        pl.when(quoted.is_null())
        .then(tail.str.slice(5))
        .otherwise(pl.coalesce(pl.lit("Deferred") + early.field("field_1"), parts.field("2")))
        .alias("_stat"),
    )
    # Before 8.16 there is no reply=; a deferral quotes the reply itself.
    deferral = pl.col("_stat").str.extract(r"^Deferred: ([45][0-9]{2}(?:[ -].*)?)$", 1)
    raw = pl.when(quoted.is_null()).then(deferral).otherwise(pl.col("_raw"))
    return lines.with_columns(
        pl.when(~raw.str.contains(_OWN) & pl.col("_smtp")).then(raw).alias("_raw"),
        pl.col("_stat").fill_null(
            pl.when(raw.str.starts_with("4")).then(pl.lit("Deferred")).otherwise(pl.lit(""))
        ),
    )


def _reply(lines: pl.DataFrame) -> pl.DataFrame:
    """Reply, outcome, kind and direction."""
    stat, hop, smtp = pl.col("_stat"), pl.col("_hop"), pl.col("_smtp")
    # `queued` with a temporary code was tried: a name server gave no answer, say.
    tried = (stat == "queued") & pl.col("_dsn").str.starts_with("4.").fill_null(False)
    sent, deferred = stat.str.starts_with("Sent"), stat.str.starts_with("Deferred") | tried
    waits = stat.is_in(["queued", "quarantined"]) & ~tried
    # No mailer: the transaction ended before delivery (srvrsmtp.c, logundelrcpts).
    unaccepted = pl.col("_mailer").is_null() & ~waits & ~sent & ~deferred
    aborted = unaccepted & stat.str.contains(_ABORTED)
    lines = lines.with_columns(reply_columns(pl.col("_raw")))
    printed = pl.col("reply_code").is_not_null()
    implied = sent & smtp & ~hop & ~printed
    remote = (
        printed
        | implied
        | (smtp & pl.col("relay_ip").is_not_null() & ~stat.str.contains(_OWN_VERDICTS))
    )
    dsn, from_dsn = pl.col("_dsn"), pl.col("enhanced_code").is_null() & pl.col("_dsn").is_not_null()

    handed_on = hop & sent
    delivers = ~(handed_on | waits | unaccepted | (hop & deferred))
    return lines.with_columns(
        # A delivery's daemon is the mailer, as with Exim's transports; else the line's own.
        pl.when(delivers).then(pl.col("_mailer")).alias("service"),
        _choose(
            (handed_on | waits, "queue"),
            (aborted, "session"),
            (unaccepted, "reject"),
            (hop & deferred, "attempt"),
            default="delivery",
        ).alias("kind"),
        _choose(
            (stat == "quarantined", "held"),
            (handed_on | waits | aborted, None),
            (unaccepted, "rejected"),
            (sent, "sent"),
            (deferred, "deferred"),
            default="bounced",
        ).alias("outcome"),
        _choose(
            (waits, None),
            (handed_on, "local"),
            (unaccepted, "inbound"),
            (remote, "outbound"),
            default="local",
        ).alias("direction"),
        pl.when(implied)
        .then(IMPLIED["sendmail.sent"].code)
        .otherwise(pl.col("reply_code"))
        .alias("reply_code"),
        _choose((implied, "implied"), (printed, "logged"), default=None).alias("evidence"),
        pl.when(implied).then(pl.lit("sendmail.sent")).alias(IMPLIED_BY),
        _choose((implied, "EOD"), default=None).alias("stage"),
        pl.coalesce("enhanced_code", dsn).alias("enhanced_code"),
        _choose(
            (from_dsn, "dsn"), (pl.col("enhanced_code").is_not_null(), "reply"), default=None
        ).alias("enhanced_from"),
        pl.when(printed)
        .then(pl.col("reply_text"))
        .otherwise(
            pl.coalesce(
                stat.str.extract(r"^Sent \((.*)\)$", 1), stat.str.strip_prefix("Deferred: ")
            )
        )
        .alias("reply_text"),
    )


def _choose(*ways: tuple[pl.Expr, str | None], default: str | None) -> pl.Expr:
    """The word of the first test that holds."""
    chosen: pl.Expr = pl.lit(default, dtype=pl.String)
    for test, word in reversed(ways):
        chosen = pl.when(test).then(pl.lit(word, dtype=pl.String)).otherwise(chosen)
    return chosen


def _named(lines: pl.DataFrame) -> pl.DataFrame:
    """Recipient and, for a program or file, the address that led to it."""
    address = bare(pl.col("_to"))
    into_program = address.str.contains(r'^"?[|/]')
    source = pl.col("_ctl").str.replace(r" \([0-9]+/[0-9]+\)$", "")
    return lines.with_columns(
        address.alias("recipient"),
        pl.when(into_program).then(bare(source)).alias("orig_recipient"),
    )


def _plain(lines: pl.DataFrame) -> pl.DataFrame:
    settled = _settle(lines).with_columns(pl.col("_to").str.strip_suffix(","))
    several = settled.select(pl.col("_to").str.contains(",", literal=True)).to_series()
    if several.any():
        listed = settled.filter(several).with_columns(pl.col("_to").str.split(",")).explode("_to")
        settled = pl.concat([settled.filter(~several), listed])
    return _named(settled)


def _any(lines: pl.DataFrame) -> pl.DataFrame:
    listed = _settle(lines).with_columns(pl.col("_to").str.extract_all(ADDRESS))
    return _named(listed.explode("_to"))


def _whole(lines: pl.DataFrame) -> pl.DataFrame:
    return _named(_settle(lines))


RULES: tuple[Rule, ...] = (
    Rule(
        name="sendmail.to",
        starts=("to=",),
        pattern=rf"to=(?<_to>(?:{PLAIN},)+) (?:\[more\], )?"
        rf"(?:ctladdr=(?<_ctl>{PLAIN})(?: \([0-9]+/[0-9]+\))?, )?{_FIXED}{_TAIL}",
        expand=_plain,
    ),
    Rule(
        name="sendmail.to-any",
        starts=("to=",),
        pattern=rf"to=(?<_to>{ADDRESS}(?:,{ADDRESS})*),(?: \[more\],|,)? "
        rf"(?:ctladdr=(?<_ctl>{ADDRESS}|.{{1,90}}?)(?: \([0-9]+/[0-9]+\))?, )?{_LOOSE}{_TAIL}",
        expand=_any,
    ),
    Rule(
        # Cut inside quotes or brackets: longer than the buffer, or shortened with `...`.
        name="sendmail.to-cut",
        starts=("to=",),
        pattern=rf"to=(?<_to>.*?), (?:ctladdr=(?<_ctl>.*?)(?: \([0-9]+/[0-9]+\))?, )?{_LOOSE}{_TAIL}",
        expand=_whole,
    ),
)
