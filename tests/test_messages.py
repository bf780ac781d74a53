from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import messages
from analyzer.messages import OPEN_SCHEMA, join, message_tables, pieces
from analyzer.tables import LazyTables
from parsers.clock import Clock
from parsers.parse import Chunk, parse

START = datetime(2026, 11, 23, 13, 41, 47, tzinfo=UTC)


class Step(NamedTuple):
    """One thing that a log says of a message: what, and of which queue id."""

    what: str
    queue_id: str = "A"
    host: str = "mx1"


def fold(found: pl.DataFrame, *, closing: bool = False) -> tuple[LazyTables, pl.DataFrame]:
    whole, left = messages.fold(found, closing=closing)
    return message_tables(whole), left


def pieces_of(steps: Sequence[Step], first: int = 0) -> pl.DataFrame:
    """A piece per step, a minute apart."""
    rows = [
        {
            "host": step.host,
            "mta": "postfix",
            "queue_id": step.queue_id,
            "time": START + timedelta(minutes=first + n),
            "arrived": step.what == "arrives",
            "entered": step.what == "enters",
            "ended": step.what == "ends",
            "deferrals": int(step.what == "is deferred"),
            "sender": "a@sender.test" if step.what == "enters" else None,
            "size": 100 if step.what == "enters" else None,
            "client": "192.0.2.1" if step.what == "arrives" else None,
        }
        for n, step in enumerate(steps)
    ]
    return pl.DataFrame(rows, schema=OPEN_SCHEMA)


Tables = dict[str, pl.LazyFrame]


def totals(tables: Sequence[Tables]) -> dict[str, Counter[Any]]:
    """Sums of all tables' measures by their keys."""
    found: dict[str, Counter[Any]] = {}
    for part in tables:
        for name, table in part.items():
            counter = found.setdefault(name, Counter())
            for row in table.collect().iter_rows(named=True):
                key = tuple(v for v in row.values() if not isinstance(v, int))
                for measure, value in row.items():
                    if isinstance(value, int) and value:
                        counter[*key, measure] += value
    return found


def counted(*groups: Sequence[Step]) -> dict[str, Counter[Any]]:
    """What a log counts that is read in these groups of steps, one after the other."""
    tables = []
    still_open = pl.DataFrame(schema=OPEN_SCHEMA)
    first = 0
    for group in groups:
        closed, mine = fold(pieces_of(group, first))
        again, still_open = fold(pl.concat([still_open, mine]))
        tables += [closed, again]
        first += len(group)
    tables.append(fold(still_open, closing=True)[0])
    return totals(tables)


def received(*groups: Sequence[Step]) -> tuple[int, int, int]:
    """Messages received, their bytes, and how many were deferred."""
    flow = counted(*groups)["flow_messages"]
    by_name: Counter[str] = Counter()
    for key, value in flow.items():
        by_name[key[-1]] += value
    return by_name["received"], by_name["received_bytes"], by_name["deferred_messages"]


WHOLE = [Step("arrives"), Step("enters"), Step("ends")]


def test_message_that_arrives_enters_and_ends_is_one() -> None:
    assert received(WHOLE) == (1, 100, 0)


def test_message_that_enters_the_queue_again_and_again_is_one() -> None:
    retried = [*WHOLE[:2], Step("is deferred"), Step("enters"), Step("is deferred"), Step("ends")]
    assert received(retried) == (1, 100, 1)


def test_queue_id_used_again_after_removal_is_a_new_message() -> None:
    assert received(WHOLE * 3) == (3, 300, 0)
    assert received(*[[step] for step in WHOLE * 3]) == (3, 300, 0)


def test_queue_id_used_again_after_a_lost_removal_is_a_new_message() -> None:
    assert received([*WHOLE[:2], *WHOLE]) == (2, 200, 0)


def test_what_follows_a_removal_belongs_to_the_next_message() -> None:
    steps = [*WHOLE, Step("is deferred")]
    assert received(steps) == received(WHOLE, steps[3:]) == (1, 100, 1)
    assert join(pieces_of(steps)).height == 2


def test_message_whose_end_the_log_does_not_have_counts_as_received() -> None:
    assert received(WHOLE[:2]) == (1, 100, 0)
    assert fold(pieces_of(WHOLE[:2]))[1].height == 1


def test_message_whose_beginning_the_log_does_not_have_is_not_received() -> None:
    steps = [Step("enters"), Step("is deferred"), Step("ends")]
    assert received(steps) == received(steps[:1], steps[1:]) == (0, 0, 1)


