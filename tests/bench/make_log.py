"""Generate a realistic Postfix log of any length, the same for the same seed, and its truth.

python tests/bench/make_log.py OUT [--lines N] [--seed N] [--style rfc3164|iso] [--hosts N]
                                   [--days N] [--truth FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import exp
from pathlib import Path
from random import Random
from typing import TypedDict

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mail_pools import SECOND, build
from mail_sessions import Host

BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
STYLES = ("rfc3164", "iso")
_DAY = 86_400
Line = tuple[int, str, str]  # microseconds since BEGIN, text, tag


class Truth(TypedDict):
    """What is in the written lines, counted while they were written."""

    lines: int
    bytes: int
    clients: int  # `QID: client=` lines
    received: int  # messages of clients that entered the queue (their first `queue active`)
    notifications: int  # bounces of ours that entered the queue
    sent: int  # `status=sent` lines, and so on: retries count again
    deferred: int
    bounced: int
    expired: int  # `status=expired` lines
    rejected: int  # reject and milter-reject lines, with or without digits
    attempts: int  # `host .. said` lines without a recipient; their replies are in `replies` too
    replies: dict[str, dict[str, int]]  # direction, code; only replies written in digits
    attempt_replies: dict[str, int]  # code; outbound
    failed_commands: dict[str, int]  # refused commands in the counters of disconnect lines
    kinds: dict[str, int]  # lines of each kind


def _shape(days: int) -> list[float]:
    """Share of the lines due by the end of each second: quiet nights, two peaks a day."""
    hours = [second / 3600 for second in range(_DAY)]
    day = [
        0.3 + exp(-(((hour - 10.2) / 2.8) ** 2)) + 0.8 * exp(-(((hour - 15.2) / 3) ** 2))
        for hour in hours
    ]
    due = list(accumulate(day * days))
    return [part / due[-1] for part in due]


def _render(second: int, batch: list[Line], style: str) -> str:
    """The lines of one second with their time stamps."""
    when = BEGIN + timedelta(seconds=second)
    if style == "rfc3164":
        stamp = f"{when:%b} {when.day:2d} {when:%H:%M:%S} "
        return stamp + f"\n{stamp}".join([line[1] for line in batch]) + "\n"
    stamp = f"{when:%Y-%m-%dT%H:%M:%S}."
    return "".join([f"{stamp}{at % SECOND:06d}+00:00 {text}\n" for at, text, _ in batch])


def _truth(tags: Counter[str], size: int) -> Truth:
    """Add the tags of the written lines up."""
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    replies: dict[str, Counter[str]] = {"inbound": Counter(), "outbound": Counter()}
    for tag, count in tags.items():
        kind, outcome, direction, code, commands = (tag.split("|") + [""] * 4)[:5]
        kinds[kind] += count
        outcomes[outcome] += count
        if code:
            replies[direction][code] += count
        if code and kind == "attempt":
            attempts[code] += count
        for part in filter(None, commands.split(",")):
            command, times = part.split("=")
            failed[command] += int(times) * count
    return Truth(
        lines=tags.total(),
        bytes=size,
        clients=kinds["client"],
        received=kinds["queued"],
        notifications=kinds["queued-notification"],
        sent=outcomes["sent"],
        deferred=outcomes["deferred"],
        bounced=outcomes["bounced"],
        expired=outcomes["expired"],
        rejected=outcomes["rejected"],
        attempts=outcomes["attempt"],
        replies={direction: dict(sorted(codes.items())) for direction, codes in replies.items()},
        attempt_replies=dict(sorted(attempts.items())),
        failed_commands=dict(sorted(failed.items())),
        kinds=dict(kinds.most_common()),
    )


def write_log(
    path: str | Path,
    *,
    lines: int = 3_000_000,
    seed: int = 1,
    style: str = "rfc3164",
    hosts: int = 1,
    days: int = 1,
) -> Truth:
    """Write exactly `lines` lines to `path` and return what is in them.

    Messages still in flight at the end stay open, as in any log that was rotated.
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {STYLES}, not {style!r}")
    if min(lines, hosts, days) < 1:
        raise ValueError("lines, hosts and days must be at least 1")
    rng = Random(seed)
    pools = build(rng)
    end = days * _DAY * SECOND
    due: dict[int, list[Line]] = {}  # second: its lines, in no order
    planned = 0

    def put(at: int, tag: str, text: str) -> None:
        nonlocal planned
        if at < end:
            planned += 1
            second = at // SECOND
            if second in due:
                due[second].append((at, text, tag))
            else:
                due[second] = [(at, text, tag)]

    span = (int(BEGIN.timestamp()), end)
    servers = [Host(f"mx{n + 1}", rng, pools, put, span, long_ids=n % 2 == 1) for n in range(hosts)]
    for server in servers:
        server.start()
    tags: Counter[str] = Counter()
    written, size, random = 0, 0, rng.random
    with Path(path).open("w", encoding="ascii", newline="\n", buffering=1 << 22) as out:
        for second, share in enumerate(_shape(days)):
            target = lines * share
            if second == days * _DAY - 1:
                target = lines
            while planned < target:
                server = servers[int(random() * hosts)]
                server.session(second * SECOND + int(random() * SECOND))
            batch = due.pop(second, None)
            if batch is None:
                continue
            batch.sort()
            del batch[lines - written :]
            if batch:
                text = _render(second, batch, style)
                out.write(text)
                written += len(batch)
                size += len(text)
                tags.update([line[2] for line in batch])
    return _truth(tags, size)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", choices=STYLES, default="rfc3164")
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write the counts as JSON")
    given = parser.parse_args(arguments)
    truth = write_log(
        given.out,
        lines=given.lines,
        seed=given.seed,
        style=given.style,
        hosts=given.hosts,
        days=given.days,
    )
    if given.truth:
        given.truth.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(f"{given.out}: {truth['lines']} lines, {truth['bytes'] / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
