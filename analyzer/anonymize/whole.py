"""`--anonymize`: what is printed, with pseudonyms in place of addresses, hosts and IPs.

Counts, codes, causes, times, queue ids and the names of input files stay as they are; so do the
words of replies and log lines around the names in them.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import polars as pl

from analyzer.exits import Exit, Refused
from analyzer.knowledge import reply_rules
from analyzer.trace.words import THIS_HOST
from reports import model, story

from .pseudonyms import FIXED_KEY, NULL, Pseudonyms, ip_of
from .text import MASKED, is_name, replace_names

Change = Callable[[str], str]

_OURS = re.compile(r"\([A-Za-z0-9 /-]+\)|<> \(bounces and notices\)")
"""Rows of lists that are no names: (other hosts), (12 more)."""
_BYTES = re.compile(r'("MESSAGE" ?: ?)\[([0-9, ]*)(?:\]|$)')
_CLIENT = re.compile(r"(\S+) \[([0-9A-Fa-f:.]+)\]")

# Whose bare words are users and whose are hosts; in all other lists words are words. A number is
# the level of a tree.
_USERS = (
    *("senders", "recipients", "sizes", "logins.users", "transports.local"),
    *("hosts.local_senders", "rejects.rejected.2", "rejects.warned.2", "rejects.held.2"),
    *("rejects.discarded.2", "probes.answers.2"),
)
_HOSTS = (
    *("clients", "relays", "destination_domains", "domains", "hosts", "edomains", "relayed"),
    *("logins.clients", "connections.clients", "rejections.clients", "queue_times.domains"),
    *("deferrals.reasons.0", "bounces.reasons.0", "expired.reasons.0", "troubles.servers.1"),
    *("limits.peaks", "limits.hits.1"),
)


def pseudonyms_of(options: dict[str, Any]) -> Pseudonyms | None:
    """The pseudonyms that the options ask for; raises Refused where the key is empty, or lines
    would be written that cannot be anonymized."""
    key = options.get("anonymize_key")
    if not options.get("anonymize") and key is None:
        return None
    if options.get("unrecognised"):
        raise Refused(
            "--anonymize: lines that were not understood cannot be anonymized; leave out"
            " --unrecognised",
            Exit.USAGE,
        )
    secret = FIXED_KEY if key is None else Path(key).read_bytes().strip()
    if not secret:
        raise Refused(f"--anonymize-key {key}: the file is empty", Exit.USAGE)
    return Pseudonyms(secret)


# Events


def anonymize_events(events: pl.DataFrame, names: Pseudonyms) -> pl.DataFrame:
    """Events with the same columns, names replaced; each distinct text is read once."""

    def text(value: str) -> str:
        return replace_names(value, names)

    columns: dict[str, Change] = {
        **dict.fromkeys(("host", "client_name", "helo", "relay_name"), names.host),
        **dict.fromkeys(("sender", "recipient", "orig_recipient", "message_id"), names.address),
        **dict.fromkeys(("client_ip", "relay_ip"), names.host),
        "sasl_user": names.address,
        **dict.fromkeys(("reply_text", "command"), text),
    }
    return events.with_columns(_replaced(events[name], do) for name, do in columns.items())


def _replaced(column: pl.Series, change: Change) -> pl.Series:
    distinct = column.unique().drop_nulls()
    shown = pl.Series([change(value) for value in distinct], dtype=pl.String)
    return column.replace_strict(distinct, shown, default=None, return_dtype=pl.String())


# The report


def anonymize_report(report: model.Report, names: Pseudonyms) -> model.Report:
    """The report with names replaced; its figures are the same."""
    change = _Report(names, report.hosts)
    return replace(
        report,
        hosts=tuple(names.host(host) for host in report.hosts),
        codes=tuple(replace(row, examples=change.examples(row.examples)) for row in report.codes),
        findings=tuple(
            replace(f, place=change.place(f.place), examples=change.examples(f.examples))
            for f in report.findings
        ),
        tops=tuple(
            replace(
                top, rows=tuple(replace(r, name=change.cell(r.name, (top.key,))) for r in top.rows)
            )
            for top in report.tops
        ),
        listings=tuple(change.listing(listing) for listing in report.listings),
        spikes=tuple(change.spike(spike) for spike in report.spikes),
        gaps=tuple(replace(gap, host=names.host(gap.host)) for gap in report.gaps),
        filters=tuple(change.filter(text) for text in report.filters),
    )


def _decoded(match: re.Match[str]) -> str:
    """A journal's message that came as bytes, as text."""
    found = bytes(n for n in map(int, re.findall("[0-9]+", match[2])) if n < 256)
    return match[1] + json.dumps(found.decode("utf-8", "replace"), ensure_ascii=False)


