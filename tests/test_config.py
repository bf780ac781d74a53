"""Where options come from: flags, environment, files, defaults; and what is said of wrong files."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer import config, config_file
from analyzer.cli import Commands, main
from analyzer.config import ALL, ConfigFile, Words, every_command, options_of, variable
from analyzer.config_shown import MASK
from analyzer.exits import Refused

ROOT = Path(__file__).parent.parent
LOG = ROOT / "sample_logs" / "postfix-newyear.log"

OPTIONS = [
    (words, key, option)
    for words, command in every_command(main)
    for key, option in options_of(command).items()
]
NAMES = [f"{' '.join(words)} --{key}" for words, key, _ in OPTIONS]

# Texts to try where an option says itself what it takes.
CANDIDATES = (
    ("UTC", "Europe/Berlin", "Asia/Kolkata"),
    ("5xx", "4.7.1"),
    ("en", "hi"),
    ("experimental", "vendor"),
    ("a@example.org", "b@example.net"),
    ("mx.example.org:25", "mx.example.net:587"),
    ("bounced>5%", "code:550>10"),
    ("day", "week"),
    ("1h", "2d"),
    ("https://a.example.org/", "https://b.example.org/"),
)


FILES = {
    "one.toml": '"Example Hosting" = ["mx.example.net"]\n',
    "two.toml": '"Example Mail" = ["mx.example.com"]\n',
}
"""Files for options that name one: of the kinds that options ask for, maps of providers so far."""


@pytest.fixture(autouse=True)
def _only_our_own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads what this machine is set to; a hypothesis test has one home for all examples."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("SMTPLENS_")]:
            patch.delenv(name)
        for name, text in FILES.items():
            (home / name).write_text(text)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
        patch.setattr(config, "SYSTEM_FILE", str(home / "system.toml"))
        yield


def user_file() -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "smtplens" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def smtplens(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(
        main, [str(a) for a in arguments], input=b"", prog_name="smtplens", env=env
    )


def parsed(words: Words, arguments: list[str], named: str | None = None) -> click.Context:
    """The context in which the command would run, up to the moment where it starts."""
    context = main.make_context("smtplens", [*(["--config", named] if named else []), words[0]])
    config.configure(context, named)
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
        last = command.name == words[-1] and not isinstance(command, click.Group)
        context = command.make_context(
            word, [*arguments, *needed(command)] if last else [words[-1]], parent=context
        )
    return context


def needed(command: click.Command) -> list[str]:
    """Values for the arguments that a command cannot do without."""
    found = [p for p in command.params if isinstance(p, click.Argument) and p.required]
    return [str(LOG)] * sum(max(p.nargs, 1) for p in found)


def takes(option: click.Option, text: str) -> bool:
    alone = click.Command("x", params=[option])
    try:
        alone.make_context("x", [f"{max(option.opts, key=len)}={text}"])
    except (click.UsageError, Refused):
        return False
    return True


def values(key: str, option: click.Option) -> list[Any]:
    """Different values, as a file holds them, that this option takes; of a repeatable one, single."""
    kind = option.type
    if option.is_flag:
        return [True, False]
    if isinstance(kind, click.Choice):
        return list(kind.choices)
    if isinstance(kind, click.IntRange):
        least = int(kind.min or 0)
        return [least + 1, least + 2, least + 3]
    if isinstance(kind, click.FloatRange):
        return [float(kind.min or 0) + 0.5, float(kind.min or 0) + 1.5]
    if kind is click.INT or kind is click.FLOAT:
        return [2, 3]
    if isinstance(kind, click.Path):
        return [str(Path(os.environ["HOME"], name)) for name in FILES]
    for group in ((f"{key}-one", f"{key}-two"), *CANDIDATES):
        if all(takes(option, text) for text in group):
            return list(group)
    raise AssertionError(f"--{key} takes none of CANDIDATES: add two values that it takes")


def as_arguments(option: click.Option, value: Any) -> list[str]:
    name = max(option.opts, key=len)
    if option.is_flag:
        return [name] if value else []
    return [f"{name}={item}" for item in (value if option.multiple else [value])]


def as_variable(option: click.Option, value: Any) -> str:
    if isinstance(value, list):
        # click splits a variable at blanks, one of paths as PATH is split.
        mark = os.pathsep if isinstance(option.type, click.Path) else " "
        return mark.join(map(str, value))
    return str(value)


def as_toml(value: Any) -> str:
    return json.dumps(value)


def several(option: click.Option, value: Any) -> Any:
    return [value] if option.multiple else value


# --- Who wins

SOURCES = ("flag", "variable", "shared variable", "own table", "shared table", "system file")


@pytest.mark.parametrize(("words", "key", "option"), OPTIONS, ids=NAMES)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nearest_source_wins(words: Words, key: str, option: click.Option, data: Any) -> None:
    pool = values(key, option)
    chosen = data.draw(st.dictionaries(st.sampled_from(SOURCES), st.sampled_from(pool), min_size=1))
    if option.is_flag and not option.secondary_opts:
        # On the command line a flag can only be said.
        chosen = {s: v for s, v in chosen.items() if s != "flag" or v} or {"variable": True}
    given_values = {source: several(option, value) for source, value in chosen.items()}

    def table(name: str, source: str) -> str:
        spelt = data.draw(st.sampled_from([key, key.replace("-", "_")]))
        value = given_values.get(source)
        return f"[{name}]\n{spelt} = {as_toml(value)}\n" if source in given_values else ""

    own = ".".join(words)
    sharing = [o for _, k, o in OPTIONS if k == key]
    fits = all(fitting(o, given_values.get("shared table")) for o in sharing)
    if not fits:
        del given_values["shared table"]
        chosen.pop("shared table")
    user_file().write_text(table(own, "own table") + table(ALL, "shared table"))
    Path(config.SYSTEM_FILE).write_text(table(own, "system file"))
    with pytest.MonkeyPatch.context() as patch:
        for source, at in (("variable", words), ("shared variable", (ALL,))):
            if source in given_values:
                patch.setenv(variable(at, key), as_variable(option, given_values[source]))
        arguments = as_arguments(option, given_values["flag"]) if "flag" in given_values else []
        found = parsed(words, arguments)
    wanted = next((given_values[s] for s in SOURCES if s in given_values), None)
    user_file().unlink()
    Path(config.SYSTEM_FILE).unlink()
    alone = parsed(words, as_arguments(option, wanted) if wanted is not None else [])
    assert found.params == alone.params


def fitting(option: click.Option, value: Any) -> bool:
    if value is None:
        return True
    try:
        config_file.fitted(option, value)
    except ValueError:
        return False
    return True


def test_there_are_options_to_try() -> None:
    assert len(OPTIONS) > 50
    assert {w[0] for w, _, _ in OPTIONS} >= {"report", "events", "trace", "rules"}


def test_named_file_is_read_alone(tmp_path: Path) -> None:
    user_file().write_text('[report]\ntop = "3"\n')
    named = tmp_path / "mine.toml"
    named.write_text('[report]\ntz = "UTC"\n')
    assert parsed(("report",), []).params["top"] == "3"
    assert parsed(("report",), [], str(named)).params["top"] == "10"
    done = smtplens("config", "show", "--format", "json", env={"SMTPLENS_CONFIG": str(named)})
    assert json.loads(done.stdout)["files"] == [str(named)]


def test_user_file_goes_over_all_of_the_systems() -> None:
    Path(config.SYSTEM_FILE).write_text('[report]\ntz = "UTC"\ntop = "7"\n')
    user_file().write_text('[all]\ntz = "Asia/Kolkata"\n')
    found = parsed(("report",), []).params
    assert (found["tz"], found["top"]) == ("Asia/Kolkata", "7")


def test_empty_variable_counts_as_unset() -> None:
    user_file().write_text("[report]\ntop = 3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMTPLENS_REPORT_TOP", "")
        assert parsed(("report",), []).params["top"] == "3"


@pytest.mark.parametrize(
    ("environment", "files"),
    [
        ({"HOME": "/home/a"}, ["/etc/smtplens.toml", "/home/a/.config/smtplens/config.toml"]),
        (
            {"HOME": "/home/a", "XDG_CONFIG_HOME": "/x"},
            ["/etc/smtplens.toml", "/x/smtplens/config.toml"],
        ),
        (
            {"HOME": "/home/a", "XDG_CONFIG_HOME": "x"},
            ["/etc/smtplens.toml", "/home/a/.config/smtplens/config.toml"],
        ),
        ({}, ["/etc/smtplens.toml"]),
    ],
)
def test_files_stand_where_the_xdg_specification_says(
    environment: dict[str, str], files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SYSTEM_FILE", "/etc/smtplens.toml")
    assert [f.path for f in config.default_files(environment)] == files


# --- The whole of it, there and back


def whole_file() -> tuple[str, dict[str, dict[str, Any]]]:
    """A file that sets every option of every command, and what it says by command."""
    tables: dict[str, dict[str, Any]] = {}
    for words, key, option in OPTIONS:
        value = values(key, option)[0]
        tables.setdefault(".".join(words), {})[key] = several(option, value)
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {as_toml(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )
    return text, tables


def test_every_option_of_every_command_may_stand_in_a_file(tmp_path: Path) -> None:
    text, tables = whole_file()
    path = tmp_path / "whole.toml"
    path.write_text(text)
    checked = smtplens("config", "check", path)
    assert checked.output == f"{path}: nothing wrong\n"
    assert checked.exit_code == 0
    done = smtplens("--config", path, "config", "show", "--format", "json")
    shown = json.loads(done.stdout)["options"]
    assert len(shown) == len(OPTIONS)
    for found in shown:
        assert found["source"] == "file", found
        line = text.splitlines()[int(found["where"].removeprefix(f"{path}:")) - 1]
        assert line.startswith(f"{found['option']} = ")
        if MASK not in str(found["value"]):
            assert found["value"] == tables[found["command"].replace(" ", ".")][found["option"]]


def test_what_config_show_prints_is_a_file_with_the_same_effect(tmp_path: Path) -> None:
    user_file().write_text(
        '[all]\ntz = "UTC"\n[report]\nhost = ["a\\u001b", "b \\"c\\""]\ntop = 3\nanonymize = true\n'
    )
    env = {"SMTPLENS_REPORT_CODE": "550 4xx"}
    first = smtplens("config", "show", env=env)
    assert "\x1b" not in first.stdout
    path = tmp_path / "shown.toml"
    path.write_text(first.stdout)
    tables = tomllib.loads(first.stdout)
    assert tables["report"] == {
        "tz": "UTC",
        "host": ["a\x1b", 'b "c"'],
        "code": ["550", "4xx"],
        "top": "3",
        "anonymize": True,
    }
    assert tables["trace"] == {"tz": "UTC"}
    again = smtplens("--config", path, "config", "show")
    assert tomllib.loads(again.stdout) == tables


def test_config_show_says_where_each_option_comes_from() -> None:
    user_file().write_text("[report]\ntop = 3\n")
    done = smtplens("config", "show", "--format", "json", env={"SMTPLENS_ALL_WIDTH": "99"})
    found = {(o["command"], o["option"]): o for o in json.loads(done.stdout)["options"]}
    assert set(found) == {(" ".join(words), key) for words, key, _ in OPTIONS}
    said = {k: (o["value"], o["source"], o["where"]) for k, o in found.items()}
    assert said["report", "top"] == ("3", "file", f"{user_file()}:2")
    assert said["report", "width"] == (99, "environment", "SMTPLENS_ALL_WIDTH")
    assert said["rules list", "width"] == (99, "environment", "SMTPLENS_ALL_WIDTH")
    assert said["report", "format"] == ("text", "default", "")
    assert said["report", "tz"] == (None, "default", "")


# --- What is wrong is said


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[reprot]\n", 1, "unknown table [reprot]; did you mean report?"),
        ("[rules.lisd]\n", 1, "unknown table [rules.lisd]; did you mean list?"),
        ("\n[report]\nformt = 'json'\n", 3, "did you mean format?"),
        ("[all]\ntimezon = 'UTC'\ntzz = 'UTC'\n", 3, "did you mean tz?"),
        ("[report]\nlist-sections = true\n", 2, "unknown option list-sections"),
        ("[report]\nhelp = true\n", 2, "unknown option help"),
        ("tz = 'UTC'\n", 1, "stands outside any table; put it under [all]"),
        ("report = 'UTC'\n", 1, "has to be a table: [report]"),
        ("[config]\n", 1, "unknown table [config]"),
        ("[rules]\nwidth = 80\n", 2, "belongs into one of [rules.list]"),
        ("[report]\nwidth = '80'\n", 2, "has to be a whole number, not a text"),
        ("[report]\nwidth = true\n", 2, "has to be a whole number, not true or false"),
        ("[report]\nwidth = 12\n", 2, "not in the range"),
        ("[report]\nanonymize = 1\n", 2, "has to be true or false, not a number"),
        ("[report]\nanonymize = 'yes'\n", 2, "has to be true or false, not a text"),
        ("[report]\ntz = ['UTC']\n", 2, "has to be a text, not a list"),
        ("[report]\ntz = true\n", 2, "has to be a text, not true or false"),
        ("[report]\nsince = 2026-11-22\n", 2, "put it in quotes"),
        ("[report]\nhost = 'mx1'\n", 2, 'has to be a list, like ["mx1"], not a text'),
        ("[report]\nhost = [\n  'mx1',\n  true,\n]\n", 2, "has to be a text, not true or false"),
        ("[report]\nmta = ['qmail']\n", 2, "'qmail' is not one of"),
        ("[report]\nformat = 'jsn'\n", 2, "did you mean json?"),
        ("[report]\noutput = 'a\\u0000b'\n", None, "holds a NUL"),
        ('[report]\noutput = "a\\u0000b"\n', 2, "holds a NUL"),
        ("[all]\nformat = 'html'\n", 2, "for `smtplens "),
        ("[report]\nanonymize-key = 'a'\nanonymize_key = 'b'\n", 3, "same option as anonymize-key"),
        ("[report]\ntz = UTC\n", 2, "not TOML"),
        ("[report]\n[report]\n", 2, "not TOML"),
        ("[report]\ntz = 'U", 2, "not TOML"),
    ],
)
def test_wrong_file_is_refused_with_its_line(
    text: str, line: int | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    checked = smtplens("config", "check", path)
    if line is None:  # a literal text: the backslash is one
        assert checked.exit_code == 0
        return
    assert checked.exit_code == 2
    assert any(
        said.startswith(f"{path}:{line}: ") and told in said for said in checked.stdout.splitlines()
    ), checked.stdout
    done = smtplens("--config", path, "report", LOG)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert checked.stdout.splitlines()[0] in done.stderr


def test_all_that_is_wrong_is_listed_in_the_order_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[report]\nx = 1\n[all]\ny = 1\n[evnts]\n[trace]\nlimit = 'a'\n")
    found = smtplens("config", "check", path).stdout.splitlines()
    assert [said.split(":")[1] for said in found] == ["2", "4", "5", "7"]
    assert "(and 3 more: smtplens config check)" in smtplens("--config", path, "codes").stderr


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(b"[report]\ntz = '\xff'\n")
    assert f"{path}:2: this is not UTF-8" in smtplens("config", "check", path).stdout


def test_named_file_has_to_be_there(tmp_path: Path) -> None:
    done = smtplens("--config", tmp_path / "none.toml", "codes")
    assert done.exit_code == 2
    assert "none.toml: there is no such file" in done.stderr


def test_unreadable_file_is_not_passed_over() -> None:
    user_file().mkdir()
    done = smtplens("codes")
    assert done.exit_code == 2
    assert str(user_file()) in done.stderr


def test_value_that_the_command_refuses_is_led_back_to_its_place() -> None:
    user_file().write_text("[all]\n\ncode = ['abc']\n")
    done = smtplens("report", LOG)
    assert done.exit_code == 2
    assert f"({user_file()}:3)" in done.stderr
    user_file().unlink()
    done = smtplens("report", LOG, env={"SMTPLENS_REPORT_WIDTH": "wide"})
    assert done.exit_code == 2
    assert "(SMTPLENS_REPORT_WIDTH)" in done.stderr
    done = smtplens("report", LOG, "--width", "wide")
    assert "SMTPLENS" not in done.stderr


def test_config_check_asks_the_options_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[report]\ncode = ['abc']\nanonymize-key = '/none/such'\n")
    found = smtplens("config", "check", path)
    assert found.exit_code == 2
    lines = found.stdout.splitlines()
    assert [said.split(":")[1] for said in lines] == ["2", "3"]
    assert "neither 550 nor 5xx" in lines[0]
    assert "/none/such" in lines[1]


def test_config_check_looks_at_the_environment() -> None:
    env = {"SMTPLENS_REPORT_FORMT": "json", "SMTPLENS_ALL_WIDTH": "3", "SMTPLENS_OTHER": "x"}
    found = smtplens("config", "check", env=env)
    assert found.exit_code == 2
    lines = found.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("SMTPLENS_REPORT_FORMT: ")
    assert "did you mean SMTPLENS_REPORT_FORMAT?" in lines[0]
    assert lines[1].startswith("SMTPLENS_ALL_WIDTH: ")


def test_config_check_without_any_file_is_content() -> None:
    found = smtplens("config", "check")
    assert found.exit_code == 0
    assert "no configuration file" in found.stdout


# --- Secrets


@pytest.fixture
def program() -> Callable[..., Result]:
    """A small program with a secret, configured as ours is."""

    @click.group(cls=Commands)
    @click.option("--config", "named")
    def small(named: str | None) -> None:
        config.configure(click.get_current_context(), named)

    @small.command()
    @click.option("--api-token")
    @click.option("--token-file")
    @click.option("--target", multiple=True)
    def send(**options: Any) -> None:
        click.echo(json.dumps(options))

    small.add_command(main.commands["config"])
    config.prepare(small)

    def run(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(small, [str(a) for a in arguments], env=env)

    return run


@pytest.mark.parametrize("table", ["send", "all"])
def test_secret_is_refused_in_a_file(
    program: Callable[..., Result], table: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"[{table}]\napi-token = 'hunter2'\ntoken-file = '/etc/token'\n")
    done = program("--config", path, "send")
    assert done.exit_code == 2
    assert f"{path}:2: api-token is a secret" in done.stderr
    assert f"SMTPLENS_{table.upper()}_API_TOKEN" in done.stderr
    assert "hunter2" not in done.output


def test_password_in_a_url_is_refused_in_a_file(
    program: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[send]\ntarget = ['https://me:hunter2@example.org/']\n")
    done = program("--config", path, "send")
    assert done.exit_code == 2
    assert "password" in done.stderr
    assert "hunter2" not in done.output


def test_secret_is_taken_from_the_environment_and_never_shown(
    program: Callable[..., Result],
) -> None:
    env = {
        "SMTPLENS_SEND_API_TOKEN": "hunter2",
        "SMTPLENS_SEND_TARGET": "https://a.example.org/hunter2 https://b.example.org?k=hunter2",
    }
    assert "hunter2" in program("send", env=env).stdout
    for form in ("text", "json"):
        shown = program("config", "show", "--format", form, env=env)
        assert shown.exit_code == 0
        assert "hunter2" not in shown.output
        assert MASK in shown.output
        assert "https://a.example.org/" in shown.output


# --- Cost


def test_help_neither_reads_nor_minds_a_file(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[report]\ntop = 3\nnothing = 1\n")
    code = (
        "import os, sys\n"
        "from analyzer import cli\n"
        "os._exit = lambda status: None\n"
        f"cli.run(['--config', {str(path)!r}, 'report', '--help'])\n"
        "sys.stderr.write(' '.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[default: 10]" in done.stdout
    loaded = set(done.stderr.split())
    assert "analyzer.config" in loaded
    assert not loaded & {"tomllib", "analyzer.config_file", "difflib"}


def test_file_is_read_once_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[report]\ntop = 3\n")
    calls = []
    real = config_file.load

    def counted(group: click.Group, files: tuple[ConfigFile, ...]) -> Any:
        calls.append(files)
        return real(group, files)

    monkeypatch.setattr(config_file, "load", counted)
    assert parsed(("report",), [], str(path)).params["top"] == "3"
    assert len(calls) == 1
