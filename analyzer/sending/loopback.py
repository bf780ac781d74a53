"""Which names are this machine itself: what goes there crosses no network."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own; no name is looked up."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
