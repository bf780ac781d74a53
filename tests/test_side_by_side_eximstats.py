"""Beside the real eximstats on the same logs, section by section and figure by figure.

Each difference is expected in tests/data/side_by_side/eximstats.tsv with its reason and a line of
the log that shows it. The release installed is compared (Debian's 4.96 or 4.100.1), and every
further one that the environment variable EXIMSTATS names.
"""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from eximstats_reader import printed, sections_of, version_of
from lab_corpus import CORPUS, SAMPLE_LOGS
from side_by_side import Figures, Ours, bare, differences, known, programs, report_of

DATA = Path(__file__).parent / "data" / "side_by_side"
KNOWN = known(DATA / "eximstats.tsv")
DOCS = Path(__file__).parent.parent / "docs" / "coming-from-eximstats.md"
LOGS: dict[str, Path] = {
    "mainlog": SAMPLE_LOGS / "exim-mainlog.log",
    "pid": SAMPLE_LOGS / "exim-pid.log",
    **{
        name: CORPUS / "exim" / f"{name}.log.gz"
        for name in ("out", "retry", "protocol_sel", "in_syslog")
    },
    "synthetic": DATA / "synthetic-exim.log",
}
# Those whose stamp is not Exim's own.
UNREAD = ("in_syslog",)


def ours_of(report: dict[str, Any]) -> Figures:
    """Our figures under eximstats' names."""
    r = Ours(report)
    hosts, local = r.rows("hosts.senders"), r.rows("hosts.local_senders")
    to_hosts = r.rows("hosts.destinations")
    permanent, temporary = (
        {_address(x["name"]): x[kind] for x in r.rows(f"rejections.clients_{kind}")}
        for kind in ("permanent", "temporary")
    )
    here = {"messages": sum(x["messages"] for x in local), "bytes": sum(x["bytes"] for x in local)}
    sending = [*hosts, *([{"name": "local", **here}] if local else [])]
    refused = {k: _count(r, f"rejections.{k}", "rejections") for k in ("permanent", "temporary")}
    failed = r.rows("errors.texts")
    transports = r.rows("transports.deliveries")
    return {
        "totals": {
            "Received volume": r.totals["received_bytes"],
            "Received messages": r.totals["received"],
            "Received hosts": len(sending),
            "Received emails": len(r.top("senders")),
            "Received edomains": len(r.rows("edomains.senders")),
            "Received delayed": r.totals["deferred_messages"],
            "Delivered volume": sum(x["bytes"] for x in transports),
            "Delivered addresses": r.totals["sent"],
            "Delivered hosts": len(to_hosts),
            "Delivered edomains": len(r.rows("edomains.destinations")),
            "Rejects number": refused["permanent"],
            "Rejects hosts": len(permanent),
            "Temp Rejects number": refused["temporary"],
            "Temp Rejects hosts": len(temporary),
        },
        "transports": {
            f"{x['name']} {k}": x[c]
            for x in transports
            if x["sent"]
            for k, c in (("volume", "bytes"), ("messages", "sent"))
        },
        "messages received per hour": _hours(report, "received"),
        "deliveries per hour": _hours(report, "sent"),
        "Time spent on the queue: all messages": _queue(r, "messages"),
        "Time spent on the queue: messages with at least one remote delivery": _queue(
            r, "with remote delivery"
        ),
        "relayed": {"all": _count(r, "relayed.clients", "recipients")},
        "mail rejection reasons": {"all": refused["permanent"]},
        "mail temporary rejection reasons": {"all": refused["temporary"]},
        "rejected ips": permanent,
        "temporarily rejected ips": temporary,
        "errors": {"all": sum(x["errors"] for x in failed)},
        "sending hosts by message count": _list(sending, ("messages", "bytes")),
        "sending edomains by message count": _list(
            r.rows("edomains.senders"), ("messages", "bytes")
        ),
        "host destinations by message count": _list(to_hosts),
        "edomain destinations by message count": _list(r.rows("edomains.destinations")),
        "sending emails by message count": {
            f"{_sender(n)} {k}": c[i]
            for n, c in r.top("senders").items()
            for i, k in enumerate(("messages", "bytes"))
        },
    }


def _list(
    rows: list[dict[str, Any]], columns: tuple[str, ...] = ("messages", "recipients", "bytes")
) -> dict[str, float]:
    return {
        f"{_sender(_local(x['name']))} {'addresses' if c == 'recipients' else c}": x[c]
        for x in rows
        for c in columns
    }


def _sender(name: str) -> str:
    return "<>" if name == "<> (bounces and notices)" else name


def _local(name: str) -> str:
    return "local" if name == "(this host)" else name


def _address(name: str) -> str:
    found = re.search(r" \[([0-9A-Fa-f.:]+)\]$", name)
    return found[1] if found else bare(name)


def _count(r: Ours, key: str, column: str) -> int:
    return sum(x[column] for x in r.rows(key))


def _hours(report: dict[str, Any], what: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for hour in report["hours"]:
        key = hour["start"][11:13]
        found[key] = found.get(key, 0) + hour[what]
    return found


def _queue(r: Ours, column: str) -> dict[str, float]:
    """`under 3 hours` as eximstats has it: 3h."""
    short = re.compile(r"^(?:under|over) ([0-9]+) ([mhd])\w+$")
    return {short.sub(r"\1\2", x["time"]): x[column] for x in r.rows("queue_times.queue")}


def releases() -> list[tuple[str, str]]:
    """Programs with their releases."""
    return [(version_of(p), p) for p in programs("eximstats", "exim4-base")]


def readable(log: Path, directory: Path) -> Path:
    """The log, not packed."""
    data = log.read_bytes()
    path = directory / f"{log.name.partition('.')[0]}.log"
    path.write_bytes(gzip.decompress(data) if log.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", [n for n in LOGS if n not in UNREAD])
def test_every_figure_is_the_same_or_the_difference_has_its_reason(
    name: str, tmp_path: Path
) -> None:
    log = readable(LOGS[name], tmp_path)
    for release, program in releases():
        theirs = sections_of(printed(program, log))
        ours = ours_of(report_of(log))
        assert sum(len(theirs[s]) for s in theirs.keys() & ours.keys()) > 10
        ours["totals"] = {k: v for k, v in ours["totals"].items() if k in theirs["totals"]}
        theirs["totals"] = {k: v for k, v in theirs["totals"].items() if k in ours["totals"]}
        assert differences(theirs, ours) == KNOWN.expected.get((name, release), set()), release


@pytest.mark.parametrize("name", LOGS)
def test_every_reason_has_its_line_in_the_log(name: str, tmp_path: Path) -> None:
    text = readable(LOGS[name], tmp_path).read_text("utf-8", "replace")
    for (log, reason), parts in KNOWN.proofs.items():
        assert log != name or all(part in text for part in parts), (log, reason)


def test_the_document_gives_every_reason() -> None:
    text = " ".join(DOCS.read_text("utf-8").split())
    assert {name for name, why in KNOWN.reasons.items() if why not in text} == set()
    assert {reason for _, reason in KNOWN.proofs} == KNOWN.reasons.keys()


@pytest.mark.parametrize("name", UNREAD)
def test_a_stamp_it_does_not_read_leaves_nothing(name: str, tmp_path: Path) -> None:
    log = readable(LOGS[name], tmp_path)
    for _, program in releases():
        with pytest.raises(Exception, match="returned non-zero exit status"):
            printed(program, log)
    assert report_of(log)["totals"]["received"] > 0
