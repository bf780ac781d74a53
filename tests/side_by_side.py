"""What the tests beside other programs share: their figures, ours, and what differs."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from analyzer.cli import main

Figures = dict[str, dict[str, float]]
"""Section -> key -> number, under the other program's names; seconds where it prints a time."""


class Difference(NamedTuple):
    """A figure that is not the same in both."""

    section: str
    key: str
    theirs: str
    ours: str


def programs(name: str, package: str) -> list[str]:
    """Every copy of a program there is to compare with; without one, CI fails.

    `<NAME>` in the environment lists further ones, separated as in PATH: other releases.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])
    first = shutil.which(name, path=path)
    others = os.environ.get(name.upper(), "").split(os.pathsep)
    found = [p for p in (first, *others) if p]
    if not found:
        missing = (
            f"{name} is not installed, so nothing is compared: apt-get install {package}, or name"
            f" a copy in the environment variable {name.upper()}"
        )
        # A clone on a laptop may be without; .ci/run installs it.
        pytest.fail(missing) if "CI" in os.environ else pytest.skip(missing)
    return found


@cache
def report_of(*logs: Path) -> dict[str, Any]:
    """`smtplens report --section all --format json` on logs."""
    options = [
        "--section",
        "all",
        "--top",
        "all",
        "--format",
        "json",
        "--tz",
        "UTC",
        "--lang",
        "en",
    ]
    result = CliRunner().invoke(main, ["report", *options, *map(str, logs)], prog_name="smtplens")
    assert result.exit_code == 0, result.output or result.exc_info
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


class Ours:
    """A JSON report, read by the names of its sections and columns."""

    def __init__(self, report: dict[str, Any]) -> None:
        self.totals: dict[str, int] = report["totals"]
        self._sections = {s["key"]: s for s in report["sections"]}
        self._tops = {t["key"]: t for t in report["tops"]}

    def rows(self, key: str) -> list[dict[str, Any]]:
        """A section's rows as dictionaries by column, with `level`; empty where it is not."""
        section = self._sections.get(key)
        if section is None:
            return []
        names = [c["name"] for c in section["columns"]]
        return [
            {"level": r["level"], **dict(zip(names, r["cells"], strict=True))}
            for r in section["rows"]
        ]

    def sums(self, key: str, column: str = "count") -> dict[str, float]:
        """The top rows of a tree: name -> number."""
        return {str(r["name"]): r[column] for r in self.rows(key) if not r["level"]}

    def leaves(self, key: str) -> dict[tuple[str, str], float]:
        """Numbers of a tree of three levels by its first and its last name."""
        found: dict[tuple[str, str], float] = {}
        top = ""
        for row in self.rows(key):
            if row["level"] == 0:
                top = str(row["name"])
            elif row["level"] == 2:
                who = top, bare(str(row["name"]))
                found[who] = found.get(who, 0) + row["count"]
        return found

    def tree(self, key: str) -> dict[str, float]:
        """Both: `RCPT` and `RCPT | whom`."""
        return self.sums(key) | {f"{top} | {who}": n for (top, who), n in self.leaves(key).items()}

    def number_in_title(self, key: str, what: str) -> int:
        """`24 connections of 13 clients` -> 13 for `clients`."""
        found = re.search(rf"([0-9]+) {what}", self._sections[key]["title"])
        return int(found[1]) if found else 0

    def top(self, key: str) -> dict[str, list[int]]:
        """A top list: name -> counts."""
        return {row["name"]: row["counts"] for row in self._tops[key]["rows"]}


def bare(name: str) -> str:
    """A host without the address behind it."""
    return re.sub(r"(?<=\S) \[[0-9A-Fa-f.:]+\]$", "", name)


_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ROUNDED = 0.0501
"""Two averages that round to one decimal differently may be one."""


def as_printed(number: float, like: str) -> str:
    """Our figure the way theirs is printed: rounded, in k or m, as h:mm:ss, in hours."""
    if "_" in like:
        return f"{number / _SECONDS[like[-1]]:.1f}_{like[-1]}"
    if like.endswith("B"):
        return f"{int(number / _BYTES[like[-2]] + 0.5)}{like[-2:]}"
    if like.endswith(("k", "m")):
        return f"{int(number / (1024 if like.endswith('k') else 1024**2))}{like[-1]}"
    if ":" in like:
        seconds = int(number + 0.5)
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(int(number + 0.5))


def differences(
    theirs: Mapping[str, Mapping[str, str]], ours: Mapping[str, Mapping[str, float]]
) -> set[Difference]:
    """Every figure of the sections that both have; what one does not print is 0 there."""
    found = set()
    for section in theirs.keys() & ours.keys():
        for key in theirs[section].keys() | ours[section].keys():
            like = re.sub(r"^0+([0-9])", r"\1", theirs[section].get(key, "0"))
            number = ours[section].get(key, 0)
            near = like.endswith("_s") and abs(float(like[:-2]) - number) < _ROUNDED
            if as_printed(number, like) != like and not near:
                found.add(Difference(section, key, like, as_printed(number, like)))
    return found


class Known(NamedTuple):
    """Differences that are expected, and what shows each."""

    expected: dict[tuple[str, str], set[Difference]]
    """By log and release."""
    reasons: dict[str, str]
    """Every reason by its name."""
    proofs: dict[tuple[str, str], set[str]]
    """By log and reason: parts of lines that show it."""


def known(path: Path) -> Known:
    """A table of differences: a line per reason (`reason`, name, why), per proof (`line`, log,
    reason, part of a line) and per figure (`figure`, log, releases, section, key, theirs, ours,
    reason), with tabs between.
    """
    expected: dict[tuple[str, str], set[Difference]] = {}
    reasons: dict[str, str] = {}
    proofs: dict[tuple[str, str], set[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        kind, *rest = line.split("\t")
        if kind == "reason":
            name, why = rest
            reasons[name] = why
        elif kind == "line":
            log, name, part = rest
            proofs.setdefault((log, name), set()).add(part)
        elif kind == "figure":
            log, releases, section, key, theirs, ours, name = rest
            assert name in reasons
            assert (log, name) in proofs, f"{log}: no line shows `{name}`"
            for release in releases.split(","):
                here = expected.setdefault((log, release), set())
                here.add(Difference(section, key, theirs, ours))
        else:
            assert kind.startswith("#") or not line, line
    return Known(expected, reasons, proofs)
