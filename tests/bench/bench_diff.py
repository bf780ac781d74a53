"""How often `diff` tells what is not there, and how often it sees what is.

python tests/bench/bench_diff.py [WORLDS]: simulated periods with known truth, fixed seeds. `p < 5 %`
is the share of unchanged rows with such a p (5 % is what it promises); `told`: the share of
comparisons of 40 rows in which any row is said to have changed (after Benjamini and Hochberg 5 %
is the bound where nothing has changed); `in range`: the share of 95 % ranges that hold the truth.
The second table is the power: the share of rows whose change is told.
"""

import sys
from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from diff_worlds import World  # noqa: E402

from reports.diff import CHANGED  # noqa: E402

NOISES: dict[str, dict[str, float]] = {
    "one by one": {},
    "hours differ by 50 %": {"hourly": 0.5},
    "lasts some hours, 50 %": {"lasting": 0.5},
    "days differ by 20 %": {"daily": 0.2},
    "days differ by 40 %": {"daily": 0.4},
}
DAYS = ((1, 1), (7, 1), (7, 7))


def _share(which: pl.Series) -> float:
    return int(which.sum()) / len(which)


def main(worlds: int) -> None:
    """Print both tables."""
    print(f"{'nothing has changed':24} days   p < 5 %  p < 1 %  single < 5 %  told  in range")
    for name, noise in NOISES.items():
        for days in DAYS:
            found = [World(days=days, **noise).told(seed) for seed in range(worlds)]  # type: ignore[arg-type]
            rows = pl.concat(found).filter(pl.col("p").is_not_null())
            told = sum(f["verdict"].is_in(CHANGED).any() for f in found) / worlds
            inside = _share((rows["low"] <= 1) & (rows["high"] >= 1))
            p, single = rows["p"], rows["p_single"]
            print(
                f"{name:24} {days[0]}:{days[1]}  {_share(p < 0.05):7.1%} {_share(p < 0.01):8.1%}"
                f" {_share(single < 0.05):13.1%} {told:5.0%} {inside:9.1%}",
                flush=True,
            )
    print(f"\n{'changed':24} days   100 a day: x1.5   x2   x3   1000 a day: x1.5   x2   x3")
    for name, noise in NOISES.items():
        for days in DAYS:
            power = []
            for per_day in (100, 1000):
                for factor in (1.5, 2, 3):
                    world = World(days=days, rows=20, per_day=per_day, changed=factor, **noise)  # type: ignore[arg-type]
                    risen = [world.told(seed)["verdict"] == "rose" for seed in range(worlds // 4)]
                    power.append(f"{_share(pl.concat(risen)):.0%}")
            print(
                f"{name:24} {days[0]}:{days[1]}  {'  '.join(f'{p:>5}' for p in power)}", flush=True
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
