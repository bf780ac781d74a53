"""Whole reports on real logs, as a postmaster gets them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import main

ROOT = Path(__file__).parent.parent

CASES = {
    "postfix-refusals": ["sample_logs/postfix-iso.log"],
    "postfix-retries": ["sample_logs/postfix-rfc3164.log"],
    "exim-both-logs": ["sample_logs/exim-mainlog.log", "sample_logs/exim-rejectlog.log"],
    "sendmail": ["sample_logs/sendmail-rfc3164.log", "sample_logs/sendmail-packed.log.gz"],
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", CASES)
def test_whole_report(
    name: str, form: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = [*CASES[name], "--tz", "UTC", "--year", "2026", "--format", form]
    done = CliRunner().invoke(main, ["report", *arguments, "--width", "80"])
    assert done.exit_code == 0, done.output
    golden(f"{name}.{'txt' if form == 'text' else form}", done.stdout)
