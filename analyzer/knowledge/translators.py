"""The translators' command: what is missing or stale, and stamping what is new."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from . import data_files, languages

Table = dict[str, Any]


def report(lang: str) -> str:
    """Say what a translation lacks."""
    missing, stale = sorted(languages.missing(lang)), languages.stale(lang)
    lines = [*(f"missing: {m}" for m in missing), *(f"stale: {s}" for s in stale)]
    whole = sum(len(languages.texts(name)) for name in languages.names())
    done = whole - len(missing)
    return "\n".join([*lines, f"{lang}: {done} of {whole} texts, {len(stale)} stale"])


def stamp(lang: str) -> list[str]:
    """Write the hash of its English to each plain string; return the files that changed."""
    data_files.read.cache_clear()
    changed = []
    for name in languages.names():
        english = languages.texts(name)
        found = languages.translated(name, lang)
        fresh = {
            path: {"of": languages.digest(english[path]), "text": value}
            for path, value in found.items()
            if isinstance(value, str) and path in english
        }
        if fresh:
            file = data_files.ROOT / lang / f"{name}.toml"
            file.write_text(written(_tree(found | fresh)), "utf-8")
            changed.append(file.name)
    data_files.read.cache_clear()
    languages.load.cache_clear()
    return changed


def _tree(leaves: Mapping[tuple[str, ...], Any]) -> Table:
    tree: Table = {}
    for path, value in leaves.items():
        table = tree
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
    return tree


def written(table: Table, path: tuple[str, ...] = ()) -> str:
    """Write a table as TOML: what stands in it, then the tables below it."""
    inner = {k: v for k, v in table.items() if isinstance(v, dict) and v.keys() != {"of", "text"}}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if k not in inner]
    head = [f"[{'.'.join(map(_key, path))}]"] if path and lines else []
    text = "\n".join([*head, *lines]) + "\n" if lines else ""
    if len(path) == 1 and text:
        text = f"\n{text}"
    text += "".join(written(value, (*path, key)) for key, value in inner.items())
    return text if path else text.lstrip("\n")


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{k} = {_value(v)}' for k, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return f'"{"".join(map(_escaped, value))}"'
    return str(value).lower() if isinstance(value, bool) else str(value)


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}"


@click.command()
@click.argument("lang")
@click.option("--stamp", "write", is_flag=True, help="Write the hashes to plain strings.")
def main(lang: str, write: bool) -> None:
    """Say what the translation LANG lacks."""
    if not re.fullmatch("[a-z]{2,3}", lang) or lang == "en":
        raise click.BadParameter(f"{lang!r} is no language to translate to")
    with click.open_file("-", "w") as out:
        if write:
            out.write("".join(f"stamped {name}\n" for name in stamp(lang)))
        out.write(report(lang) + "\n")
