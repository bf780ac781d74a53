"""Mail that comes back from a content filter, or goes to another host of the logs, is one message."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.pipeline import Task, summarise_tasks
from analyzer.sections import Chosen
from analyzer.summary import finish
from parsers.lines import CHUNK_BYTES, Source

SECTIONS = ("endings", "relayed", "hosts", "transports", "message_sizes")
FOLDED = Chosen(SECTIONS)


class Seen(NamedTuple):
    received: int
    sent: int
    handed: int
    size: int


def tables(
    tmp_path: Path, *logs: Sequence[str], chosen: Chosen = FOLDED, size: int = CHUNK_BYTES
) -> dict[str, pl.DataFrame]:
    tasks = []
    for n, lines in enumerate(logs):
        path = tmp_path / f"{n}.log"
        path.write_text("".join(f"{line}\n" for line in lines))
        tasks.append(Task(Source(str(path))))
    return finish(summarise_tasks(tasks, chosen=chosen, size=size, workers=1)).tables


def seen(found: dict[str, pl.DataFrame]) -> Seen:
    messages = found["flow_messages"]
    return Seen(
        int(messages["received"].sum()),
        int(found["flow"]["sent"].sum()),
        int(found["handed"]["n"].sum()),
        int(messages["received_bytes"].sum()),
    )


def plain(found: dict[str, pl.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    return {n: t.sort(t.columns).to_dicts() for n, t in found.items() if n != "lines"}


def at(seconds: int, text: str, host: str = "mx1") -> str:
    hours, rest = divmod(36_000 + seconds, 3600)
    return f"2026-11-23T{hours:02}:{rest // 60:02}:{rest % 60:02}+00:00 {host} {text}"


def arrival(t: int, qid: str, client: str, *, host: str = "mx1", size: int = 1000) -> list[str]:
    return [
        at(t, f"postfix/smtpd[1]: {qid}: client={client}", host),
        at(t, f"postfix/qmgr[2]: {qid}: from=<a@far.example>, size={size}, nrcpt=1 (queue active)", host),
    ]  # fmt: skip


def sent(t: int, qid: str, rcpt: str, relay: str, says: str, *, host: str = "mx1") -> str:
    return at(
        t,
        f"postfix/smtp[3]: {qid}: to=<{rcpt}>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0,"
        f" status=sent (250 2.0.0 Ok: {says})",
        host,
    )


def removed(t: int, qid: str, host: str = "mx1") -> str:
    return at(t, f"postfix/qmgr[2]: {qid}: removed", host)


FILTER = "127.0.0.1[127.0.0.1]:10024"
CLIENT = "mail.far.example[203.0.113.9]"
LOCALHOST = "localhost[127.0.0.1]"
OUT = "mx.near.example[198.51.100.7]:25"


def through_filter(t: int, a: str, b: str, rcpts: Sequence[str] = ("x@near.example",)) -> list[str]:
    """One message from a client, through a filter, to its recipients."""
    return [
        *arrival(t, a, CLIENT),
        *arrival(t + 2, b, LOCALHOST, size=1100),
        *(sent(t + 3, a, rcpt, FILTER, f"queued as {b}") for rcpt in rcpts),
        removed(t + 3, a),
        *(sent(t + 4, b, rcpt, OUT, "queued as 99ZZ99ZZ99") for rcpt in rcpts),
        removed(t + 4, b),
    ]


def test_a_message_through_a_filter_is_counted_once(tmp_path: Path) -> None:
    log = through_filter(0, "AAAAAA1111", "BBBBBB1111")
    assert seen(tables(tmp_path, log)) == Seen(received=1, sent=1, handed=1, size=1000)
    raw = tables(tmp_path, log, chosen=Chosen(SECTIONS, raw=True))
    assert seen(raw) == Seen(received=2, sent=2, handed=0, size=2100)


def test_it_keeps_the_client_that_brought_it(tmp_path: Path) -> None:
    found = tables(tmp_path, through_filter(0, "AAAAAA1111", "BBBBBB1111"))
    assert found["clients"]["name"].to_list() == ["203.0.113.9"]
    relayed = next(t for n, t in found.items() if n.startswith("relayed."))
    assert relayed.height == 1


def test_each_recipient_is_handed_on(tmp_path: Path) -> None:
    log = through_filter(0, "AAAAAA1111", "BBBBBB1111", ["x@near.example", "y@near.example"])
    assert seen(tables(tmp_path, log)) == Seen(received=1, sent=2, handed=2, size=1000)


def test_a_chain_of_filters_is_one_message(tmp_path: Path) -> None:
    a, b, c = "AAAAAA1111", "BBBBBB1111", "CCCCCC1111"
    log = [
        *arrival(0, a, CLIENT),
        *arrival(1, b, LOCALHOST),
        sent(2, a, "x@near.example", FILTER, f"queued as {b}"),
        removed(2, a),
        *arrival(3, c, LOCALHOST),
        sent(4, b, "x@near.example", FILTER, f"queued as {c}"),
        removed(4, b),
        sent(5, c, "x@near.example", OUT, "thanks"),
        removed(5, c),
    ]
    for size in (300, 700, CHUNK_BYTES):
        found = tables(tmp_path, log, size=size)
        assert seen(found) == Seen(received=1, sent=1, handed=2, size=1000)
        assert found["clients"]["name"].to_list() == ["203.0.113.9"]


def test_the_filter_s_delivery_is_one_where_the_mail_does_not_come_back(tmp_path: Path) -> None:
    a = "AAAAAA1111"
    log = [
        *arrival(0, a, CLIENT),
        sent(2, a, "x@near.example", FILTER, "queued as DDDDDD1111"),
        removed(2, a),
    ]
    assert seen(tables(tmp_path, log)) == Seen(received=1, sent=1, handed=0, size=1000)


def test_a_stranger_s_words_hand_nothing_on(tmp_path: Path) -> None:
    """A remote server names an id that is in our queue: it delivered all the same."""
    a, b = "AAAAAA1111", "BBBBBB1111"
    log = [
        *arrival(0, a, CLIENT),
        *arrival(1, b, LOCALHOST),
        sent(2, a, "x@near.example", OUT, f"queued as {b}"),
        removed(2, a),
        sent(3, b, "x@near.example", OUT, "thanks"),
        removed(3, b),
    ]
    assert seen(tables(tmp_path, log)) == Seen(received=2, sent=2, handed=0, size=2000)


def test_an_address_does_not_name_the_next_id(tmp_path: Path) -> None:
    a, b = "AAAAAA1111", "BBBBBB1111"
    rcpt = f'" status=sent (250 queued as {b}) "@near.example'
    log = [
        *arrival(0, a, CLIENT),
        *arrival(1, b, LOCALHOST),
        sent(2, a, rcpt, FILTER, "bye"),
        removed(2, a),
        sent(3, b, "x@near.example", OUT, "thanks"),
        removed(3, b),
    ]
    assert seen(tables(tmp_path, log)).handed == 0


def test_an_id_used_again_hours_later_is_another_message(tmp_path: Path) -> None:
    a, b = "AAAAAA1111", "BBBBBB1111"
    log = [
        *arrival(0, b, LOCALHOST),
        sent(1, b, "x@near.example", OUT, "thanks"),
        removed(1, b),
        *arrival(9000, a, CLIENT),
        sent(9002, a, "x@near.example", FILTER, f"queued as {b}"),
        removed(9002, a),
    ]
    for size in (300, CHUNK_BYTES):
        assert seen(tables(tmp_path, log, size=size)).handed == 0
        assert seen(tables(tmp_path, log, size=size)).sent == 2


def test_mail_still_in_the_filter_or_after_it_is_received_once(tmp_path: Path) -> None:
    log = through_filter(0, "AAAAAA1111", "BBBBBB1111")[:-2]
    assert seen(tables(tmp_path, log)) == Seen(received=1, sent=0, handed=1, size=1000)
    without_first = log[2:]  # the log begins after the client's arrival
    assert seen(tables(tmp_path, without_first)).received == 0


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("size", [250, 600, CHUNK_BYTES])
def test_a_hop_between_two_hosts_of_the_logs_is_one_message(
    tmp_path: Path, turned: bool, size: int
) -> None:
    a, b = "AAAAAA1111", "BBBBBB1111"
    to = "mx2.our.example[192.0.2.2]:25"
    first = [
        *arrival(0, a, CLIENT),
        sent(2, a, "x@near.example", to, f"queued as {b}"),
        removed(2, a),
    ]
    second = [
        *arrival(1, b, "mx1.our.example[192.0.2.1]", host="mx2"),
        sent(3, b, "x@near.example", OUT, "thanks", host="mx2"),
        removed(3, b, host="mx2"),
    ]
    chosen = Chosen(SECTIONS, hosts=("mx1", "mx2"))
    logs = (second, first) if turned else (first, second)
    found = tables(tmp_path, *logs, chosen=chosen, size=size)
    assert seen(found) == Seen(received=1, sent=1, handed=1, size=1000)
    assert found["clients"]["name"].to_list() == ["203.0.113.9"]


def test_sendmail_s_submission_queue_is_no_second_message(tmp_path: Path) -> None:
    log = [
        at(0, "sendmail[212]: 6ANDvXGB000212: from=bob@lab.test, size=19, class=0, nrcpts=1, msgid=<1@mx1>, relay=bob@localhost"),
        at(1, "sendmail[213]: 6ANDvXpj000213: from=<bob@lab.test>, size=353, class=0, nrcpts=1, msgid=<1@mx1>, proto=ESMTP, daemon=MTA-lo, relay=localhost [127.0.0.1]"),
        at(1, "sendmail[212]: 6ANDvXGB000212: to=alice@lab.test, ctladdr=bob@lab.test (1001/1001), delay=00:00:01, xdelay=00:00:01, mailer=relay, pri=30019, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (6ANDvXpj000213 Message accepted for delivery)"),
        at(1, "sendmail[214]: 6ANDvXpj000213: to=<alice@lab.test>, ctladdr=<bob@lab.test> (1001/1001), delay=00:00:01, xdelay=00:00:00, mailer=local, pri=30551, relay=local, dsn=2.1.5, stat=Sent"),
    ]  # fmt: skip
    for size in (200, CHUNK_BYTES):
        assert seen(tables(tmp_path, log, size=size))[:2] == (1, 1)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3), st.booleans()), max_size=6),
    st.integers(150, 2500),
)
@settings(max_examples=25, deadline=None)
def test_any_cut_of_a_log_with_filters_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, mails: list[tuple[int, int, bool]], size: int
) -> None:
    """An oracle that knows how the log was made, against any cut of it."""
    log, sent_in_all, handed = [], 0, 0
    for n, (start, recipients, filtered) in enumerate(mails):
        rcpts = [f"r{i}@near.example" for i in range(recipients)]
        a, b = f"AAAAAA{n:04}", f"BBBBBB{n:04}"
        lines = through_filter(start * 60, a, b, rcpts)
        if not filtered:
            lines = [*arrival(start * 60, b, LOCALHOST), *lines[-recipients - 1 :]]
        log += lines
        sent_in_all += recipients
        handed += recipients if filtered else 0
    log.sort(key=lambda line: line[:25])  # stable: each message's own lines stay in order
    where = tmp_path_factory.mktemp("cut")
    whole = tables(where, log)
    assert seen(whole)[:3] == (len(mails), sent_in_all, handed)
    assert plain(tables(where, log, size=size)) == plain(whole)


def test_a_message_put_back_by_hand_keeps_its_attempts(tmp_path: Path) -> None:
    a, b = "504FD1969EC", "19BE4196913"
    put_off = (
        f"postfix/smtp[3]: {a}: to=<x@near.example>, relay={OUT}, delay=1, delays=0/0/0/1,"
        " dsn=4.2.0, status=deferred (host mx.near.example[198.51.100.7] said: 450 4.2.0 Later"
        " (in reply to RCPT TO command))"
    )
    log = [
        *arrival(0, a, CLIENT),
        at(1, put_off),
        at(60, f"postfix/postsuper[9]: {a}: requeued"),
        at(61, f"postfix/pickup[4]: {b}: uid=100 from=<a@far.example> orig_id={a}"),
        at(61, f"postfix/qmgr[2]: {b}: from=<a@far.example>, size=1050, nrcpt=1 (queue active)"),
        sent(62, b, "x@near.example", OUT, "thanks"),
        removed(62, b),
    ]  # fmt: skip
    for size in (250, 500, CHUNK_BYTES):
        found = tables(tmp_path, log, size=size)
        assert seen(found) == Seen(received=1, sent=1, handed=0, size=1000)
        [ending] = found["endings.waits"].to_dicts()
        assert (ending["outcome"], ending["deferrals"], ending["tries"]) == ("sent", 1, 2)
        assert found["clients"]["name"].to_list() == ["203.0.113.9"]


def test_an_alias_leads_to_the_delivery_not_beside_it(tmp_path: Path) -> None:
    a, b = "AAAAAA1111", "BBBBBB1111"
    log = [
        *arrival(0, a, CLIENT),
        at(1, f"postfix/local[5]: {a}: to=<many@near.example>, relay=local, delay=0.05,"
              f" delays=0.05/0/0/0, dsn=2.0.0, status=sent (forwarded as {b})"),
        at(1, f"postfix/qmgr[2]: {b}: from=<a@far.example>, size=1050, nrcpt=1 (queue active)"),
        removed(1, a),
        sent(2, b, "x@far.example", OUT, "thanks"),
        removed(2, b),
    ]  # fmt: skip
    for size in (250, CHUNK_BYTES):
        assert seen(tables(tmp_path, log, size=size)) == Seen(1, 1, 1, 1000)
    assert seen(tables(tmp_path, log, chosen=Chosen(SECTIONS, raw=True))).sent == 2
