"""Beside the real pflogsumm on the same logs, section by section and figure by figure.

Each difference is expected in tests/data/side_by_side/pflogsumm.tsv with its reason and a line of
the log that shows it. The release installed is compared (Debian's 1.1.5 or 1.3.0), and every
further one that the environment variable PFLOGSUMM names.
"""

import gzip
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from lab_corpus import CORPUS, SAMPLE_LOGS
from log_samples import logs
from pflogsumm_reader import Sections, printed, sections_of, version_of
from side_by_side import Figures, Ours, bare, differences, known, programs, report_of

DATA = Path(__file__).parent / "data" / "side_by_side"
KNOWN = known(DATA / "pflogsumm.tsv")
DOCS = Path(__file__).parent.parent / "docs" / "coming-from-pflogsumm.md"

# Headers pflogsumm does not read; the lines are those of postfix-solaris, which it does.
TWINS = (
    *("postfix-bsd", "postfix-busybox", "postfix-docker-compose"),
    *("postfix-journal-json", "postfix-journal-short-iso"),
)
UNREAD = (*TWINS, "postfix-rfc5424", "postfix-rfc5424-slashes")
LOGS: dict[str, Path] = {
    **{
        name: SAMPLE_LOGS / f"postfix-{name}.log"
        for name in ("rfc3164", "newyear", "iso", "postscreen", "protocol", "solaris")
    },
    "submission": SAMPLE_LOGS / "postfix-rfc5424-slashes.log",
    "in": CORPUS / "postfix" / "in.iso.log.gz",
    "out": CORPUS / "postfix" / "out.log.gz",
    "local": CORPUS / "postfix" / "local.log.gz",
    "content_filter": CORPUS / "postfix" / "content_filter.log.gz",
    "synthetic": DATA / "synthetic.log",
}
# What it prints and we do not, nowhere.
NOT_HERE = {
    ("totals", "forwarded"),
    ("postscreen", "avg. connect time"),
    ("postscreen", "total connect time"),
    ("messages with no size data", ""),
    ("smtp tls levels", ""),
}
_TRAFFIC = {
    "received": "received",
    "delivered": "sent",
    "deferred": "deferrals",
    "bounced": "bounced",
    "rejected": "rejected",
}
_DELIVERY = ("sent", "bytes", "deferrals", "average delay", "longest delay")
_TIMED = {"connections": "timed", "time": "total time"}
START = (
    "2026-11-23T13:00:00.000000+00:00 mx1 postfix/master[1]: daemon started -- version 3.7.11,"
    " configuration /etc/postfix"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def ours_of(report: dict[str, Any]) -> Figures:
    """Our figures under pflogsumm's names."""
    r = Ours(report)
    days = max(1, len(r.rows("days.days")))
    connections, postscreen = r.rows("connections.clients"), r.sums("postscreen.actions")
    senders, recipients = r.top("senders"), r.rows("sizes.recipients")
    of = partial(_columns, r)
    return {
        "totals": _totals(r),
        "smtpd": _smtpd(connections),
        "postscreen": {
            "connections": postscreen.pop("CONNECT", 0),
            "IP addresses": r.number_in_title("postscreen.actions", "clients"),
        },
        "per-hour": of("days.hours", lambda x: x["hour"][:2], _TRAFFIC),
        "per-day": of("days.days", lambda x: _day(x["day"]), _TRAFFIC),
        "smtpd per-hour": of("connections.hours", lambda x: x["hour"][11:13], _TIMED, days),
        "smtpd per-day": of("connections.days", lambda x: _day(x["day"]), _TIMED),
        "SMTPD Connections": of("connections.clients", lambda x: bare(x["name"]), _TIMED),
        "Message Delivery": of("domains.delivered", _name, {c: c for c in _DELIVERY}),
        "Messages Received": of("domains.senders", _name, {c: c for c in ("messages", "bytes")}),
        "Senders by message count": {_sender(n): c[0] for n, c in senders.items()},
        "Senders by message size": {
            _sender(x["name"]): x["bytes"] for x in r.rows("sizes.senders")
        },
        "Recipients by message count": {x["name"]: x["messages"] for x in recipients},
        "Recipients by message size": {x["name"]: x["bytes"] for x in recipients},
        "message deferral detail": r.sums("transports.deliveries", "deferred"),
        "message bounce detail": _relays(r.sums("bounces.reasons")),
        "message expired detail": _relays(r.sums("expired.reasons", "recipients")),
        "message reject detail": r.tree("rejects.rejected"),
        "message reject warning detail": r.tree("rejects.warned"),
        "message hold detail": r.tree("rejects.held"),
        "message discard detail": r.tree("rejects.discarded"),
        "inbound ssl errors": {"all": sum(r.sums("tls.errors").values())},
        "smtp exceptions": {"all": sum(r.sums("troubles.servers").values())},
        "smtp delivery failures": {"all": sum(r.sums("troubles.servers").values())},
        "warnings": r.sums("troubles.warning"),
        "postscreen actions": postscreen,
        "fatal errors": r.sums("troubles.fatal"),
        "panics": r.sums("troubles.panic"),
        "master": {x["name"]: x["count"] for x in r.rows("troubles.master") if x["level"]},
    }


def _name(row: dict[str, Any]) -> str:
    return str(row["name"])


def _columns(
    r: Ours,
    key: str,
    name: Callable[[dict[str, Any]], str],
    columns: dict[str, str],
    divisor: float = 1,
) -> dict[str, float]:
    # Where mail was only refused pflogsumm has no row.
    bare_rows = key == "domains.delivered"
    return {
        f"{name(row)} {theirs}": (row[ours] or 0) / divisor
        for row in r.rows(key)
        if not bare_rows or row["sent"] or row["deferrals"]
        for theirs, ours in columns.items()
    }


def _totals(r: Ours) -> dict[str, float]:
    domains, endings = r.rows("domains.delivered"), r.rows("endings.all")
    return {
        "received": r.totals["received"],
        "delivered": r.totals["sent"],
        "deferred": r.totals["deferred_messages"],
        "deferrals": r.totals["deferrals"],
        "bounced": r.totals["bounced"],
        "expired": r.totals["expired"],
        "removed": sum(x["recipients"] for x in endings if x["ending"] == "removed"),
        "rejected": r.totals["rejected"],
        "reject warnings": r.totals["warned"],
        "held": r.totals["held"],
        "discarded": r.totals["discarded"],
        "bytes received": r.totals["received_bytes"],
        "bytes delivered": sum(x["bytes"] for x in domains),
        "senders": len(r.top("senders")),
        "sending hosts/domains": len(r.rows("domains.senders")),
        "recipients": len(r.rows("sizes.recipients")),
        "recipient hosts/domains": sum(x["sent"] > 0 for x in domains),
    }


def _smtpd(connections: list[dict[str, Any]]) -> dict[str, float]:
    timed = sum(x["timed"] for x in connections)
    seconds = sum(x["total time"] or 0 for x in connections)
    return {
        "connections": timed,
        "hosts/domains": sum(x["timed"] > 0 for x in connections),
        "avg. connect time": seconds / timed if timed else 0,
        "total connect time": seconds,
    }


def _relays(sums: dict[str, float]) -> dict[str, float]:
    return {"none" if name == "(no relay)" else name: n for name, n in sums.items()}


def _sender(name: str) -> str:
    return "from=<>" if name == "<> (bounces and notices)" else name


def _day(text: str) -> str:
    """Without the year: pflogsumm takes it from today's date."""
    _, month, day = text.split("-")
    return f"{_MONTHS[int(month) - 1]} {int(day)}"


def releases() -> list[tuple[str, str]]:
    """Programs with their releases."""
    return [(version_of(p), p) for p in programs("pflogsumm", "pflogsumm")]


def readable(log: Path, directory: Path) -> Path:
    """The log in a form that pflogsumm reads: not packed, its header no RFC 5424."""
    data = log.read_bytes()
    text = (gzip.decompress(data) if log.suffix == ".gz" else data).decode("utf-8", "replace")
    text = re.sub(r"(?m)^<[0-9]+>1 (\S+ \S+ \S+) (\S+) \S+ - +", r"\1[\2]: ", text)
    path = directory / f"{log.name.partition('.')[0]}.log"
    path.write_text(text, encoding="utf-8")
    return path


def comparable(theirs: Sections, ours: Figures) -> tuple[Sections, Figures]:
    """Without what one of them does not count at all."""
    for section, key in NOT_HERE:
        theirs.get(section, {}).pop(key, None)
        assert key not in ours.get(section, {})
    for section in ("totals", "smtpd", "postscreen"):
        ours[section] = {k: v for k, v in ours[section].items() if k in theirs.get(section, {})}
    return theirs, ours


@pytest.mark.parametrize("name", LOGS)
def test_every_figure_is_the_same_or_the_difference_has_its_reason(
    name: str, tmp_path: Path
) -> None:
    log = readable(LOGS[name], tmp_path)
    for release, program in releases():
        theirs = sections_of(printed(program, release, log))
        assert sum(len(figures) for figures in theirs.values()) > 20
        compared = comparable(theirs, ours_of(report_of(log)))
        found = differences(*compared)
        assert found == KNOWN.expected.get((name, release), set()), release


@pytest.mark.parametrize("name", LOGS)
def test_every_reason_has_its_line_in_the_log(name: str, tmp_path: Path) -> None:
    text = readable(LOGS[name], tmp_path).read_text("utf-8")
    for (log, reason), parts in KNOWN.proofs.items():
        assert log != name or all(part in text for part in parts), (log, reason)


def test_the_document_gives_every_reason() -> None:
    text = " ".join(DOCS.read_text("utf-8").split())
    assert {name for name, why in KNOWN.reasons.items() if why not in text} == set()
    used = {reason for _, reason in KNOWN.proofs}
    assert used == KNOWN.reasons.keys()


@pytest.mark.parametrize("name", UNREAD)
def test_a_header_it_does_not_read_gives_zeros_without_a_word(name: str) -> None:
    log = SAMPLE_LOGS / f"{name}.log"
    for release, program in releases():
        theirs = sections_of(printed(program, release, log))
        assert all(re.fullmatch(r"[0:]+", f) for part in theirs.values() for f in part.values())
    assert report_of(log)["totals"]["rejected"] + report_of(log)["totals"]["sent"] > 0


@pytest.mark.parametrize("name", TWINS)
def test_the_same_lines_give_the_same_figures_under_every_header(name: str) -> None:
    """Times apart: some stamps have fractions of a second."""

    def counted(log: Path) -> Figures:
        figures = ours_of(report_of(log))
        return {s: {k: n for k, n in f.items() if "time" not in k} for s, f in figures.items()}

    ours = counted(SAMPLE_LOGS / f"{name}.log")
    assert ours == counted(LOGS["solaris"])
    assert ours["totals"]["rejected"] == 26


@pytest.mark.parametrize("what", ["packed", "missing"])
def test_what_it_cannot_read_is_an_empty_report_there_and_never_here(
    what: str, tmp_path: Path
) -> None:
    log = tmp_path / "mail.log.gz"
    if what == "packed":
        log.write_bytes(gzip.compress(LOGS["rfc3164"].read_bytes()))
        assert ours_of(report_of(log)) == ours_of(report_of(LOGS["rfc3164"]))
    for release, program in releases():
        theirs = sections_of(printed(program, release, log))  # its exit status is 0
        assert theirs["totals"]["received"] == "0"


@given(logs(40))
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_made_up_logs_give_the_same_figures(log: list[str]) -> None:
    """Sessions apart: they overlap under one process number, as no real ones do."""
    lines = [line for line in log if " postfix/" in line]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "mail.log"
        path.write_text("".join(f"{line}\n" for line in [START, *lines]), encoding="utf-8")
        ours = ours_of(report_of(path))
        for release, program in releases():
            compared = comparable(sections_of(printed(program, release, path)), ours)
            found = {d for d in differences(*compared) if "smtpd" not in d.section.lower()}
            assert found == set()
