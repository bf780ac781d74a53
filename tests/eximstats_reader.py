"""Runs eximstats and reads what it prints: sections of figures by name."""

import re
import subprocess
from pathlib import Path

Sections = dict[str, dict[str, str]]
"""Section -> key -> the figure as printed (`12`, `91KB`)."""

_OPTIONS = (
    *("-t100000", "-h1"),
    *("-byhost", "-bydomain", "-byemail", "-byedomain", "-bylocaldomain"),
)
_TITLE = re.compile(r"^(?P<title>\S[^\n]*)\n-{4,}\n", re.MULTILINE)
_FIGURE = r"[0-9]+(?:[KMG]B)?"


def version_of(program: str) -> str:
    """Its release: `4.96`, `4.98` (4.97 to 4.99) or `4.100`."""
    found = re.search(r"build: 4\.([0-9]+)", Path(program).read_text("utf-8", "replace"))
    assert found, f"{program} does not tell its version"
    release = {"96": "4.96", "97": "4.98", "98": "4.98", "99": "4.98", "100": "4.100"}.get(found[1])
    assert release, f"eximstats 4.{found[1]} is new here: compare and add it"
    return release


def printed(program: str, log: Path) -> str:
    """Its report on the log."""
    run = subprocess.run([program, *_OPTIONS, str(log)], capture_output=True, check=True)
    return run.stdout.decode("utf-8", "replace")


def sections_of(text: str) -> Sections:
    """Every section of a report."""
    parts = list(_TITLE.finditer(text))
    ends = [*(m.start() for m in parts[1:]), len(text)]
    found: Sections = {}
    for part, end in zip(parts, ends, strict=True):
        name, figures = _section(part["title"].strip(), text[part.end() : end])
        found[name] = figures
    return found


def _section(title: str, body: str) -> tuple[str, dict[str, str]]:
    if title.startswith("Grand total"):
        return "totals", _totals(body)
    if match := re.match(r"(Messages received|Deliveries) per hour", title):
        rows = re.findall(r"^([0-9]{2})-[0-9]{2} +([0-9]+) ", body, re.MULTILINE)
        return match[1].lower() + " per hour", {h: n for h, n in rows if n != "0"}
    if title.startswith("Deliveries by transport"):
        return "transports", _rows(body, ("volume", "messages"), name_first=True)
    if title.startswith("Time spent on the queue"):
        rows = re.findall(r"^(?:Under|Over) +(\S+) +([0-9]+) ", body, re.MULTILINE)
        return title, dict(rows)
    if title == "Relayed messages":
        return "relayed", {"all": str(sum(map(int, re.findall(r"^ +([0-9]+) \S", body, re.M))))}
    if match := re.match(r"Top [0-9]+ (mail (?:temporary )?rejection reasons)", title):
        counts = re.findall(r"^ {1,9}([0-9]+)   \S", body, re.MULTILINE)
        return match[1], {"all": str(sum(map(int, counts)))}
    if match := re.match(r"Top [0-9]+ (.*ips) by", title):
        rows = re.findall(r"^ +([0-9]+)   \[?([^\]\n]*)\]?$", body, re.MULTILINE)
        return match[1], {name: n for n, name in rows}
    if match := re.match(r"Top [0-9]+ (.*) by (message count|volume)", title):
        wide = "Addresses" in body.partition("\n")[0]
        columns = ("messages", "addresses", "bytes") if wide else ("messages", "bytes")
        return f"{match[1]} by {match[2]}", _rows(body, columns)
    if title.startswith("List of errors"):
        found = re.search(r"^Errors encountered: ([0-9]+)", body, re.MULTILINE)
        counts = re.findall(r"^ {1,5}([0-9]+) \S", body, re.MULTILINE)
        return "errors", {"all": found[1] if found else str(sum(map(int, counts)))}
    return title, {}


def _totals(body: str) -> dict[str, str]:
    """`Received` has no addresses, the refusals have only a number and hosts."""
    groups = ("hosts", "domains", "emails", "edomains")
    columns = {
        "Received": ("volume", "messages", *groups, "delayed", "", "failed", ""),
        "Delivered": ("volume", "messages", "addresses", *groups),
        "Rejects": ("number", "hosts"),
        "Temp Rejects": ("number", "hosts"),
    }
    found = {}
    for name, what in columns.items():
        row = re.search(rf"^  {name} +(\S.*)$", body, re.MULTILINE)
        for column, figure in zip(what, row[1].split() if row else (), strict=False):
            if column:
                found[f"{name} {column}"] = figure
    return found


def _rows(body: str, columns: tuple[str, ...], *, name_first: bool = False) -> dict[str, str]:
    """Figures per name and column; the average that follows the bytes is left out."""
    found = {}
    for line in body.splitlines():
        words = line.split()
        if name_first:
            row = re.match(rf"^  (\S+) +({_FIGURE}) +({_FIGURE})$", line)
            name, figures = (row[1], list(row.groups()[1:])) if row else ("", [])
        else:
            figures = [w for w in words[: len(columns) + 1] if re.fullmatch(_FIGURE, w)]
            if len(figures) != len(columns) + 1:
                continue
            name = " ".join(words[len(columns) + 1 :])
        for column, figure in zip(columns, figures, strict=False):
            found[f"{name} {column}"] = figure
    return found
