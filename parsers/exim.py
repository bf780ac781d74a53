"""Exim: main log and reject log, its own file or through syslog."""

from .mta import MtaParser
from .rules import Rule

RULES: tuple[Rule, ...] = ()

PARSER = MtaParser(
    name="exim",
    tags=r"exim4?[!-9;-~]*(?:())?",
    queue_id=r"([0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) ",
    rules=RULES,
)
