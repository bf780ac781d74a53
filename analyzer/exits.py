"""How a run ends, and what the exit status says."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses of every command."""

    DONE = 0
    CONDITION = 1
    """A `--fail-on` condition was met, or `check` found that the log cannot be trusted."""
    USAGE = 2
    INPUT = 3
    """An input is missing or unreadable."""
    NOT_MAIL = 4
    """Nothing in the input was recognised as a mail log."""
    INTERRUPTED = 130


class Refused(Exception):
    """Ends the program with one of the documented exit statuses."""

    def __init__(self, message: str, status: Exit) -> None:
        super().__init__(message)
        self.status = status
