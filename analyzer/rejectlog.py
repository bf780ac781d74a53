"""Exim writes its refusals twice, to the main log and to the reject log: count them once.

A reject log's line is a copy where a main log of the same run has the same line of the same
time; what only the reject log has is counted from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl

from parsers.parse import Parsed, Verdict

COPY = "exim.rejectlog-copy"
_KEY = ["time", "message"]


def looks_like_rejectlog(lines: pl.Series) -> bool:
    """Whether lines carry what only a reject log has: message headers under a refusal."""
    return bool(lines.str.contains(r"^(?:Envelope-(?:from|to): <|-{70,}$)").any())


@dataclass(slots=True)
class Copies:
    """Finds the reject log's lines that a main log has too."""

    wanted: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"time": pl.Datetime("us", "UTC"), "message": pl.String}
        )
    )
    found: list[pl.DataFrame] = field(default_factory=list)

    def learn(self, parsed: Parsed) -> None:
        """Remember what a reject log says."""
        told = parsed.headers.filter(pl.col("mta") == "exim").select(_KEY).unique()
        self.wanted = pl.concat([self.wanted, told]).unique()

    def note(self, parsed: Parsed) -> None:
        """Count a main log's lines that a reject log has too."""
        same = (
            parsed.headers.filter(pl.col("mta") == "exim")
            .select(_KEY)
            .join(self.wanted, on=_KEY, how="semi")
        )
        if not same.is_empty():
            self.found.append(same.group_by(_KEY).agg(pl.len().alias("copies")))

    def drop(self, parsed: Parsed) -> Parsed:
        """A reject log's chunk without the lines that a main log has."""
        if not self.found:
            return parsed
        counts = pl.concat(self.found).group_by(_KEY).agg(pl.col("copies").sum())
        mine = (
            parsed.headers.filter(pl.col("mta") == "exim")
            .select("row", *_KEY)
            .with_columns(pl.int_range(1, pl.len() + 1).over(_KEY).alias("nth"))
            .join(counts, on=_KEY, how="inner")
        )
        copies = mine.filter(pl.col("nth") <= pl.col("copies"))
        used = copies.group_by(_KEY).agg(pl.len().alias("used"))
        left = counts.join(used, on=_KEY, how="left").with_columns(
            pl.col("copies") - pl.col("used").fill_null(0)
        )
        self.found = [left.filter(pl.col("copies") > 0).select(*_KEY, "copies")]
        return replace(
            parsed,
            events=parsed.events.filter(~pl.col("row").is_in(copies["row"].implode())),
            verdicts=tuple(_but_copies(parsed, copies["row"])),
        )


def _but_copies(parsed: Parsed, copies: pl.Series) -> Iterator[Verdict]:
    copied: list[pl.Series] = []
    for verdict in parsed.verdicts:
        if verdict.fate != "parsed":
            yield verdict
            continue
        again = verdict.rows.is_in(copies.implode())
        copied.append(verdict.rows.filter(again))
        yield verdict._replace(rows=verdict.rows.filter(~again))
    if copied:
        yield Verdict("ignored", "exim", COPY, pl.concat(copied))
