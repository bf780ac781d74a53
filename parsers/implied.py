"""Replies that a line proves without printing them, with the reason for each.

A rule names its row (`Rule.implied`); the event then carries `evidence = implied`. The rows
stand in one file per MTA (`implied_<mta>.py`) and are put together here.
"""

from importlib import import_module
from typing import NamedTuple

from .event import Mta


class Implied(NamedTuple):
    """A reply code that follows from a line kind."""

    code: int
    enhanced: str | None
    reason: str


def _collect() -> dict[str, Implied]:
    rows: dict[str, Implied] = {}
    for mta in Mta.categories:
        module = import_module(f"{__package__}.implied_{mta}")
        rows |= getattr(module, f"IMPLIED_{mta.upper()}")
    return rows


class _Table:
    """Reads the per-MTA rows on first use: they import Implied from here."""

    def __init__(self) -> None:
        self._rows: dict[str, Implied] = {}

    def __getitem__(self, name: str) -> Implied:
        return self.rows()[name]

    def rows(self) -> dict[str, Implied]:
        """Every row by its name."""
        if not self._rows:
            self._rows = _collect()
        return self._rows


IMPLIED = _Table()
