"""What rotation makes of a log's name, and back."""

import re
from pathlib import Path

_PACKED = r"(?:\.(?:gz|zst|bz2|xz|Z))?"
# `.1`, `.01`, `-20261123`, `-20261123-1763900000`, `.2026-11-23`; never `mx-01`, a host's name.
_TURN = r"(?:\.[0-9]{1,3}|[-._](?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[-._T]?[0-9]{1,10})?)"
_ROTATED = re.compile(f"^(?P<log>.+?){_TURN}(?P<ending>\\.log)?{_PACKED}$")
_ONLY_PACKED = re.compile(r"^(.+)\.(?:gz|zst|bz2|xz|Z)$")


def own_name(path: str) -> str:
    """The path of the log that a rotated file was: what rotation adds taken off."""
    where = Path(path)
    found = _ROTATED.match(where.name)
    if found:
        return str(where.with_name(found["log"] + (found["ending"] or "")))
    packed = _ONLY_PACKED.match(where.name)
    return str(where.with_name(packed[1])) if packed else path


def siblings(path: str) -> list[str]:
    """Files beside a log that look like it before it was rotated; none of a rotated file.

    The oldest names come first: those that changed first. Raises OSError.
    """
    where = Path(path)
    if own_name(path) != path or not where.parent.is_dir():
        return []
    found = [
        p
        for p in where.parent.iterdir()
        if p.name.startswith(where.stem) and p.name != where.name and own_name(str(p)) == path
    ]
    return [str(p) for p in sorted(found, key=lambda p: (_changed(p), p.name)) if p.is_file()]


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
