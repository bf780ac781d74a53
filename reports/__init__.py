"""What a finished report looks like: one module per output format."""

from __future__ import annotations

TYPE_CHECKING = False  # not from typing, which takes longer to load than all of this
if TYPE_CHECKING:
    from .model import Report

FORMATS: dict[str, str] = {
    "text": "terminal:render",
    "html": "html:render",
    "md": "markdown:render",
    "json": "to_json:render",
    "csv": "to_csv:render",
}
"""Name of a format -> module and function; a module is imported when it is asked for."""


def render(report: Report, fmt: str, **options: object) -> str:
    """Render a report as `fmt`; only text has options (width, colour, ascii_only)."""
    from importlib import import_module

    if fmt not in FORMATS:
        raise ValueError(f"unknown format {fmt!r}: choose from {', '.join(FORMATS)}")
    module, _, function = FORMATS[fmt].partition(":")
    text: str = getattr(import_module(f".{module}", __name__), function)(report, **options)
    return text
