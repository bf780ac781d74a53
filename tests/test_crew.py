"""Several processes give what one gives, whatever happens to them."""

import gzip
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from analyzer.crew import Crew, gather_crew
from analyzer.jobs import summarise_by
from analyzer.pipeline import Task, summarise_tasks
from analyzer.selection import Selection
from analyzer.summary import Summary
from parsers.lines import Source, read_stretch, stretches

SAMPLES = Path(__file__).parent.parent / "sample_logs"
LOGS = sorted(str(p) for p in SAMPLES.glob("*.log"))[:4]
SIZE = 1 << 18


def double(number: int) -> int:
    return number * 2


def refuse(number: int) -> int:
    raise ValueError(f"not {number}")


def vanish_elsewhere(parent: int) -> int:
    """End the process, unless it is the one that asks."""
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return parent


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew(2)
    yield crew
    crew.dismiss()


def test_results_come_in_the_order_of_the_jobs(crew: Crew) -> None:
    assert list(crew.run(double, range(50))) == [2 * n for n in range(50)]


def test_what_a_job_raises_is_raised_here(crew: Crew) -> None:
    with pytest.raises(ValueError, match="not 0"):
        list(crew.run(refuse, [0]))


def test_jobs_of_a_process_that_is_gone_are_done_by_the_others(crew: Crew) -> None:
    asked = [os.getpid()] * 20
    assert list(crew.run(vanish_elsewhere, asked)) == asked


def test_a_run_that_is_given_up_ends_the_others(crew: Crew) -> None:
    results = crew.run(double, range(10))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert all(other.poll() is not None for other in crew._others)


def big_log(folder: Path) -> str:
    """All the sample logs, one after the other and often enough to be cut."""
    whole = b"".join(Path(name).read_bytes() for name in LOGS)
    path = folder / "big.log"
    path.write_bytes(whole * (4 * SIZE // len(whole) + 1))
    return str(path)


def figures(summary: Summary) -> dict[str, pl.DataFrame]:
    return {
        name: table.sort(pl.all(), nulls_last=True)
        for name, table in (summary.tables | {"examples": summary.examples}).items()
    }


def test_several_processes_report_what_one_does(tmp_path: Path, crew: Crew) -> None:
    name = big_log(tmp_path)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(Path(LOGS[0]).read_bytes()))
    alone, together = ([Task(Source(n)) for n in (name, str(packed))] for _ in range(2))
    chosen = Selection(directions=("inbound",))
    one = summarise_tasks(alone, chosen, size=SIZE)
    many = summarise_by(crew, together, chosen, size=SIZE)
    assert [t.source.lines for t in together] == [t.source.lines for t in alone]
    ours, theirs = figures(many), figures(one)
    assert ours.keys() == theirs.keys()
    for table, frame in ours.items():
        assert frame.equals(theirs[table]), table


def test_stretches_hold_every_byte_once(tmp_path: Path) -> None:
    path = Path(big_log(tmp_path))
    cuts = stretches(path, SIZE)
    assert cuts is not None
    assert len(cuts) > 2
    data = [read_stretch(path, begin, end).data for begin, end in cuts]
    assert b"".join(data) == path.read_bytes()
    assert all(part.endswith(b"\n") for part in data)


def test_compressed_data_and_endless_lines_are_not_cut_beforehand(tmp_path: Path) -> None:
    packed, endless = tmp_path / "a", tmp_path / "b"
    packed.write_bytes(b"\x1f\x8b" + bytes(SIZE))
    endless.write_bytes(b"x" * (3 * SIZE))
    assert stretches(packed, SIZE) is None
    assert stretches(endless, SIZE) is None


def test_small_logs_are_worth_no_second_process(tmp_path: Path) -> None:
    assert gather_crew([big_log(tmp_path), str(tmp_path), str(tmp_path / "none")]) is None
