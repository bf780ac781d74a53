"""Where the history is kept when no file is named."""

from collections.abc import Mapping
from pathlib import Path

NAME = "history.db"


def default_file(environ: Mapping[str, str], *, root: bool) -> Path:
    """systemd's state directory, the system's own for root, the user's for others."""
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].partition(":")[0]) / NAME
    if root:
        return Path("/var/lib/smtplens") / NAME
    state = environ.get("XDG_STATE_HOME", "")
    # A relative one is to be ignored (XDG Base Directory Specification).
    base = Path(state) if state.startswith("/") else Path("~/.local/state").expanduser()
    return base / "smtplens" / NAME


def history_file(named: str | None, environ: Mapping[str, str], *, root: bool) -> Path:
    """The file that is named, or the default one."""
    return Path(named) if named else default_file(environ, root=root)
