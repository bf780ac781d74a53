"""Names to stable pseudonyms: a name has the same one wherever it stands, in every run of one key.

`user-5k2mw0pa@domain-x7c31f9z.example` for an address, `host-....domain-....example` for a host of
that domain. They are made by a keyed hash, so nothing has to be kept between runs. Upper and lower
case are one name, as mail servers see them. What already is a pseudonym of this key stays.
"""

import ipaddress
from collections.abc import Callable
from hashlib import blake2b

FIXED_KEY = b"smtplens"
"""Known to everybody: whoever guesses a name can check the guess."""

KEPT = frozenset(
    {
        *("", "unknown", "none", "local", "localhost", "localhost.localdomain"),
        # What Postfix and Sendmail call their transports where a relay has no name.
        *("virtual", "maildrop", "procmail", "dovecot", "cyrus", "lmtp", "pipe", "prog", "*file*"),
    }
)
"""Names that name nobody."""
NULL = "<>"

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_HASHED = 7
"""Letters of 5 bits that tell names apart: of 100,000 names, two collide under one key in seven; of
10,000, under one in 700. One letter more is a check, by which a pseudonym is known as such."""
_SUBDOMAINS = 4
"""Labels that are shown left of a domain."""
_SECOND_LEVEL = frozenset({
    "ac", "co", "com", "edu", "gen", "go", "gob", "gov", "gouv", "ltd", "me", "mil", "ne", "net",
    "nhs", "nom", "or", "org", "plc", "sch",
})  # fmt: skip
"""Under a country's label, these are no domain of anybody's own: `example.co.uk` is."""
_IPV4 = ipaddress.IPv4Network("240.0.0.0/4")
"""Addresses that no host can have. The documentation ranges and 198.18.0.0/15 hold 512 networks at
most: with a thousand clients several would have become one, and counts by address wrong."""
_IPV6 = ipaddress.IPv6Network("2001:db8::/32")
_REMEMBERED = 200_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Pseudonyms:
    """The pseudonyms of one key; `secret` may be of any length."""

    def __init__(self, secret: bytes = FIXED_KEY) -> None:
        self._key = blake2b(secret).digest()
        self._known: dict[tuple[str, str], str] = {}

    def user(self, name: str) -> str:
        """The part of an address before the @, or a login."""
        return self._once("user", name, self._user)

    def host(self, name: str) -> str:
        """A host, a domain, or what a client said it is; an IP in brackets or not is one too."""
        return self._once("host", name, self._host)

    def ip(self, text: str) -> str:
        """An IP address, one /24 (/64) to one; what is none comes back as it is."""
        return self._once("ip", text, self._ip)

    def address(self, text: str) -> str:
        """A mail address or a Message-ID, in angle brackets or not; without a domain, a user."""
        if text in ("", NULL):
            return text
        if text.startswith("<") and text.endswith(">"):
            return f"<{self.address(text[1:-1])}>"
        local, at, domain = text.rpartition("@")
        return f"{self.user(local)}@{self.host(domain)}" if at else self.user(text)

    def _once(self, kind: str, name: str, make: Callable[[str], str]) -> str:
        found = self._known.get((kind, name))
        if found is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            found = self._known[kind, name] = make(name)
        return found

    def _user(self, name: str) -> str:
        if not name or self._is_own(name, "user") or self._is_own(name, "host"):
            return name
        return self._label("user", name.lower())

    def _host(self, name: str) -> str:
        bare = name.strip().lower().rstrip(".")
        if bare in KEPT or self._is_own(bare, "user"):
            return name
        if bare.startswith("[") and bare.endswith("]"):
            inner = bare[1:-1].removeprefix("ipv6:")
            return name.replace(name.strip(), f"[{self._host(inner)}]")
        if ip_of(bare) is not None:
            return self._ip(bare)
        labels = bare.split(".")
        if self._is_own_host(labels):
            return bare
        if len(labels) == 1:
            return self._label("host", bare)
        deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
        size = 3 if deep else 2
        domain = f"{self._label('domain', '.'.join(labels[-size:]))}.example"
        names = [".".join(labels[n:]) for n in range(len(labels) - size)]
        names[1 : len(names) - _SUBDOMAINS + 1] = []
        return ".".join([*(self._label("host", n) for n in names), domain])

    def _ip(self, text: str) -> str:
        found = ip_of(text)
        if found is None or found.is_loopback or found.is_unspecified:
            return text
        if isinstance(found, ipaddress.IPv4Address):
            return str(self._ipv4(found))
        if found.ipv4_mapped is not None:
            return f"::ffff:{self._ip(str(found.ipv4_mapped))}"
        return self._ipv6(found)

    def _ipv4(self, found: ipaddress.IPv4Address) -> ipaddress.IPv4Address:
        if found in _IPV4:
            return found
        network, host = divmod(int(found), 256)
        bits = _IPV4.max_prefixlen - 8 - _IPV4.prefixlen
        theirs = int.from_bytes(self._hash("net4", str(network), 4)) & ((1 << bits) - 1)
        # Four rounds of a Feistel network: no two hosts of a network become one.
        table = self._hash("host4", str(network), 64)
        left, right = divmod(host, 16)
        for turn in range(0, 64, 16):
            left, right = right, left ^ (table[turn + right] & 15)
        return _IPV4.network_address + (theirs * 256 + left * 16 + right)

    def _ipv6(self, found: ipaddress.IPv6Address) -> str:
        number = int(found)
        if found in _IPV6 and number & 0xFFFFFFFF == self._seal(number >> 32):
            return str(found)
        theirs = int.from_bytes(self._hash("net6", str(number >> 64), 4))
        host = int.from_bytes(self._hash("host6", str(number), 4))
        shown = (int(_IPV6.network_address) >> 32) | theirs << 32 | host
        return str(ipaddress.IPv6Address(shown << 32 | self._seal(shown)))

    def _seal(self, number: int) -> int:
        """Bits by which an address is known as a pseudonym: real ones may be of that network."""
        return int.from_bytes(self._hash("seal", str(number), 4))

    def _hash(self, kind: str, text: str, size: int) -> bytes:
        whole = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return blake2b(whole, key=self._key, digest_size=size).digest()

    def _label(self, kind: str, name: str) -> str:
        number = int.from_bytes(self._hash(kind, name, 5))
        code = "".join(_LETTERS[number >> 5 * n & 31] for n in range(_HASHED))
        return f"{kind}-{code}{self._check(kind, code)}"

    def _check(self, kind: str, code: str) -> str:
        return _LETTERS[self._hash(f"check {kind}", code, 1)[0] & 31]

    def _is_own(self, label: str, kind: str) -> bool:
        head, code = f"{kind}-", label.removeprefix(f"{kind}-")
        right = len(code) == _HASHED + 1 and set(code) <= set(_LETTERS)
        return label.startswith(head) and right and self._check(kind, code[:-1]) == code[-1]

    def _is_own_host(self, labels: list[str]) -> bool:
        if len(labels) == 1:
            return self._is_own(labels[0], "host")
        whole = labels[-1] == "example" and self._is_own(labels[-2], "domain")
        return whole and all(self._is_own(label, "host") for label in labels[:-2])


def ip_of(text: str) -> Address | None:
    """The IP address that a text is."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