class _Report:
    def __init__(self, names: Pseudonyms, hosts: tuple[str, ...]) -> None:
        self.names = names
        # A line's head has the host by itself; in the rest of the line `mail` is a word.
        known = [re.escape(h) for h in sorted(hosts, key=len, reverse=True) if "." not in h]
        self.head = re.compile(rf"^(.{{0,80}}?(?<!\S))({'|'.join(known)})(?= )") if known else None
        self.providers = frozenset(scope.name for scope, _ in reply_rules.scopes())

    def examples(self, examples: tuple[model.Example, ...]) -> tuple[model.Example, ...]:
        return tuple(replace(e, text=self.line(e.text)) for e in examples)

    def line(self, text: str) -> str:
        text = _BYTES.sub(_decoded, text)
        if self.head is not None:
            text = self.head.sub(lambda m: m[1] + self.names.host(m[2]), text)
        return replace_names(text, self.names)

    def place(self, place: str) -> str:
        return place if place in self.providers or not place else self.names.host(place)

    def filter(self, text: str) -> str:
        option, _, value = text.partition(" ")
        return f"{option} {self.names.host(value)}" if option in ("--host", "--domain") else text

    def spike(self, spike: model.Spike) -> model.Spike:
        return replace(
            spike,
            host=self.names.host(spike.host),
            name=self.behind(spike.name),
            parts=tuple(
                replace(part, rows=tuple(replace(r, name=self.behind(r.name)) for r in part.rows))
                for part in spike.parts
            ),
        )

    def behind(self, name: str) -> str:
        """A client, a network, a domain, a relay or a provider behind a spike."""
        base, slash, bits = name.rpartition("/")
        if slash and ip_of(base) is not None and bits.isdigit():
            return str(ip_network(f"{self.names.ip(base)}/{bits}", strict=False))
        return self.cell(name, ("domains",))

    def listing(self, listing: model.Listing) -> model.Listing:
        named = [n for n, c in enumerate(listing.columns) if c.kind == "name"]
        named = [n for n in named if listing.columns[n].name != "queue id"]
        return replace(listing, rows=tuple(self._row(listing.key, r, named) for r in listing.rows))

    def _row(self, key: str, row: model.ListRow, named: list[int]) -> model.ListRow:
        lists = (f"{key}.{row.level}", key, key.partition(".")[0])
        cells = [
            self.cell(cell, lists) if n in named and isinstance(cell, str) else cell
            for n, cell in enumerate(row.cells)
        ]
        return replace(row, cells=tuple(cells))

    def cell(self, text: str, lists: tuple[str, ...]) -> str:
        """A name of one of these lists, the nearest first, or a text with names in it."""
        if text in ("", NULL) or _OURS.fullmatch(text) or text in self.providers:
            return text
        client = _CLIENT.fullmatch(text)
        if client is not None and ip_of(client[2]) is not None:
            return f"{self.names.host(client[1])} [{self.names.ip(client[2])}]"
        if ip_of(text) is not None:
            return self.names.ip(text)
        meant = next((kind for name in lists for kind in (_USERS, _HOSTS) if name in kind), None)
        if meant is None:
            return replace_names(text, self.names, MASKED if " " in text else frozenset())
        if "@" in text or (meant is _USERS and not (is_name(text) and "rejects" in lists)):
            return self.names.address(text)
        return self.names.host(text)


# The story of a message

_PLACES = "|".join(rf"(?<=\b{word} )" for word in ("to", "for", "by", "from", "as"))
_PLACES += r"|(?<=[,:] )"
_OWN_NAMES = re.compile(r"[\w-]+(?:\.[\w-]+)+|<[^<>]*>|[^\s<>`]+@[\w.-]+")


