"""Which buckets are compared with which, prepared as indexes for column arithmetic."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import polars as pl

from .grid import LEAST_COVERAGE, Clock, Season, repeated

Terms = list[tuple[pl.Series, pl.Series]]


class Comparable:
    """The season of a clock as gather indexes, for so many series laid out flat."""

    def __init__(
        self,
        clock: Clock,
        season: Season,
        series: int,
        shape: Sequence[float],
        widths: Sequence[int],
    ) -> None:
        """`shape` is the expected traffic of each slot, mean 1; see `traffic_shape`.

        Public for `history`: `members` (buckets of each slot), `most` (how many), `terms`
        (comparable slots and weights), `slot` (of each bucket), `closed` (per width, whether a
        window was observed), `block_rest` (buckets observed outside each block), `first_block` with an observed bucket, `per_bucket` (`t`, `cover`,
        `before` and `after`: weights of the neighbours, `weight` of all others, `known`: what they
        are worth in independent buckets, `shape`).
        """
        self.clock, self.season, self.series = clock, season, series
        self.blocks = clock.length // season.block
        covered = [c if c >= LEAST_COVERAGE else 0.0 for c in clock.coverage]
        self.buckets = sum(covered)
        seen = [i for i, cover in enumerate(covered) if cover]
        self.first_block = seen[0] // season.block if seen else 0
        blocks = range(0, clock.length, season.block)
        others = [self.buckets - sum(covered[b : b + season.block]) for b in blocks]
        self.block_rest = repeated(pl.Series(others, dtype=pl.Float64).clip(1e-9), series)
        self.closed = {w: repeated(_closed(covered, w), series) for w in widths}
        by_slot: list[list[int]] = [[] for _ in range(season.slots)]
        for index, (cover, slot) in enumerate(zip(covered, clock.slot, strict=True)):
            if cover:
                by_slot[slot].append(index)
        self.most = max(1, max(len(one) for one in by_slot))
        # Bucket 0 is padding and holds nothing: it fills the rows of short slots.
        padded = [i for one in by_slot for i in one + [0] * (self.most - len(one))]
        self.members = self._spread(padded, clock.length)
        self.slot = self._spread(clock.slot, season.slots)
        self.terms = self._terms()
        self.per_bucket = repeated_frame(self._per_bucket(covered, shape), series)

    def first(self, series: int) -> Self:
        """The same for fewer series."""
        if series == self.series:
            return self
        fewer = copy(self)
        share = series / self.series

        def head(column: pl.Series) -> pl.Series:
            return column.head(round(len(column) * share))

        fewer.series, fewer.members, fewer.slot = series, head(self.members), head(self.slot)
        fewer.block_rest = head(self.block_rest)
        fewer.closed = {width: head(column) for width, column in self.closed.items()}
        fewer.terms = [(head(index), head(weight)) for index, weight in self.terms]
        fewer.per_bucket = self.per_bucket.head(series * self.clock.length)
        return fewer

    def _spread(self, places: Sequence[int], stride: int) -> pl.Series:
        """Places within one series as places within all."""
        number = len(places)
        row = pl.int_range(self.series * number, dtype=pl.Int64, eager=True) // number * stride
        return (row + repeated(pl.Series(places, dtype=pl.Int64), self.series)).cast(pl.UInt32)

    def _terms(self) -> Terms:
        """Index and weight of the first, second ... comparable slot of every slot."""
        like = [list(self.season.like[s].items()) for s in range(self.season.slots)]
        terms = []
        for rank in range(max(len(one) for one in like)):
            chosen = [one[rank] if rank < len(one) else (0, 0.0) for one in like]
            weights = pl.Series([w for _, w in chosen], dtype=pl.Float64)
            index = self._spread([i for i, _ in chosen], self.season.slots)
            terms.append((index, repeated(weights, self.series)))
        return terms

    def _per_bucket(self, covered: Sequence[float], shape: Sequence[float]) -> pl.DataFrame:
        """What is the same for every series: weights of the others once a bucket's day is out."""
        slots = self.clock.slot
        total = [0.0] * self.season.slots
        for slot, cover in zip(slots, covered, strict=True):
            total[slot] += cover
        rows = []
        for index, slot in enumerate(slots):
            like = self.season.like[slot]
            weight = sum(w * total[other] for other, w in like.items()) - covered[index]
            square = sum(w * w * total[other] for other, w in like.items()) - covered[index]
            sides = []
            for side in (index - 1, index + 1):
                inside = 0 <= side < len(slots) and slots[side] != slot
                share = like.get(slots[side], 0.0) if inside else 0.0
                sides.append(share)
                if share:
                    weight -= share * covered[side]
                    square -= share * share * covered[side]
            weight = max(weight, 0.0)
            known = weight * weight / square if square > 1e-9 else 0.0
            rows.append((covered[index], *sides, weight, known, max(shape[slot], 0.1), index))
        names = ["cover", "before", "after", "weight", "known", "shape", "t"]
        schema = pl.Schema({name: pl.Float64() for name in names} | {"t": pl.Int32()})
        return pl.DataFrame(rows, schema=schema, orient="row")


def _closed(covered: Sequence[float], width: int) -> pl.Series:
    """Whether a window of this width that ends with a bucket was observed."""
    ends = [i + 1 >= width and all(covered[i - width + 1 : i + 1]) for i in range(len(covered))]
    return pl.Series(ends, dtype=pl.Boolean)


def repeated_frame(frame: pl.DataFrame, series: int) -> pl.DataFrame:
    """A frame of one row per bucket, for every series."""
    return frame.select(repeated(c, series) for c in frame.iter_columns())


def traffic_shape(totals: pl.Series, clock: Clock, season: Season) -> list[float]:
    """Expected share of each slot in all traffic, mean 1; flat where there is none."""
    count, cover = [0.0] * season.slots, [0.0] * season.slots
    for total, covered, slot in zip(totals, clock.coverage, clock.slot, strict=True):
        if covered >= LEAST_COVERAGE:
            count[slot] += total
            cover[slot] += covered
    whole = sum(count) / max(sum(cover), 1e-9)
    if not whole:
        return [1.0] * season.slots
    shape = []
    for slot in range(season.slots):
        like = season.like[slot]
        seen = sum(w * cover[other] for other, w in like.items())
        events = sum(w * count[other] for other, w in like.items())
        shape.append((events + whole) / (seen + 1) / whole)
    return shape
