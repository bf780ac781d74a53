"""Addresses that differ from mail to mail made one again: SRS, BATV, VERP and extensions.

Forwarders, mailing lists and bounce protection write a hash, a date, a number or the recipient
into the sender's local part. Reports fold that away when they list addresses: only on finished
tables, whose rows are few, and only where a literal mark of such a form stands. Nothing is decoded:
what is shown is cut out of the address, so that no byte appears that was not in it.

Sources: SRS: Mengwong, Schlitt, `The Sender Rewriting Scheme`, and Microsoft's `name+SRS=`;
BATV: draft-levine-smtp-batv-01, Exim's and Barracuda's forms; VERP: Bernstein, `Variable Envelope
Return Paths`, and Postfix' XVERP (VERP_README).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from .exits import Exit, Refused
from .tables import Table, Tables

KINDS = ("srs", "batv", "verp", "verp-id", "plus")
"""What can be folded, in the order in which it is taken off."""
DEFAULT = frozenset({"srs", "batv", "verp"})

# Visible ASCII but what ends an address; positive classes compile a hundred times faster.
_CHAR = r"[!#-;?A-Z\[-~]"
_LOCAL = r"[!#-;=?A-Z\[-~]"
_DOMAIN = r"[0-9A-Za-z.-]"
_AT = r"@([^@]+)$"
_DAY = r"[A-Za-z2-7][A-Za-z2-7]"
_SRS = "[Ss][Rr][Ss]"
_PRVS = "[Pp][Rr][Vv][Ss]"
_TAG = "[0-9A-Za-z]+"
# Hash, day, the domain and the local part, which may hold `=` itself.
_ORIGINAL = rf"{_CHAR}+={_DAY}=({_DOMAIN}+)=({_LOCAL}+)@[^@]+$"
_USER_IS_HOST = rf"{_CHAR}+=[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+"
_BOUNCES = (
    "[Bb]ounces?|[Bb]ounced|[Rr]eturns?|[Ee]rrors?|[Oo]wner|[Vv]erp|[Rr]equest|[Nn]o-?[Rr]eply"
)
_NAMED = rf"^((?:{_CHAR}*[-_.])?(?:{_BOUNCES}))"
_NUMBERED = rf"^((?:{_CHAR}*[-_.])?(?:[Bb]ounces?|[Bb]ounced|[Rr]eturns?))"

# Each pattern with what stays of the address.
_FORMS: dict[str, tuple[tuple[str, str], ...]] = {
    "srs": (
        (rf"^{_SRS}0[-+=]{_ORIGINAL}", "$2@$1"),
        (rf"^{_SRS}1[-+=]{_CHAR}+={_DOMAIN}+=[-+=]{_ORIGINAL}", "$2@$1"),
        (rf"^{_CHAR}+\+{_SRS}={_ORIGINAL}", "$2@$1"),
        # This one tells no address.
        (rf"^({_CHAR}+\+{_SRS})={_CHAR}+={_DAY}{_AT}", "$1@$2"),
    ),
    "batv": (
        (rf"^(?:{_PRVS}|[Mm][Ss]{_PRVS}1)={_TAG}=({_LOCAL}+@[^@]+)$", "$1"),
        (rf"^[Bb][Tt][Vv]1=={_TAG}==({_LOCAL}+@[^@]+)$", "$1"),
        (rf"^{_PRVS}=([!#-.0-;?A-Z\[-~]+)/[0-9]{{4}}[0-9A-Fa-f]{{6}}{_AT}", "$1@$2"),
    ),
    "verp": (
        (rf"^({_LOCAL}+?-return|{_LOCAL}+?)-[0-9]+-{_USER_IS_HOST}{_AT}", "$1@$2"),
        (rf"^([!#-*,-;?A-Z\[-~]+)\+{_USER_IS_HOST}{_AT}", "$1@$2"),
        (rf"{_NAMED}[-_.]{_USER_IS_HOST}{_AT}", "$1@$2"),
        (rf"{_NUMBERED}[-+_.][0-9]+-?{_AT}", "$1@$2"),
    ),
    "verp-id": (
        (rf"^({_LOCAL}+?-return|{_LOCAL}+?)-[0-9]+(-{_USER_IS_HOST}){_AT}", "$1-ID$2@$3"),
        (rf"{_NUMBERED}([-+_.])[0-9]+(-?){_AT}", "$1${2}ID$3@$4"),
    ),
}
_MARKS = {
    "srs": ("srs",),
    "batv": ("prvs=", "prvs1=", "btv1="),
    "verp": ("=", "bounce", "return", "error", "owner", "verp", "request", "reply"),
}
_MARKS["verp-id"] = _MARKS["verp"]
_LITERAL = "[ipv6:"
_GROUPS = {"all": frozenset(KINDS) - {"verp-id"}, "none": frozenset[str]()}
_DELIMITERS = frozenset("+-_.=#%*")


@dataclass(frozen=True, slots=True)
class Munging:
    """Which forms of addresses are folded."""

    kinds: frozenset[str] = DEFAULT
    delimiter: str = "+"
    """Characters that part an address' extension from it, as in Postfix' recipient_delimiter."""

    def fold(self, addresses: pl.Series) -> pl.Series:
        """The addresses as they are listed; as many, in the same order."""
        rows = _marked(addresses, self._marks())
        if rows.is_empty():
            return addresses
        folded = addresses.gather(rows)
        # One form may stand inside another: a forwarder's bounce protection, a list's forwarder.
        for kind in ("batv", "srs", "batv", "verp", "verp-id"):
            if kind in self.kinds:
                folded = _changed(folded, _MARKS[kind], _FORMS[kind])
        if "plus" in self.kinds:
            folded = folded.to_frame("a").select(self._without_extension(pl.col("a"))).to_series()
        literal = _marked(folded, [_LITERAL])
        if not literal.is_empty():
            plain = [_plain_literal(a) for a in folded.gather(literal)]
            folded = folded.clone().scatter(literal, pl.Series(plain, dtype=pl.String))
        return addresses.clone().scatter(rows, folded)  # which works in place

    def expr(self, name: str) -> pl.Expr:
        """A column of addresses, as they are listed, under its own name."""
        return pl.col(name).map_batches(self.fold, return_dtype=pl.String)

    def _marks(self) -> list[str]:
        marks = [m for kind in _MARKS if kind in self.kinds for m in _MARKS[kind]]
        return [*marks, *(self.delimiter if "plus" in self.kinds else ""), _LITERAL]

    def _without_extension(self, address: pl.Expr) -> pl.Expr:
        among = "".join(f"\\{c}" for c in self.delimiter)
        cut = address.str.replace(rf'^([^@"]+?)[{among}][^@"]*(@[^@]+)$', "$1$2")
        if "-" not in self.delimiter:
            return cut
        # As Postfix does (split_addr): such names belong to lists.
        list_name = address.str.contains(r"(?i)^(?:owner-|[^@]+-request@)")
        return pl.when(list_name).then(address).otherwise(cut)


PLAIN = Munging(frozenset())
"""Addresses as the log writes them."""


def munging_of(options: Mapping[str, Any]) -> Munging:
    """What --munge and --delimiter ask for; raises Refused."""
    text, delimiter = options.get("munge"), options.get("delimiter") or "+"
    if not set(delimiter) <= _DELIMITERS:
        raise Refused(f"--delimiter {delimiter}: one or more of + - _ . = # % *", Exit.USAGE)
    if text is None or text.strip() in _GROUPS:
        return Munging(DEFAULT if text is None else _GROUPS[text.strip()], delimiter)
    asked = {name.strip() for name in text.split(",")} - {""}
    for name in sorted(asked - set(KINDS)):
        hint = ", ".join((*KINDS, *_GROUPS))
        raise Refused(f"--munge {name}: one or more of {hint}", Exit.USAGE)
    return Munging(frozenset(asked), delimiter)


def _marked(addresses: pl.Series, marks: Sequence[str]) -> pl.Series:
    """The rows in which one of these stands, in letters of either case."""
    hit = addresses.str.contains_any(list(marks), ascii_case_insensitive=True)
    return hit.fill_null(False).arg_true()


def _changed(
    addresses: pl.Series, marks: Sequence[str], forms: Sequence[tuple[str, str]]
) -> pl.Series:
    """The addresses with these forms replaced where a mark stands."""
    rows = _marked(addresses, marks)
    if rows.is_empty():
        return addresses
    some = addresses.gather(rows)
    for pattern, kept in forms:
        some = some.str.replace(pattern, kept)
    return addresses.clone().scatter(rows, some)


def _plain_literal(address: str) -> str:
    """`user@[IPv6:2001:DB8::1]` with the address as it is usually written."""
    local, at, domain = address.rpartition("@")
    if not at or not domain.lower().startswith(_LITERAL) or not domain.endswith("]"):
        return address
    ip = plain_ip(domain[len(_LITERAL) : -1])
    return f"{local}@[IPv6:{ip}]" if ":" in ip else f"{local}@[{ip}]"


def sender_origin(sender: pl.Expr) -> pl.Expr:
    """The domain that an SRS sender was made from, in lower case; null of any other sender.

    For tables that are counted by domain; `fold` does the same for addresses.
    """
    tag = rf"(?:(?:{_PRVS}|[Mm][Ss]{_PRVS}1)={_TAG}=)?"
    kind = rf"(?:{_SRS}0[-+=]|{_SRS}1[-+=]{_CHAR}+={_DOMAIN}+=[-+=]|{_CHAR}+\+{_SRS}=)"
    return sender.str.extract(f"^{tag}{kind}{_ORIGINAL}", 1).str.to_lowercase()


def plain_ip(text: str) -> str:
    """An IPv6 address compressed and in lower case, an IPv4-mapped one as IPv4; else as it is."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(getattr(ip, "ipv4_mapped", None) or ip)


_CLIENTS = {
    "clients": ("name",),
    "clients_rejected": ("name",),
    "client_names": ("name",),
    "reply_peers": ("peer",),
}
"""Columns of the standard tables that hold clients; a section calls its column `client`."""


def plain_clients(tables: Tables, shapes: Mapping[str, Table]) -> Tables:
    """Finished tables in which an IPv6 client has one spelling, its rows added up."""
    return {name: _with_plain_clients(t, name, shapes.get(name)) for name, t in tables.items()}


def _with_plain_clients(frame: pl.DataFrame, name: str, table: Table | None) -> pl.DataFrame:
    if table is None:
        return frame
    for column in _CLIENTS.get(name, ("client",) if "client" in table.keys else ()):
        shown = frame.get_column(column)
        distinct = shown.filter(shown.str.contains(":", literal=True).fill_null(False)).unique()
        plain = {text: plain_ip(text) for text in distinct}
        odd = {text: ip for text, ip in plain.items() if text != ip}
        if odd:
            renamed = frame.with_columns(pl.col(column).replace(odd))
            frame = table.merge([renamed]).select(frame.columns).collect()
    return frame
