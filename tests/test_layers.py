"""Who may import whom, and who alone prints, reads the clock and exits."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("parsers", "analyzer", "reports")
FILES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
NAMES = [p.relative_to(ROOT).as_posix() for p in FILES]

MAY_IMPORT = {"parsers": {"parsers"}, "reports": {"reports"}, "analyzer": set(PACKAGES)}
HEAVY = {"polars", "rich", "jinja2"}
MAY_PRINT = {"analyzer/cli.py"}
# Rows of events are written while the log is read; the terminal is asked what it can show; other
# processes of a run answer through theirs.
MAY_TOUCH_STREAMS = {
    "analyzer/cli.py": {"stdin", "stdout", "stderr"},
    "analyzer/crew.py": {"stdin", "stdout", "stderr"},
    "analyzer/events_out.py": {"stdout"},
    "analyzer/terminal.py": {"stdout"},
    "analyzer/inputs.py": {"stdin"},
    "parsers/lines.py": {"stdin"},
}
PRINTS = {"print", "input", "breakpoint", "click.echo", "click.secho", "click.confirm"}
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now"),
    *("time.time", "time.localtime", "time.gmtime", "time.strftime", "pl.now"),
}
EXITS = {"sys.exit", "os._exit", "exit", "quit", "os.abort", "context.exit"}


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, ast.AST]]:
    """Full names of what is imported, relative ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            yield base, node
            for alias in node.names:
                yield f"{base}.{alias.name}", node


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def parsed(name: str) -> tuple[ast.Module, str]:
    path = ROOT / name
    return ast.parse(path.read_text("utf-8")), ".".join(path.relative_to(ROOT).parent.parts)


@pytest.mark.parametrize("name", NAMES)
def test_parsers_and_reports_are_leaves(name: str) -> None:
    tree, package = parsed(name)
    ours = {found.split(".")[0] for found, _ in imports(tree, package)} & set(PACKAGES)
    assert ours <= MAY_IMPORT[name.split("/")[0]]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_command_line_prints_reads_the_clock_or_exits(name: str) -> None:
    tree, _ = parsed(name)
    if name in MAY_PRINT:
        return
    assert set(calls(tree)) & (PRINTS | CLOCKS | EXITS) == set()
    raised = {
        ast.unparse(n.exc) for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc is not None
    }
    assert not any(r.startswith(("SystemExit", "KeyboardInterrupt")) for r in raised)


@pytest.mark.parametrize("name", NAMES)
def test_standard_streams_are_touched_where_it_is_said(name: str) -> None:
    tree, _ = parsed(name)
    touched = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("stdin", "stdout", "stderr")
        and ast.unparse(node.value) == "sys"
    }
    assert touched <= MAY_TOUCH_STREAMS.get(name, set())


def test_command_line_module_imports_nothing_heavy_at_its_top() -> None:
    tree, package = parsed("analyzer/cli.py")
    top = ast.Module([n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], [])
    assert {found for found, _ in imports(top, package)} & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"]])
def test_help_answers_without_the_heavy_libraries(arguments: list[str]) -> None:
    code = (
        "import os, sys\n"
        "from analyzer import cli\n"
        "os._exit = lambda status: None\n"
        f"cli.run({arguments!r})\n"
        "sys.stderr.write(' '.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded = {m.split(".")[0] for m in done.stderr.split()}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_parsers_and_reports_load_without_the_rest() -> None:
    for package in ("parsers", "reports"):
        modules = [n.removesuffix(".py").replace("/", ".") for n in NAMES if n.startswith(package)]
        code = f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\n"
        code += "print(*{m.split('.')[0] for m in sys.modules})"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) & set(PACKAGES) == {package}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_can_be_imported(name: str) -> None:
    if not name.endswith("__main__.py"):
        importlib.import_module(
            name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        )


def test_nothing_else_is_imported_than_what_is_declared() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {d.split(">")[0].split(";")[0].strip().lower() for d in project["dependencies"]}
    known = {d.split(".")[0] for d in declared} | set(PACKAGES) | set(sys.stdlib_module_names)
    # The standard library's own name for zstd from 3.14 on; what jinja2's text type comes from.
    known |= {"compression", "markupsafe"}
    for name in NAMES:
        tree, package = parsed(name)
        strange = {found.split(".")[0] for found, _ in imports(tree, package)} - known
        assert strange == set(), name
