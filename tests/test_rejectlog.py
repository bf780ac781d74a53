import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer.build import build, line_account
from analyzer.inputs import gather
from analyzer.pipeline import summarise_tasks
from analyzer.rejectlog import COPY
from analyzer.summary import Summary, finish
from parsers.lines import CHUNK_BYTES
from reports import render

SAMPLE_LOGS = Path(__file__).parent.parent / "sample_logs"
NOW = datetime(2026, 11, 30, tzinfo=UTC)
REJECT = "2026-11-23 13:47:{:02} H=client.test [192.0.2.1] F=<a@b.test> rejected RCPT <x@d1.test>: relay not permitted"
ACCEPT = (
    "2026-11-23 13:47:{:02} 1xVUOB-00001P-20 <= a@b.test H=client.test [192.0.2.1] P=esmtp S=334"
)
REFUSED = [
    "2026-11-23 13:47:40 1xVUOD-00001z-2r H=client.test [192.0.2.1] F=<> rejected after DATA: missing or malformed local part",
    "Envelope-from: <>",
    "Envelope-to: <alice@lab.test>",
    "P Received: from client.test ([192.0.2.1])",
    "\tby mx1.lab.test with esmtp (Exim 4.96)",
    "  Subject: 550 5.7.1 2026-11-23 13:47:40 H=evil.test [192.0.2.9] rejected RCPT <a@b.test>: no",
]


def summary_of(paths: Sequence[Path], size: int = CHUNK_BYTES) -> tuple[Summary, dict[str, Any]]:
    inputs = gather([str(p) for p in paths], zone="UTC", year=None, now=NOW)
    assert inputs.problems == []
    summary = finish(summarise_tasks(inputs.tasks, size=size))
    sources = [t.source for t in inputs.tasks]
    return summary, json.loads(render(build(summary, sources, zone="UTC"), "json"))


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def replies(paths: Sequence[Path], size: int = CHUNK_BYTES) -> int:
    """Refusals that are counted."""
    _, report = summary_of(paths, size)
    assert sum(i["lines"] for i in report["inputs"]) == report["lines"]["total"]
    return sum(int(c["count"]) for c in report["codes"] if c["direction"] == "inbound")


@pytest.mark.parametrize("size", [80, CHUNK_BYTES])
@pytest.mark.parametrize("name", ["rejectlog", "rejectlog.1"])
def test_refusals_of_both_logs_count_once(name: str, size: int, tmp_path: Path) -> None:
    # Refused recipients alone: nothing in the reject log shows what it is, but its name.
    refused = [REJECT.format(n) for n in range(12)]
    main = write(tmp_path / "mainlog", [ACCEPT.format(0), *refused])
    reject = write(tmp_path / name, refused)
    assert replies([main]) == 12
    assert replies([main, reject], size) == replies([reject, main], size) == 12


@pytest.mark.parametrize("size", [80, CHUNK_BYTES])
def test_reject_log_is_told_by_its_headers_whatever_its_name(size: int, tmp_path: Path) -> None:
    main = write(tmp_path / "a.log", [ACCEPT.format(0), REJECT.format(1), REFUSED[0]])
    reject = write(tmp_path / "b.log", [REJECT.format(1), *REFUSED])
    assert replies([main, reject], size) == replies([main]) == 2


def test_copies_are_accounted_for_as_ignored(tmp_path: Path) -> None:
    main = write(tmp_path / "mainlog", [REJECT.format(1)])
    reject = write(tmp_path / "rejectlog", [REJECT.format(1), *REFUSED[1:]])
    summary, _ = summary_of([main, reject])
    lines = line_account(summary)
    assert (lines.total, lines.parsed, lines.unrecognised) == (7, 1, 0)
    rules = dict(summary.tables["lines"].select("rule", "n").iter_rows())
    assert rules[COPY] == 1


@pytest.mark.parametrize("size", [80, CHUNK_BYTES])
def test_what_only_the_reject_log_has_counts(size: int, tmp_path: Path) -> None:
    main = write(tmp_path / "mainlog", [ACCEPT.format(0), REJECT.format(1)])
    reject = write(tmp_path / "rejectlog", [REJECT.format(1), REJECT.format(2), REJECT.format(3)])
    assert replies([main, reject], size) == 3


@pytest.mark.parametrize("size", [80, CHUNK_BYTES])
def test_like_refusals_of_one_second_count_as_often_as_they_stand(
    size: int, tmp_path: Path
) -> None:
    main = write(tmp_path / "mainlog", [REJECT.format(1)] * 2)
    reject = write(tmp_path / "rejectlog", [REJECT.format(1)] * 3)
    assert replies([main, reject], size) == 3
    again = write(tmp_path / "rejectlog.1", [REJECT.format(1)] * 2)
    assert replies([main, again], size) == 2


def test_reject_log_alone_counts_whole(tmp_path: Path) -> None:
    reject = write(tmp_path / "rejectlog", [REJECT.format(1), *REFUSED])
    assert replies([reject]) == 2


def test_refused_headers_are_nobodys_lines(tmp_path: Path) -> None:
    summary, _ = summary_of([write(tmp_path / "rejectlog", REFUSED)])
    assert line_account(summary).unrecognised == 0
    assert summary.tables["replies"].get_column("n").sum() == 1


def test_main_log_that_tells_of_a_reject_log_is_none(tmp_path: Path) -> None:
    lines = [REJECT.format(1).replace("relay not permitted", "Envelope-from: <a>")] * 2
    first, second = write(tmp_path / "a", lines), write(tmp_path / "b", lines)
    assert replies([first, second]) == 4


def test_logs_of_the_same_run_agree() -> None:
    main, reject = SAMPLE_LOGS / "exim-mainlog.log", SAMPLE_LOGS / "exim-rejectlog.log"
    # One refusal stands in the reject log only: log_selector has no smtp_syntax_error.
    assert "unqualified sender rejected" not in main.read_text("utf-8")
    assert replies([main, reject]) == replies([main]) + 1
    assert replies([reject]) > 50
