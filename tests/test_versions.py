"""Unknown commands get the code that the host's Postfix sends, and doubt is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import main

START = "Nov 22 03:00:00 {host} postfix/master[1]: daemon started -- version {version}, configuration /etc/postfix"
ABUSE = (
    "Nov 22 03:10:01 {host} postfix/smtpd[2]: disconnect from unknown[203.0.113.9]"
    " ehlo=1 unknown=0/3 quit=1 commands=2/5"
)


def report_json(folder: Path, lines: list[str]) -> dict[str, Any]:
    log = folder / "mail.log"
    log.write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(main, ["report", str(log), "--format", "json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def codes(report: dict[str, Any]) -> dict[int, int]:
    return {c["code"]: c["count"] for c in report["codes"] if c["direction"] == "inbound"}


@pytest.mark.parametrize(
    ("version", "code"), [("3.6.4", 502), ("2.11.3", 502), ("3.7.0", 500), ("3.10.1", 500)]
)
def test_unknown_commands_are_502_before_postfix_3_7(
    tmp_path: Path, version: str, code: int
) -> None:
    lines = [START.format(host="mx1", version=version), ABUSE.format(host="mx1")]
    report = report_json(tmp_path, lines)
    assert codes(report) == {code: 3}
    assert report["mtas"] == [f"postfix {version}"]
    assert not any("Unknown commands" in note for note in report["notes"])


def test_without_a_version_line_the_doubt_is_said(tmp_path: Path) -> None:
    report = report_json(tmp_path, [ABUSE.format(host="mx1")])
    assert codes(report) == {500: 3}
    assert any("Unknown commands" in note for note in report["notes"])


def test_each_host_has_its_own_version(tmp_path: Path) -> None:
    report = report_json(
        tmp_path,
        [
            START.format(host="old", version="3.4.0"),
            START.format(host="new", version="3.9.0"),
            ABUSE.format(host="old"),
            ABUSE.format(host="new"),
        ],
    )
    assert codes(report) == {500: 3, 502: 3}
