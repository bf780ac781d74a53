"""Mail addresses and servers that a user names, checked before anything is read or sent."""

import re
import socket
from typing import NamedTuple

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?!-){_ATOM}(?:\.{_ATOM})*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LONGEST_LOCAL, _LONGEST = 64, 254  # RFC 5321, section 4.5.3.1


class Server(NamedTuple):
    """A mail server to hand a message to."""

    host: str
    port: int


def address(text: str) -> str:
    """An address as it goes into a header and an envelope: user@domain, or a user of this machine.

    A domain in letters beyond ASCII becomes its A-label. Raises ValueError with what is wrong.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        local, domain = domain, ""
    if at and not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError as error:
            raise ValueError(f"{text!r}: no such domain can exist") from error
    found = f"{local}{at}{domain}"
    if not _LOCAL.fullmatch(local) or (at and not _HOST.fullmatch(domain)):
        raise ValueError(f"{text!r} is no mail address such as postmaster@example.org")
    if len(local) > _LONGEST_LOCAL or len(found) > _LONGEST:
        raise ValueError(f"{text!r} is longer than a mail address can be")
    return found


def server(text: str, port: int = 25) -> Server:
    """A server from `host`, `host:port`, `[2001:db8::1]:port`; raises ValueError."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]/@]+))(?::([0-9]{1,5}))?", text)
    if found is None:
        raise ValueError(f"{text!r} is no server such as mail.example.org:587")
    number = int(found[3] or port)
    if not 0 < number < 65536:
        raise ValueError(f"{text!r}: there is no port {number}")
    return Server(found[1] or found[2], number)


def own_name() -> str:
    """This machine's full name, as far as it can stand in an address."""
    name = socket.getfqdn()
    return name if _HOST.fullmatch(name) else "localhost"