def test_message_that_never_enters_the_queue_is_not_received() -> None:
    # Refused at the end of data: it had a queue id all the same.
    assert received([Step("arrives"), Step("ends")]) == (0, 0, 0)


def test_same_queue_id_on_two_hosts_is_two_messages() -> None:
    steps = [Step(s.what, "A", host) for s in WHOLE for host in ("mx1", "mx2")]
    assert received(steps) == (2, 200, 0)


def test_whole_messages_do_not_travel_along() -> None:
    _, still_open = fold(pieces_of([*WHOLE, Step("arrives", "B"), Step("ends", "C")]))
    assert sorted(still_open.get_column("queue_id")) == ["B", "C"]


def test_message_counts_in_the_hour_of_its_first_line() -> None:
    flow = fold(pieces_of(WHOLE, first=17))[0]["flow_messages"].collect()
    assert flow.get_column("hour").to_list() == [datetime(2026, 11, 23, 13, tzinfo=UTC)]


STEPS = st.builds(
    Step,
    st.sampled_from(["arrives", "enters", "is deferred", "ends"]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["mx1", "mx2"]),
)


@given(steps=st.lists(STEPS, max_size=14), data=st.data())
@settings(deadline=None, max_examples=50)
def test_pieces_in_any_grouping_count_the_same(steps: list[Step], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(steps)), max_size=5)))
    groups = [steps[a:b] for a, b in zip([0, *cuts], [*cuts, len(steps)], strict=True)]
    assert counted(*groups) == counted(steps)


@given(steps=st.lists(STEPS, max_size=10), middle=st.integers(0, 12), end=st.integers(0, 12))
@settings(deadline=None, max_examples=30)
def test_joining_is_associative(steps: list[Step], middle: int, end: int) -> None:
    first, second = sorted((middle, end))
    whole = pieces_of(steps)
    parts = [fold(whole[a:b]) for a, b in ((0, first), (first, second), (second, len(steps)))]
    (_, one), (_, two), (_, three) = parts
    closed = [tables for tables, _ in parts]

    def merged(*still_open: pl.DataFrame) -> tuple[Tables, pl.DataFrame]:
        return fold(pl.concat(still_open))

    left, open_left = merged(one, two)
    left_end, open_left = merged(open_left, three)
    right, open_right = merged(two, three)
    right_end, open_right = merged(one, open_right)
    assert totals([*closed, left, left_end, fold(open_left, closing=True)[0]]) == totals(
        [*closed, right, right_end, fold(open_right, closing=True)[0]]
    )


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_messages_that_follow_each_other_are_all_counted(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 6))
    steps: list[Step] = []
    deferred = 0
    for _ in range(count):
        times = data.draw(st.integers(0, 3))
        deferred += times > 0
        steps += [Step("arrives"), Step("enters"), *[Step("is deferred")] * times, Step("ends")]
    cut = data.draw(st.integers(0, len(steps)))
    assert received(steps[:cut], steps[cut:]) == (count, 100 * count, deferred)


def test_pieces_come_in_the_logs_order_whatever_the_daemons() -> None:
    qid = "EB0A1196920"
    head = "Nov 23 14:09:10 mx1 postfix"
    lines = [
        f"{head}/smtpd[1]: {qid}: client=a.test[192.0.2.1]",
        f"{head}/qmgr[2]: {qid}: from=<a@sender.test>, size=300, nrcpt=1 (queue active)",
        f"{head}/qmgr[2]: {qid}: removed",
        f"{head}/smtpd[1]: {qid}: client=b.test[192.0.2.2]",
        f"{head}/qmgr[2]: {qid}: from=<b@sender.test>, size=500, nrcpt=1 (queue active)",
        f"{head}/qmgr[2]: {qid}: removed",
    ]
    events = parse(
        Chunk(pl.Series(lines), clock=Clock("UTC", latest=datetime(2026, 11, 30)))
    ).events
    # As they come from the rules of several daemons, one after the other.
    shuffled = events.sort("kind", "row")
    for given_events in (events, shuffled):
        found = pieces(given_events)
        assert found.get_column("arrived").to_list() == [True, False, False] * 2
        assert found.get_column("ended").to_list() == [False, False, True] * 2
        senders = fold(found)[0]["senders"].collect()
        assert dict(senders.select("name", "bytes").iter_rows()) == {
            "a@sender.test": 300,
            "b@sender.test": 500,
        }
