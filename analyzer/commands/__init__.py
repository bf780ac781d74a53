"""The commands, a file each; cli.py is what they print and end with."""

from importlib import import_module
from pkgutil import iter_modules

import click


def register(main: click.Group) -> None:
    """Add the commands of every file here that has some."""
    for name in sorted(module.name for module in iter_modules(__path__)):
        add = getattr(import_module(f"{__name__}.{name}"), "register", None)
        if add is not None:
            add(main)
