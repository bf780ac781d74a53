"""What packaging/ ships and what the documents on running unattended say, held against the program."""

import configparser
import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from analyzer.cli import main
from analyzer.config import ConfigFile, variable
from analyzer.config_file import load
from analyzer.exits import Exit
from analyzer.man import pages

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"
PROGRAM = Path(sys.executable).with_name("smtplens")
CRON = (ROOT / "docs" / "cron.md").read_text("utf-8")
CONFIG = (ROOT / "docs" / "config.md").read_text("utf-8")
SERVICE = (PACKAGING / "smtplens.service").read_text("utf-8")


class Unit(dict[str, list[str]]):
    """A section of a unit file: settings with their values, each as often as it stands there."""


def unit(text: str) -> dict[str, Unit]:
    sections: dict[str, Unit] = {}
    for line in text.splitlines():
        if line.startswith("["):
            found = sections.setdefault(line.strip("[]"), Unit())
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return sections


def command_and_options(line: str) -> tuple[click.Command, list[str]]:
    """The command that a command line names, and its words after that."""
    words = shlex.split(line)[1:]
    found: click.Command = main
    while words and isinstance(found, click.Group) and not words[0].startswith("-"):
        assert words[0] in found.commands, line
        found = found.commands[words.pop(0)]
    return found, words


def names_of(command: click.Command) -> set[str]:
    return {name for p in command.params for name in p.opts} | {"-h", "--help"}


def calls_in(text: str) -> list[str]:
    """Command lines of smtplens in a document's blocks and in its running text."""
    blocks = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", text, re.S))
    lines = [line.split("  #")[0] for line in blocks.splitlines()]
    lines += re.findall(r"`(smtplens [^`]+)`", text)
    found = [re.search(r"(?:^|[|$] |[A-Z]=0 )(smtplens .*)", line) for line in lines]
    return [re.split(r" [|>] ", call[1])[0].strip() for call in found if call]


# --- The units


def test_service_calls_the_program_as_it_is() -> None:
    (start,) = unit(SERVICE)["Service"]["ExecStart"]
    path, *rest = shlex.split(start)
    assert path == "/usr/local/bin/smtplens"
    assert rest[0] == "cron"
    logs = [v for v in unit(SERVICE)["Service"]["Environment"] if v.startswith("LOGS=")]
    arguments = [
        word for given in rest[1:]
        for word in (logs[0].removeprefix("LOGS=").split() if given == "$LOGS" else [given])
    ]  # fmt: skip
    context = main.commands["cron"].make_context("cron", arguments)
    assert context.params["logs"] == ("/var/log/mail.log",)


def test_service_is_shut_off() -> None:
    service = unit(SERVICE)["Service"]
    wanted = {
        "User": "smtplens",
        "SupplementaryGroups": "adm",
        "StateDirectory": "smtplens",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "ProtectSystem": "strict",
        "ReadOnlyPaths": "/var/log",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "MemoryDenyWriteExecute": "yes",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    }
    assert {name: service[name][0] for name in wanted} == wanted
    assert service["SystemCallFilter"][0] == "@system-service"
    # polars would run machine code of its own making, and end the program where it may not.
    assert "POLARS_SKIP_CPU_CHECK=1" in service["Environment"]


def test_units_are_those_of_one_timer() -> None:
    timer = unit((PACKAGING / "smtplens.timer").read_text("utf-8"))
    assert timer["Install"]["WantedBy"] == ["timers.target"]
    assert timer["Timer"]["Persistent"] == ["true"]
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    for name in ("smtplens.service", "smtplens.timer"):
        assert parser.read(PACKAGING / name) == [str(PACKAGING / name)]


def test_systemd_has_nothing_to_complain_of(tmp_path: Path) -> None:
    """Where it is installed; the other tests hold the settings themselves."""
    (tmp_path / "smtplens.service").write_text(
        SERVICE.replace("/usr/local/bin/smtplens", str(PROGRAM))
    )
    shutil.copy(PACKAGING / "smtplens.timer", tmp_path)
    told = ""
    if shutil.which("systemd-analyze"):
        files = [str(tmp_path / name) for name in ("smtplens.service", "smtplens.timer")]
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True
        )
        told = done.stdout + done.stderr
    # Other units of this machine may be wrong.
    assert [line for line in told.splitlines() if "smtplens" in line] == []


