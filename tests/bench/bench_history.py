"""Measure `smtplens cron` against `report`, and a history of many days; prints, judges nothing.

python tests/bench/bench_history.py LOG [--runs N] [--days N] [--work DIR] [--smtplens CMD]

LOG is a day's log, such as make_log.py writes. The long history is that day's counts, put on every
one of N days with random changes.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
from bench_report import alternate

from analyzer.history.blobs import packed
from analyzer.history.period import chosen_of, together
from analyzer.history.retention import Retention, is_hours, is_minutes, most_frequent
from analyzer.history.store import HOURS, MOST, TABLES, Store, open_store
from analyzer.summary import TABLES as STANDARD_TABLES
from analyzer.summary import Summary, finish
from parsers.event import TIME


def long_history(store: Store, days: int) -> None:
    """Put the newest day's counts on so many days before it."""
    from analyzer.sections import section_tables

    random = Random(1)
    shapes = {**STANDARD_TABLES, **section_tables()}
    newest = max(p.day for p in store.parts())
    chosen = chosen_of(store)
    whole = finish(together(store, store.parts(newest), chosen))
    keep = Retention()
    for back in range(1, days):
        day = str((datetime.fromisoformat(newest) - timedelta(days=back)).date())
        tables = {
            n: _changed(t, back, random)
            for n, t in whole.tables.items()
            if (is_hours(n, shapes[n]) or back < keep.names)
            and (not is_minutes(shapes[n]) or back < keep.minutes)
        }
        kept = MOST if back < keep.names else HOURS
        if kept == MOST:
            tables = most_frequent(tables, shapes, keep.top)
        examples = whole.examples if kept == MOST else whole.examples.clear()
        summary = Summary(tables=tables, examples=examples, chosen=chosen)
        with store.change():
            blobs = packed(summary, travel=False)
            store.add_part(day, TABLES, 0, 1, blobs, reported=True, kept=kept)


def _changed(table: pl.DataFrame, back: int, random: Random) -> pl.DataFrame:
    """Times moved by days; counts by some percent."""
    times = [n for n, t in table.schema.items() if t == TIME]
    counts = [n for n, t in table.schema.items() if t == pl.UInt64]
    factor = random.uniform(0.8, 1.2)
    return table.with_columns(
        *(pl.col(n) - timedelta(days=back) for n in times),
        *((pl.col(n) * factor).round().cast(pl.UInt64) for n in counts),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--smtplens", default=f"{sys.executable} -m analyzer")
    asked = parser.parse_args()
    program = shlex.split(asked.smtplens)
    with tempfile.TemporaryDirectory(dir=asked.work) as name:
        history = Path(name) / "history.db"
        log = str(asked.log)
        own = ["--history", str(history), "--tz", "UTC"]
        cron = [*program, "cron", log, *own, "--period", "none"]
        remove = f"rm -f {shlex.quote(str(history))}; exec "
        taken = alternate(
            {
                "cron, all new": ["sh", "-c", remove + shlex.join(cron)],
                "report": [*program, "report", log, "--tz", "UTC", "-o", f"{name}/report"],
            },
            asked.runs,
        )
        taken |= alternate({"cron, nothing new": cron}, asked.runs)
        store = open_store(history, write=True)
        print(f"history of one day: {history.stat().st_size / 1e6:.1f} MB")
        long_history(store, asked.days)
        store.close()
        print(f"history of {asked.days} days: {history.stat().st_size / 1e6:.1f} MB")
        looks = {
            "spikes --history": [*program, "spikes", *own[:2]],
            "report --history, 7 days": [*program, "report", *own[:2], "--since", "2026-11-16"],
        }
        taken |= alternate(looks, asked.runs)
        for title, of in taken.items():
            print(
                f"{title:26} {of['wall_min']:6.2f} s at best, {of['wall_median']:6.2f} s,"
                f" {of['cpu_median']:6.2f} s of processors, {of['rss_max']:5.0f} MB"
            )


if __name__ == "__main__":
    main()
