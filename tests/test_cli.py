"""What the program promises to its callers: exit statuses, streams, signals, files."""

import gzip
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from log_samples import day_of

from analyzer.cli import main
from parsers.event import SCHEMA

PROGRAM = str(Path(sys.executable).with_name("smtplens"))
LOG = "".join(f"{line}\n" for line in day_of(60))
WEB_LOG = '192.0.2.1 - - [23/Nov/2026:14:09:10 +0000] "GET / HTTP/1.1" 200 612\n' * 50
TIMEOUT = 60


def smtplens(*arguments: str | Path, given: bytes | None = None) -> Result:
    """The program in this process, with standard input from a pipe."""
    return CliRunner().invoke(main, [str(a) for a in arguments], input=given, prog_name="smtplens")


def process(
    *arguments: str | Path,
    given: bytes = b"",
    env: dict[str, str] | None = None,
    **more: Any,
) -> subprocess.CompletedProcess[bytes]:
    """The program as a process of its own."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        env=os.environ | (env or {}),
        **more,
    )


def traceback_in(output: bytes) -> bool:
    return b"Traceback" in output or b"Error:" in output.replace(b"\nError: ", b"")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(LOG)
    return path


# --- Exit statuses


@pytest.mark.parametrize("command", ["report", "events"])
def test_log_that_was_read_ends_with_0_and_a_silent_stderr(command: str, log: Path) -> None:
    done = smtplens(command, log)
    assert done.exit_code == 0
    assert done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["report", "--frobnicate"],
        ["report", "--code", "abc"],
        ["report", "--code", "55"],
        ["report", "--since", "soon"],
        ["report", "--until", "-999999w"],
        ["report", "-d", "9999-12-31"],
        ["report", "--tz", "Mars/Base"],
        ["report", "--tz", "localtime"],
        ["report", "--top", "many"],
        ["report", "--top", "-1"],
        ["report", "--top", "\u00b2"],
        ["report", "--top", "9" * 30],
        ["report", "--year", "12"],
        ["report", "--width", "3"],
        ["report", "--format", "yaml"],
        ["report", "--mta", "qmail"],
        ["report", "-o", "."],
        ["events", "--format", "text"],
    ],
)
def test_wrong_usage_ends_with_2_and_a_word_on_stderr(arguments: list[str], log: Path) -> None:
    done = smtplens(*arguments, log)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_no_command_shows_the_help_and_ends_with_2() -> None:
    done = smtplens()
    assert done.exit_code == 2
    assert "Usage: smtplens" in done.output


@pytest.mark.parametrize("command", ["report", "events", "check"])
@pytest.mark.parametrize("name", ["none.log", "mail.log/below"])
def test_missing_file_ends_with_3_and_is_named(command: str, name: str, log: Path) -> None:
    done = smtplens(command, log.parent / name)
    assert done.exit_code == 3
    assert done.stdout == ""
    assert name in done.stderr


@pytest.mark.parametrize("command", ["report", "events", "check"])
def test_missing_file_beside_a_good_one_is_named_and_the_good_one_is_read(
    command: str, log: Path
) -> None:
    alone = smtplens(command, log, "--format", "ndjson" if command == "events" else "json")
    both = smtplens(
        command, log, log.parent / "none", "--format", "ndjson" if command == "events" else "json"
    )
    assert both.exit_code == 3
    assert "none: No such file" in both.stderr
    if command == "events":
        assert both.stdout == alone.stdout
    else:
        assert json.loads(both.stdout)["lines"] == json.loads(alone.stdout)["lines"]
        said = json.loads(both.stdout)["doubts" if command == "check" else "notes"]
        assert any("none: No such file" in n for n in said)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_ends_with_3(log: Path) -> None:
    log.chmod(0)
    done = smtplens("report", log)
    assert done.exit_code == 3
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("command", ["report", "events", "check"])
def test_truncated_gz_reports_what_was_readable_and_names_the_break(
    command: str, tmp_path: Path
) -> None:
    path = tmp_path / "mail.log.gz"
    data = gzip.compress("".join(f"{line}\n" for line in day_of(400)).encode())
    path.write_bytes(data[: len(data) // 2])
    done = smtplens(command, path)
    assert done.exit_code == 3
    assert f"{path}: the gzip data breaks off after line " in done.stderr
    number = int(done.stderr.rpartition(" ")[2])
    assert number > 100
    assert "mx1" in done.stdout
    if command == "report":
        assert f"{number} lines" in done.stdout


NO_MAIL: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n",
    "web server": WEB_LOG.encode(),
    "binary": bytes(range(256)) * 500,
    "no line end": b"x" * 5000,
    "syslog without mail": b"Nov 23 14:09:10 mx1 CRON[1]: (root) CMD (true)\n" * 20,
    "dates at line heads": b"2026-11-23 14:09:10 status installed libc6:amd64 2.36-9\n" * 20,
}


@pytest.mark.parametrize("what", NO_MAIL)
@pytest.mark.parametrize("command", ["report", "events", "check"])
def test_what_is_no_mail_log_ends_with_4(command: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(NO_MAIL[what])
    done = smtplens(command, path)
    assert done.exit_code == 4
    if command == "check":
        assert "no line of a mail server was recognised" in done.stdout
    else:
        assert done.stdout == ""
        assert "nothing in the input was recognised as a mail log" in done.stderr


def test_directory_without_logs_ends_with_4_and_one_with_logs_does_not(log: Path) -> None:
    empty = log.parent / "empty"
    empty.mkdir()
    (empty / "access.log").write_text(WEB_LOG)
    done = smtplens("report", empty)
    assert done.exit_code == 4
    assert f"{empty}: no mail log in this directory" in done.stderr
    assert smtplens("report", empty, log.parent / "none").exit_code == 3
    done = smtplens("report", empty, log)
    assert done.exit_code == 3
    assert "mx1" in done.stdout


def test_directory_stands_for_its_mail_logs(log: Path) -> None:
    folder = log.parent
    (folder / "access.log").write_text(WEB_LOG)
    (folder / "dpkg.log").write_bytes(NO_MAIL["dates at line heads"])
    (folder / "mail.log.2.gz").write_bytes(gzip.compress(LOG.replace("mx1", "mx9").encode()))
    (folder / "sub").mkdir()
    (folder / "sub" / "mail.log").write_text(LOG)
    done = smtplens("report", folder, "--format", "json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert [Path(i["name"]).name for i in report["inputs"]] == ["mail.log", "mail.log.2.gz"]
    (note,) = report["notes"]
    assert "left out" in note
    assert "access.log, dpkg.log" in note


def test_good_log_beside_one_that_is_none_is_reported(log: Path) -> None:
    (log.parent / "access.log").write_text(WEB_LOG)
    done = smtplens("report", log, log.parent / "access.log")
    assert done.exit_code == 0


def test_check_ends_with_1_where_the_log_cannot_be_trusted(log: Path) -> None:
    assert smtplens("check", log).exit_code == 1  # its odd lines are more than 1 %
    log.write_text("".join(f"{line}\n" for line in day_of(60) if "no known kind" not in line))
    done = smtplens("check", log)
    assert (done.exit_code, "No doubts" in done.stdout) == (0, True)


def test_program_itself_ends_with_these_statuses(log: Path) -> None:
    # In a process of its own: the console script has its own way out.
    for arguments, status in (
        (["--version"], 0),
        (["check", log], 1),
        (["report", "--frobnicate"], 2),
        (["report", log, log.parent / "none"], 3),
        (["events", "/dev/null"], 4),
    ):
        done = process(*arguments)
        assert done.returncode == status, arguments
        assert not traceback_in(done.stderr)


def test_program_runs_as_a_module(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", "check", str(log)],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 1
    assert b"postfix" in done.stdout


# --- Standard input, pipes, terminals


@pytest.mark.parametrize(
    ("arguments", "pack"),
    [([], gzip.compress), (["-"], bytes), (["-", "-"], bytes), (["/dev/stdin"], bytes)],
)
def test_pipe_is_read_like_a_file(
    arguments: list[str], pack: Callable[[bytes], bytes], log: Path
) -> None:
    done = process("events", *arguments, given=pack(LOG.encode()))
    assert done.returncode == 0
    assert not done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expected = [json.loads(line) for line in smtplens("events", log).stdout.splitlines()]
    assert [r | {"file": ""} for r in rows] == [r | {"file": ""} for r in expected]


def test_large_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    data = "".join(f"{line}\n" for line in day_of(3000)).encode()
    assert len(data) > 1 << 20
    done = process("check", "--format", "json", given=data)
    assert json.loads(done.stdout)["lines"]["total"] == data.count(b"\n")


def test_pipes_with_names_are_read_to_their_end(tmp_path: Path) -> None:
    data = "".join(f"{line}\n" for line in day_of(1000)).encode()
    pipes = [tmp_path / "one", tmp_path / "two"]
    writers = [threading.Thread(target=p.write_bytes, args=(data,), daemon=True) for p in pipes]
    for path, writer in zip(pipes, writers, strict=True):
        os.mkfifo(path)
        writer.start()
    done = process("report", *pipes, "--format", "json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert [i["lines"] for i in report["inputs"]] == [data.count(b"\n")] * 2


def test_empty_pipe_ends_with_4() -> None:
    done = process("report")
    assert done.returncode == 4
    assert b"nothing in the input" in done.stderr


@pytest.mark.parametrize("command", [["events"], ["events", "--format", "csv"], ["report"]])
def test_reader_that_goes_away_is_no_error(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text("".join(f"{line}\n" for line in day_of(1500)))
    with subprocess.Popen(
        [PROGRAM, *command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        if command == ["events"]:
            assert running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(TIMEOUT) == 0
    assert said == b""


def test_full_disk_is_told_and_is_no_success(log: Path) -> None:
    for command in ("report", "events"):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [PROGRAM, command, str(log)], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT
            )
        assert done.returncode == 3
        assert b"No space left" in done.stderr
        assert not traceback_in(done.stderr)


def test_interrupt_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    running = subprocess.Popen(
        [PROGRAM, "report", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test runner in the background ignores interrupts, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    # Opens as soon as the program has opened the other end; then it waits for a line.
    with running, path.open("wb"):
        while Path(f"/proc/{running.pid}/stat").read_text().rpartition(") ")[2][0] != "S":
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, said = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 130
    assert out == b""
    assert said.strip() == b"smtplens: interrupted"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal."""
    master, slave = pty.openpty()
    yield master, slave
    for end in (master, slave):
        os.close(end)


