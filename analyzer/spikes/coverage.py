"""How much of each bucket the log covers: a missing hour is not an hour without events."""

from datetime import datetime, timedelta

import polars as pl

_EPOCH = datetime(1970, 1, 1)


def cover(observed: pl.DataFrame, width: timedelta) -> tuple[datetime, list[float]]:
    """First bucket's begin (UTC, naive) and the covered share of each bucket up to the last.

    `observed`: intervals `start`, `end` (UTC; end not included), in any order, possibly overlapping.
    Raises ValueError where nothing was observed.
    """
    spans = _joined(observed)
    if not spans:
        raise ValueError("no observed time")
    step = width / timedelta(microseconds=1)
    first = int(spans[0][0] // step)
    last = int(-(-spans[-1][1] // step))
    covered = [0.0] * (last - first)
    for start, end in spans:
        for bucket in range(int(start // step), int(-(-end // step))):
            inside = min(end, (bucket + 1) * step) - max(start, bucket * step)
            covered[bucket - first] += inside / step
    return _EPOCH + first * width, [min(1.0, one) for one in covered]


def _joined(observed: pl.DataFrame) -> list[tuple[int, int]]:
    """Intervals in microseconds since the epoch, sorted, overlapping ones made one."""
    stamps = observed.select(
        pl.col("start", "end").cast(pl.Datetime("us")).to_physical()
    ).drop_nulls()
    joined: list[tuple[int, int]] = []
    for start, end in sorted(stamps.rows()):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > start:
            joined.append((start, end))
    return joined
