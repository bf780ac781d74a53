"""Summaries of several hosts, merged, say what one run over all logs says."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from log_samples import day_of

from analyzer.cli import main

SECTIONS = "connections,providers,queue_times,sizes,rejections,days"


def smtplens(*arguments: object, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Three hosts, two files each: messages are open where one file ends and the next begins."""
    folder = tmp_path_factory.mktemp("logs")
    lines = day_of(240)
    found: dict[str, list[Path]] = {}
    for host in ("mx1", "mx2", "mx3"):
        mine = [line for line in lines if f" {host} " in line]
        cut = len(mine) * 2 // 5
        found[host] = [folder / f"{host}.log.1", folder / f"{host}.log"]
        for path, part in zip(found[host], (mine[:cut], mine[cut:]), strict=True):
            path.write_text("".join(f"{line}\n" for line in part))
    return found


def export(path: Path, logs: Sequence[Path], *options: str) -> Path:
    done = smtplens(
        *("report", *logs, "--no-report", "--summary-out", path, "--section", SECTIONS, *options)
    )
    assert (done.exit_code, done.stdout) == (0, "")
    return path


def report(*inputs: object) -> dict[str, Any]:
    arguments = ("--format", "json", "--tz", "UTC", "--section", SECTIONS, "--top", "all")
    done = smtplens("report", *inputs, *arguments)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """All but how the inputs are named and ordered."""
    return {k: v for k, v in found.items() if k not in ("inputs", "notes")}


