"""What the other end of a delivery is: this host itself, another one, a mailbox provider's."""

import polars as pl

from .knowledge import provider_map, reply_rules
from .text_causes import provider_of

NULL_SENDER = "<> (bounces and notices)"
OTHER_HOSTS = "(other hosts)"
_LOOPBACK = r"^(?:127\.[0-9.]+|::1|localhost(?:\.localdomain)?)$"


def relay() -> pl.Expr:
    """The host that an event's mail was handed to, as recipients.py names it."""
    return pl.coalesce("relay_name", "relay_ip")


def is_loopback(name: pl.Expr) -> pl.Expr:
    """Whether a name or address is this host's own."""
    return name.str.contains(_LOOPBACK).fill_null(False)


def is_remote(relay: pl.Expr, host: pl.Expr) -> pl.Expr:
    """Whether a relay is another host.

    A mailbox has no relay or, with Postfix, its transport's name, which has no dot. LMTP over a
    local socket names the host itself, with its domain.
    """
    itself = (relay == host) | relay.str.starts_with(host + pl.lit("."))
    named = relay.str.contains("[.:]")
    return (named & ~is_loopback(relay) & ~itself.fill_null(False)).fill_null(False)


def domain_of(address: pl.Expr) -> pl.Expr:
    """The domain of an address in lower case; `(local)` where it has none."""
    found = address.str.extract(r"@([^@]*)$", 1).str.to_lowercase()
    return pl.when(address.is_not_null()).then(found.fill_null("(local)"))


def sender_domain_of(sender: pl.Expr) -> pl.Expr:
    """The domain of a sender; the null sender has a name of its own."""
    return pl.when(sender == "").then(pl.lit(NULL_SENDER)).otherwise(domain_of(sender))


def provider_key(relay: pl.Expr, ip: pl.Expr | None = None) -> pl.Expr:
    """The key of the provider whose host a relay is; null of any other.

    The address counts where the user's own map names networks.
    """
    if ip is None or not provider_map.used().networks:
        return relay.map_batches(_providers, return_dtype=pl.String())
    both = pl.struct(relay.alias("relay"), ip.alias("ip"))
    return both.map_batches(_providers_by_ip, return_dtype=pl.String())


def _providers(names: pl.Series) -> pl.Series:
    """Asked once per distinct name."""
    distinct = names.unique().drop_nulls()
    found = pl.Series([provider_of(name) for name in distinct], dtype=pl.String)
    return names.replace_strict(distinct, found, default=None, return_dtype=pl.String())


def _providers_by_ip(peers: pl.Series) -> pl.Series:
    """Asked once per distinct name and address."""
    frame = peers.struct.unnest()
    distinct = frame.unique()
    found = [provider_of(name, ip) for name, ip in distinct.iter_rows()]
    named = distinct.with_columns(pl.Series("provider", found, dtype=pl.String))
    whole = frame.join(
        named, on=["relay", "ip"], how="left", nulls_equal=True, maintain_order="left"
    )
    return whole.get_column("provider")


def provider_names(keys: pl.Expr) -> pl.Expr:
    """The providers' names for people."""
    named = {scope.key: scope.name for scope, _ in reply_rules.scopes()}
    names = keys.replace_strict(named, default=keys, return_dtype=pl.String())
    return names.fill_null(OTHER_HOSTS)
