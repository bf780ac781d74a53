"""Logs with a known spike: line shapes that Postfix 3.7 wrote, invented traffic."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 10, 19, tzinfo=UTC)
SPIKE_NET = "203.0.113.0/24"

RECEIVED = (
    (0.0, "postfix/smtpd[251]: {id}: client=client-20.isp.test[203.0.113.20]"),
    (0.1, "postfix/qmgr[247]: {id}: from=<friend@sender.test>, size=300, nrcpt=1 (queue active)"),
    (0.2, "postfix/smtp[256]: {id}: to=<alice@d1.test>, relay=mx.d1.test[198.51.100.10]:25,"
          " delay=0.05, delays=0.04/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as B64885)"),
    (0.3, "postfix/qmgr[247]: {id}: removed"),
)  # fmt: skip
REFUSED = (
    "postfix/smtpd[259]: NOQUEUE: reject: RCPT from {name}[{ip}]: {reply} <{to}>: Recipient address"
    " rejected: {why}; from=<friend@{sender}> to=<{to}> proto=ESMTP helo=<{name}>"
)

Line = tuple[datetime, str]


def busy(hour: int) -> float:
    """More by day than by night, mean about 1."""
    return 0.4 + 1.2 * (8 <= hour < 20)


def poisson(rng: Random, mean: float) -> int:
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + rng.expovariate(1.0)
    return count


def refusal(at: datetime, ip: str, reply: str = "502 5.5.1", sender: str = "sender.test") -> Line:
    """A recipient refused to a client."""
    name = f"client-{ip.rpartition('.')[2]}.isp.test"
    why = "no" if reply.startswith("502") else "User unknown in virtual mailbox table"
    to = f"code{reply[:3]}@lab.test"
    return at, REFUSED.format(name=name, ip=ip, reply=reply, to=to, why=why, sender=sender)


def month(hours: int, start: datetime = MONDAY, seed: int = 7) -> list[Line]:
    """Mail, 550s (4 an hour) and 502s (4 an hour) from many networks."""
    rng = Random(seed)  # noqa: S311 - made-up counts
    lines: list[Line] = []
    for n in range(hours):
        begin = start + n * HOUR
        share = busy(begin.hour)
        for _ in range(poisson(rng, 6 * share)):
            at = begin + timedelta(seconds=rng.uniform(0, 3599))
            queue_id = f"{rng.randrange(1 << 40, 1 << 44):X}"
            lines += [(at + timedelta(seconds=s), t.format(id=queue_id)) for s, t in RECEIVED]
        for reply in ("550 5.1.1", "502 5.5.1"):
            for _ in range(poisson(rng, 4 * share)):
                at = begin + timedelta(seconds=rng.uniform(0, 3599))
                ip = f"198.51.{rng.randrange(200)}.{rng.randrange(1, 250)}"
                lines.append(refusal(at, ip, reply))
    return lines


def spike(begin: datetime, count: int, minutes: int = 40, reply: str = "502 5.5.1") -> list[Line]:
    """So many refusals, evenly over some minutes, to three clients of SPIKE_NET."""
    step = timedelta(minutes=minutes) / count
    return [
        refusal(begin + n * step, f"203.0.113.{50 + n % 3}", reply, "spam.test")
        for n in range(count)
    ]


def written(lines: Iterable[Line], host: str = "mx1") -> str:
    """The lines in time order."""
    return "".join(
        f"{at.isoformat(timespec='microseconds')} {host} {text}\n" for at, text in sorted(lines)
    )


def without_zone(lines: Iterable[Line], host: str = "mx1") -> str:
    """The same with stamps as syslog writes them: local time, no year, no zone."""
    return "".join(f"{at:%b} {at.day:2} {at:%H:%M:%S} {host} {text}\n" for at, text in lines)
