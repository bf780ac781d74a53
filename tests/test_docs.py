"""What the documents say is true: commands run, tables match the code."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from analyzer.cli import main
from parsers.event import COLUMNS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
SMTPLENS = Path(sys.executable).parent / "smtplens"

# Paths that stand on a mail server, and a sample log to try each command with.
STANDS_FOR = {
    "/var/log/mail.log*": "sample_logs/postfix-newyear.log sample_logs/sendmail-packed.log.gz",
    "/var/log/mail.log": "sample_logs/postfix-newyear.log",
    "/var/log/exim4/mainlog": "sample_logs/exim-mainlog.log",
    "/var/log/exim4/rejectlog": "sample_logs/exim-rejectlog.log",
    "journalctl -u postfix -o json": "cat sample_logs/postfix-journal-json.log",
    "journalctl -u postfix -o short-iso": "cat sample_logs/postfix-journal-short-iso.log",
    "-d yesterday": "--since 2020-01-01",
    "mail.log.1 mail.log": "sample_logs/postfix-newyear.log sample_logs/postfix-rfc3164.log",
    "mail.log*": "sample_logs/postfix-newyear.log sample_logs/sendmail-packed.log.gz",
    "alice@example.org": "ok_ny0@d2.test",
    "mail.log": "sample_logs/postfix-newyear.log",
    "report.html": "/dev/null",
}


def blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.S)


def commands() -> list[str]:
    lines = [line for b in blocks(README) for line in b.splitlines() if "smtplens" in line]
    return [line.partition("  #")[0].strip() for line in lines if not line.startswith("python3")]


@pytest.mark.parametrize("command", commands())
def test_readme_command_runs(command: str, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    if history.name in command and " cron " not in command:
        log = "sample_logs/postfix-newyear.log"
        subprocess.run([SMTPLENS, "cron", "--history", history, log], cwd=ROOT, check=True)
    command = re.sub(r"history\.db|mx1\.summary", lambda m: str(tmp_path / m[0]), command)
    pattern = "|".join(re.escape(k) for k in sorted(STANDS_FOR, key=len, reverse=True))
    tried = re.sub(pattern, lambda m: STANDS_FOR[m[0]], command)
    tried = re.sub(r"\bsmtplens\b", lambda _: shlex.quote(str(SMTPLENS)), tried)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {tried}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() or "-o " in command


def test_readme_main_command_reports_on_the_sample_logs() -> None:
    block = re.search(r"<!-- main -->\n```sh\n(.*?)\n```\n<!-- end -->", README, re.S)
    assert block
    last = block[1].split("&&")[-1].split()
    done = subprocess.run([str(SMTPLENS), *last[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for mta in ("postfix", "exim", "sendmail"):
        assert mta in done.stdout
    assert " 0 unrecognised" in done.stdout


def test_event_columns_are_documented() -> None:
    table = (ROOT / "docs" / "events.md").read_text("utf-8")
    rows = [f"| `{c.name}` | {c.dtype} | {c.unit} | {c.meaning} |" for c in COLUMNS]
    found = [line for line in table.splitlines() if line.startswith("| `")]
    assert found == [re.sub(r"Enum\(categories=\[.*?\]\)", "Enum", r) for r in rows]


def every_command(group: click.Group) -> list[tuple[str, click.Command]]:
    return sorted(group.commands.items())


@pytest.mark.parametrize(("name", "command"), every_command(main))
def test_commands_have_help_with_an_example(name: str, command: click.Command) -> None:
    assert command.help
    assert f"smtplens {name}" in command.help
    assert f"smtplens {name}" in README
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or isinstance(parameter.type, click.Choice), parameter.name
