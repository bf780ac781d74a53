"""Bounded populations (people, servers, clients, delays) for the generated Postfix log."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

LOCAL_DOMAINS = ("lab.test", "shop.test", "school.test", "news.test")
PROVIDERS = ("gmail", "outlook", "yahoo", "webmail", "icloud", "orange")
POOL = 1 << 16  # entries of a weighted pool; an index is int(random() * POOL)
SECOND = 1_000_000  # microseconds

_FIRST = (
    "anna",
    "ben",
    "carla",
    "david",
    "emma",
    "felix",
    "grete",
    "hugo",
    "irina",
    "jonas",
    "klara",
    "liam",
    "mara",
    "nils",
    "olga",
    "paul",
    "rosa",
    "sven",
    "tara",
    "uwe",
    "vera",
    "wim",
    "yara",
    "zeno",
    "asha",
    "ravi",
    "meera",
    "arjun",
    "diya",
    "kabir",
)
_LAST = (
    "meyer",
    "smith",
    "rossi",
    "novak",
    "dubois",
    "garcia",
    "jensen",
    "kumar",
    "sharma",
    "patel",
    "okafor",
    "tanaka",
    "silva",
    "weber",
    "moreau",
    "lindberg",
    "kowalski",
    "ivanov",
    "costa",
    "brown",
)


class Person(NamedTuple):
    """A mailbox and the server that takes its mail."""

    address: str
    domain: str
    peer: str  # mx.d1.test[10.1.2.3]
    backup: str
    style: int  # how that server words its 250


class Client(NamedTuple):
    """A host that connects to us."""

    tag: str  # name[ip]
    ip: str
    helo: str
    person: int  # offset of the senders that write through it


class Delay(NamedTuple):
    """The delay fields of one delivery and how long it takes in the log's time."""

    text: str
    micros: int


@dataclass(frozen=True, slots=True)
class Pools:
    """Everything a session draws from; its size does not depend on the length of the log."""

    remote: list[Person]
    local: list[Person]
    senders: list[Person]
    clients: list[Client]
    relays: list[Client]
    bots: list[Client]
    unknown: list[str]
    fast: list[Delay]
    slow: list[Delay]
    timeout: list[Delay]


def seconds(value: float) -> str:
    """Postfix' way to write a delay: two significant digits, not finer than 10 ms."""
    if value >= 9.95:
        return f"{value:.0f}"
    text = f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def delays(before: float, queue: float, connect: float, send: float) -> str:
    """Text of `delay=` and `delays=`."""
    total = seconds(before + queue + connect + send)
    parts = "/".join(map(seconds, (before, queue, connect, send)))
    return f"delay={total}, delays={parts}"


def _person_names(rng: Random, number: int) -> str:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    form = rng.randrange(4)
    if form == 0:
        return f"{first}.{last}{number % 100}"
    if form == 1:
        return f"{first[0]}{last}{number % 1000}"
    return f"{first}{number}" if form == 2 else f"{first}-{last}.{number % 50}"


def _ip(rng: Random) -> str:
    """An address of 10/8, a documentation range, or 2001:db8::/32."""
    pick = rng.random()
    if pick < 0.08:
        return f"2001:db8:{rng.randrange(1 << 16):x}::{rng.randrange(1, 1 << 16):x}"
    if pick < 0.15:
        net = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
        return f"{net}.{rng.randrange(1, 255)}"
    return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _people(rng: Random, domains: int, count: int) -> list[Person]:
    """Remote mailboxes: a third at a few big providers, the rest over many small domains."""
    servers: list[tuple[str, str, str, int]] = []
    for number in range(domains):
        name = f"{rng.choice(_LAST)}{number}.test"
        peer = f"mx{rng.choice(('', '1', '01'))}.{name}[{_ip(rng)}]"
        servers.append((name, peer, f"mx2.{name}[{_ip(rng)}]", rng.randrange(6)))
    big: list[tuple[str, str, str, int]] = []
    for style, name in enumerate(PROVIDERS):
        for number in range(4):
            peer = f"mta{number}.{name}.test[198.51.100.{style * 8 + number + 10}]"
            backup = f"alt{number}.{name}.test[198.51.100.{style * 8 + number + 100}]"
            big.append((f"{name}.test", peer, backup, min(style, 3)))
    weights = [1 / (rank + 20) for rank in range(domains)]
    homes = rng.choices(servers, weights, k=count)
    people: list[Person] = []
    for number, home in enumerate(homes):
        name, peer, backup, style = rng.choice(big) if rng.random() < 0.35 else home
        address = f"{_person_names(rng, number)}@{name}"
        people.append(Person(address, name, peer, backup, style))
    return people


