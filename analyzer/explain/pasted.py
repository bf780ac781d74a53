"""Finds the reply in what somebody pastes: a code, a reply, a bounce, a log line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.knowledge.reply_text import HEAD, normalise

LONGEST = 16_384
"""Characters that are looked at; a reply is far shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked about; `how` names the form it came in, a key of labels.toml [read_as]."""

    query: str
    how: str
    code: int | None = None
    enhanced: str | None = None
    digit: str = ""
    """The class alone: `5yz`, `5xx`."""
    name: str = ""
    """A word that may be the id of a rule or a cause."""
    reply: str = ""
    """The whole reply on one line, `CODE ENHANCED text`."""
    direction: str | None = None
    stage: str = ""
    host: str | None = None
    mta: str | None = None
    implied: bool = False
    """The code follows from the line and does not stand in it."""


_CODES = re.compile(
    r"(?:(?P<code>[0-9]{3})(?:[ -]+#?|$))?(?P<enhanced>[0-9Xx]\.[0-9]{1,3}\.[0-9]{1,3})?[.:]?"
)
_CLASS = re.compile(r"([1-5])(?:xx|yz|\.x\.x)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9-]+)?")
_HASHED = re.compile(r"\(#([245]\.[0-9]{1,3}\.[0-9]{1,3})\)")

_HOST = r"(?P<host>[A-Za-z0-9._-]+)"
_COMMAND = re.compile(r" \(in reply to ([^()]*?)(?: command)?\)")
# Exim prints the code only where the ACL's message brings its own.
_EXIM_REFUSAL = (
    r"(?P<soft> temporarily)? rejected (?P<stage>[A-Z]+|after DATA|EHLO or HELO|connection)\b"
    r"(?: [^:]*| in \"connect\" ACL)?: (?P<reply>.*)"
)
_FORMS: tuple[tuple[str, str, str | None, str], ...] = (
    ("postfix-reject", "inbound", "postfix",
     r"\b(?:milter-)?reject: (?P<stage>[A-Z-]+) from [^ ]+: (?P<reply>.*?)"
     r"(?:; (?:from|to|client|proto|helo)[=<].*)?$"),
    ("sendmail-ruleset", "inbound", "sendmail",
     r"ruleset=(?P<stage>[A-Za-z_]+), .*?, reject=(?P<reply>[2-5][0-9]{2}.*)"),
    ("postfix-said", "outbound", None,
     rf"\bhost {_HOST}\[[^\]]*\](?::[0-9]+)? (?:said|(?P<stage>refused to talk to me)):"
     r" (?P<reply>.*)"),
    ("exim-remote", "outbound", None,
     r"SMTP error from remote mail(?:er| server) after (?P<stage>.*?):? (?:host "
     r"(?P<host>[A-Za-z0-9._-]+) \[[^\]]*\]: )?(?P<reply>[2-5][0-9]{2}(?:[ -].*|$))"),
    ("sendmail-reply", "outbound", "sendmail",
     r"\breply=(?P<reply>[2-5][0-9]{2}.*?)(?:, stat=.*)?$"),
    ("sendmail-stat", "outbound", "sendmail",
     r"\bstat=(?:Deferred: )?(?P<reply>[2-5][0-9]{2}[ -].*)"),
    ("sendmail-own", "local", "sendmail",
     r"\bdsn=(?P<enhanced>[245]\.[0-9.]+),.* stat=(?:Deferred: )?(?P<reply>.*)"),
    ("postfix-own", "local", "postfix",
     r"\bdsn=(?P<enhanced>[245]\.[0-9.]+), status=[a-z]+ \((?P<reply>.*)\)"),
    ("exim-reject", "inbound", "exim", _EXIM_REFUSAL),
    ("exim-own", "local", "exim",
     r"^(?:[^ ]+ ){2,12}?(?:\*\*|==) [^ ]+(?: [^:]{0,400})?"
     r"(?: defer \(-?[0-9]+\)[^:]{0,400})?: (?P<reply>.*)"),
    ("said", "outbound", None,
     r"(?:said|returned|response was|server was):? ['\"]?(?P<reply>[2-5][0-9]{2}[ -].*)"),
)  # fmt: skip
_STAGES = (
    ("end of", "EOD"), ("end-of", "EOD"), ("after data", "EOD"), ("rcpt", "RCPT"),
    ("mail", "MAIL"), ("ehlo", "HELO"), ("helo", "HELO"), ("starttls", "STARTTLS"),
    ("auth", "AUTH"), ("data", "DATA"), ("connect", "CONNECT"), ("relay", "CONNECT"),
    ("talk to me", "CONNECT"), ("vrfy", "VRFY"), ("expn", "EXPN"), ("etrn", "ETRN"),
)  # fmt: skip
_DIAGNOSTIC = re.compile(r"(?i)^Diagnostic-Code: *([A-Za-z-]+) *; *(.*)")
_STATUS = re.compile(r"(?im)^Status: *([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_REMOTE = re.compile(r"(?im)^Remote-MTA: *[a-z]+; *([A-Za-z0-9._-]+)")
_TALKING = re.compile(r"while talking to ([A-Za-z0-9._-]+)")
_PEERS = (re.compile(r"\bH=([A-Za-z0-9._-]+) \["), re.compile(r"\brelay=([A-Za-z0-9._-]+)[ ,\[]"),
          re.compile(r"\bhost ([A-Za-z0-9._-]+) \["))  # fmt: skip
_PROMPT = re.compile(r"^(?:<<<|S:|<|>) *")
_CONTINUED = re.compile(r"[0-9]{3}[ -]")


def read(query: str) -> Asked:
    """Find what is asked about; never fails, at worst all of it is taken for a text."""
    text = query[:LONGEST].strip()
    return _bare(query, text) or _dsn(query, text) or _line(query, text) or _plain(query, text)


def _bare(query: str, text: str) -> Asked | None:
    """Read digits alone, a class, or a name."""
    if klass := _CLASS.fullmatch(text):
        return Asked(query=query, how="class", digit=klass[1])
    found = _CODES.fullmatch(text.strip("#()<>\"' "))
    if found and (found["code"] or found["enhanced"]):
        enhanced = (found["enhanced"] or "").upper() or None
        code = int(found["code"]) if found["code"] else None
        return Asked(query=query, how="digits", code=code, enhanced=enhanced)
    if _NAME.fullmatch(text.lower()) and not text.isdigit():
        return Asked(query=query, how="name", name=text.lower(), reply=text)
    return None


def _dsn(query: str, text: str) -> Asked | None:
    """Read a delivery status notification, or the fields of one."""
    found = next(filter(None, map(_DIAGNOSTIC.match, _units(text))), None)
    status, remote = _STATUS.search(text), _REMOTE.search(text)
    if found is None:
        return _asked(query, "dsn", status[1], direction=None) if status else None
    host = remote[1].rstrip(".") if remote else None
    if found[1].lower() == "smtp":
        return _asked(query, "dsn", found[2], direction="outbound", host=host,
                      enhanced=status[1] if status else None)  # fmt: skip
    nested = _line(query, found[2])
    return nested or _asked(query, "dsn", found[2], direction="local",
                            enhanced=status[1] if status else None)  # fmt: skip


def _line(query: str, text: str) -> Asked | None:
    """Read a line of a log or of a bounce, else a reply that stands at a line's head."""
    for unit in _units(text):
        for how, direction, mta, pattern in _FORMS:
            if found := re.search(pattern, unit):
                return _told(query, how, direction, mta, unit, found.groupdict())
    for unit in _units(text):
        unit = _PROMPT.sub("", unit)
        if re.match(r"[2-5][0-9]{2}[ -]", unit):
            talking = _TALKING.search(text)
            host = talking[1].rstrip(".") if talking else None
            return _asked(query, "reply", unit, direction="outbound" if host else None, host=host)
    return None


