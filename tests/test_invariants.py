"""The figures do not hang on how a log is cut, packed or ordered, and they are the true ones."""

import gzip
import io
import json
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from log_samples import Message, bent_samples, day_of, log_of, logs

from analyzer.build import build
from analyzer.check import check_report
from analyzer.events_out import EventWriter
from analyzer.inputs import Inputs, gather
from analyzer.pipeline import summarise_tasks, told
from analyzer.selection import Selection
from analyzer.summary import finish
from parsers.lines import CHUNK_BYTES
from reports import FORMATS, render

SAMPLE_LOGS = Path(__file__).parent.parent / "sample_logs"
NOW = datetime(2026, 11, 30, tzinfo=UTC)
Rows = list[dict[str, Any]]


def inputs_of(paths: Sequence[Path]) -> Inputs:
    found = gather([str(p) for p in paths], zone="Europe/Berlin", year=None, now=NOW)
    assert found.problems == []
    return found


def report_of(
    paths: Sequence[Path],
    size: int = CHUNK_BYTES,
    workers: int = 2,
    selection: Selection | None = None,
) -> str:
    """The JSON report, read in chunks of `size` bytes."""
    inputs = inputs_of(paths)
    summary = finish(summarise_tasks(inputs.tasks, selection, size=size, workers=workers))
    report = build(summary, [t.source for t in inputs.tasks], zone="Europe/Berlin", top=None)
    return render(report, "json")


def events_of(
    paths: Sequence[Path], size: int = CHUNK_BYTES, selection: Selection | None = None
) -> str:
    """What `smtplens events` prints, read in chunks of `size` bytes."""
    render_events = EventWriter("ndjson", None).render
    parts = told(inputs_of(paths).tasks, selection or Selection(), render_events, size=size)
    return "".join(str(part) for part, _ in parts)


def rows_of(events: str) -> Rows:
    return [json.loads(line) for line in events.splitlines()]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return path


def without_sources(report: str) -> dict[str, Any]:
    """A report without what names files and lines."""
    found: dict[str, Any] = json.loads(report)
    del found["inputs"]
    for row in (*found["codes"], *found["findings"]):
        for shown in row["examples"]:
            del shown["file"], shown["line"]
    return found


# --- Any cut gives the same


CHOSEN: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {}, {"codes": ("5xx",)}, {"mtas": ("sendmail",)}, {"directions": ("inbound",)}]
)


# The line that names the client is not one that `--code 5xx` selects.
NAMED_LATER = log_of(
    Message("sendmail", "unknown", start, number) for start, number in ((0, 1), (5, 2))
)


@given(log=logs(), size=st.integers(1, 6000), workers=st.integers(1, 3), chosen=CHOSEN)
@example(log=NAMED_LATER, size=1, workers=1, chosen={"codes": ("5xx",)})
@settings(deadline=None, max_examples=15)
def test_chunks_of_any_size_give_the_same_report_byte_for_byte(
    log: list[str], size: int, workers: int, chosen: dict[str, Any]
) -> None:
    selection = Selection(**chosen)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "mail.log"), "\n".join(log).encode())
        whole = report_of([path], selection=selection)
        assert report_of([path], size, workers, selection) == whole


@given(log=logs(), size=st.integers(1, 6000), chosen=CHOSEN)
@example(log=NAMED_LATER, size=1, chosen={"codes": ("5xx",)})
@settings(deadline=None, max_examples=15)
def test_chunks_of_any_size_give_the_same_events(
    log: list[str], size: int, chosen: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "mail.log"), "\n".join(log).encode())
        selection = Selection(**chosen)
        whole, cut = (rows_of(events_of([path], s, selection)) for s in (CHUNK_BYTES, size))
        # What waits for a later line to name its client may come out later.
        assert sorted(cut, key=lambda e: e["line"]) == sorted(whole, key=lambda e: e["line"])


@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_files_in_any_number_order_and_packing_give_the_same_report(data: st.DataObject) -> None:
    log = data.draw(logs(60))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(log)), max_size=5)))
    bounds = zip([0, *cuts], [*cuts, len(log)], strict=True)
    pieces = [log[start:end] for start, end in bounds if start < end]
    with tempfile.TemporaryDirectory() as folder:
        whole = write(Path(folder, "whole"), "".join(f"{line}\n" for line in log).encode())
        paths = []
        for number, piece in enumerate(pieces):
            text = "".join(f"{line}\n" for line in piece).encode()
            packed = data.draw(st.booleans())
            # Rotated logs: the last is the current one.
            path = Path(folder, f"mail.{number:02}")
            paths.append(write(path, gzip.compress(text) if packed else text))
        shuffled = data.draw(st.permutations(paths))
        assert without_sources(report_of(shuffled)) == without_sources(report_of([whole]))
        whole_events, split_events = (
            [e | {"file": None, "line": None} for e in rows_of(events_of(p))]
            for p in ([whole], shuffled)
        )
        assert sorted(map(json.dumps, split_events)) == sorted(map(json.dumps, whole_events))


