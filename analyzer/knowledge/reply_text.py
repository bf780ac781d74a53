"""The text that rules are held against: one line, what differs from mail to mail masked.

The patterns are in the subset that Python and Rust's regex share; `str.replace_all` of polars
takes the same pairs, in the same order.
"""

from __future__ import annotations

import re

MULTILINE = r"^[0-9]{3}-"
"""Only a reply that begins so has lines whose code is repeated."""
CONTINUATION = (
    r"(?:\\n|\?| )[1-9][0-9]{2}[ -](?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?:[ :]|$))?",
    " ",
)
HEAD = (
    r"^[ ]*(?P<code>[1-9][0-9]{2})(?:[ -]|$)[ ]?"
    r"(?:(?P<enhanced>[245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ :]|$))?"
)
"""As in `parsers/smtp_reply.py`."""

_OCTET = r"\.[0-9]{1,3}"
_NO_LOOPBACK = r"(?:[0-9]|[0-9][0-9]|[02-9][0-9][0-9]|1[013-9][0-9]|12[0-689])"
_HEX = "[0-9A-Fa-f]{1,4}"
# Nine characters and more with a digit among them: where the first digit stands decides.
_ID = "|".join(f"[A-Za-z]{{{n}}}[0-9][A-Za-z0-9]{{{8 - n},}}" for n in range(9))

LONGEST = 2000
"""Characters of a line that rules see; beyond, Python's `re` would take its time."""

MASKS: tuple[tuple[str, str], ...] = (
    (r"\b(?:[0-9a-z]{1,20}-)?[0-9a-z]{6,40}\.[0-9]{1,4} - gsmtp", "00000 - gsmtp"),
    (r"<[^<>@ ]*@[^<>@ ]*>", "<user@example.org>"),
    (r"[0-9A-Za-z.!#$%&*+/=?^_{|}~-]{1,64}@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*", "user@example.org"),
    (r"<[0-9a-z][^<>@ /:\[\]]*>", "<user>"),
    (r"\b[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}\b", "00000"),
    (rf"\b{_HEX}(?::{_HEX}){{3,7}}\b", "2001:db8::1"),
    (rf"\b{_HEX}(?::{_HEX}){{0,6}}::(?:{_HEX}(?::{_HEX}){{0,6}})?\b", "2001:db8::1"),
    (rf"\b{_NO_LOOPBACK}{_OCTET}{_OCTET}{_OCTET}\b", "192.0.2.1"),
    (rf"\b(?:{_ID}|[A-Za-z]{{9,}}[0-9][A-Za-z0-9]*)\b", "00000"),
    (r"\b[0-9]{5,}\b", "00000"),
)
"""What is masked, in this order: addresses, queue ids, IP addresses except 127.*, ids, numbers."""


def normalise(text: str) -> str:
    """Join a reply of several lines to `CODE ENHANCED text`, or `CODE text`, or just the text."""
    line = " ".join(part.strip() for part in re.split(r"[\r\n]+", text.strip()))
    line = line.replace("\t", " ")
    head = re.match(HEAD, line, re.ASCII)
    if head is None:
        return line.strip()
    rest = line[head.end() :].strip(" ")
    if re.match(MULTILINE, line):
        rest = re.sub(*CONTINUATION, rest, flags=re.ASCII).strip(" ")
    return " ".join(filter(None, (head["code"], head["enhanced"], rest)))


def mask(line: str) -> str:
    """Replace what differs from mail to mail."""
    line = line[:LONGEST]
    for pattern, text in MASKS:
        line = re.sub(pattern, text, line)
    return line[:LONGEST]