def _told(
    query: str, how: str, direction: str, mta: str | None, unit: str, found: dict[str, str | None]
) -> Asked:
    reply, stage, host = found["reply"] or "", found.get("stage") or "", found.get("host")
    if command := _COMMAND.search(reply):
        reply, stage = reply[: command.start()], command[1]
    if direction == "outbound" and not host:
        host = next((m[1] for m in (p.search(unit) for p in _PEERS) if m), None)
    implied = how == "exim-reject" and not re.match(r"[2-5][0-9]{2}[ -]", reply)
    asked = _asked(query, how, reply.strip("'\" "), direction=direction, mta=mta,
                   host=host.rstrip(".") if host else None, stage=_stage(stage),
                   enhanced=found.get("enhanced"))  # fmt: skip
    if not implied:
        return asked
    code = 451 if found.get("soft") else 550
    reply = f"{code} {asked.reply}"
    return _asked(query, how, reply, direction=direction, mta=mta, stage=asked.stage, implied=True)


def _plain(query: str, text: str) -> Asked:
    """Take the whole for a text: a local verdict, or a reply whose digits were left out."""
    return _asked(query, "text", " ".join(text.split()), direction=None)


def _asked(
    query: str, how: str, reply: str, *, direction: str | None, host: str | None = None,
    stage: str = "", mta: str | None = None, enhanced: str | None = None, implied: bool = False,
) -> Asked:  # fmt: skip
    line = normalise(reply)
    head = re.match(HEAD, line, re.ASCII)
    own = re.match(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ :]|$)", line, re.ASCII)
    hashed = _HASHED.search(line)
    told = (head and head["enhanced"]) or (own and own[1]) or (hashed and hashed[1]) or enhanced
    code = int(head["code"]) if head else None
    if enhanced and not head and not own:
        line = f"{enhanced} {line}"
    return Asked(query=query, how=how, code=code, enhanced=told, reply=line, direction=direction,
                 stage=stage, host=host, mta=mta, implied=implied)  # fmt: skip


def _stage(words: str) -> str:
    lower = words.lower()
    return next((stage for word, stage in _STAGES if word in lower), "")


def _units(text: str) -> Iterator[str]:
    """Give the lines, with those that go on below: indented ones, a reply of several lines."""
    unit = ""
    for line in text.splitlines():
        reply = _PROMPT.sub("", line)
        before = _PROMPT.sub("", unit)
        goes_on = _CONTINUED.match(reply) and before[3:4] == "-" and before[:3] == reply[:3]
        if line.strip() and unit and (line[:1] in " \t" or goes_on):
            unit += " " + reply.strip()
            continue
        if unit:
            yield unit
        unit = line.strip()
    if unit:
        yield unit