def test_user_is_the_same_everywhere() -> None:
    sysusers = (PACKAGING / "smtplens.sysusers").read_text("utf-8")
    lines = [shlex.split(line) for line in sysusers.splitlines() if not line.startswith("#")]
    assert ["u", "smtplens"] in [line[:2] for line in lines]
    assert ["m", "smtplens", unit(SERVICE)["Service"]["SupplementaryGroups"][0]] in lines
    assert unit(SERVICE)["Service"]["User"] == ["smtplens"]
    assert "d /var/lib/smtplens 0750 smtplens smtplens" in (
        PACKAGING / "smtplens.tmpfiles"
    ).read_text("utf-8")


def test_crontab_calls_the_program_as_it_is() -> None:
    lines = (PACKAGING / "smtplens.cron").read_text("utf-8").splitlines()
    jobs = [line for line in lines if line and not line.startswith("#") and "=" not in line]
    assert len(jobs) == 1
    assert not re.search(r"(?<!\\)%", jobs[0])
    *when, user, command = jobs[0].split(" ", 6)
    assert len(when) == 5
    assert user == "smtplens"
    call, _, target = command.partition(" >")
    assert target == "/dev/null"
    found, words = command_and_options(call)
    assert found.name == "cron"
    context = found.make_context("cron", words)
    assert context.params["history"] == "/var/lib/smtplens/history.db"
    assert context.params["logs"] == ("/var/log/mail.log",)


# --- The configuration


@pytest.mark.parametrize("everything", [False, True])
def test_configuration_to_begin_with_is_right(everything: bool, tmp_path: Path) -> None:
    text = (PACKAGING / "smtplens.toml").read_text("utf-8")
    if everything:
        text, count = re.subn(r"^# ([a-z-]+ = )", r"\1", text, flags=re.M)
        assert count > 3
    path = tmp_path / "smtplens.toml"
    path.write_text(text)
    loaded = load(main, (ConfigFile(str(path), True),))
    assert loaded.problems == []
    assert loaded.values["cron",]["period"] == "day"
    assert ("webhook" in loaded.values["cron",]) == everything


