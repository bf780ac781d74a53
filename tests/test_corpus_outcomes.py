"""What became of each recipient, held against what really happened on the wire.

The lab's remote servers wrote down the reply that decided each attempt, its clients the queue ids
they were told. Every disagreement is in a table here, with its reason and the line that shows it.
"""

import gzip
import re
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import polars as pl
import pytest
from lab_corpus import RUNS, log_of, truth_of

from analyzer import sections
from analyzer.pipeline import Task, summarise_tasks
from analyzer.recipients import RECIPIENT_SCHEMA
from analyzer.summary import finish
from analyzer.tables import LazyTables
from parsers.lines import Source


class Reason(NamedTuple):
    """Why ours is not what the wire says."""

    why: str
    line: str
    """Part of the line that shows it."""


MALFORMED = "Exim cannot hold a reply this long: the wire says it, Exim takes it for none and waits"
NO_REPLY = "a reply without a code: Postfix takes the next reply for it"
REDIRECTED = "the remote server saw one copy; the others are mailboxes on the host itself"
# (run, recipient): at the remote servers, of the table `ends`.
DIFFERENT: dict[tuple[str, str], Reason] = {
    ("exim/in_syslog", "eod-554-vlong_204@d3.test"): Reason(
        MALFORMED, "defer (-19) H=mx.d3.test [198.51.100.12]: Malformed SMTP reply in response to"
    ),
    ("exim/out", "rcpt-550-5.1.1-vlong_202@h37.test"): Reason(
        MALFORMED, "defer (-19) H=mx.h37.test [198.51.100.99]: Malformed SMTP reply"
    ),
    ("exim/out", "eod-554-vlong_204@h39.test"): Reason(
        MALFORMED, "defer (-19) H=mx.h39.test [198.51.100.101]: Malformed SMTP reply"
    ),
    ("exim/out", "eod-250-2.0.0-vlong_206@h41.test"): Reason(
        MALFORMED, "defer (-19) H=mx.h41.test [198.51.100.103]: Malformed SMTP reply"
    ),
    ("exim/retry", "rcpt-550-5.1.1_bouncetarget@d1.test"): Reason(
        "Exim froze the refused notice and tried it once more: one recipient, refused twice",
        "1xVURX-00002o-2y Unfrozen by errmsg timer",
    ),
    ("postfix/in", "alice@lab.test"): Reason(REDIRECTED, "relay=127.0.0.1[127.0.0.1]:10025"),
    ("postfix/out", "rcpt-199_308@h66.test"): Reason(
        "the remote server answered 199 and meant 250; Postfix refuses the code",
        "to=<rcpt-199_308@h66.test>, relay=mx.h66.test[198.51.100.128]:25",
    ),
    ("postfix/out", "eod-550-garbage_313@h70.test"): Reason(
        NO_REPLY, "status=sent (hello there, no code 221 2.0.0 Bye)"
    ),
    ("postfix/retry", "rcpt-550-5.1.1_bv@d1.test"): Reason(
        "a probe of the address: nothing was to be delivered",
        "dsn=5.1.1, status=undeliverable (host mx.d1.test[198.51.100.10] said: 550 5.1.1",
    ),
    ("sendmail/out", "rcpt-199_308@h66.test"): Reason(
        "the remote server answered 199 and meant 250; Sendmail refuses the code",
        "to=<rcpt-199_308@h66.test>",
    ),
}
HELD = "held or discarded with all its recipients: no line names one"
NAMELESS = "Sendmail returned it without a `to=` line: no line names the recipient"
# Messages that clients handed in and of which no line says what became of a recipient.
SILENT: dict[tuple[str, str], Reason] = {
    ("exim/in", "1xVUOP-000038-0I"): Reason(HELD, "=> blackhole (RCPT ACL discarded recipients)"),
    ("exim/in", "1xVUOX-00003w-25"): Reason(HELD, "=> blackhole (DATA ACL discarded recipients)"),
    ("exim/in", "1xVUOY-000042-1J"): Reason(HELD, "1xVUOY-000042-1J frozen by ACL"),
    ("exim/in_syslog", "1xVUPW-000030-10"): Reason(HELD, "=> blackhole (RCPT ACL discarded"),
    ("postfix/in", "76097196971"): Reason(
        "an access table discarded it before it had a queue id",
        "NOQUEUE: discard: RCPT from client-106.isp.test[203.0.113.106]",
    ),
    ("postfix/in", "06AEA196971"): Reason(HELD, "06AEA196971: hold: header Subject: hold me"),
    ("postfix/in", "11822196972"): Reason(HELD, "11822196972: discard: header Subject"),
    ("sendmail/in", "6ANE3Zge000221"): Reason(HELD, "6ANE3Zge000221: discarded"),
    ("sendmail/in", "6ANE3exH000294"): Reason(HELD, "6ANE3exH000294: discarded"),
    ("sendmail/in", "6ANE3eIi000291"): Reason(NAMELESS, "6ANE3eIi000292: DSN: User has moved"),
    ("sendmail/local", "6ANDw925000135"): Reason(
        NAMELESS, "6ANDwA1u000153: DSN: aliasing/forwarding loop broken"
    ),
    ("sendmail/local", "6ANDw927000135"): Reason(NAMELESS, "6ANDwA1u000155: DSN: User has moved"),
    ("sendmail/local", "6ANDwAp9000195"): Reason(NAMELESS, "6ANDwAp8000201: DSN: Too many hops"),
}
# Runs in which each returned message gives one notice to the sender, and nothing else does.
NOTICES = ("exim/in_syslog", "postfix/content_filter", "postfix/local", "postfix/newyear")
_END = {"sent": "delivered", "bounced": "refused"}


