"""Pieces of Sendmail's log syntax: addresses, clients, times, and what ends them.

Sendmail doubles a backslash when it logs (`str2prt`), so `\\"` in the address stands as
`\\\\"` in the line; 8.9 and older print it as it is. Both are read here.
"""

from collections.abc import Iterable

import polars as pl

# One address of which nothing can be mistaken for the end: the usual case, one-pass.
PLAIN = r'(?:<[^<>"\\,]*>|[^<>"\\, ]+)'
_ESCAPED = r"\\(?:\\(?:\\\\|\\[0-7]{3}|[^\\])|[^\\])"
_QUOTED = rf'"(?:[^"\\]|{_ESCAPED})*"'
_ANGLED = rf'<(?:[^<>"\\]|{_ESCAPED}|{_QUOTED})*>'
# Any address: what stands in <> or quotes belongs to it, commas and all.
ADDRESS = (
    rf'(?:{_ANGLED}|{_QUOTED}|{_ESCAPED}|[^<>",\\ ])'
    rf'(?:{_ANGLED}|{_QUOTED}|{_ESCAPED}|[^<>",\\])*'
)
# The same without blanks outside of them.
WORD = rf'(?:{_ANGLED}|{_QUOTED}|{_ESCAPED}|[^<>",\\ ])+'
QUEUE_ID = r"(?:[0-9A-Za-z]{7,8}[0-9]{5,8}|[A-Z]{3}[0-9]{5,7})"

# The macro $_: `name [ip]`, `[ip]`, `ident@name [ip] (may be forged)`, `user@localhost`.
CLIENT = (
    r"(?:(?<_name>[^ ,\[\]]+) ?)?(?:[\[(](?:IPv6:)?(?<client_ip>[0-9A-Fa-f:.]+)[\])])?"
    r"(?<_forged> [\[(]may be forged[\])])?"
)
CLIENT_NAME = pl.when(pl.col("_forged").is_null()).then(pl.col("_name").str.replace(r"^.*@", ""))
"""The client's name, where the MTA could verify it."""


def bare(address: pl.Expr) -> pl.Expr:
    """The address without its angle brackets and what is written before them."""
    angled = address.str.starts_with("<") & address.str.ends_with(">")
    inner = address.str.slice(1, address.str.len_chars() - 2)
    return (
        pl.when(angled)
        .then(inner)
        .otherwise(pl.coalesce(address.str.extract(r'<([^<>"]*)>$', 1), address))
    )


def seconds(interval: pl.Expr) -> pl.Expr:
    """Seconds of `hh:mm:ss` or `days+hh:mm:ss`."""
    parts = interval.str.extract_groups(
        r"^(?:([0-9]{1,6})\+)?([0-9]{1,4}):([0-9]{2}):([0-9]{2})$"
    ).struct
    days, hours, minutes, rest = (
        parts.field(str(n)).cast(pl.Float64, strict=False) for n in range(1, 5)
    )
    return days.fill_null(0) * 86400 + hours * 3600 + minutes * 60 + rest


def not_starting(words: Iterable[str]) -> str:
    """Regular expression of a text that begins with none of the words, nor with `id: ` and one.

    So what a known line would say under an id of a new form is left over, and seen.
    """
    tree: dict[str, object] = {}
    for word in words:
        node = tree
        for letter in word[:-1]:
            nested = node.setdefault(letter, {})
            if not isinstance(nested, dict):
                break
            node = nested
        else:
            node[word[-1]] = None
    first_word = "(?:[^ ]*[^ :])?(?: .*)?"
    return f"(?:{_avoid(tree, first_word)}|[^ ]*: (?:{_avoid(tree, '.*')}))"


def _avoid(tree: dict[str, object], rest: str) -> str:
    ways = [f"[^{''.join(tree)}]{rest}"]
    for letter, nested in tree.items():
        if isinstance(nested, dict):
            ways.append(f"{letter}(?:{_avoid(nested, rest)})?")
    return "|".join(ways)
