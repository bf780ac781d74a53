"""The code table as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from datetime import datetime

from .model import CodeRow, Report
from .outline import sections
from .safe import csv_cell

COLUMNS = (
    "direction", "code", "enhanced", "cause", "count", "implied", "share", "peers", "recipients",
    "first_seen", "last_seen", "severity", "needs_action", "title", "who_acts",
)  # fmt: skip


def render(report: Report) -> str:
    """Write one line per row of the code table, in the order of the report."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for section in sections(report):
        writer.writerows(map(_cells, section.rows))
    return out.getvalue()


def _cells(row: CodeRow) -> list[str | int | float]:
    advice = row.advice
    values = (
        row.direction, row.code, row.enhanced, row.cause, row.count, row.implied,
        f"{row.share:.6f}", row.peers, row.recipients,
        _iso(row.first_seen), _iso(row.last_seen),
        advice.severity, "yes" if advice.needs_action else "no", advice.title, advice.who_acts,
    )  # fmt: skip
    return [csv_cell(v or "") if isinstance(v, str | None) else v for v in values]


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
