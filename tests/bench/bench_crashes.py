"""Kill runs of `smtplens cron` at random instants, 1000 by default, and compare what they leave.

python tests/bench/bench_crashes.py [--kills N] [--each N] [--seed N]
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cron_crashes import crash


def main() -> None:
    """Kill and print; ends with 1 where a history is not that of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--each", type=int, default=50, help="kills per log")
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    killed = 0
    while killed < asked.kills:
        with tempfile.TemporaryDirectory() as name:
            outcome = crash(Path(name), asked.each, asked.seed + killed)
        killed += outcome.killed
        print(f"{killed} killed, {outcome.finished} of this log's runs over before", flush=True)
        if outcome.found:
            sys.exit("\n".join(outcome.found))


if __name__ == "__main__":
    main()
