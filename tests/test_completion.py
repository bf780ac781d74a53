"""What the shells are offered, and that they take the scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import main
from analyzer.knowledge.languages import available
from analyzer.sections import all_sections
from reports.model import STANDARD

PROGRAM = Path(sys.executable).with_name("smtplens")
SHELLS = ("bash", "zsh", "fish")


def offered(line: str) -> list[tuple[str, str]]:
    """Kind and value of what bash is offered for the last word of a line."""
    words = line.split(" ")
    env = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_SMTPLENS_COMPLETE": "bash_complete",
    }
    # In a process of its own: click ends the program when it has answered.
    done = subprocess.run([PROGRAM], env=os.environ | env, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0
    pairs = [said.split(",", 1) for said in done.stdout.splitlines() if said]
    return [(kind, value) for kind, value in pairs]


def values(line: str) -> list[str]:
    return [value for kind, value in offered(line) if kind == "plain"]


def script(shell: str) -> str:
    done = CliRunner().invoke(main, ["completion", shell], prog_name="smtplens")
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_script_calls_the_program_by_name(shell: str) -> None:
    text = script(shell)
    assert f"_SMTPLENS_COMPLETE={shell}_complete" in text
    assert "smtplens" in text
    assert str(Path.cwd()) not in text


# The shells that are installed; a script for one that is not here is still held to its text above.
@pytest.mark.parametrize("shell", [s for s in SHELLS if shutil.which(s)])
def test_shell_accepts_the_script(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script(shell))
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_a_line(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script("bash"))
    code = (
        f"source {path}\n"
        "COMP_WORDS=(smtplens report --la) COMP_CWORD=2\n"
        "_smtplens_completion smtplens 2>&1\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    env = os.environ | {"PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout == "--lang\n"


def test_unknown_shell_is_refused() -> None:
    done = CliRunner().invoke(main, ["completion", "csh"], prog_name="smtplens")
    assert done.exit_code == 2


def test_commands_and_options_are_offered() -> None:
    assert {"report", "events", "check", "config"} <= set(values("smtplens "))
    assert "--anonymize" in values("smtplens report --anon")


def test_sections_are_offered_also_after_a_comma() -> None:
    names = {*STANDARD, *(s.name for s in all_sections()), "all"}
    assert set(values("smtplens report --section ")) == names
    last = sorted(names)[-1]
    assert values(f"smtplens report --section codes,{last}") == [f"codes,{last}"]


def test_languages_are_offered() -> None:
    assert values("smtplens report --lang ") == list(available())
    assert values("smtplens explain --lang h") == ["hi"]


@pytest.mark.parametrize(
    ("line", "code", "never"),
    [
        ("smtplens explain 55", "550", "5.7.1"),
        ("smtplens compare 251 50", "502", "251"),
        ("smtplens explain 4.7.", "4.7.1", "5.7.1"),
        ("smtplens report --code 5.7.2", "5.7.26", "550"),
        ("smtplens events --code 5", "5xx", "4xx"),
    ],
)
def test_codes_are_offered(line: str, code: str, never: str) -> None:
    found = values(line)
    assert code in found
    assert never not in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("line", ["smtplens report /v", "smtplens trace a /v"])
def test_files_are_offered_where_a_log_is_named(line: str) -> None:
    assert offered(line) == [("file", "/v")]


def test_wrong_configuration_does_not_keep_the_shell_from_completing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("not = a file of ours")
    monkeypatch.setenv("SMTPLENS_CONFIG", str(path))
    assert values("smtplens report --lang h") == ["hi"]