def test_toml_of_the_document_is_right(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", CONFIG, re.S)
    path = tmp_path / "a.toml"
    path.write_text(block)
    loaded = load(main, (ConfigFile(str(path), True),))
    assert loaded.problems == []
    assert loaded.values["report",]["top"] == "20"
    assert loaded.values["rules", "list"]["width"] == tomllib.loads(block)["rules"]["list"]["width"]


def test_message_of_the_document_is_what_is_said(tmp_path: Path) -> None:
    told = re.search(r"^smtplens: /etc/smtplens\.toml:4: (.*)$", CONFIG, re.M)
    assert told
    path = tmp_path / "a.toml"
    path.write_text("\n\n[report]\nformt = 'json'\n")
    loaded = load(main, (ConfigFile(str(path), True),))
    assert [(p.line, p.text) for p in loaded.problems] == [(4, told[1])]


def test_variables_of_the_document_are_those_of_options() -> None:
    known = {
        name
        for command in main.commands.values()
        for deep in (command, *(getattr(command, "commands", {})).values())
        for parameter in deep.params
        for name in (parameter.envvar or ())
        if not isinstance(parameter.envvar, str)
    }
    others = {
        "SMTPLENS_CONFIG",
        "SMTPLENS_SMTP_USER",
        "SMTPLENS_SMTP_PASSWORD",
        "SMTPLENS_WEBHOOK_TOKEN",
    }
    named = set(re.findall(r"SMTPLENS_[A-Z_]*[A-Z](?![A-Z_<])", CONFIG + CRON + SERVICE))
    assert named <= known | others
    assert variable(("report",), "tz") in named


# --- The documents


@pytest.mark.parametrize("call", sorted({*calls_in(CRON), *calls_in(CONFIG)}))
def test_call_in_a_document_names_what_exists(call: str) -> None:
    if call.startswith("smtplens --config"):
        return
    command, words = command_and_options(call)
    options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert options <= names_of(command)


def test_document_names_only_options_there_are() -> None:
    every = (
        {n for command in main.commands.values() for n in names_of(command)}
        | {"--now"}
        | names_of(main)
    )
    assert set(re.findall(r"--[a-z][a-z-]+", CRON)) <= every | {"--user", "--since", "--until"}
    table = re.findall(r"^\| (`--.*?) \|", CRON, re.M)
    named = {name for cell in table for name in re.findall(r"--[a-z-]+", cell)}
    assert len(named) >= 8
    assert named <= names_of(main.commands["cron"])


def test_periods_of_the_document_are_those_there_are() -> None:
    (option,) = [p for p in main.commands["cron"].params if p.name == "period"]
    assert isinstance(option.type, click.Choice)
    rows = re.findall(r"^\| `--period ([^|]*) \|", CRON, re.M)
    named = {word for row in rows for word in re.findall(r"[a-z][a-z-]+", row)}
    assert named == set(option.type.choices)


def test_exit_statuses_of_the_document_are_those_there_are() -> None:
    part = CRON.split("## How a run ends")[1].split("## ")[0]
    named = [int(n) for n in re.findall(r"^\| ([0-9]+) \|", part, re.M)]
    assert named == [int(status) for status in Exit if status is not Exit.INTERRUPTED]


def test_log_is_followed_through_rotation_and_emptying_as_the_document_says(tmp_path: Path) -> None:
    lines = (ROOT / "sample_logs" / "postfix-newyear.log").read_text("utf-8").splitlines(True)
    log = tmp_path / "mail.log"

    def read() -> int:
        done = subprocess.run(
            [PROGRAM, "cron", "--history", tmp_path / "h.db", "--format", "json", log],
            capture_output=True,
            text=True,
            env=os.environ | {"SMTPLENS_CONFIG": os.devnull},
        )
        assert done.returncode == 0, done.stderr
        counted = re.search(r'"total": ?([0-9]+)', done.stdout)
        return int(counted[1]) if counted else 0

    log.write_text("".join(lines[:100]))
    assert read() == 100
    log.write_text("".join(lines[:150]))
    # copytruncate
    shutil.copy2(log, tmp_path / "mail.log.1")
    log.write_text("".join(lines[150:170]))
    assert read() == 70
    # create, and what was there is packed
    (tmp_path / "mail.log.2.gz").write_bytes(gzip.compress((tmp_path / "mail.log.1").read_bytes()))
    log.write_text("".join(lines[150:180]))
    log.rename(tmp_path / "mail.log.1")
    log.write_text("".join(lines[180:200]))
    assert read() == 30
    assert read() == 0


# --- The package


def test_package_is_laid_out(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", PACKAGING / "build.sh", tmp_path, PROGRAM],
        env=os.environ | {"BIN": "/usr/bin/smtplens"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    manuals = tmp_path / "usr/share/man/man1"
    assert {p.name for p in manuals.iterdir()} == {f"{name}.1.gz" for name in pages(main)}
    shown = subprocess.run([PROGRAM, "man", "rules", "list"], capture_output=True)
    assert gzip.decompress((manuals / "smtplens-rules-list.1.gz").read_bytes()) == shown.stdout
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {
        "usr/share/bash-completion/completions/smtplens",
        "usr/share/zsh/vendor-completions/_smtplens",
        "usr/share/fish/vendor_completions.d/smtplens.fish",
        "usr/lib/systemd/system/smtplens.timer",
        "usr/lib/sysusers.d/smtplens.conf",
        "usr/lib/tmpfiles.d/smtplens.conf",
    } <= files
    service = unit((tmp_path / "usr/lib/systemd/system/smtplens.service").read_text("utf-8"))
    assert service["Service"]["ExecStart"][0].startswith("/usr/bin/smtplens cron ")
    assert service["Unit"]["Documentation"] == ["man:smtplens-cron(1)"]
    assert "smtplens-cron.1.gz" in {p.name for p in manuals.iterdir()}


def test_package_is_not_laid_out_by_halves(tmp_path: Path) -> None:
    done = subprocess.run(["sh", PACKAGING / "build.sh", tmp_path, "false"], capture_output=True)
    assert done.returncode != 0


def test_source_distribution_holds_the_packaging() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "packaging" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    table = (PACKAGING / "README.md").read_text("utf-8")
    for path in PACKAGING.iterdir():
        assert path.name in table or path.name == "README.md"
