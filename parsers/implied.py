"""Replies that a line proves without printing them: one table, a reason per row.

A rule names its row (`Rule.implied`); the event then carries `evidence = implied`.
"""

from typing import NamedTuple


class Implied(NamedTuple):
    """A reply code that follows from a line kind."""

    code: int
    enhanced: str | None
    reason: str


IMPLIED: dict[str, Implied] = {}
