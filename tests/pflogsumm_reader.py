"""Runs pflogsumm and reads what it prints: sections of figures by name."""

import re
import subprocess
from pathlib import Path

Sections = dict[str, dict[str, str]]
"""Section -> key -> the figure as printed (`12`, `630k`, `0:01:10`)."""

_OPTIONS = {
    "1.1": ("--smtpd-stats",),
    "1.3": ("--smtpd-stats", "--pscrn-stats", "--ssl-tls-stats", "--detail=100000"),
}
_LEAVES = (
    *("message reject detail", "message reject warning detail"),
    *("message hold detail", "message discard detail"),
)
"""Of these whom it was is compared, too; of the others only the sums, as texts are cut."""
_WHOLE = ("smtp delivery failures", "smtp exceptions", "inbound ssl errors")
"""Of these only the sum of all."""
_TITLE = re.compile(r"^(?P<title>\S[^\n]*?) *(?:\([0-9]+\))?(?:\n-{4,}\n|: none\n)", re.MULTILINE)
_NUMBER = r"[0-9]+[km]?"
_TIME = r"[0-9]+:[0-9]{2}:[0-9]{2}"
_TRAFFIC = ("received", "delivered", "deferred", "bounced", "rejected")


def version_of(program: str) -> str:
    """Its release, `1.1` or `1.3`."""
    said = subprocess.run([program, "--version"], capture_output=True, check=False, text=True)
    found = re.search(r"pflogsumm ([0-9]+\.[0-9]+)", said.stdout + said.stderr)
    assert found, f"{program} does not tell its version"
    assert found[1] in _OPTIONS, f"pflogsumm {found[1]} is new here: compare it and add it"
    return found[1]


def printed(program: str, version: str, log: Path) -> str:
    """Its report on the log."""
    run = subprocess.run(
        [program, *_OPTIONS[version], str(log)], capture_output=True, check=True, timeout=300
    )
    return run.stdout.decode("utf-8", "replace")


def sections_of(text: str) -> Sections:
    """Every section of a report, those without rows too."""
    parts = list(_TITLE.finditer(text))
    ends = [*(m.start() for m in parts[1:]), len(text)]
    raw = {m["title"]: text[m.end() : end] for m, end in zip(parts, ends, strict=True)}
    found: Sections = {}
    for title, body in raw.items():
        for name, figures in _figures(title, body):
            found[name] = figures
    return found


def _figures(title: str, body: str) -> list[tuple[str, dict[str, str]]]:
    if title == "Grand Totals":
        return _totals(body)
    if match := re.match(r"(Per-Day|Per-Hour) Traffic", title):
        return [(match[1].lower(), _table(body, _TRAFFIC))]
    if match := re.match(r"(Per-Day|Per-Hour) SMTPD", title):
        return [(f"smtpd {match[1].lower()}", _table(body, ("connections", "time")))]
    if title.startswith("Host/Domain Summary: "):
        return [_by_host(title.partition(": ")[2].strip(), body)]
    if re.match(r"(?:Senders|Recipients) by", title):
        return [(title, _list(body))]
    if title.startswith("Master"):
        return [("master", _list(body))]
    name = re.sub(r" \([^)]*\)", "", title).lower()
    return [(name, _tree(body, whole=name in _WHOLE, leaves=name in _LEAVES))]


def _totals(body: str) -> list[tuple[str, dict[str, str]]]:
    """Figures above and below; the blocks of smtpd and postscreen by themselves."""
    blocks = re.split(r"^(smtpd|postscreen)$", body, flags=re.MULTILINE)
    named = [("totals", blocks[0]), *zip(blocks[1::2], blocks[2::2], strict=True)]
    found = []
    for name, block in named:
        rows = re.findall(rf"^ *({_TIME}|{_NUMBER}) +([a-zA-Z][^\n(]*?) *(?:\(.*)?$", block, re.M)
        figures = {key: number for number, key in rows}
        if name == "totals" and (deferrals := re.search(rf"\( *({_NUMBER}) +deferrals\)", block)):
            figures["deferrals"] = deferrals[1]
        found.append((name, figures))
    return found


def _table(body: str, columns: tuple[str, ...]) -> dict[str, str]:
    """Rows of hours and days: `0300-0400` as 03, `Dec 31 2025` as Dec 31, zeros left out."""
    found = {}
    for line in body.splitlines():
        row = re.match(
            r"^ +(?:([0-9]{2})[0-9]{2}-[0-9]{4}|([A-Z]\w\w +[0-9]+) [0-9]{4}) +(.*)$", line
        )
        if not row:
            continue
        key = row[1] or " ".join(row[2].split())
        for column, figure in zip(columns, row[3].split(), strict=False):
            if not re.fullmatch(r"[0:]+", figure):
                found[f"{key} {column}"] = figure
    return found


def _by_host(title: str, body: str) -> tuple[str, dict[str, str]]:
    columns = {
        "Message Delivery": ("sent", "bytes", "deferrals", "average delay", "longest delay"),
        "Messages Received": ("messages", "bytes"),
        "SMTPD Connections": ("connections", "time"),
    }[title]
    found = {}
    for line in body.splitlines():
        # `1.5 h` is one figure: `1.5_h`.
        words = re.sub(r"(?<=[0-9]) ([smhd])\b", r"_\1", line).split()
        if words and re.fullmatch(_NUMBER, words[0]):
            for column, figure in zip(columns, words, strict=False):
                found[f"{words[-1]} {column}"] = figure
    return title, found


def _list(body: str) -> dict[str, str]:
    rows = re.findall(rf"^ *({_NUMBER}) {{2,3}}(.*)$", body, re.MULTILINE)
    return {name.strip(): number for number, name in rows}


def _tree(body: str, *, whole: bool, leaves: bool) -> dict[str, str]:
    """Sums of the leaves per first line, and, where asked, per first line and leaf."""
    sums: dict[str, int] = {}
    top = ""
    for line in body.splitlines():
        if leaf := re.match(r"^ *([0-9]+)   (.*)$", line):
            who = re.sub(r"^\S+ \(<(\S+)\)$", r"\1", leaf[2].strip())
            keys = ["all"] if whole else [top or _host(who)]
            keys += [f"{top} | {who}"] if leaves else []
            for key in keys:
                sums[key] = sums.get(key, 0) + int(leaf[1])
        elif re.match(r"^  \S", line):
            top = _host(re.sub(r" \((?:total: )?[0-9]+\)$", "", line.strip()))
    return {key: str(number) for key, number in sums.items()}


def _host(relay: str) -> str:
    """A relay without its address and port, as 1.3 and we show it."""
    return re.sub(r"\[[0-9A-Fa-f.:]+\]:[0-9]+$", "", relay)
