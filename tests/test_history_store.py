"""What can go wrong with a history's file, and what it tells, keeps and lets go."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from history_samples import NOW, GrowingLog, add, content, differences, lines_of_days

from analyzer.exits import Exit, Refused
from analyzer.history import store as stores
from analyzer.history.lock import locked
from analyzer.history.manage import info, merge_from, prune
from analyzer.history.names import own_name
from analyzer.history.period import fresh, hourly, load
from analyzer.history.place import default_file
from analyzer.history.retention import OTHER, Retention
from analyzer.history.store import MIGRATIONS, open_store
from analyzer.inputs import gather
from analyzer.pipeline import summarise_tasks
from analyzer.selection import Selection
from analyzer.summary import Summary, finish

LINES = lines_of_days(90, every=2400)  # from November 20 to 23


def log_in(directory: Path, lines: list[str] = LINES, name: str = "mail.log") -> Path:
    log = GrowingLog(directory / name)
    log.write("".join(line + "\n" for line in lines).encode())
    return log.path


def rows(frame: pl.DataFrame) -> list[str]:
    return sorted(map(str, frame.rows()))


def as_report(log: Path, chosen: Summary, selection: Selection) -> Summary:
    inputs = gather([str(log)], zone="UTC", year=None, now=NOW)
    return finish(summarise_tasks(inputs.tasks, selection, chosen=chosen.chosen))


@pytest.mark.parametrize(("begin", "days"), [(None, None), ("2026-11-21", None), ("2026-11-21", 1)])
def test_period_of_whole_days_is_what_report_says_of_the_log(
    tmp_path: Path, begin: str | None, days: int | None
) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "h.db", log)
    store = open_store(tmp_path / "h.db", write=False)
    since = None if begin is None else datetime.fromisoformat(begin).replace(tzinfo=UTC)
    until = None if since is None or days is None else since + timedelta(days=days)
    found, notes = load(store, since, until)
    assert notes == []
    expected = as_report(log, found, Selection(since=since, until=until))
    # Of lines, not of events: these tables are selected by day in the history alone.
    for name in set(found.tables) - {"lines", "sources", "activity", "shapes", "foreign"}:
        assert rows(found.tables[name]) == rows(expected.tables[name]), name
    assert found.tables["replies"].height
    assert rows(found.examples.drop("line")) == rows(expected.examples.drop("line"))


def test_part_of_a_day_is_cut_by_the_hour_and_said(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "h.db", log)
    store = open_store(tmp_path / "h.db", write=False)
    since = datetime(2026, 11, 21, 5, tzinfo=UTC)
    found, notes = load(store, since, None)
    expected = as_report(log, found, Selection(since=since))
    for name in ("replies", "flow"):
        assert rows(found.tables[name]) == rows(expected.tables[name])
    assert "cut by the hour" in notes[0]
    assert found.tables["sources"].get_column("first").min() == since


def test_backfill_in_any_order_counts_nothing_twice(tmp_path: Path) -> None:
    places = [n for n, line in enumerate(LINES) if " mx1 postfix/smtpd" in line]
    cuts = [0, *places[4 :: len(places) // 5], len(LINES)]
    (tmp_path / "a").mkdir()
    olds = [
        log_in(tmp_path / "a", LINES[begin:end], f"mail.log-2026112{n}")
        for n, (begin, end) in enumerate(pairwise(cuts))
    ]
    for number in (3, 0, 4, 2, 1, 5):
        add(tmp_path / "any.db", olds[number])
        add(tmp_path / "any.db", olds[number], olds[0])
    for old in olds:
        add(tmp_path / "order.db", old)
    assert differences(tmp_path / "any.db", tmp_path / "order.db") == []
    assert sum(int(c["number of lines"][0]) for c in content(tmp_path / "any.db").values()) == len(
        LINES
    )


def test_what_was_not_reported_is_told_until_it_is(tmp_path: Path) -> None:
    log = log_in(tmp_path, LINES[:50])
    add(tmp_path / "h.db", log)
    store = open_store(tmp_path / "h.db", write=True)
    with store.change():
        store.connection.execute("UPDATE part SET reported = 0")
    summary, parts = fresh(store)
    assert int(summary.tables["lines"]["n"].sum()) == 50
    with store.change():
        store.mark_reported(p.id for p in parts)
    assert fresh(store)[1] == []


def test_old_names_go_and_totals_stay(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "all.db", log)
    add(tmp_path / "few.db", log, retention=Retention(names=1, minutes=1, top=3))
    whole, _ = load(open_store(tmp_path / "all.db", write=False), None, None)
    few, notes = load(open_store(tmp_path / "few.db", write=False), None, None)
    for name in ("replies", "flow", "lines"):
        assert rows(few.tables[name]) == rows(whole.tables[name])
    for name in ("received", "received_bytes", "deferred_messages"):
        same = [s.tables["flow_messages"][name].sum() for s in (few, whole)]
        assert same[0] == same[1] > 0
    sums = [int(s.tables["recipients"]["sent"].sum()) for s in (few, whole)]
    assert 0 < sums[0] < sums[1]
    assert few.tables["spikes_minutes"].height < whole.tables["spikes_minutes"].height
    assert "not kept any more up to 2026-11-22" in notes[0]


def test_names_beyond_the_most_frequent_are_one(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "all.db", log)
    add(tmp_path / "few.db", log, retention=Retention(names=300, top=2))
    whole, _ = load(open_store(tmp_path / "all.db", write=False), None, None)
    few, notes = load(open_store(tmp_path / "few.db", write=False), None, None)
    assert OTHER in few.tables["recipients"]["name"].to_list()
    for name in ("sent", "deferred", "bounced"):
        assert few.tables["recipients"][name].sum() == whole.tables["recipients"][name].sum()
    assert few.tables["reply_peers"]["n"].sum() == whole.tables["reply_peers"]["n"].sum()
    assert "(other)" in notes[0]


def test_days_beyond_the_hours_are_forgotten(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "h.db", log, retention=Retention(hours=2))
    assert sorted(content(tmp_path / "h.db")) == ["2026-11-22", "2026-11-23"]
    # The log is still there and is not read again for that.
    assert add(tmp_path / "h.db", log).lines == 0


def test_one_line_far_ahead_ends_nothing(tmp_path: Path) -> None:
    far = "2031-01-01T00:00:00.000000+00:00 mx1 postfix/smtpd[251]: connect from a[203.0.113.1]"
    add(tmp_path / "h.db", log_in(tmp_path, [*LINES, far]), retention=Retention(hours=30, names=20))
    assert len(content(tmp_path / "h.db")) == 5


def test_merged_histories_are_the_sum_and_merging_again_adds_nothing(tmp_path: Path) -> None:
    half = len(LINES) // 2
    add(tmp_path / "a.db", log_in(tmp_path, LINES[:half], "one.log"))
    add(tmp_path / "b.db", log_in(tmp_path, LINES[half:], "two.log"))
    store = open_store(tmp_path / "a.db", write=True)
    for _ in range(2):
        merge_from(store, [tmp_path / "b.db"], lambda p: open_store(p, write=False))
        assert sum(p.lines for p in store.parts()) == len(LINES)
    with pytest.raises(Refused, match="this same history"):
        merge_from(store, [tmp_path / "a.db"], lambda p: open_store(p, write=False))
    add(tmp_path / "c.db", tmp_path / "two.log")
    with pytest.raises(Refused, match="count twice"):
        merge_from(store, [tmp_path / "c.db"], lambda p: open_store(p, write=False))
    prune(store, Retention(names=1), NOW, 10)
    assert f"lines             {len(LINES)}\n" in info(store, "text")
    # The other host's log is not read here.
    store.close()
    assert add(tmp_path / "a.db", tmp_path / "two.log").lines == 0


def test_hourly_tables_add_up(tmp_path: Path) -> None:
    add(tmp_path / "h.db", log_in(tmp_path))
    store = open_store(tmp_path / "h.db", write=False)
    whole, _ = load(store, None, None)
    tables = hourly(store, ["replies", "flow"])
    assert rows(tables["replies"]) == rows(whole.tables["replies"])


def test_blobs_of_other_versions_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer import summary

    add(tmp_path / "h.db", log_in(tmp_path))
    flow = summary.TABLES["flow"]
    more = replace(flow, measures={**flow.measures, "new": (pl.UInt64(), "sum")})
    monkeypatch.setitem(summary.TABLES, "flow", more)
    found, _ = load(open_store(tmp_path / "h.db", write=False), None, None)
    assert found.tables["flow"]["new"].sum() == 0
    assert found.tables["flow"]["sent"].sum() > 0


def test_layout_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_in(tmp_path)
    add(tmp_path / "h.db", log)
    before = content(tmp_path / "h.db")
    monkeypatch.setattr(
        stores, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE part ADD COLUMN more TEXT")
    )
    with pytest.raises(Refused, match="older layout"):
        open_store(tmp_path / "h.db", write=False)
    add(tmp_path / "h.db", log)
    store = open_store(tmp_path / "h.db", write=False)
    assert store.version() == len(MIGRATIONS) + 1
    assert content(tmp_path / "h.db") == before
    monkeypatch.setattr(stores, "MIGRATIONS", MIGRATIONS)
    with pytest.raises(Refused, match="newer smtplens"):
        open_store(tmp_path / "h.db", write=True)


@pytest.mark.parametrize("damage", ["not one", "cut off", "page"])
def test_damaged_history_is_refused_with_what_to_do(tmp_path: Path, damage: str) -> None:
    log = log_in(tmp_path)
    path = tmp_path / "h.db"
    add(path, log)
    data = path.read_bytes()
    if damage == "not one":
        path.write_bytes(b"From: someone\n" * 999)
    elif damage == "cut off":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.write_bytes(data[:5000] + b"\xff" * 9000 + data[14000:])

    def use() -> None:
        add(path, log)
        load(open_store(path, write=False), None, None)

    with pytest.raises(Refused) as refused:
        use()
    assert refused.value.status is Exit.INPUT
    assert str(path) in str(refused.value)
    path.unlink()
    add(path, log)
    assert content(path)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(Refused, match="not a history"):
        open_store(path, write=True)


def test_lock_is_for_one(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "h.db"),
        pytest.raises(Refused, match="another run") as refused,
        locked(tmp_path / "h.db", wait=0.2),
    ):
        pass
    assert refused.value.status is Exit.INPUT
    with locked(tmp_path / "h.db"):
        pass


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("mail.log", "mail.log"),
        ("mail.log.1", "mail.log"),
        ("mail.log.12.gz", "mail.log"),
        ("mail.log-20261123.zst", "mail.log"),
        ("mail.log-20261123-1763900000", "mail.log"),
        ("maillog.0.bz2", "maillog"),
        ("mail-20261123.log", "mail.log"),
        ("mail.1.log", "mail.log"),
        ("mainlog.2026-11-23.xz", "mainlog"),
        ("mail.log.gz", "mail.log"),
        ("mx-01.log", "mx-01.log"),
        ("mx-01", "mx-01"),
        ("mail.log.old", "mail.log.old"),
    ],
)
def test_name_of_a_log_before_it_was_rotated(name: str, log: str) -> None:
    assert own_name(f"/var/log/{name}") == f"/var/log/{log}"


def test_default_place() -> None:
    assert default_file({"STATE_DIRECTORY": "/a:/b"}, root=True) == Path("/a/history.db")
    assert default_file({}, root=True) == Path("/var/lib/smtplens/history.db")
    assert default_file({"XDG_STATE_HOME": "/s"}, root=False) == Path("/s/smtplens/history.db")
    assert default_file({"XDG_STATE_HOME": "s"}, root=False).parts[-3:-1] == ("state", "smtplens")