@pytest.mark.parametrize(
    "name", sorted(p.name for p in SAMPLE_LOGS.glob("*.log")), ids=lambda n: n.removesuffix(".log")
)
def test_sample_log_cut_anywhere_gives_the_same_report(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, (SAMPLE_LOGS / name).read_bytes())
    assert report_of([path], 3989) == report_of([path])


def test_split_messages_that_interleave_give_the_same_report_in_any_cut(tmp_path: Path) -> None:
    exim = "Nov 23 14:09:10 mx2 exim[{}]: "
    sendmail = "Nov 23 14:09:10 mx3 sendmail[{}]: 6ANE1XAm000132"
    mx = "R=dnslookup T=remote_smtp H=mx.d1.test [198.51.100.10]"
    error = "SMTP error from remote mail server after RCPT TO:<bob@d1.test>: "
    queues = [
        [
            exim.format(pid) + f"[1/2] 1xVUcd-0000{pid}-1m ** bob@d1.test {mx}: {error}55",
            exim.format(pid) + f"[2/2] 0 5.1.1 no such user {pid}",
        ]
        for pid in (11, 12)
    ]
    queues += [
        [
            sendmail.format(pid) + "[1]: to=<bob@d1.test>, delay=00:00:00, mailer=esmtp,  ...",
            sendmail.format(pid) + "[2]: relay=mx.d1.test. [198.51.100.10], dsn=5.1.1,  ...",
            sendmail.format(pid) + f"[3]: reply=550 5.1.1 none {pid}, stat=User unknown",
        ]
        for pid in (21, 22)
    ]
    calm = [line for n in range(3) for line in (f"{exim.format(9)}1xVUcd-00000{n}-1m Completed",)]
    mixed = [queue[part] for part in range(3) for queue in queues if part < len(queue)]
    log = [*calm, *mixed, *calm, *(line for queue in queues for line in queue), *calm]
    path = write(tmp_path / "mail.log", "\n".join(log).encode())
    whole = report_of([path])
    assert [c["count"] for c in json.loads(whole)["codes"] if c["code"] == 550] == [8]
    for size in (*range(1, 300, 37), *range(300, 3000, 391)):
        assert report_of([path], size) == whole


def test_note_on_a_repeated_message_gives_the_same_report_in_any_cut(tmp_path: Path) -> None:
    log = [line for line in day_of(40, ["postfix"]) if "reject" in line]
    other = "2026-11-23T13:41:47+00:00 mx2 postfix/qmgr[1]: AAAAAAAAAA: removed"
    note = "2026-11-23T13:41:47+00:00 mx1 last message repeated 3 times"
    for name, lines in {
        "after": [*log, note, note, *log],
        # The host's last line is not the one before.
        "between": [*log, other, note, *log],
    }.items():
        path = write(tmp_path / name, "\n".join(lines).encode())
        assert {report_of([path], size) for size in (1, 200, 400, 800)} == {report_of([path])}, name


@given(lines=st.lists(bent_samples(), max_size=30), size=st.integers(1, 2000))
@settings(deadline=None, max_examples=15)
def test_any_log_can_be_reported_in_every_format(lines: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "mail.log"), "\n".join(lines).encode())
        inputs = inputs_of([path])
        summary = finish(summarise_tasks(inputs.tasks, size=size))
        report = build(summary, [t.source for t in inputs.tasks], zone="Europe/Berlin", top=None)
        for form in FORMATS:
            assert render(report, form)
        for form in ("text", "json"):
            check_report(summary, inputs, "Europe/Berlin", form)


def test_line_ends_and_packing_change_no_figure(tmp_path: Path) -> None:
    log = day_of(60)
    reports = []
    for name, data in {
        "lf": "\n".join(log) + "\n",
        "crlf": "\r\n".join(log) + "\r\n",
        "no-end": "\n".join(log),
    }.items():
        reports.append(without_sources(report_of([write(tmp_path / name, data.encode())])))
    assert reports[0] == reports[1] == reports[2]


