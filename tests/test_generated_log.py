"""A generated log whose every figure is known: the report has to say the same."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import main

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from make_log import write_log


@pytest.mark.parametrize(("style", "hosts"), [("rfc3164", 1), ("iso", 2)])
def test_report_says_what_the_generator_knows(tmp_path: Path, style: str, hosts: int) -> None:
    path = tmp_path / "mail.log"
    truth = write_log(path, lines=30_000, seed=7, style=style, hosts=hosts, days=2)
    done = CliRunner().invoke(main, ["report", str(path), "--format", "json", "--top", "all"])
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)

    assert report["lines"]["total"] == truth["lines"]
    assert report["lines"]["unrecognised"] == 0
    totals = report["totals"]
    assert {
        "received": totals["received"],
        "sent": totals["sent"],
        "deferred": totals["deferrals"],
        "bounced": totals["bounced"],
        "expired": totals["expired"],
        "rejected": totals["rejected"],
    } == {k: truth[k] for k in ("received", "sent", "deferred", "bounced", "expired", "rejected")}

    printed: Counter[tuple[str, str]] = Counter()
    for row in report["codes"]:
        if row["code"] is not None:
            printed[row["direction"], str(row["code"])] += row["count"] - row["implied"]
    known = {
        (direction, code): n
        for direction, codes in truth["replies"].items()
        for code, n in codes.items()
    }
    assert {k: n for k, n in printed.items() if n} == known

    hours = Counter[str]()
    for hour in report["hours"]:
        hours["sent"] += hour["sent"]
        hours["received"] += hour["received"]
    assert hours["sent"] == truth["sent"]
    assert hours["received"] == truth["received"]
    by_recipient = next(t for t in report["tops"] if t["key"] == "recipients")
    sent = by_recipient["columns"].index("sent")
    assert sum(row["counts"][sent] for row in by_recipient["rows"]) == truth["sent"]
