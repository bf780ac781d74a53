"""`trace`: the story of each message that an argument names, from options to text."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from analyzer.anonymize.whole import anonymize_trace, pseudonyms_of
from analyzer.exits import Exit, Refused
from analyzer.inputs import Inputs
from analyzer.pipeline import read
from analyzer.run import inputs_of, zone_of
from analyzer.terminal import look_of
from parsers.parse import parse
from reports import story as model

from .find import FOLLOWED, Asked, Found, find
from .join import Group, groups
from .refused import CLIENT, KIND, Refusals
from .scan import Logs
from .story import story
from .verdict import refusals as refusals_verdict
from .words import Notes

Warn = Callable[[str], None]
_PAIRS = 5
"""Sender and recipient pairs that are shown of each kind of refusal."""
_SNIFF = 1 << 18


def make_trace(
    options: dict[str, Any], logs: tuple[str, ...], now: datetime, warn: Warn
) -> tuple[str, Exit]:
    """The rendered stories and how the run ends; raises Refused where nothing is found."""
    zone, names = zone_of(options), pseudonyms_of(options)
    inputs = inputs_of(logs, options, zone, now, warn)
    limit: int | None = options["limit"]
    if limit is None and not options["every"]:
        limit = 20
    asked = Asked.of(options["what"])
    if not asked.text:
        raise Refused(
            "nothing to look for: name a queue id, an address, a Message-ID or an IP", Exit.USAGE
        )
    with Logs(inputs.tasks) as kept:
        most = None if limit is None else max(FOLLOWED, 3 * limit)
        found = find(kept, asked, most)
        trace = assemble(
            found, options["what"], zone, limit, every=options["every"], most=most, ends=kept.ends()
        )
        status = _judge(inputs, warn)
        if not trace.stories:
            if status is Exit.DONE and not _is_mail(kept):
                raise Refused("nothing in the input was recognised as a mail log", Exit.NOT_MAIL)
            raise Refused(
                f"{options['what']}: not found as a queue id, address, Message-ID, login or IP",
                status or Exit.CONDITION,
            )
    if names is not None:
        trace = anonymize_trace(trace, names)
    if options["form"] == "json":
        return model.to_json(trace), status
    from reports.story_text import render

    return render(trace, **look_of(options)), status


def assemble(
    found: Found,
    query: str,
    zone: str,
    limit: int | None,
    *,
    every: bool,
    most: int | None = None,
    ends: datetime | None = None,
) -> model.Trace:
    """The stories of what was found, the newest `limit` of them; `ends`: when the logs end."""
    together = groups(found.events)
    messages: list[Group] = []
    turned_away = found.refusals
    for group in together:
        if any(hop.told for hop in group.hops):
            messages.append(group)
        else:
            ids = {hop.key[2] for hop in group.hops}
            turned_away.add(found.events.filter(pl.col("queue_id").is_in(ids)))
    stories = [story(g, zone, ends) for g in messages]
    stories += _refusals(turned_away, zone)
    stories.sort(key=lambda s: s.end)
    notes = []
    total = len(stories)
    if most is not None and found.distinct > most:
        total += found.distinct - most
        notes.append(
            f"{found.distinct:,} queue ids match; the newest {most:,} were followed, older ones are"
            " counted by queue id"
        )
    if turned_away.cut:
        notes.append("too many refusals: who wrote to whom is not told")
    shown = stories if limit is None else stories[-limit:]
    return model.Trace(
        query=query,
        timezone=zone,
        stories=tuple(shown),
        total=total,
        told=every or total == 1,
        notes=tuple(notes),
    )


def _refusals(turned_away: Refusals, zone: str) -> list[model.Story]:
    """A story for each client that was refused."""
    rows = turned_away.table.sort("first", maintain_order=True)
    return [_client_story(part, zone) for part in rows.partition_by(CLIENT, maintain_order=True)]


def _client_story(rows: pl.DataFrame, zone: str) -> model.Story:
    ip, name = rows.row(0, named=True)["client_ip"], rows.row(0, named=True)["client_name"]
    notes = Notes()
    parts = rows.partition_by(KIND, maintain_order=True)
    parts.sort(key=lambda part: -int(part.get_column("n").sum()))
    kinds = [_refusal(part, notes, zone) for part in parts]
    explained = tuple(notes.found)
    short, whole = refusals_verdict(kinds, explained)
    return model.Story(
        kind="refusals",
        queue_id="",
        outcome="refused",
        summary=short,
        verdict=whole,
        start=min(r.first for r in kinds),
        end=max(r.last for r in kinds),
        client_name=name or "",
        client_ip=ip or "",
        explained=explained,
        refusals=tuple(kinds),
    )


def _refusal(rows: pl.DataFrame, notes: Notes, zone: str) -> model.Refusal:
    first = rows.row(0, named=True)
    place = ZoneInfo(zone)
    pairs = (
        rows.group_by("sender", "recipient", maintain_order=True)
        .agg(pl.col("n").sum())
        .sort("n", descending=True, maintain_order=True)
        .filter(pl.col("sender").is_not_null() | pl.col("recipient").is_not_null())
    )
    if first["kind"] == "auth":
        users = rows.get_column("sasl_user").drop_nulls().unique(maintain_order=True).to_list()
        named = f" for {', '.join(users[:_PAIRS])}" if users else ""
        what = f"login refused{named}"
    else:
        verb = {"warned": "warned about", "held": "put on hold", "discarded": "discarded"}
        what = verb.get(first["outcome"] or "", "refused")
        what += f" at {first['stage']}" if first["stage"] not in (None, "OTHER") else ""
    last: datetime = rows.select(pl.col("last").max()).item()
    return model.Refusal(
        what=what,
        refused=first["outcome"] == "rejected",
        code=first["reply_code"],
        enhanced=first["enhanced_code"],
        implied=first["evidence"] == "implied",
        reply=first["reply_text"] or "",
        count=int(rows.select(pl.col("n").sum()).item()),
        first=first["first"].astimezone(place),
        last=last.astimezone(place),
        explained=notes.add(
            first["direction"], first["reply_code"], first["enhanced_code"], first["cause"],
            first["stage"], first["why"], "",
        ),
        pairs=tuple((s or "", r or "", int(n)) for s, r, n in pairs.head(_PAIRS).iter_rows()),
        more_pairs=max(pairs.height - _PAIRS, 0),
        queue_ids=tuple(rows.get_column("queue_id").drop_nulls().unique(maintain_order=True).head(_PAIRS)),
        place=model.Place(first["file"], first["line"]),
    )  # fmt: skip


def _judge(inputs: Inputs, warn: Warn) -> Exit:
    """The status that the inputs ask for, with a word on each that broke off."""
    broken = bool(inputs.problems)
    for task in inputs.tasks:
        if task.source.problem is not None:
            warn(f"{task.source.name}: {task.source.problem}")
            broken = True
    return Exit.INPUT if broken else Exit.DONE


def _is_mail(logs: Logs) -> bool:
    """Whether any line of any source is of a mail server; asked only where nothing was found."""
    for number in range(len(logs.tasks)):
        task = logs.again(number)
        for work in read([task], _SNIFF):
            known = parse(work.chunk()).verdicts
            if any(v.mta and v.fate in ("parsed", "ignored") and v.rows.len() for v in known):
                return True
    return False