def anonymize_trace(trace: story.Trace, names: Pseudonyms) -> story.Trace:
    """The stories with names replaced."""
    ids = {s.queue_id for s in trace.stories} | {h.queue_id for s in trace.stories for h in s.hops}
    ids |= {i for s in trace.stories for r in s.refusals for i in r.queue_ids}
    return replace(
        trace,
        query=trace.query if trace.query in ids else _query(trace.query, names),
        stories=tuple(_Story(s, names).told() for s in trace.stories),
    )


def _query(text: str, names: Pseudonyms) -> str:
    bare = re.sub(r"^\[(?:IPv6:)?(.*)\]$", r"\1", text.strip())
    return names.ip(bare) if ip_of(bare) is not None else names.address(text.strip())


class _Story:
    """One story; a name without a dot is known by its place in our sentences."""

    def __init__(self, told: story.Story, names: Pseudonyms) -> None:
        self.story, self.names = told, names
        providers = {scope.name for scope, _ in reply_rules.scopes()}
        self.ours = providers | {THIS_HOST, ""}
        advice = (f"{e.title} {e.description} {e.how_to_fix}" for e in told.explained)
        provided = (e.by for e in told.explained if e.by in providers)
        # What the knowledge base says is no name of this log.
        self.keep = frozenset(_OWN_NAMES.findall(" ".join((*advice, *provided))))
        servers = {e.by for e in told.explained} - self.ours
        servers |= {r.relay.partition(" ")[0] for r in told.recipients}
        people = {told.sender or "", *told.user.split(", ")}
        people |= {a for r in told.recipients for a in (r.address, r.original)}
        people |= {a for h in told.hops for a, _ in h.recipients}
        self.plain = {s: names.host(s) for s in servers | {told.client_name} if _is_plain(s)}
        self.plain |= {p: names.user(p) for p in people if _is_plain(p)}
        words = "|".join(re.escape(w) for w in sorted(self.plain, key=len, reverse=True))
        self.word = re.compile(rf"(?:^|{_PLACES})(?:{words})(?=[:,;.]?(?:\s|$))")

    def told(self) -> story.Story:
        names, old = self.names, self.story
        return replace(
            old,
            summary=self.text(old.summary),
            verdict=self.text(old.verdict),
            sender=None if old.sender is None else names.address(old.sender),
            message_id=names.address(old.message_id),
            client_name=names.host(old.client_name),
            client_ip=names.ip(old.client_ip),
            user=names.address(old.user),
            recipients=tuple(
                replace(
                    r,
                    address=names.address(r.address),
                    original=names.address(r.original),
                    relay=self.peer(r.relay),
                    reply=replace_names(r.reply, names),
                )
                for r in old.recipients
            ),
            hops=tuple(
                replace(
                    h,
                    host=names.host(h.host),
                    recipients=tuple((names.address(a), o) for a, o in h.recipients),
                )
                for h in old.hops
            ),
            happenings=tuple(
                replace(h, what=self.text(h.what), reply=replace_names(h.reply, names))
                for h in old.happenings
            ),
            explained=tuple(replace(e, by=self.by(e.by)) for e in old.explained),
            refusals=tuple(
                replace(
                    r,
                    what=self.text(r.what),
                    reply=replace_names(r.reply, names),
                    pairs=tuple((names.address(a), names.address(b), n) for a, b, n in r.pairs),
                )
                for r in old.refusals
            ),
            notes=tuple(self.text(note) for note in old.notes),
        )

    def text(self, text: str) -> str:
        """One of our sentences."""
        if self.plain:
            text = self.word.sub(lambda m: self.plain[m[0]], text)
        return replace_names(text, self.names, self.keep)

    def by(self, server: str) -> str:
        return server if server in self.ours else self.names.host(server)

    def peer(self, text: str) -> str:
        """`name [192.0.2.1]:25`, or one of them."""
        name, space, rest = text.partition(" ")
        if name.startswith("["):
            return replace_names(text, self.names)
        return self.by(name) + space + replace_names(rest, self.names) if name else ""


def _is_plain(name: str) -> bool:
    return bool(name) and "@" not in name and not (is_name(name) or ip_of(name.strip("[]")))
