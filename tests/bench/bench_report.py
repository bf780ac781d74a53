"""Measure `smtplens report` against `pflogsumm` on a generated log; prints, judges nothing.

python tests/bench/bench_report.py [--lines N] [--runs N] [--work DIR] [--json FILE] [--fresh]
                                   [--smtplens CMD] [--pflogsumm CMD] [--skip-triple]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypedDict

GENERATOR = Path(__file__).resolve().parent / "make_log.py"
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""An installed program has its bytecode; a shell that forbids it would have it made every time."""
_BYTES_PER_LINE = 140  # a little more than the generator writes


class Run(NamedTuple):
    """One whole process."""

    wall: float  # seconds
    cpu: float  # seconds, user and system, of all its threads and reaped children
    rss: float  # peak resident memory of its largest process, MB (10^6)


class Figures(TypedDict):
    """The runs of one command."""

    command: str
    wall_min: float
    wall_median: float
    cpu_median: float
    rss_max: float
    runs: list[dict[str, float]]


class Log(TypedDict):
    """A generated log."""

    path: str
    lines: int
    bytes: int
    generated_in: float | None  # None: it was there already


def measure(command: list[str]) -> Run:
    """Run a command to its end, its output thrown away; stop everything if it fails.

    The kernel starts a child's peak memory at its parent's, so this process must stay small:
    the log is generated in a process of its own.
    """
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=ENV
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            last = errors.read().decode(errors="replace")[-2000:]
            sys.exit(f"{shlex.join(command)}: exit status {child.returncode}\n{last}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def peak_memory(command: list[str]) -> float:
    """Peak memory of a command and all its processes together, MB (10^6), in a run of its own.

    Proportional set size: a page that several share counts once. Looked at every 20 ms.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENV,
    )
    peak = 0
    while child.poll() is None:
        peak = max(peak, sum(_proportional(pid) for pid in _family(child.pid)))
        time.sleep(0.02)
    return peak * 1024 / 1e6


def _family(pid: int) -> list[int]:
    try:
        own = Path(f"/proc/{pid}/task").iterdir()
        children = [int(c) for task in own for c in (task / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(member for child in children for member in _family(child))]


def _proportional(pid: int) -> int:
    try:
        found = re.search(
            r"^Pss: +([0-9]+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M
        )
    except OSError:
        return 0
    return int(found[1]) if found else 0


def alternate(commands: dict[str, list[str]], runs: int) -> dict[str, Figures]:
    """Run the commands in turn, so that a disturbance of the machine meets all of them."""
    taken: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(measure(command))
    return {name: figures(commands[name], of) for name, of in taken.items()}


def figures(command: list[str], runs: list[Run]) -> Figures:
    """Sum the runs of one command up."""
    walls = [run.wall for run in runs]
    return Figures(
        command=shlex.join(command),
        wall_min=min(walls),
        wall_median=median(walls),
        cpu_median=median(run.cpu for run in runs),
        rss_max=max(run.rss for run in runs),
        runs=[run._asdict() for run in runs],
    )


def ensure_log(work: Path, lines: int, *, fresh: bool) -> Log:
    """The log of so many lines in `work`; generated, under its name only once it is whole."""
    name = f"{lines // 1_000_000}m" if lines % 1_000_000 == 0 else str(lines)
    path = work / f"postfix_{name}.log"
    took: float | None = None
    if fresh or not path.exists():
        needed, free = lines * _BYTES_PER_LINE, shutil.disk_usage(work).free
        if free < needed * 1.1:
            sys.exit(f"{work}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free")
        part = path.with_suffix(".part")
        truth = path.with_suffix(".truth.json")
        arguments = [str(part), "--lines", str(lines), "--truth", str(truth)]
        took = measure([sys.executable, str(GENERATOR), *arguments]).wall
        part.rename(path)
    with path.open("rb") as log:  # once through the page cache, so that no run pays for the disk
        while log.read(1 << 20):
            pass
    return Log(path=str(path), lines=lines, bytes=path.stat().st_size, generated_in=took)


def show(title: str, measured: dict[str, Figures]) -> None:
    """A small table."""
    print(f"\n{title}")
    print(f"  {'':24}{'wall min':>10}{'median':>9}{'cpu':>9}{'peak RSS':>11}")
    for name, of in measured.items():
        print(
            f"  {name:24}{of['wall_min']:9.2f}s{of['wall_median']:8.2f}s"
            f"{of['cpu_median']:8.2f}s{of['rss_max']:8.0f} MB"
        )


def show_log(log: Log) -> None:
    """One line about a log."""
    took = log["generated_in"]
    made = "cached" if took is None else f"generated in {took:.1f} s"
    print(f"{log['path']}: {log['lines']:,} lines, {log['bytes'] / 1e6:.0f} MB, {made}")


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Command line."""
    smtplens = Path(sys.executable).parent / "smtplens"
    pflogsumm = shutil.which("pflogsumm", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "smtplens-bench")
    parser.add_argument("--fresh", action="store_true", help="generate the logs again")
    parser.add_argument("--skip-triple", action="store_true", help="no log of three times --lines")
    parser.add_argument("--smtplens", default=shlex.quote(str(smtplens)), metavar="CMD")
    parser.add_argument("--pflogsumm", default=shlex.quote(pflogsumm or ""), metavar="CMD")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    parsed = parser.parse_args(given)
    if parsed.lines < 1 or parsed.runs < 1:
        parser.error("--lines and --runs must be at least 1")
    parsed.smtplens, parsed.pflogsumm = shlex.split(parsed.smtplens), shlex.split(parsed.pflogsumm)
    if not parsed.smtplens or not shutil.which(parsed.smtplens[0]):
        parser.error(f"{shlex.join(parsed.smtplens)}: no such command; see --smtplens")
    return parsed


def main(given: list[str] | None = None) -> None:
    """Measure and print."""
    options = arguments(given)
    options.work.mkdir(parents=True, exist_ok=True)
    python = platform.python_version()
    print(f"{os.cpu_count()} cores, Python {python}, {platform.platform()}")
    result: dict[str, object] = {"cores": os.cpu_count(), "python": python, "runs": options.runs}

    log = ensure_log(options.work, options.lines, fresh=options.fresh)
    show_log(log)
    commands = {"smtplens report": [*options.smtplens, "report", log["path"]]}
    if any(options.pflogsumm):
        commands = {"pflogsumm": [*options.pflogsumm, log["path"]], **commands}
    else:
        print("pflogsumm is not installed: no comparison")
    single = alternate(commands, options.runs)
    ours = single["smtplens report"]
    result |= {"log": log, "report": single}
    show(f"{options.lines:,} lines, {options.runs} runs each, in turn", single)
    if "pflogsumm" in single:
        ratio = single["pflogsumm"]["wall_median"] / ours["wall_median"]
        result["ratio"] = ratio
        print(f"  median ratio: smtplens is {ratio:.1f} times as fast as pflogsumm")

    if not options.skip_triple:
        triple = ensure_log(options.work, 3 * options.lines, fresh=options.fresh)
        print()
        show_log(triple)
        command = [*options.smtplens, "report", triple["path"]]
        larger = {"smtplens report": figures(command, [measure(command)])}
        show(f"{3 * options.lines:,} lines, one run", larger)
        peaks = [peak_memory(commands["smtplens report"]), peak_memory(command)]
        result |= {"triple_log": triple, "triple": larger, "peaks": peaks}
        print(
            f"  peak memory of all processes, MB: {peaks[0]:.0f} and {peaks[1]:.0f} with the longer"
        )
        print(f"  log, {peaks[1] / peaks[0]:.2f} times as much")

    starts = {
        "smtplens --help": [*options.smtplens, "--help"],
        "import click": [sys.executable, "-c", "import click"],
    }
    startup = alternate(starts, max(options.runs, 5))
    extra = startup["smtplens --help"]["wall_median"] - startup["import click"]["wall_median"]
    result |= {"startup": startup, "startup_extra": extra}
    show("Start, the commands in turn", startup)
    print(f"  smtplens --help takes {extra * 1000:.0f} ms more (median)")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
