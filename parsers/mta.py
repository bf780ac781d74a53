"""What a mail server's parser file provides; the files are found by listing, not registered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import polars as pl

from .event import Mta
from .rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MtaParser:
    """How one mail server's lines are recognised and read."""

    name: str
    tags: str
    """Regular expression of the syslog tags it logs under; its first group is the service
    (`postfix/smtpd` -> `smtpd`), null where the tag does not say."""
    queue_id: str
    """Regular expression, anchored at the head of the message, of a queue id and what
    follows it up to the text; its first group is the id, null for NOQUEUE."""
    id_heads: str | None = None
    """Regular expression of the two characters a queue id (or NOQUEUE) begins with; where it is
    given, texts that begin otherwise are not searched for one."""
    rules: Sequence[Rule]
    bare: str | None = None
    """Regular expression of lines without any header that belong to this MTA's own log file
    (Exim's rejectlog prints message headers): they count as ignored, rule `<mta>.bare`."""
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    """Joins split lines and the like, before rules run. Gets and returns a frame with the
    columns row, style, time, host, tag, pid, message; rows it leaves out count as ignored."""


@cache
def parsers() -> tuple[MtaParser, ...]:
    """The parser of each MTA in event.Mta, in that order."""
    found = [import_module(f"{__package__}.{name}").PARSER for name in Mta.categories]
    return tuple(found)
