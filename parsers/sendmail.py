"""Sendmail: the daemon, the queue runner and the submission client."""

from .mta import MtaParser
from .rules import Rule

RULES: tuple[Rule, ...] = ()

PARSER = MtaParser(
    name="sendmail",
    tags=r"(sendmail|sm-mta|sm-msp-queue|sm-msp|sm-client|sm-que|sendmail-[a-z]+)",
    queue_id=r"(?:([0-9A-Za-z]{14}|[a-zA-Z]{3}[0-9]{5,6})|NOQUEUE): ",
    rules=RULES,
)
