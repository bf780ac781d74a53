"""The report as a mail: plain text and HTML side by side, safe to hand to any server (RFC 5322).

Everything is printable ASCII in short lines on the wire, whatever a log holds. Header fields are
ours alone: of the log only host names reach one, the subject, and of those only what is harmless.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from . import html, outline, terminal
from .model import Advice, CodeRow, Listing, Report
from .words import ENGLISH, words_of

POLICY = SMTP.clone(max_line_length=76)
"""CRLF, and no line of quoted-printable beyond what RFC 2045, section 6.7, allows."""
MOST_BYTES = 500_000
"""Of the whole message as it is sent."""
WIDTH = 78
LONGEST_SUBJECT = 200
_ROWS = (500, 100, 30, 10, 3)
"""Lengths that lists are cut to, one after the other, until the message is small enough."""
_ROW_BYTES = 60
"""No row of any list takes less in both parts together."""
_ENDS = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom, and when; addresses are checked before, see analyzer/sending."""

    sender: str
    to: tuple[str, ...]
    date: datetime
    message_id: str
    """With its angle brackets."""


def render(report: Report, subject: str, envelope: Envelope) -> EmailMessage:
    """Write the report as a message of at most `MOST_BYTES`; where lists were cut, it says so."""
    lengths: list[int | None] = [*_ROWS]
    if _rows(report) * _ROW_BYTES <= MOST_BYTES:
        lengths.insert(0, None)
    for rows in lengths:
        shown = report if rows is None else shortened(report, rows)
        text = terminal.render(shown, width=WIDTH)
        message = assemble(subject, text, html.render(shown, "mail.html.j2"), envelope)
        if len(message.as_bytes()) <= MOST_BYTES:
            return message
    # A list of three with cells without end: the text as far as it goes.
    words = words_of(report)
    said = words("The rest was left out: the mail would have been too long.")
    room = MOST_BYTES // 4  # each byte may take three
    begun = text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return assemble(subject, f"{begun.rpartition(chr(10))[0]}\n\n{said}\n", None, envelope)


def assemble(subject: str, text: str, page: str | None, envelope: Envelope) -> EmailMessage:
    """Put a message together; any text can be in it and none of it becomes a field."""
    message = EmailMessage(POLICY)
    message["From"] = envelope.sender
    if envelope.to:
        message["To"] = ", ".join(envelope.to)
    message["Subject"] = _line(subject)
    message["Date"] = format_datetime(envelope.date)
    message["Message-ID"] = envelope.message_id
    # RFC 3834: no vacation notice answers this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_body(text), cte=_encoding(text))
    if page is not None:
        message.add_alternative(_body(page), subtype="html", cte=_encoding(page))
    return message


def _line(text: str) -> str:
    """The text as the value of a field: one line of printable letters, itself and nothing else."""
    seen = "".join(c if c.isprintable() else " " for c in _whole(text))
    # What looks like an encoded word would be taken for one, and decoded line ends end a field.
    return " ".join(seen.split())[:LONGEST_SUBJECT].replace("=?", "= ?")


def _whole(text: str) -> str:
    """The text without half characters, which no encoding can write."""
    return text.encode("utf-8", "backslashreplace").decode()


def _body(text: str) -> str:
    return _ENDS.sub("\n", _whole(text))


def _encoding(text: str) -> str:
    """What stays legible on the wire, unless it would triple the size, as of Devanagari."""
    others = sum(map(len, re.findall("[^\x00-\x7f]+", text)))
    return "quoted-printable" if others * 8 < len(text) else "base64"


def _rows(report: Report) -> int:
    """How many rows all lists have together."""
    lists: Sequence[Sequence[object]] = (
        *(report.codes, report.findings, report.hours, report.spikes, report.inputs, report.hosts),
        *(top.rows for top in report.tops),
        *(listing.rows for listing in report.listings),
    )
    return sum(map(len, lists))


def shortened(report: Report, rows: int) -> Report:
    """The report with no list longer than `rows`, its sums unchanged, and a note that says so."""
    words = ENGLISH  # a note is put into the report's language where it is shown
    note = words("Lists end after {rows} rows here, to keep this mail short.", rows=rows)
    acted_on = [f for f in report.findings if f.advice.needs_action]
    return replace(
        report,
        hosts=report.hosts[:rows],
        mtas=report.mtas[:rows],
        inputs=tuple(sorted(report.inputs, key=lambda i: i.problem is None)[:rows]),
        notes=(note, *report.notes[:rows]),
        filters=report.filters[:rows],
        codes=tuple(_codes(report, rows)),
        # What nobody has to act on is shown as a sum.
        findings=(*acted_on[:rows], *(f for f in report.findings if not f.advice.needs_action)),
        hours=report.hours[:rows],
        spikes=report.spikes[:rows],
        gaps=report.gaps[:rows],
        tops=tuple(replace(top, rows=top.rows[:rows]) for top in report.tops),
        listings=tuple(_shortened(listing, rows) for listing in report.listings),
    )


def _codes(report: Report, rows: int) -> Iterator[CodeRow]:
    """The most frequent rows of each direction, and one for all others."""
    words = words_of(report)
    for section in outline.sections(report):
        yield from section.rows[:rows]
        rest = section.rows[rows:]
        if rest:
            count = sum(row.count for row in rest)
            advice = Advice(
                words("All other replies"), "", "", "", "", severity=0, needs_action=False
            )
            share = sum(row.share for row in rest)
            yield CodeRow(
                section.direction, None, None, "", count, 0, share, 0, 0, None, None, advice
            )


def _shortened(listing: Listing, rows: int) -> Listing:
    there = len(listing.rows)
    if there <= rows:
        return listing
    return replace(listing, rows=listing.rows[:rows], distinct=listing.distinct or there)
