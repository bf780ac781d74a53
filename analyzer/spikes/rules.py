"""The rule that decides what is a spike, and the columns of a finding."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl


@dataclass(frozen=True, slots=True)
class Rules:
    """Gates of an alarm; every one must be passed."""

    windows: tuple[int, ...] = (1, 2, 3, 6)
    """Widths tested, in buckets; a window ends with every observed bucket."""
    least: int = 5
    """Fewest events of a spike."""
    ratio: float = 2.0
    """Observed over expected, at least."""
    alpha: float = 0.01
    """p after correction for all windows of a day (with history) or of the log, below."""
    fdr: float = 0.01
    """Benjamini-Hochberg over all series and days tested: q below; 1 switches it off."""
    cautious: float = 0.8
    """The dispersion used is this quantile of what is plausible for the series."""
    model_error: float = 0.1
    """Relative error of any expectation, whatever the counts say."""
    episode: float = 1e-4
    """Windows of the past with a smaller p are episodes, and no history for others."""
    screen: float = 4.0
    """Windows with a smaller exponent of Chernoff's bound have p above 0.003 and are passed over."""
    merge: timedelta = timedelta(hours=24)
    """Alarms of one series closer than this are one episode."""
    history_days: int = 14
    """Days the log must cover for a baseline of the hour of the week."""

    def corrected(self, buckets: float) -> float:
        """What p of a window is multiplied with where so many buckets were tested.

        Windows of w buckets overlap: there are about 1 / w as many independent ones as buckets.
        """
        return buckets * sum(1 / width for width in self.windows)


WITH_HISTORY: Final = "history"
WITHIN_LOG: Final = "log"

FINDING: Final[dict[str, pl.DataType]] = {
    "id": pl.UInt32(),
    "part_of": pl.UInt32(),
    "bucket": pl.Datetime("us", "UTC"),
    "until": pl.Datetime("us", "UTC"),
    "onset": pl.Datetime("us", "UTC"),
    "began": pl.Datetime("us", "UTC"),
    "ended": pl.Datetime("us", "UTC"),
    "observed": pl.UInt64(),
    "expected": pl.Float64(),
    "variance": pl.Float64(),
    "low": pl.UInt64(),
    "high": pl.UInt64(),
    "ratio": pl.Float64(),
    "p": pl.Float64(),
    "p_day": pl.Float64(),
    "q": pl.Float64(),
    "baseline": pl.String(),
    "dispersion": pl.Float64(),
    "comparable": pl.Float64(),
    "factor": pl.Float64(),
    "expected_error": pl.Float64(),
    "windows": pl.UInt32(),
    "after_gap": pl.Boolean(),
    "alarms": pl.UInt32(),
    "fired": pl.UInt32(),
}
"""Columns of a finding after the series' own key columns; meanings in detect.py."""