@pytest.mark.parametrize("command", ["report", "events", "check"])
def test_no_input_on_a_terminal_is_help_not_a_hang(command: str, terminal: tuple[int, int]) -> None:
    _, slave = terminal
    done = subprocess.run([PROGRAM, command], stdin=slave, capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"Usage: smtplens " + command.encode() in done.stderr


def shown_on(terminal: tuple[int, int], arguments: Sequence[str | Path], **env: str) -> bytes:
    """What the program writes to a terminal."""
    master, slave = terminal
    with subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
        env={k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CLICOLOR_FORCE")}
        | {"TERM": "xterm-256color"}
        | env,
    ) as running:
        shown = b""
        while running.poll() is None or select.select([master], [], [], 0)[0]:
            if select.select([master], [], [], 0.05)[0]:
                shown += os.read(master, 65536)
    return shown


def test_colour_is_for_terminals_and_no_color_is_honoured(
    log: Path, terminal: tuple[int, int]
) -> None:
    assert b"\x1b[" in shown_on(terminal, ["report", log])
    assert b"\x1b[" not in shown_on(terminal, ["report", log], NO_COLOR="1")
    assert b"\x1b[" not in shown_on(terminal, ["report", log], TERM="dumb")
    assert b"\x1b[" not in process("report", log).stdout


def test_colour_that_is_asked_for_comes_through_a_pipe(log: Path) -> None:
    assert b"\x1b[" in process("report", "--color", "always", log).stdout
    assert b"\x1b[" not in process("report", "--color", "never", log).stdout


PLAIN_LOCALE = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "command",
    [
        *(["report", "--format", f] for f in ("json", "html", "md", "csv")),
        *(["report"], ["events"], ["check"]),
    ],
)
def test_plain_locale_is_no_trouble(command: list[str], log: Path) -> None:
    text = LOG.replace("bob0@", "bj\u00f6rn@").replace("kind", "kind \u2028 \U0001f600 \udcff", 1)
    log.write_bytes(text.encode(errors="surrogateescape"))
    done = process(*command, log, env=PLAIN_LOCALE)
    assert not traceback_in(done.stderr)
    assert done.returncode == (command == ["check"])
    if "--format" in command or command == ["events"]:
        assert done.stdout == smtplens(*command, log).stdout_bytes
        done.stdout.decode()
    else:
        done.stdout.decode("ascii")


