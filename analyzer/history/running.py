"""One run of `smtplens cron`: what is unread into the history, and the report that is due.

polars is imported only where there is something to count or to report.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from analyzer.exits import Exit, Refused
from reports.model import STANDARD

from .lock import locked
from .store import Store, in_memory, open_store
from .unread import Found, Unread, logs_of, look

if TYPE_CHECKING:
    from analyzer.crew import Crew

    from .ingest import Added
    from .retention import Retention

DEFAULT_SECTIONS = "spikes"
_REPORTED = "reported until"
WORTH = 64 << 20
"""Unread bytes of a plain file for which other processes are started."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be reported."""

    since: datetime | None = None
    until: datetime | None = None
    parts: tuple[int, ...] = ()
    """What was read since the last report; else the period counts."""
    last: str = ""
    """The last day of the period, in the history's zone."""


@dataclass(slots=True)
class Run:
    """A run under way."""

    store: Store
    zone: str
    period: str
    """none, since-last, day or week."""
    now: datetime
    added: "Added | None" = None
    problems: list[str] = field(default_factory=list)
    """What could not be read."""
    notes: list[str] = field(default_factory=list)

    @property
    def status(self) -> Exit:
        """How reading ended."""
        if self.problems:
            return Exit.INPUT
        added = self.added
        if added is not None and added.files and len(added.not_mail) == len(added.files):
            return Exit.NOT_MAIL
        return Exit.DONE

    def due(self) -> Due | None:
        """What there is to report now; None where there is nothing new."""
        if self.period == "none":
            return None
        if self.period == "since-last":
            parts = tuple(p.id for p in self.store.parts(fresh=True))
            return Due(parts=parts) if parts else None
        today = self.now.astimezone(ZoneInfo(self.zone)).date()
        end = today if self.period == "day" else today - timedelta(days=today.weekday())
        begin = end - timedelta(days=1 if self.period == "day" else 7)
        last = str(end - timedelta(days=1))
        told = self.store.get(f"{_REPORTED} {self.period}") or ""
        if told >= last or not self.store.parts(str(begin), str(end)):
            return None
        return Due(_midnight(begin, self.zone), _midnight(end, self.zone), last=last)

    def reported(self, due: Due) -> None:
        """Remember that this was reported."""
        with self.store.change():
            self.store.mark_reported(due.parts)
            if due.last:
                self.store.put(f"{_REPORTED} {self.period}", due.last)


@contextmanager
def cron_run(
    history: Path,
    logs: Sequence[str],
    options: dict[str, Any],
    now: datetime,
) -> Iterator[Run]:
    """Read what is unread and keep it; the history stays locked until the report is out.

    Raises Refused where the history cannot be used or another run has it.
    """
    paths, problems = logs_of(logs)
    with ExitStack() as stack:
        if options["dry_run"]:
            store = in_memory(history)
        else:
            make_room(history)
            stack.enter_context(locked(history, options["wait"]))
            store = open_store(history, write=True)
        stack.callback(store.close)
        settle(store, options)
        run = Run(store, store.get("zone") or "UTC", options["period"], now, problems=problems)
        found = look(paths, store.cursors(), store.seen(), now)
        if found.unread or found.later:
            _count(run, paths, found, options)
        else:
            run.problems += found.problems
            run.notes += found.notes
            with store.change():
                for seen in found.seen:
                    store.put_seen(seen)
        yield run


def make_room(history: Path) -> None:
    """The directory, and a file that nobody else may read: it holds addresses."""
    try:
        history.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        history.touch(mode=0o640)
    except OSError as error:
        raise Refused(
            f"{error.filename or history}: {error.strerror or error}", Exit.INPUT
        ) from error


def settle(store: Store, options: dict[str, Any]) -> None:
    """What stays the same as long as the history lives: its zone and its sections."""
    from analyzer.zones import is_zone, local_zone

    zone = store.get("zone")
    asked = options.get("tz")
    if asked and not is_zone(asked):
        raise Refused(f"--tz {asked}: no such zone; try Europe/Berlin or UTC", Exit.USAGE)
    if zone is None:
        with store.change():
            store.put("zone", asked or local_zone())
            store.put("sections", ",".join(_first_sections(options)))
            store.put("id", token_hex(16))
    elif asked and asked != zone:
        raise Refused(
            f"--tz {asked}: the days of {store.path} begin in {zone}; use another --history",
            Exit.USAGE,
        )
    else:
        _keeps(store, options)


def _first_sections(options: dict[str, Any]) -> list[str]:
    """What a new history counts: spikes, and the sections that its first run asks for."""
    if not options.get("section"):
        return [DEFAULT_SECTIONS]
    from analyzer.run import chosen_by

    return sorted({DEFAULT_SECTIONS, *chosen_by(options).names})


def _keeps(store: Store, options: dict[str, Any]) -> None:
    """Raise Refused for a section that this history has never counted."""
    asked = {n.strip() for n in (options.get("section") or "").split(",")} - {"", "all"}
    kept = (store.get("sections") or "").split(",")
    if missing := sorted(asked - {*kept, *STANDARD}):
        raise Refused(
            f"--section {','.join(missing)}: {store.path} counts {', '.join(kept)} beside the"
            " standard ones, as its first run asked; use another --history",
            Exit.USAGE,
        )


def _count(run: Run, paths: Sequence[str], found: Found, options: dict[str, Any]) -> None:
    crew = _crew(found.unread)
    from analyzer.knowledge import provider_map

    from .counting import Settings
    from .ingest import add_unread
    from .period import chosen_of
    from .tidy import tidy

    rules: tuple[Any, ...] = ()
    if options.get("user"):
        from analyzer.knowledge.rules_check import load

        rules = tuple(load(options["user"]))
    settings = Settings(run.zone, rules, chosen_of(run.store), provider_map.used())
    run.added = add_unread(
        run.store, paths, settings, run.now, crew=crew, first_look=found,
        reported=run.period != "since-last",
    )  # fmt: skip
    run.problems += run.added.problems
    run.notes += run.added.notes
    tidy(run.store, retention_of(options), run.now, options["queue_lifetime"])


def retention_of(options: dict[str, Any]) -> "Retention":
    """How long what is kept."""
    from .retention import Retention

    names = ("keep_hours", "keep_names", "keep_minutes", "keep_top")
    return Retention(*(options[name] for name in names))


def _crew(unread: Sequence[Unread]) -> "Crew | None":
    """Other processes, where there is enough to read for them."""
    large = [u.path for u in unread if u.packed or u.end - u.cursor.offset >= WORTH]
    if not large:
        return None
    from analyzer.crew import gather_crew

    return gather_crew(large)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