def test_files_of_all_hosts_in_any_order_are_one_run_over_all_logs(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    files = [
        export(tmp_path / f"{path.name}.summary", [path]) for own in logs.values() for path in own
    ]
    whole = report(*(path for own in logs.values() for path in own))
    assert whole["totals"]["received"] > 50
    assert whole["totals"]["deferrals"] > 20
    dice = random.Random(3)  # noqa: S311
    for _ in range(3):
        dice.shuffle(files)
        merged = report(*files)
        assert figures(merged) == figures(whole)
        assert sorted(i["name"] for i in merged["inputs"]) == sorted(
            i["name"] for i in whole["inputs"]
        )


def test_order_of_one_hosts_files_matters_and_is_found(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Without the order, messages that cross from one file to the next would be counted twice."""
    first, second = logs["mx1"]
    apart = [report(first)["totals"], report(second)["totals"]]
    files = [export(tmp_path / "b.summary", [second]), export(tmp_path / "a.summary", [first])]
    merged, whole = report(*files), report(first, second)
    assert figures(merged) == figures(whole)
    both = apart[0]["deferred_messages"] + apart[1]["deferred_messages"]
    assert both > whole["totals"]["deferred_messages"]


def test_files_and_logs_are_mixed(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    one = export(tmp_path / "mx1.summary", logs["mx1"][:1])
    two = export(tmp_path / "mx2.summary", logs["mx2"])
    whole = report(*(path for own in logs.values() for path in own))
    assert figures(report(logs["mx1"][1], two, *logs["mx3"], one)) == figures(whole)


def test_merged_files_are_stored_and_merged_again(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    a = export(tmp_path / "a.summary", logs["mx1"][:1])
    b = export(tmp_path / "b.summary", logs["mx2"])
    ab = export(tmp_path / "ab.summary", [a, b])
    c = export(tmp_path / "c.summary", [logs["mx1"][1], *logs["mx3"]])
    whole = report(*(path for own in logs.values() for path in own))
    assert figures(report(c, ab)) == figures(whole)


def test_directory_and_pipe_hold_files_too(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    file = export(tmp_path / "mx1.summary", logs["mx1"])
    whole = figures(report(*logs["mx1"]))
    assert figures(report(tmp_path)) == whole
    arguments = ("--format", "json", "--tz", "UTC", "--section", SECTIONS, "--top", "all")
    done = smtplens("report", "-", *arguments, given=file.read_bytes())
    assert done.exit_code == 0
    assert figures(json.loads(done.stdout)) == whole


def test_name_does_not_tell_what_a_file_is(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    file = export(tmp_path / "mail.log", logs["mx1"])
    assert figures(report(file)) == figures(report(*logs["mx1"]))
    (tmp_path / "log.summary").write_bytes(logs["mx1"][0].read_bytes())
    assert figures(report(tmp_path / "log.summary"))["totals"]["received"] > 0


def test_copy_of_a_file_is_read_once_and_the_same_host_twice_is_said(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = export(tmp_path / "a.summary", logs["mx1"])
    copy = tmp_path / "b.summary"
    copy.write_bytes(file.read_bytes())
    found = report(file, copy)
    assert figures(found) == figures(report(file))
    assert f"{copy} holds the same as {file}; it is read once" in found["notes"]
    other = export(tmp_path / "c.summary", logs["mx1"][:1])
    (note,) = (n for n in report(file, other)["notes"] if "counted twice" in n)
    assert str(file) in note
    assert str(other) in note


def test_same_name_on_two_hosts_stays_apart(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    files = []
    for host in ("mx1", "mx2"):
        log = tmp_path / "mail.log"
        log.write_bytes(logs[host][0].read_bytes())
        files.append(export(tmp_path / f"{host}.summary", [log]))
    found = report(*files)
    names = [i["name"] for i in found["inputs"]]
    assert names == [f"{file}: {tmp_path / 'mail.log'}" for file in files]
    starts = [i["start"] for i in found["inputs"]]
    assert starts == [report(logs[h][0])["inputs"][0]["start"] for h in ("mx1", "mx2")]
    examples = {e["file"] for code in found["codes"] for e in code["examples"]}
    assert examples == set(names)


@pytest.mark.parametrize(
    "option",
    [
        *(["--code", "550"], ["--since", "yesterday"], ["--until", "today"], ["-d", "today"]),
        *(["--host", "mx1"], ["--mta", "exim"], ["--direction", "inbound"]),
        *(["--domain", "d1.test"], ["--unrecognised", "lines"]),
    ],
)
def test_what_needs_lines_is_refused(
    option: list[str], logs: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = export(tmp_path / "mx1.summary", logs["mx1"][:1])
    done = smtplens("report", file, *option)
    assert done.exit_code == 2
    assert "holds counts and no lines" in done.stderr
    assert not (tmp_path / "lines").exists()


@pytest.mark.parametrize("command", [["check"], ["events"], ["trace", "bob@d1.test"]])
def test_other_commands_refuse_a_file(
    command: list[str], logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = export(tmp_path / "mx1.summary", logs["mx1"][:1])
    done = smtplens(*command, file)
    assert done.exit_code == 3
    assert "an exported summary, which holds counts and no lines" in done.stderr


def test_selection_of_the_export_is_said(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    file = export(tmp_path / "a.summary", logs["mx1"], "--code", "5xx")
    found = report(file)
    assert found["filters"] == ["--code 5xx"]
    assert {str(c["code"])[:1] for c in found["codes"]} == {"5"}
    other = export(tmp_path / "b.summary", logs["mx2"])
    mixed = report(file, other)
    assert mixed["filters"] == []
    assert f"{file}: counted with --code 5xx" in mixed["notes"]


def test_section_that_some_inputs_lack_is_said(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    one = export(tmp_path / "a.summary", logs["mx1"])
    two = export(tmp_path / "b.summary", logs["mx2"], "--section", "days")
    found = report(one, two)
    assert {s["key"].partition(".")[0] for s in found["sections"]} >= {"queue_times", "days"}
    lacking = [n for n in found["notes"] if n.startswith("section ")]
    assert f"section queue_times: not counted in {two}" in lacking
    assert not any("section days:" in n for n in lacking)


def test_all_sections_are_stored_unless_some_are_named(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = tmp_path / "a.summary"
    done = smtplens("report", logs["mx1"][0], "--summary-out", file)
    assert done.exit_code == 0
    assert "Mail report" in done.stdout or "mx1" in done.stdout
    for name in ("tls", "queue_times", "domains"):
        assert "not counted" not in smtplens("report", file, "--section", name).stdout


def test_export_is_refused_with_pseudonyms_and_report_of_it_takes_them(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = tmp_path / "a.summary"
    done = smtplens("report", logs["mx1"][0], "--summary-out", file, "--anonymize")
    assert done.exit_code == 2
    assert "keeps names as they are" in done.stderr
    assert not file.exists()
    export(file, logs["mx1"])
    done = smtplens("report", file, "--anonymize")
    assert done.exit_code == 0
    assert "@d1.test" not in done.stdout
    assert "@domain-" in done.stdout


def test_input_is_not_written_over(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    file = export(tmp_path / "a.summary", logs["mx1"][:1])
    before = file.read_bytes()
    for source in (file, logs["mx1"][0]):
        done = smtplens("report", source, "--no-report", "--summary-out", source)
        assert done.exit_code == 2
        assert "is an input" in done.stderr
    assert file.read_bytes() == before


def test_what_the_host_could_not_read_still_counts(
    logs: dict[str, list[Path]], tmp_path: Path
) -> None:
    file = tmp_path / "a.summary"
    done = smtplens("report", logs["mx1"][0], tmp_path / "gone", "--no-report",
                    "--summary-out", file)  # fmt: skip
    assert done.exit_code == 3
    done = smtplens("report", file, "--format", "json")
    assert done.exit_code == 3
    assert any(str(tmp_path / "gone") in n for n in json.loads(done.stdout)["notes"])


def test_bent_file_ends_with_3_and_no_report(logs: dict[str, list[Path]], tmp_path: Path) -> None:
    file = export(tmp_path / "a.summary", logs["mx1"][:1])
    file.write_bytes(file.read_bytes()[:-100])
    done = smtplens("report", file)
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"{file}: not a whole summary file" in done.stderr
