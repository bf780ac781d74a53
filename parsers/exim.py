"""Exim: main log, reject log and panic log, as files or through syslog."""

from . import exim_attempt, exim_delivery, exim_protocol, exim_queue, exim_reject, exim_session
from .exim_lines import prepare
from .mta import MtaParser
from .rules import Rule

RULES: tuple[Rule, ...] = (
    *exim_delivery.RULES,
    *exim_reject.RULES,
    *exim_attempt.RULES,
    *exim_protocol.RULES,
    *exim_session.RULES,
    *exim_queue.QUEUE_RULES,
    *exim_queue.SYSTEM_RULES,
    *exim_attempt.LATE_RULES,
    *exim_reject.LATE_RULES,
    *exim_queue.LAST_RULES,
)

# Lines that follow an entry of the reject log (log.c): envelope, then the refused message's
# headers behind a one-letter flag, with folded lines as they came. None begins like a stamp.
# A remote reply of several lines to AUTH breaks the line in the same way (`534 5.7.9 ...`).
_BARE = (
    r"^(?:Envelope-(?:from|to): <.*>"
    r"|    <.*>|    \.\.\."
    r"|[ *BCFIPRST] [!-9;-~]+[ \t]*:.*"
    r"|[ \t]+[^ \t].*"
    r"|\*\*\* truncated \*\*\*"
    r"|-{5,}"
    r"|5(?:0[0-4]|[357][0-9])[ -].*)$"
)

PARSER = MtaParser(
    name="exim",
    # Exim has one name for everything it does: the group that would be the service never matches.
    tags=r"exim[!-9;-~]*(?:(\b\B))?",
    queue_id=r"([0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) ",
    rules=RULES,
    bare=_BARE,
    prepare=prepare,
)
