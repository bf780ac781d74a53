"""What postscreen saw and did: connections, tests, verdicts and refusals, by client."""

import polars as pl

from analyzer.tables import LazyTables, Table, Tables, counts
from reports.model import ListColumn, Listing

from . import Section, Shown
from ._parts import table_of
from ._trees import Level, tree

_TABLE = "postscreen.actions"
_S = pl.String()
_SESSION = (
    r"^(CONNECT|PASS OLD|PASS NEW|DISCONNECT|PREGREET|DNSBL rank -?[0-9]+|HANGUP"
    r"|COMMAND PIPELINING|BARE NEWLINE|(?:ALLOW|WHITE|DENY|BLACK)LISTED|(?:ALLOW|WHITE)LIST VETO"
    r"|ENFORCE|DROP|FAIL|SKIP|UNFAIL|UNPASS|PASS) "
)
# Kinds of refusals whose lines carry no reply; DATA or BDAT stands before the last.
_BY_PROOF = {
    "postfix.postscreen-timeout": "COMMAND TIME LIMIT",
    "postfix.postscreen-limit": "COMMAND COUNT or LENGTH LIMIT",
    "postfix.postscreen-non-smtp": "NON-SMTP COMMAND",
    "postfix.postscreen-no-recipient": "without valid RCPT",
    "postfix.postscreen-too-many": "reject CONNECT: too many connections",
    "postfix.postscreen-busy": "reject CONNECT: all ports busy",
}


def _count(events: pl.LazyFrame) -> LazyTables:
    proof = pl.col("implied").replace_strict(_BY_PROOF, default=None, return_dtype=pl.String)
    without = proof == _BY_PROOF["postfix.postscreen-no-recipient"]
    refused = (pl.col("kind") == "reject") & (pl.col("service") == "postscreen")
    action = pl.coalesce(
        pl.when(without & pl.col("command").is_not_null()).then(
            pl.format("{} without valid RCPT", "command")
        ),
        proof,
        pl.when((pl.col("kind") == "session") & (pl.col("direction") == "inbound")).then(
            pl.col("reply_text").str.extract(_SESSION, 1)
        ),
        pl.when(refused & (pl.col("stage") == "RCPT")).then(
            pl.format(
                "reject RCPT: {} {}", "reply_code", pl.col("enhanced_code").fill_null("")
            ).str.strip_chars_end(" ")
        ),
    )
    mine = events.filter((pl.col("mta") == "postfix") & action.is_not_null())
    return {
        _TABLE: mine.group_by(action.alias("action"), pl.col("client_ip").alias("client")).agg(
            pl.col("count").sum().cast(pl.UInt64)
        )
    }


def _show(tables: Tables, shown: Shown) -> list[Listing]:
    found = table_of(tables, _TABLE).with_columns(pl.col("client").fill_null("unknown"))
    connects = found.filter(pl.col("action") == "CONNECT")
    levels = (Level("action"), Level("client"))
    many, clients = int(connects["count"].sum()), connects.height
    title = f"Actions of postscreen, {many} connections of {clients} clients"
    return [tree("postscreen.actions", title, found, levels, (ListColumn("count"),), shown.top)]


SECTIONS = (
    Section(
        name="postscreen",
        title="Postscreen",
        about="connections to postscreen, its tests, verdicts and refusals, by client",
        elsewhere="pflogsumm: postscreen (--pscrn-stats, --pscrn-detail); logwatch: Postscreen",
        tables={_TABLE: Table({"action": _S, "client": _S}, counts("count"))},
        kinds=frozenset({"session"}),
        columns=frozenset({"service", "command"}),
        texts=frozenset({"session"}),
        count=_count,
        show=_show,
    ),
)