def test_log_given_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "mail.log", "\n".join(day_of(30)).encode())
    link = tmp_path / "link.log"
    link.symlink_to(path)
    assert report_of([path, link, path]) == report_of([path])


def test_hosts_of_a_fleet_add_up(tmp_path: Path) -> None:
    # Different hosts' queue ids are different messages, even where they are alike.
    log = day_of(80, ["postfix"])
    other = [line.replace(" mx1 ", " mx9 ") for line in log]
    one = json.loads(report_of([write(tmp_path / "a", "\n".join(log).encode())]))
    both = json.loads(
        report_of(
            [tmp_path / "a", write(tmp_path / "b", "\n".join(other).encode())],
        )
    )
    assert both["totals"] == {k: 2 * v for k, v in one["totals"].items()}
    assert [c["count"] for c in both["codes"]] == [2 * c["count"] for c in one["codes"]]


# --- The figures are the ones that plain Python counts


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, dict[str, Any]]:
    """A log's events and its report."""
    path = tmp_path_factory.mktemp("log") / "mail.log"
    write(path, "\n".join(day_of(400)).encode())
    return rows_of(events_of([path], 9999)), json.loads(report_of([path]))


def test_code_counts_are_those_of_the_events(counted: tuple[Rows, dict[str, Any]]) -> None:
    events, report = counted
    key = ("direction", "reply_code", "enhanced_code", "cause")
    expected: Counter[tuple[Any, ...]] = Counter()
    implied: Counter[tuple[Any, ...]] = Counter()
    times: dict[tuple[Any, ...], list[datetime]] = defaultdict(list)
    peers: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    recipients: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for event in events:
        if event["cause"] is None:
            continue
        row = tuple(event[k] for k in key)
        expected[row] += event["count"]
        implied[row] += event["count"] * (event["evidence"] == "implied")
        times[row].append(datetime.fromisoformat(event["time"]))
        names = ("client_ip", "client_name") if row[0] == "inbound" else ("relay_name", "relay_ip")
        peers[row] |= {event[n] for n in names if event[n] is not None} and {
            next(event[n] for n in names if event[n] is not None)
        }
        recipients[row] |= {event["recipient"]} - {None}
    assert expected
    got = {(c["direction"], c["code"], c["enhanced"], c["cause"]): c for c in report["codes"]}
    assert {row: c["count"] for row, c in got.items()} == expected
    assert {row: c["implied"] for row, c in got.items()} == dict(implied)
    assert {row: c["peers"] for row, c in got.items()} == {r: len(peers[r]) for r in expected}
    assert {row: c["recipients"] for row, c in got.items()} == {
        r: len(recipients[r]) for r in expected
    }
    for row, code in got.items():
        assert datetime.fromisoformat(code["first_seen"]) == min(times[row]).replace(microsecond=0)
        assert datetime.fromisoformat(code["last_seen"]) == max(times[row]).replace(microsecond=0)
    totals = Counter(dict.fromkeys(("inbound", "outbound", "local"), 0))
    for row, n in expected.items():
        totals[row[0]] += n
    for row, code in got.items():
        assert code["share"] == pytest.approx(expected[row] / totals[row[0]])


def messages_of(events: Rows) -> Rows:
    """Messages by plain Python: an arrival begins one, a removal ends it."""
    found: Rows = []
    current: dict[tuple[str, str, str], dict[str, Any]] = {}
    for event in events:
        if event["queue_id"] is None:
            continue
        key = (event["host"], event["mta"], event["queue_id"])
        arrived = event["kind"] == "received"
        deferred = event["kind"] == "delivery" and event["outcome"] == "deferred"
        active = event["kind"] == "queue" and event["size"] is not None
        entered = active or (arrived and event["mta"] != "postfix")
        ended = event["outcome"] == "removed"
        if not (arrived or deferred or entered or ended):
            continue
        if arrived or key not in current:
            current[key] = {"arrived": False, "entered": False, "deferred": False, "size": None}
            current[key] |= {"sender": None, "client": None, "time": event["time"]}
            found.append(current[key])
        message = current[key]
        message["arrived"] |= arrived
        message["entered"] |= entered
        message["deferred"] |= deferred
        for name, value in (
            ("size", event["size"]),
            ("sender", event["sender"]),
            ("client", event["client_ip"] or event["client_name"]),
        ):
            if message[name] is None:
                message[name] = value
        if ended:
            del current[key]
    return found


