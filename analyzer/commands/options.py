"""Options that several commands share."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def bundle(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, listed in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _code(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    import re

    for value in values:
        if not re.fullmatch(r"[1-9][0-9]{2}|[2-5]xx|[245]\.[0-9]{1,3}\.[0-9]{1,3}", value):
            raise click.BadParameter(f"{value!r} is neither 550 nor 5xx nor 5.7.1")
    return values


def language(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """A language there is; the locale's where none is asked for."""
    from analyzer.knowledge.languages import available, preferred

    if value is None:
        return preferred(os.environ)
    if value not in available():
        raise click.BadParameter(f"{value!r} is not one of {', '.join(available())}")
    return value


reading = bundle(
    click.argument("logs", nargs=-1, metavar="[LOG]..."),
    click.option(
        "--tz",
        metavar="ZONE",
        help="Zone of the report and of stamps without one (default: this machine's).",
    ),
    click.option(
        "--year",
        type=click.IntRange(1970, 9000),
        help="Year of the first line, where stamps carry none.",
    ),
)

selecting = bundle(
    click.option(
        "--since",
        metavar="TIME",
        help="From here on: 2026-11-22, '2026-11-22 14:00', 14:00, yesterday, -2h.",
    ),
    click.option("--until", metavar="TIME", help="Before this time."),
    click.option(
        "-d", "--date", "day", metavar="DAY", help="One whole day: yesterday, today, 2026-11-22."
    ),
    click.option(
        "--host",
        "hosts",
        multiple=True,
        metavar="NAME",
        help="Only lines of this host (may be repeated).",
    ),
    click.option(
        "--mta",
        "mtas",
        multiple=True,
        type=click.Choice(["postfix", "exim", "sendmail"]),
        help="Only this MTA.",
    ),
    click.option(
        "--direction",
        "directions",
        multiple=True,
        type=click.Choice(["inbound", "outbound", "local"]),
    ),
    click.option(
        "--code",
        "codes",
        multiple=True,
        metavar="CODE",
        callback=_code,
        help="Only replies 550, 5xx or 5.7.1.",
    ),
    click.option(
        "--domain",
        "domains",
        multiple=True,
        metavar="NAME",
        help="Only this sender's or recipient's domain.",
    ),
)

rules = click.option(
    "--rules",
    "user",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Rules of your own for reply texts, tried before all others (see `rules check`).",
)


def _provider_map(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Have the user's map asked from here on; ours alone where there is none."""
    from analyzer.exits import Refused
    from analyzer.knowledge import provider_map

    try:
        provider_map.use(provider_map.load(path) if path else provider_map.NOBODY)
    except (Refused, OSError) as error:
        raise click.BadParameter(str(error)) from error
    return path


providers = click.option(
    "--providers",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    callback=_provider_map,
    help="Hosts and networks of mailbox providers, asked before our own map: lines such as"
    ' "Example" = ["mx.example.net", "192.0.2.0/24"].',
)

munging = bundle(
    click.option(
        "--munge",
        metavar="KIND,...",
        help="Addresses listed as the one they were made from: srs, batv, verp, verp-id (only the"
        " number), plus (without extension), all or none (default: srs,batv,verp).",
    ),
    click.option(
        "--delimiter",
        metavar="CHARS",
        default="+",
        show_default=True,
        help="What parts an extension from its address, for --munge plus.",
    ),
)

anonymizing = bundle(
    click.option(
        "--anonymize",
        is_flag=True,
        help="Put stable pseudonyms in place of addresses, hosts and IPs; names of input files"
        " stay. Without --anonymize-key they are weak: whoever guesses a name can check the guess.",
    ),
    click.option(
        "--anonymize-key",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="Secret that makes pseudonyms nobody else can check, the same in all runs with it;"
        " asks for --anonymize too.",
    ),
)

from_history = click.option(
    "--history",
    metavar="[FILE]",
    is_flag=False,
    flag_value="default",
    help="Read what `smtplens cron` has kept instead of logs; without FILE, where it keeps it.",
)

output = click.option(
    "-o",
    "--output",
    "output",
    type=click.Path(dir_okay=False),
    help="Write to this file, all or nothing (default: stdout).",
)

looking = bundle(
    click.option(
        "--width",
        type=click.IntRange(60, 400),
        help="Columns of the text (default: the terminal's, 80 at most).",
    ),
    click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
    ),
)

wording = click.option(
    "--lang",
    metavar="LANG",
    callback=language,
    help="Language of the texts: en or hi (default: the locale's).",
)

formed = bundle(
    click.option(
        "--top",
        default="10",
        metavar="N",
        help="Length of the top lists: a number or `all`.",
        show_default=True,
    ),
    click.option(
        "--format",
        "form",
        default="text",
        type=click.Choice(["text", "json", "html", "md", "csv"]),
        show_default=True,
    ),
)
