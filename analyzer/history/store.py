"""The history's file: SQLite, in which a run's whole work appears at once or not at all.

Nothing here knows what is in the blobs (see blobs.py); polars is not imported.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from analyzer.exits import Exit, Refused

from .cursor import Cursor, Seen

APPLICATION = 0x534C454E
"""Tells the file's kind (PRAGMA application_id)."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE cursor (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, device INTEGER NOT NULL,
        inode INTEGER NOT NULL, head BLOB NOT NULL, "offset" INTEGER NOT NULL, tail BLOB NOT NULL,
        lines INTEGER NOT NULL, day TEXT NOT NULL, latest REAL NOT NULL, origin TEXT NOT NULL
    );
    CREATE TABLE seen (
        path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL,
        size INTEGER NOT NULL, changed INTEGER NOT NULL
    );
    CREATE TABLE part (
        id INTEGER PRIMARY KEY AUTOINCREMENT, day TEXT NOT NULL, strand INTEGER NOT NULL,
        first INTEGER, lines INTEGER NOT NULL, reported INTEGER NOT NULL, kept INTEGER NOT NULL,
        origin TEXT NOT NULL
    );
    CREATE INDEX part_day ON part (day);
    CREATE TABLE blob (
        part INTEGER NOT NULL REFERENCES part (id) ON DELETE CASCADE, name TEXT NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX blob_part ON blob (part, name);
    """,
)
"""Step n makes version n of version n - 1; the file's version is PRAGMA user_version."""

EVERYTHING, MOST, HOURS, FEW = 0, 1, 2, 3
"""What is kept of a day: all, only the most frequent names, no names, or all names since they are
few; see retention.py."""

TABLES = 0
"""The strand of a day's tables once its strands have been put together."""
ONWARD = -1
"""The strand of what travels on from days whose names are not kept any more."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a day, without its blobs."""

    id: int
    day: str
    """ISO date in the history's zone; empty for lines that no date can be given."""
    strand: int
    first: int | None
    """Time of its first dated line, microseconds since 1970."""
    lines: int
    reported: bool
    kept: int
    """How much: EVERYTHING, MOST, HOURS or FEW."""
    origin: str = ""
    """The history it was merged from; empty for this one."""


class Store:
    """An open history."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction: all of what is done inside, or nothing."""
        with refusing(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with refusing(self.path):
            return self.connection.execute(query, tuple(values)).fetchall()

    def get(self, key: str) -> str | None:
        """A setting or a mark."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def put(self, key: str, value: str) -> None:
        """Set it; inside `change`."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def cursors(self) -> list[Cursor]:
        """How far each strand was read."""
        return [Cursor(*row) for row in self.rows("SELECT * FROM cursor ORDER BY id")]

    def put_cursor(self, cursor: Cursor) -> int:
        """Keep a cursor, inside `change`; its id."""
        values = astuple(cursor)
        done = self.connection.execute(
            "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (cursor.id or None, *values[1:]),
        )
        return cursor.id or int(done.lastrowid or 0)

    def seen(self) -> dict[str, Seen]:
        """Files in which nothing was left to read, by path."""
        return {row[0]: Seen(*row) for row in self.rows("SELECT * FROM seen")}

    def put_seen(self, seen: Seen) -> None:
        """Keep it; inside `change`."""
        self.connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", astuple(seen))

    def parts(self, since: str = "", until: str = "9999-99", *, fresh: bool = False) -> list[Part]:
        """Parts of the days from `since` to before `until`; `fresh`: not reported yet."""
        rows = self.rows(
            "SELECT id, day, strand, first, lines, reported, kept, origin FROM part"
            " WHERE day >= ? AND day < ? AND (? OR NOT reported) ORDER BY day, id",
            (since, until, not fresh),
        )
        return [Part(i, d, s, f, n, bool(r), k, o) for i, d, s, f, n, r, k, o in rows]

    def add_part(
        self,
        day: str,
        strand: int,
        first: int | None,
        lines: int,
        blobs: Mapping[str, bytes],
        *,
        reported: bool,
        kept: int = EVERYTHING,
        origin: str = "",
    ) -> int:
        """Add a part; inside `change`."""
        done = self.connection.execute(
            "INSERT INTO part (day, strand, first, lines, reported, kept, origin)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (day, strand, first, lines, reported, kept, origin),
        )
        number = int(done.lastrowid or 0)
        self.connection.executemany(
            "INSERT INTO blob VALUES (?, ?, ?)", [(number, n, d) for n, d in blobs.items()]
        )
        return number

    def blobs(self, part: int, names: Iterable[str] | None = None) -> dict[str, bytes]:
        """A part's blobs by name: all, or those that are named."""
        if names is None:
            return dict(self.rows("SELECT name, data FROM blob WHERE part = ?", (part,)))
        wanted = tuple(names)
        marks = ", ".join("?" * len(wanted))
        return dict(
            self.rows(
                f"SELECT name, data FROM blob WHERE part = ? AND name IN ({marks})",  # noqa: S608
                (part, *wanted),
            )
        )

    def mark_reported(self, parts: Iterable[int]) -> None:
        """These parts were reported; inside `change`."""
        self.connection.executemany(
            "UPDATE part SET reported = 1 WHERE id = ?", [(p,) for p in parts]
        )

    def drop_parts(self, parts: Iterable[int]) -> None:
        """Let parts go; inside `change`."""
        numbers = [(n,) for n in parts]
        self.connection.executemany("DELETE FROM blob WHERE part = ?", numbers)
        self.connection.executemany("DELETE FROM part WHERE id = ?", numbers)

    def drop_blobs(self, names: Iterable[str], until: str) -> None:
        """Let blobs of days before `until` go; inside `change`."""
        self.connection.executemany(
            "DELETE FROM blob WHERE name = ? AND part IN (SELECT id FROM part WHERE day < ?)",
            [(n, until) for n in names],
        )

    def drop_seen(self, paths: Iterable[str]) -> None:
        """Forget files; inside `change`."""
        self.connection.executemany("DELETE FROM seen WHERE path = ?", [(p,) for p in paths])

    def drop_cursors(self, cursors: Iterable[int]) -> None:
        """Forget strands; inside `change`."""
        self.connection.executemany("DELETE FROM cursor WHERE id = ?", [(c,) for c in cursors])

    def version(self) -> int:
        """The version of its layout."""
        return int(self.rows("PRAGMA user_version")[0][0])


def open_store(path: Path, *, write: bool) -> Store:
    """Open the history; made where it is to be written and there is none, brought up to date.

    Raises Refused where it cannot be read or written, is damaged, or is a newer smtplens's.
    """
    with refusing(path):
        if write:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        else:
            if not path.is_file():
                raise Refused(f"{path}: there is no history; `smtplens cron` makes it", Exit.INPUT)
            uri = f"{path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30)
    store = Store(connection, path)
    try:
        _prepare(store, write=write)
    except BaseException:
        connection.close()
        raise
    return store


@contextmanager
def open_existing(path: Path) -> Iterator[Store]:
    """The history to be changed; refused where there is none."""
    if not path.is_file():
        raise Refused(f"{path}: there is no history; `smtplens cron` makes it", Exit.INPUT)
    store = open_store(path, write=True)
    try:
        yield store
    finally:
        store.close()


def in_memory(path: Path) -> Store:
    """A history that is forgotten, with what is in the file of this name if there is one."""
    store = Store(sqlite3.connect(":memory:", isolation_level=None), path)
    if path.is_file():
        kept = open_store(path, write=False)
        with refusing(path):
            kept.connection.backup(store.connection)
        kept.close()
    _prepare(store, write=True)
    return store


def _prepare(store: Store, *, write: bool) -> None:
    kind = int(store.rows("PRAGMA application_id")[0][0])
    version = store.version()
    if (kind, version) != (0, 0) and kind != APPLICATION:
        raise Refused(f"{store.path} is not a history of smtplens", Exit.INPUT)
    if version > len(MIGRATIONS):
        raise Refused(
            f"{store.path} was written by a newer smtplens (layout {version}, this one knows"
            f" {len(MIGRATIONS)})",
            Exit.INPUT,
        )
    if not write and version == 0:
        raise Refused(f"{store.path}: this history is empty", Exit.INPUT)
    if not write and version < len(MIGRATIONS):
        raise Refused(
            f"{store.path} has an older layout; the next `smtplens cron` brings it up to date",
            Exit.INPUT,
        )
    if not write:
        return
    with refusing(store.path):
        # A killed run leaves a journal that the next one rolls back. Whoever only reads needs no
        # right to write for it, as with a write-ahead log.
        store.connection.execute("PRAGMA journal_mode = DELETE")
        store.connection.execute("PRAGMA synchronous = FULL")
    if version == len(MIGRATIONS):
        return
    with store.change():
        # Another process may have done it meanwhile.
        for step in MIGRATIONS[store.version() :]:
            for statement in step.split(";"):
                store.connection.execute(statement)
        store.connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        store.connection.execute(f"PRAGMA application_id = {APPLICATION}")


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """What can be wrong with the file, said with what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise Refused(f"{path}: {_told(error)}", Exit.INPUT) from error
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}", Exit.INPUT) from error


def _told(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return f"{error}; nothing of this run was kept, the next one reads the same lines again"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            f"the history is damaged ({error}); put a copy back, or move the file away and run"
            " `smtplens cron` again: logs that are still there are read anew"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"the history cannot be opened or written: {error}"
    return f"the history cannot be used: {error}"
