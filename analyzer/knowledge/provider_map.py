"""A user's own map of mailbox providers: which hosts and networks are whose.

    "Example Hosting" = ["mx.example.net", "192.0.2.0/24"]
    google = ["gateway.example.org"]

A name holds for itself and for hosts below it. A provider that ours know, by key or by name, gets
more hosts, and the rules for its replies hold there, too; any other name is a provider of its own.
The user's map goes before ours: names first, the longest decides, then networks, the narrowest.
"""

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.exits import Exit, Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_LONGEST = 60
"""Characters of a provider's name."""


@dataclass(frozen=True, slots=True)
class ProviderMap:
    """Whose hosts and networks are whose, by the providers' keys or names."""

    hosts: tuple[tuple[str, str], ...] = ()
    """A name in lower case and whose it is."""
    networks: tuple[tuple[Network, str], ...] = ()

    def provider_of(self, host: str | None, ip: str | None = None) -> str | None:
        """Whose a host is, by its name, else by its address."""
        name = (host or "").lower().rstrip(".")
        named = [(len(own), to) for own, to in self.hosts if _covers(own, name)]
        if named:
            return max(named)[1]
        if not self.networks:
            return None
        address = _address(ip) or _address(name)
        found = [(n.prefixlen, to) for n, to in self.networks if address and address in n]
        return max(found)[1] if found else None


NOBODY = ProviderMap()
_used = NOBODY


def use(providers: ProviderMap) -> None:
    """Have this process ask a user's map first; NOBODY: ours alone."""
    global _used
    if providers != _used:
        _used = providers
        for forget in _FORGET:
            forget()


def used() -> ProviderMap:
    """The user's map that this process asks."""
    return _used


_FORGET: list[Any] = []


def remembers(forget: Any) -> None:
    """Have `forget` called when another map is used: for what remembers answers."""
    _FORGET.append(forget)


def _covers(own: str, name: str) -> bool:
    return name == own or name.endswith(f".{own}")


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


# The file


class Problem(NamedTuple):
    """What is wrong, and in which line."""

    line: int
    text: str


def problems(path: str) -> list[str]:
    """Say what is wrong in a map, `file:line: what`, in the order of its lines."""
    return [f"{path}:{line}: {text}" for line, text in _read(path)[1]]


def load(path: str) -> ProviderMap:
    """Read a user's map; refuse it where something is wrong in it."""
    found, wrong = _read(path)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
        raise Refused(f"{path}:{wrong[0].line}: {wrong[0].text}{more}", Exit.USAGE)
    return found


def _read(path: str) -> tuple[ProviderMap, list[Problem]]:
    raw = Path(path).read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return NOBODY, [Problem(raw.count(b"\n", 0, error.start) + 1, "this is not UTF-8")]
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        return NOBODY, [Problem(line, f"not TOML: {said[: place.start()] if place else said}")]
    hosts: dict[str, str] = {}
    networks: dict[Network, str] = {}
    wrong = sorted(_fill(_Lines(text), tables, hosts, networks))
    return ProviderMap(tuple(sorted(hosts.items())), tuple(networks.items())), wrong


class _Lines:
    """Finds the line of a provider or of one of its entries."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of(self, name: str, entry: str = "") -> int:
        key = rf"""^[ \t]*(?:"{re.escape(name)}"|'{re.escape(name)}'|{re.escape(name)})[ \t]*="""
        start = next((n for n, line in enumerate(self._lines) if re.match(key, line)), 0)
        for number in range(start, len(self._lines) if entry else start):
            if f'"{entry}"' in self._lines[number] or f"'{entry}'" in self._lines[number]:
                return number + 1
        return start + 1


def _fill(
    lines: _Lines, tables: dict[str, Any], hosts: dict[str, str], networks: dict[Network, str]
) -> Iterator[Problem]:
    """Fill in what is right and say what is wrong."""
    for name, entries in tables.items():
        here = lines.of(name)
        if not name.strip() or len(name) > _LONGEST or not name.isprintable():
            yield Problem(here, f"a provider's name has 1 to {_LONGEST} printable characters")
        elif not isinstance(entries, list) or not entries:
            yield Problem(here, f"{name}: a list of host names and networks is expected")
        else:
            key = key_of(name)
            for entry in entries:
                where = lines.of(name, entry) if isinstance(entry, str) else here
                text = _wrong(entry, key, hosts, networks)
                if text:
                    yield Problem(where, f"{name}: {text}")


def _wrong(entry: Any, key: str, hosts: dict[str, str], networks: dict[Network, str]) -> str:
    """Take in one host or network; else say what is wrong with it."""
    if not isinstance(entry, str) or not entry:
        return f"{entry!r} is no text"
    own = entry.lower().rstrip(".")
    if re.fullmatch(r"[0-9.]+(?:/[0-9]+)?|[0-9a-f.]*:[0-9a-f:.]*(?:/[0-9]+)?", own):
        try:
            network = ipaddress.ip_network(own)
        except ValueError as error:
            return f"{entry!r} is no network: {error}"
        if networks.setdefault(network, key) != key:
            return f"{entry!r} is also one of {networks[network]}"
        return ""
    if own.startswith((".", "*.")):
        return f"{entry!r}: write {own.lstrip('*.')!r}; hosts below it are covered"
    if not _HOST.fullmatch(own):
        return f"{entry!r} is neither a host name nor a network"
    if hosts.setdefault(own, key) != key:
        return f"{entry!r} is also one of {hosts[own]}"
    return ""


def key_of(name: str) -> str:
    """The key of one of our providers that is called so; else the name itself."""
    from .reply_rules import scopes

    ours = (s for s, _ in scopes() if s.kind == "providers")
    return next((s.key for s in ours if name.lower() in (s.key, s.name.lower())), name)