@cache
def recipients_of(run: str) -> pl.DataFrame:
    """Every recipient whose fate the report counts (RECIPIENT_SCHEMA)."""
    seen: list[pl.DataFrame] = []

    def see(recipients: pl.LazyFrame) -> LazyTables:
        seen.append(recipients.collect())
        return {}

    real = sections.all_sections
    [endings] = [s for s in real() if s.name == "endings"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "all_sections", lambda: (replace(endings, count_recipients=see),))
        chosen = sections.Chosen(("endings",))
        finish(summarise_tasks([Task(Source(str(log_of(run))))], chosen=chosen))
    return pl.concat([pl.DataFrame(schema=RECIPIENT_SCHEMA), *seen])


def ended_recipients(run: str) -> dict[str, list[dict[str, Any]]]:
    """Recipients by their address; a copy handed to a content filter of the host is no end."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in recipients_of(run).filter(~pl.col("handed")).iter_rows(named=True):
        rows[row["recipient"]].append(row)
    return rows


def lines_of(run: str) -> str:
    path = log_of(run)
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8", "replace")


def ends_on_the_wire(codes: list[int | None]) -> Counter[str]:
    """How many messages for one recipient came to an end there, and how."""
    given = [code for code in codes if code is not None]
    return Counter(
        delivered=sum(200 <= code < 300 for code in given),
        refused=sum(500 <= code < 600 for code in given),
    )


def ends_here(rows: list[dict[str, Any]]) -> Counter[str]:
    """How many ended so at another server; a verdict of this host alone is none on the wire."""
    found = [row for row in rows if row["outcome"] in _END]
    return Counter(
        _END[row["outcome"]]
        for row in found
        if row["outcome"] == "sent" or (row["reply_code"] or 0) >= 500
    )


@pytest.mark.parametrize("run", RUNS)
def test_recipients_at_other_servers_end_as_on_the_wire(run: str) -> None:
    """Delivered and refused as often as the servers say; who was put off last is not done."""
    truth = truth_of(run)
    rows = ended_recipients(run)
    different = set()
    for recipient, codes in truth.outcomes.items():
        ours, theirs = ends_here(rows[recipient]), ends_on_the_wire(codes)
        code = codes[-1]
        put_off = code is not None and 400 <= code < 500
        waiting = any(
            row["outcome"] in ("expired", "deferred", "removed") for row in rows[recipient]
        )
        undecided = any(c is None or not 200 <= c < 600 or 300 <= c < 400 for c in codes)
        wrong = put_off and not waiting
        # A reply that is no reply decides nothing: the server that got it does, as it likes.
        if undecided:
            wrong |= ours["delivered"] != theirs["delivered"] or not rows[recipient]
        else:
            wrong |= +ours != +theirs
        if wrong:
            different.add((run, recipient))
    assert different == {key for key in DIFFERENT if key[0] == run}


def ends_allowed(code: int | None) -> set[str]:
    """What may be said of a recipient whose last attempt ended so on the wire."""
    if code is not None and 200 <= code < 300:
        return {"sent"}
    if code is not None and 500 <= code < 600:
        return {"bounced"}
    left = {"deferred", "expired", "removed"}
    return left if code is not None and 400 <= code < 500 else {"bounced", *left}


@pytest.mark.parametrize("run", RUNS)
def test_each_message_that_a_client_handed_in_has_one_end_per_recipient(run: str) -> None:
    """By the queue id that the client was told: no message and no recipient is lost or doubled."""
    truth = truth_of(run)
    rows = ended_recipients(run)
    known = set(recipients_of(run)["queue_id"])
    # What `postsuper -r` puts back ends under its new id.
    again = re.findall(r"pickup\[[0-9]+\]: (\w+): uid=.* orig_id=(\w+)", lines_of(run))
    known |= {old for new, old in again if new in known}
    assert {(run, qid) for qid in truth.accepted if qid not in known} == {
        key for key in SILENT if key[0] == run
    }
    times = Counter(r for recipients in truth.accepted.values() for r in recipients)
    wrong = set()
    for recipient, codes in truth.outcomes.items():
        if times[recipient] == 1 and (run, recipient) not in DIFFERENT:
            ends = [row["outcome"] for row in rows[recipient]]
            if len(ends) != 1 or ends[0] not in ends_allowed(codes[-1]):
                wrong.add((run, recipient))
    assert wrong == set()
    assert truth.accepted


@pytest.mark.parametrize("run", NOTICES)
def test_each_returned_message_gave_the_sender_a_notice(run: str) -> None:
    """Also those that the host itself refused, of which no other server knows."""
    returned = recipients_of(run).filter(
        pl.col("outcome").is_in(["bounced", "expired"]) & (pl.col("sender") != "")
    )
    notices = Counter(truth_of(run).notices)
    by_sender = (
        returned.unique(["queue_id", "ended_at"]).group_by("sender").agg(pl.len()).iter_rows()
    )
    assert notices == dict(by_sender)
    assert notices


@pytest.mark.parametrize("run", RUNS)
def test_the_lines_are_there_and_the_truth_is_read(run: str) -> None:
    text = lines_of(run)
    for (of, _), reason in (*DIFFERENT.items(), *SILENT.items()):
        assert of != run or reason.line in text
    truth = truth_of(run)
    assert truth.accepted
    assert all(qid in text for qid in truth.accepted)