# --- What is read


def test_line_of_10_mb_is_one_line(log: Path) -> None:
    head = "2026-11-23T13:41:47.000000+00:00 mx1 postfix/smtpd[251]: "
    with log.open("a") as stream:
        stream.write(head + "x" * 10_000_000 + "\n")
        stream.write("y" * 10_000_000)
    done = smtplens("check", log, "--format", "json")
    assert done.exit_code == 1
    lines = json.loads(done.stdout)["lines"]
    assert lines["total"] == len(day_of(60)) + 2
    assert len(done.stdout) < 50_000
    assert len(smtplens("report", log).stdout) < 100_000


def test_nul_bytes_and_broken_text_do_not_stop_the_reading(log: Path) -> None:
    log.write_bytes(LOG.encode() + b"\0" * 4096 + b"\n\xff\xfe\n" + LOG.encode())
    done = smtplens("check", log, "--format", "json")
    assert json.loads(done.stdout)["lines"]["total"] == 2 * len(day_of(60)) + 2


def test_same_file_twice_is_read_once(log: Path) -> None:
    done = smtplens("report", log, log, "--format", "json")
    report = json.loads(done.stdout)
    assert len(report["inputs"]) == 1
    assert any("read once" in n for n in report["notes"])


def test_year_is_that_of_the_earliest_line_of_all_files(tmp_path: Path) -> None:
    line = "{} 10:00:00 mx1 postfix/qmgr[1]: AAAAAAAAAA: removed\n"
    (tmp_path / "mail.log.1").write_text(line.format("Dec 30") + line.format("Jan  1"))
    (tmp_path / "mail.log").write_text(line.format("Jan  2") + line.format("Jan  3"))
    done = smtplens(
        "report", *tmp_path.iterdir(), "--year", "2019", "--tz", "UTC", "--format", "json"
    )
    report = json.loads(done.stdout)
    assert report["period"]["start"] == "2019-12-30T10:00:00+00:00"
    assert report["period"]["end"] == "2020-01-03T10:00:00+00:00"


