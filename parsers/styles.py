"""Header styles: what stands before the MTA's own text, one row of a table per style.

Patterns are anchored and end at the program's tag, so nothing in the message can choose host,
tag or time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from .clock import Clock, iso_times, rfc3164_times
from .journal import journal_columns, journal_times

_HOST = r"(?<host>[!-~]+)"
# A tag ends at its pid or colon (RFC 3164 4.1.3); real ones hold slashes, dots and hyphens.
_TAG_CHARS = r"[!-9;-Z\\^-~]{1,80}"
_TAG = rf"(?:(?<tag>{_TAG_CHARS})(?:\[(?<pid>[0-9]{{1,10}})\])?: ?)?"
_FACILITY = (
    r"(?:(?:kern|user|mail|daemon|auth|authpriv|syslog|lpr|news|uucp|cron|ftp|local[0-7])"
    r"\.(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug))"
)
_BSD_STAMP = r"(?<stamp>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2})"
_ISO_STAMP = (
    r"(?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_MESSAGE = r"(?<message>(?s:.*))$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One header style."""

    name: str
    pattern: str = ""
    columns: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    """Instead of a pattern: adds stamp (null where not of this style), host, tag, pid, message."""
    times: Callable[[pl.Series, Clock], pl.Series]
    has_year: bool = True
    tag: str | None = None
    """The tag of every line of a style that prints none."""
    short: bool = False
    """Its stamps have one width throughout a log, and `host tag[pid]: ` follows."""
    stamp: str = ""
    """Regular expression of its stamps."""


STYLES: tuple[Style, ...] = (
    Style(
        name="iso-level",  # containers that log a padded level where the host stands
        pattern=rf"^{_ISO_STAMP} (?:DEBUG|INFO|NOTICE|WARN|ERROR|FATAL) {{2,10}}{_TAG}{_MESSAGE}",
        times=iso_times,
    ),
    Style(
        name="rfc3164",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_BSD_STAMP} (?:<{_FACILITY}> )?{_HOST} "
        rf"(?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=rfc3164_times,
        has_year=False,
        short=True,
        stamp=_BSD_STAMP,
    ),
    Style(
        name="iso",
        pattern=rf"^(?:<[0-9]{{1,3}}>)?{_ISO_STAMP} {_HOST} (?:{_FACILITY} )?{_TAG}{_MESSAGE}",
        times=iso_times,
        short=True,
        stamp=_ISO_STAMP,
    ),
    Style(
        name="rfc5424",
        pattern=rf"^<[0-9]{{1,3}}>[1-9][0-9]? {_ISO_STAMP} {_HOST} (?<tag>[!-~]+) "
        r"(?:(?<pid>[0-9]{1,10})|[!-~]+) [!-~]+ "
        r'(?:-|(?:\[[^ \]="]+(?: [^ \]="]+="(?:[^"\\]|\\.)*")*\])+)(?: {1,2}\x{FEFF}?|$)'
        + _MESSAGE,
        times=iso_times,
    ),
    Style(
        name="exim",
        pattern=r"^(?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
        rf"(?: [+-][0-9]{{4}})?) (?:\[(?<pid>[0-9]{{1,10}})\] )?{_MESSAGE}",
        times=iso_times,
        tag="exim",
    ),
    Style(
        name="journal-full",  # journalctl -o short-full; of the zone's name only UTC is certain
        pattern=r"^[A-Z][a-z]{2} (?<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"
        rf"(?:\.[0-9]{{1,9}})?(?: UTC)?)(?: [A-Z]{{2,5}}| [+-][0-9]{{2,4}})? {_HOST} {_TAG}{_MESSAGE}",
        times=iso_times,
    ),
    Style(name="journal-json", columns=journal_columns, times=journal_times),
)

# What a container's log viewer puts before each line: `mail-1  | `, or a stamp of its own.
VIEWER = (
    r"^(?:\x1b\[[0-9;]{0,8}m)?[A-Za-z0-9][A-Za-z0-9_.-]{0,63} +\|(?:\x1b\[[0-9;]{0,8}m)? ",
    rf"^{_ISO_STAMP.replace('?<stamp>', '?:')} ({_BSD_STAMP.replace('?<stamp>', '?:')} |{_ISO_STAMP.replace('?<stamp>', '?:')} )",
)
# Solaris syslogd's message id (syslog.conf(5) there).
MESSAGE_ID = r"^\[ID [0-9]{1,10} [a-z0-9]+\.[a-z]+\] "

ORIGIN = (
    rf"^ (?:<{_FACILITY}> )?{_HOST} (?:{_FACILITY} )?(?<tag>{_TAG_CHARS})\[(?<pid>[0-9]{{1,10}})$"
)
"""What stands between the stamp and the `]: ` of a style that is `short`."""
