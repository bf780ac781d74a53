"""Sendmail: the daemon, the queue runner and the submission client."""

from .mta import MtaParser
from .rules import Rule
from .sendmail_arrival import RULES as ARRIVAL
from .sendmail_login import RULES as LOGINS
from .sendmail_queue import QUEUE, SYSTEM
from .sendmail_reject import MILTERS, RULESETS
from .sendmail_session import COLLECTING, REFUSALS, SESSIONS
from .sendmail_split import prepare
from .sendmail_syntax import QUEUE_ID
from .sendmail_to import RULES as TO

RULES: tuple[Rule, ...] = (
    *TO,
    *ARRIVAL,
    *RULESETS,
    *MILTERS,
    *QUEUE,
    *LOGINS,
    *COLLECTING,
    *SESSIONS,
    *REFUSALS,
    *SYSTEM,
)

PARSER = MtaParser(
    name="sendmail",
    tags=r"(sendmail(?:-[A-Za-z0-9]+)*|(?:sm-)?(?:mta|msp|MTA|MSP|client|que|acceptingconnections)(?:-[A-Za-z0-9]+|ue)*)",
    queue_id=rf"(?:({QUEUE_ID})|NOQUEUE): ",
    rules=RULES,
    prepare=prepare,
)
