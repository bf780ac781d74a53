"""Events as rows: ndjson, CSV or Parquet, written while the log is read."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

import polars as pl

from parsers.event import SCHEMA

from .files import whole_file

_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


class EventWriter:
    """Takes frames of events in order; each is rendered by a worker, written by one."""

    def __init__(self, form: str, path: str | None) -> None:
        self._form = form
        self._path = path
        self._stack = ExitStack()
        self._stream: IO[bytes] = sys.stdout.buffer
        self._parts: list[Path] = []
        self._started = False

    def __enter__(self) -> "EventWriter":
        if self._path is not None:
            self._stream = self._stack.enter_context(whole_file(self._path))
        if self._form == "parquet":
            self._folder = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="smtplens-"))
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is None:
                self._close()
            else:
                self._stack.__exit__(kind, error, trace)

    def render(self, events: pl.DataFrame) -> pl.DataFrame | str:
        """A chunk's events as they will be written."""
        rows = events.select(pl.col(n).cast(t) for n, t in SCHEMA.items())
        if self._form == "parquet":
            return rows
        rows = rows.with_columns(pl.col("time").dt.strftime(_TIME))
        if self._form == "ndjson":
            return rows.write_ndjson()
        delays = pl.col("delays").cast(pl.List(pl.String)).list.join("/")
        rows = rows.with_columns(delays)
        texts = [n for n, t in rows.schema.items() if t == pl.String]
        return rows.with_columns(_harmless(pl.col(n)).alias(n) for n in texts).write_csv(
            include_header=False
        )

    def write(self, rendered: pl.DataFrame | str) -> None:
        """Write the next chunk."""
        if isinstance(rendered, pl.DataFrame):
            part = self._folder / f"{len(self._parts):08}.arrow"
            rendered.write_ipc(part)
            self._parts.append(part)
            return
        if not self._started and self._form == "csv":
            self._stream.write((",".join(SCHEMA) + "\n").encode())
        self._started = True
        self._stream.write(rendered.encode("utf-8", "backslashreplace"))

    def _close(self) -> None:
        if self._form == "parquet":
            frames = pl.scan_ipc(self._parts) if self._parts else pl.LazyFrame(schema=SCHEMA)
            whole = self._folder / "whole.parquet"
            frames.sink_parquet(whole)
            with whole.open("rb") as stream:
                while block := stream.read(1 << 20):
                    self._stream.write(block)
        self._stream.flush()


def _harmless(text: pl.Expr) -> pl.Expr:
    """Log text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return pl.when(text.str.contains(r"^[=+\-@\t\r]")).then("'" + text).otherwise(text)
