"""The way in: formats by name, nothing loaded before it is asked for."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from report_samples import busy_day, empty

import reports

ROOT = Path(reports.__file__).parent


@pytest.mark.parametrize("name", reports.FORMATS)
def test_every_format_renders(name: str) -> None:
    text = reports.render(busy_day(), name)
    assert text.endswith("\n")
    assert "5.7.26" in text
    assert reports.render(empty(), name)


def test_every_renderer_has_a_name() -> None:
    named = {target.partition(":")[0] for target in reports.FORMATS.values()}
    takes_a_report = re.compile(r"(?m)^def render\(\s*report: Report\b")
    named |= {"mail", "prometheus", "webhook"}  # what is sent goes by its own options
    renderers = {p.stem for p in ROOT.glob("*.py") if takes_a_report.search(p.read_text("utf-8"))}
    assert renderers - {"__init__"} == named


def test_options_reach_the_renderer() -> None:
    assert reports.render(busy_day(), "text", width=60, ascii_only=True).isascii()
    with pytest.raises(TypeError):
        reports.render(busy_day(), "json", width=60)


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'xml': choose from text, html, md, json, csv"):
        reports.render(busy_day(), "xml")


def _loaded(code: str) -> set[str]:
    show = "import sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; {show}"],
        capture_output=True, text=True, check=True, cwd=ROOT.parent,
    )  # fmt: skip
    return set(run.stdout.split())


def test_importing_is_cheap() -> None:
    loaded = _loaded("import reports") - _loaded("pass")
    assert not loaded & {"rich", "jinja2", "dataclasses", "typing", "reports.model", "polars"}


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("to_json", {"rich", "jinja2"}),
        ("to_csv", {"rich", "jinja2"}),
        ("terminal", {"jinja2"}),
        ("html", {"rich"}),
    ],
)
def test_a_format_loads_what_it_needs(module: str, foreign: set[str]) -> None:
    loaded = _loaded(f"import reports.{module}")
    assert not loaded & (foreign | {"polars", "parsers", "analyzer"})


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=lambda p: p.stem)
def test_reports_is_a_leaf(path: Path) -> None:
    allowed = {"rich", "jinja2", "markupsafe"} | sys.stdlib_module_names
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {str(node.module).partition(".")[0]}
        else:
            continue
        assert names <= allowed