def test_choice_by_time_and_code_reaches_the_events(log: Path) -> None:
    everything = [json.loads(line) for line in smtplens("events", log).stdout.splitlines()]
    chosen: list[tuple[list[str], Callable[[dict[str, Any]], bool]]] = [
        (["--code", "5xx"], lambda e: (e["reply_code"] or 0) // 100 == 5),
        (["--mta", "exim"], lambda e: e["mta"] == "exim"),
        (["--host", "mx3"], lambda e: e["host"] == "mx3"),
        (["--direction", "outbound"], lambda e: e["direction"] == "outbound"),
        (
            ["--since", "2026-11-23 14:45", "--tz", "Europe/Berlin"],
            lambda e: e["time"] >= "2026-11-23T13:45",
        ),
        (["--until", "2026-11-23T13:45Z"], lambda e: e["time"] < "2026-11-23T13:45"),
        (["-d", "2026-11-22", "--tz", "UTC"], lambda _: False),
    ]
    for arguments, test in chosen:
        done = smtplens("events", log, *arguments)
        assert done.exit_code == 0
        got = [json.loads(line) for line in done.stdout.splitlines()]
        assert got == [e for e in everything if test(e)], arguments
        if arguments[0] != "-d":
            assert 0 < len(got) < len(everything)


def test_choice_is_named_in_the_report(log: Path) -> None:
    done = smtplens(
        "report", log, "--code", "5xx", "-d", "2026-11-23", "--tz", "UTC", "--format", "json"
    )
    assert json.loads(done.stdout)["filters"] == [
        "--since 2026-11-23 00:00:00+00:00",
        "--until 2026-11-24 00:00:00+00:00",
        "--code 5xx",
    ]


# --- What is written


def test_top_lists_are_as_long_as_asked(log: Path) -> None:
    def longest(top: str) -> int:
        done = smtplens("report", log, "--top", top, "--format", "json")
        assert done.exit_code == 0
        return max(len(t["rows"]) for t in json.loads(done.stdout)["tops"])

    many = "".join(
        line.replace("bob", f"user{n}") + "\n" for n, line in enumerate(day_of(60, ["postfix"]))
    )
    log.write_text(many)
    assert longest("3") == 3
    assert longest("0") == 0
    assert longest("10") == 10
    assert longest("all") == longest("999999") > 20


@pytest.mark.parametrize("form", ["text", "json", "html", "md", "csv"])
def test_output_file_holds_what_stdout_would(form: str, log: Path) -> None:
    path = log.parent / "out"
    printed = smtplens("report", log, "--format", form)
    written = smtplens("report", log, "--format", form, "-o", path)
    assert (written.exit_code, written.stdout) == (0, "")
    assert path.read_bytes() == printed.stdout_bytes


@pytest.mark.parametrize("command", ["report", "events"])
def test_output_stays_as_it_was_where_nothing_comes_of_it(command: str, log: Path) -> None:
    path = log.parent / "out"
    path.write_text("old")
    web = log.parent / "web"
    web.write_text(WEB_LOG)
    for source, status in ((web, 4), (log.parent / "none", 3), ("/dev/null", 4)):
        assert smtplens(command, source, "-o", path).exit_code == status
        assert path.read_text() == "old"
    assert sorted(p.name for p in log.parent.iterdir()) == ["mail.log", "out", "web"]


@pytest.mark.parametrize("option", ["-o", "--unrecognised"])
def test_output_that_cannot_be_written_is_named(option: str, log: Path) -> None:
    path = log.parent / "none" / "out"
    done = smtplens("report", log, option, path)
    assert done.exit_code == 3
    assert f"{path}: No such file or directory" in done.stderr


@pytest.mark.parametrize("option", ["-o", "--unrecognised"])
def test_input_is_never_written_over(option: str, log: Path) -> None:
    link = log.parent / "link"
    link.symlink_to(log)
    done = smtplens("report", log, option, link)
    assert done.exit_code == 2
    assert log.read_text() == LOG


@pytest.mark.parametrize("command", ["report", "check"])
def test_unrecognised_lines_are_written_as_they_stand(command: str, log: Path) -> None:
    path = log.parent / "strange"
    with log.open("ab") as stream:
        stream.write(b"caf\xe9 \xf0\x9f\x98\x80\n")
    done = smtplens(command, log, "--unrecognised", path, "--format", "json")
    odd = [line for line in day_of(60) if "no known kind" in line]
    assert len(odd) > 5
    assert path.read_text("utf-8").splitlines() == [*odd, "caf\\xe9 \U0001f600"]
    assert json.loads(done.stdout)["lines"]["unrecognised"] == len(odd) + 1


@pytest.mark.parametrize("command", ["report", "check"])
def test_log_named_as_the_file_for_unrecognised_lines_survives(command: str, log: Path) -> None:
    # `smtplens report --unrecognised mail.log` from cron: no input is left to read.
    done = smtplens(command, "--unrecognised", log, given=b"")
    assert done.exit_code == 4
    assert log.read_text() == LOG


def test_events_have_all_columns_in_every_format(log: Path) -> None:
    rows = [json.loads(line) for line in smtplens("events", log).stdout.splitlines()]
    assert all(list(r) == list(SCHEMA) for r in rows)
    path = log.parent / "events"
    assert smtplens("events", log, "--format", "parquet", "-o", path).exit_code == 0
    frame = pl.read_parquet(path)
    assert frame.schema == SCHEMA
    assert frame.get_column("line").to_list() == [r["line"] for r in rows]
    text = smtplens("events", log, "--format", "csv").stdout
    table = pl.read_csv(text.encode(), infer_schema=False)
    assert table.columns == list(SCHEMA)
    assert table.get_column("queue_id").to_list() == [r["queue_id"] for r in rows]


def test_events_of_nothing_are_still_a_table(log: Path) -> None:
    nothing = ["-d", "1999-01-01"]
    assert smtplens("events", log, *nothing).stdout == ""
    assert smtplens("events", log, *nothing, "--format", "csv").stdout == ",".join(SCHEMA) + "\n"
    path = log.parent / "events"
    smtplens("events", log, *nothing, "--format", "parquet", "-o", path)
    assert pl.read_parquet(path).schema == SCHEMA


def test_csv_cells_are_no_formulas(log: Path) -> None:
    line = (
        "2026-11-23T13:41:47+00:00 mx1 postfix/smtpd[251]: NOQUEUE: reject: RCPT from"
        " a.test[192.0.2.1]: 554 5.7.1 <b@d1.test>: Relay access denied; from=<{}> to=<b@d1.test>"
        " proto=ESMTP helo=<{}>\n"
    )
    bad = ["=cmd|'/C calc'!A0", "+1", "-1+1", "@SUM(A1)"]
    log.write_text("".join(line.format(f"{b}@x.test", b) for b in bad))
    text = smtplens("events", log, "--format", "csv").stdout
    table = pl.read_csv(text.encode(), infer_schema=False)
    for column in ("sender", "helo"):
        assert [v[:2] for v in table.get_column(column)] == [f"'{b[0]}" for b in bad]


def test_every_error_is_made_safe_for_the_terminal(tmp_path: Path) -> None:
    done = smtplens("report", tmp_path / "a\x1b[31mb\nc")
    assert done.exit_code == 3
    assert "\x1b" not in done.stderr
    assert len(done.stderr.splitlines()) == 2