def _clients(rng: Random, count: int, people: int) -> list[Client]:
    """Mail servers of others, nearly all of them with a name."""
    clients: list[Client] = []
    for number in range(count):
        ip = _ip(rng)
        name = f"{rng.choice(('mail', 'smtp', 'out', 'mta'))}{number % 40}.{rng.choice(_LAST)}"
        helo = f"{name}{number // 8}.test"
        known = "unknown" if rng.random() < 0.06 else helo
        clients.append(Client(f"{known}[{ip}]", ip, helo, rng.randrange(people)))
    return clients


def _bots(rng: Random, count: int) -> list[Client]:
    """Scanners, dictionary attackers, infected desktops."""
    helos = ("User", "localhost", "ylmf-pc", "WIN-8A2B", "[127.0.0.1]", "status=sent (250 ok)")
    bots: list[Client] = []
    for number in range(count):
        ip = _ip(rng)
        name = "unknown" if rng.random() < 0.7 else f"dyn-{number}.isp{number % 30}.test"
        helo = rng.choice(helos) if rng.random() < 0.5 else f"host{number}.isp{number % 30}.test"
        bots.append(Client(f"{name}[{ip}]", ip, helo, rng.randrange(1000)))
    return bots


def _delay(rng: Random, middle: float, spread: float, count: int = 4096) -> list[Delay]:
    """Delays scattered log-normally around a middle."""
    made: list[Delay] = []
    for _ in range(count):
        before, queue = rng.uniform(0.02, 0.4), rng.choice((0.0, 0.0, 0.01, 0.02))
        total = middle * rng.lognormvariate(0, spread)
        connect = total * rng.uniform(0.1, 0.6)
        send = total - connect
        micros = int((queue + connect + send) * SECOND) + 1000
        made.append(Delay(delays(before, queue, connect, send), micros))
    return made


def build(rng: Random) -> Pools:
    """The populations of one seed: about 20 000 mailboxes, 3 000 domains, 10 000 clients."""
    remote = _people(rng, 3000, 15_000)
    local = [
        Person(f"{_person_names(rng, n)}@{home}", home, "", "", 0)
        for n, home in enumerate(rng.choices(LOCAL_DOMAINS, (6, 3, 2, 1), k=5000))
    ]
    clients, bots = _clients(rng, 7000, 10_000), _bots(rng, 2500)
    relays = [
        Client(f"app{n}.lab.test[10.9.{n // 250}.{n % 250 + 1}]", "10.9.0.1", f"app{n}.lab.test", n)
        for n in range(500)
    ]
    unknown = [f"{_person_names(rng, n)}@{rng.choice(LOCAL_DOMAINS)}" for n in range(2000)]

    def spread(people: list[Person]) -> list[Person]:
        weights = [1 / (rank + 50) for rank in range(len(people))]
        return rng.choices(people, weights, k=POOL)

    return Pools(
        remote=spread(remote),
        local=spread(local),
        senders=remote[:10_000],
        clients=rng.choices(clients, [1 / (n + 30) for n in range(len(clients))], k=POOL),
        relays=relays,
        bots=rng.choices(bots, [1 / (n + 30) for n in range(len(bots))], k=POOL),
        unknown=unknown,
        fast=_delay(rng, 0.03, 0.7),
        slow=_delay(rng, 0.8, 1.0),
        timeout=_delay(rng, 30.0, 0.05),
    )
