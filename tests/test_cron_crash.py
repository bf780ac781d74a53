"""A run that is killed leaves nothing half done; see tests/bench/bench_crashes.py for more of it."""

from pathlib import Path

import pytest
from cron_crashes import crash

KILLS = 25


@pytest.mark.parametrize("seed", range(4))
def test_killed_runs_end_at_the_figures_of_one_run(tmp_path: Path, seed: int) -> None:
    outcome = crash(tmp_path, KILLS, seed)
    assert outcome.found == []
    assert outcome.killed == KILLS
