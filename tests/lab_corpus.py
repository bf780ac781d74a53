"""The lab's runs: each one's log, and what really happened on the wire beside it.

A run is `<mta>/<scenario>`. Its truth has a row per reply that a client got (`src` client) and per
reply that decided a recipient at the scripted remote servers (`src` sink, `kind` outcome; `code`
null where the server hung up or hung; `rcpts_inferred` where it refused the whole session).
"""

import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "data" / "corpus"
SAMPLE_LOGS = Path(__file__).parent.parent / "sample_logs"
# Runs whose log is a sample log, byte for byte.
_SAMPLES = {
    "exim/auth": "exim-pid.log",
    "exim/in": "exim-mainlog.log",
    "postfix/newyear": "postfix-newyear.log",
    "postfix/postscreen": "postfix-postscreen.log",
    "postfix/protocol": "postfix-protocol.log",
    "postfix/retry": "postfix-rfc3164.log",
    "postfix/submission": "postfix-rfc5424-slashes.log",
    "sendmail/auth": "sendmail-auth.log",
    "sendmail/in": "sendmail-rfc3164.log",
}
RUNS = tuple(
    sorted(
        f"{path.parent.name}/{path.name.removesuffix('.truth.jsonl.gz')}"
        for path in CORPUS.glob("*/*.truth.jsonl.gz")
    )
)
_QUEUED = re.compile(
    r"250 (?:2\.0\.0 Ok: queued as |OK id=|2\.0\.0 (?=\S+ Message accepted))(?P<id>[0-9A-Za-z-]+)"
)
_ADDRESS = re.compile(r"RCPT TO:\s*(?:<([^>]*)>|(\S+))", re.IGNORECASE)


def log_of(run: str) -> Path:
    """The run's log; compressed, as smtplens reads that too."""
    if run in _SAMPLES:
        return SAMPLE_LOGS / _SAMPLES[run]
    [path] = [CORPUS / f"{run}{s}.log.gz" for s in ("", ".iso") if _there(run, s)]
    return path


def _there(run: str, suffix: str) -> bool:
    return (CORPUS / f"{run}{suffix}.log.gz").is_file()


@dataclass(slots=True)
class Truth:
    """What went over the wire."""

    accepted: dict[str, list[str]] = field(default_factory=dict)
    """Queue ids that clients were told, with the recipients they had been granted."""
    outcomes: dict[str, list[int | None]] = field(default_factory=lambda: defaultdict(list))
    """Per recipient at the remote servers, the code that decided each attempt; null where no
    code did: a dropped connection, a reply that is none, a session refused before any recipient."""
    notices: list[str] = field(default_factory=list)
    """Recipients of mail with a null sender that a remote server accepted."""


def truth_of(run: str) -> Truth:
    truth = Truth()
    granted: dict[int, list[str]] = defaultdict(list)
    with gzip.open(CORPUS / f"{run}.truth.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if row["src"] == "client" and row["kind"] == "reply":
                _told(row, granted, truth)
            elif row["kind"] == "outcome" and not row.get("superseded"):
                recipients = [row["rcpt"]] if row["rcpt"] else row.get("rcpts_inferred", [])
                # Whether a refused session settles its recipients is the sending server's choice.
                code = row["code"] if row["rcpt"] else None
                for recipient in recipients:
                    truth.outcomes[recipient.lower()].append(code)
                if row["from"] == "" and row["code"] and row["code"] < 300:
                    truth.notices.append(row["rcpt"].lower())
    return truth


def _told(row: dict[str, Any], granted: dict[int, list[str]], truth: Truth) -> None:
    recipients = granted[row["session"]]
    if row["stage"] == "RCPT" and row["code"] in (250, 251):
        address = _ADDRESS.match(row["cmd"])
        if address:  # else a bare RCPT, which a lax server answers with 250
            recipients.append((address[1] or address[2]).lower())
    elif row["stage"] == "EOD":
        queued = _QUEUED.match(row["text"][-1])
        if queued:
            truth.accepted[queued["id"]] = recipients.copy()
        recipients.clear()