def test_totals_and_hours_are_those_of_the_events(counted: tuple[Rows, dict[str, Any]]) -> None:
    events, report = counted
    hours: dict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        hour, outcome, n = event["time"][:13], event["outcome"], event["count"]
        if event["kind"] == "delivery" and outcome in ("sent", "deferred", "bounced"):
            hours[hour]["deferrals" if outcome == "deferred" else outcome] += n
        elif event["kind"] == "reject" and outcome == "rejected":
            hours[hour]["rejected"] += n
    for message in messages_of(events):
        hour = message["time"][:13]
        if message["arrived"] and message["entered"]:
            hours[hour]["received"] += 1
            hours[hour]["received_bytes"] += message["size"] or 0
        hours[hour]["deferred_messages"] += message["deferred"]
    expected = sum(hours.values(), Counter[str]())
    assert expected["received"] > 100
    assert {k: v for k, v in report["totals"].items() if v} == {
        k: v for k, v in expected.items() if v
    }
    got = {
        datetime.fromisoformat(h["start"]).astimezone(UTC).isoformat()[:13]: h
        for h in report["hours"]
    }
    for hour, counts in hours.items():
        for name, count in counts.items():
            assert got[hour][name] == count, (hour, name)


def test_top_lists_are_those_of_the_events(counted: tuple[Rows, dict[str, Any]]) -> None:
    events, report = counted
    tops = {t["key"]: {r["name"]: r["counts"] for r in t["rows"]} for t in report["tops"]}
    names: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    hosts: dict[str, str] = {}
    for event in events:
        client = event["client_ip"]
        if event["kind"] in ("received", "reject") and client and event["client_name"]:
            hosts[client] = max(hosts.get(client, ""), event["client_name"])
        if event["kind"] == "reject" and event["outcome"] == "rejected" and client:
            names["clients"][client]["rejected"] += event["count"]
        if event["kind"] != "delivery" or event["outcome"] not in ("sent", "deferred", "bounced"):
            continue
        recipient = (event["recipient"] or "").lower()
        relay = event["relay_name"] or event["relay_ip"]
        domain = recipient.rpartition("@")[2] if "@" in recipient else "(local)"
        for key, name in (
            ("recipients", recipient),
            ("destination_domains", domain),
            ("relays", relay),
        ):
            if name:
                names[key][name][event["outcome"]] += event["count"]
    for message in messages_of(events):
        if message["arrived"] and message["entered"]:
            names["senders"][message["sender"]]["messages"] += 1
            names["senders"][message["sender"]]["bytes"] += message["size"]
            if message["client"]:
                names["clients"][message["client"]]["messages"] += 1
    columns = {
        "senders": ("messages", "bytes"),
        "clients": ("messages", "rejected"),
        **dict.fromkeys(
            ("recipients", "relays", "destination_domains"), ("sent", "deferred", "bounced")
        ),
    }
    for key, wanted in columns.items():
        expected = {
            (f"{hosts[name]} [{name}]" if key == "clients" and name in hosts else name): [
                counts[c] for c in wanted
            ]
            for name, counts in names[key].items()
        }
        assert expected
        assert tops[key] == expected
        weights = [sum(v[:1] if key == "senders" else v) for v in tops[key].values()]
        assert weights == sorted(weights, reverse=True)


def test_lines_add_up(counted: tuple[Rows, dict[str, Any]]) -> None:
    events, report = counted
    lines = report["lines"]
    assert lines["total"] == len(day_of(400))
    assert lines["total"] == sum(v for k, v in lines.items() if k != "total")
    assert len({e["line"] for e in events}) <= lines["parsed"]


def test_every_event_leads_back_to_its_line(counted: tuple[Rows, dict[str, Any]]) -> None:
    events, _ = counted
    log = day_of(400)
    for event in events:
        line = log[event["line"] - 1]
        stamp = datetime.fromisoformat(line.partition(" ")[0])
        assert stamp == datetime.fromisoformat(event["time"])
        assert line.split(" ")[1] == event["host"]
        for name in ("queue_id", "recipient", "reply_text"):
            assert (event[name] or "") in line
        if event["reply_code"] is not None and event["evidence"] == "logged":
            assert str(event["reply_code"]) in line


def test_report_reads_stdin_as_it_reads_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "\n".join(day_of(40)).encode()
    path = write(tmp_path / "mail.log", data)
    expected = without_sources(report_of([path]))
    for sent in (data, gzip.compress(data)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent)))
        assert without_sources(report_of([Path("-")])) == expected
