"""What the terminal can show: width, colour, Unicode."""

import os
import sys
from typing import Any


def look_of(options: dict[str, Any]) -> dict[str, Any]:
    """How the text report looks on this terminal, as a command's options ask for it."""
    if options["form"] != "text":
        return {}
    return look(options["color"], options["width"], to_file=bool(options["output"]))


def look(color: str, width: int | None, *, to_file: bool) -> dict[str, Any]:
    """Options of the text renderer for standard output as it is."""
    terminal = sys.stdout.isatty() and not to_file
    colour = color == "always" or (
        color == "auto"
        and terminal
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    if color == "auto" and os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        colour = True
    columns = 80
    if terminal and not width:
        import shutil  # brings every compressor along

        columns = shutil.get_terminal_size((80, 24)).columns
    encoding = (sys.stdout.encoding or "ascii").lower()
    return {
        "colour": colour,
        "width": width or max(60, min(80, columns)),
        "ascii_only": not to_file and "utf" not in encoding,
    }
