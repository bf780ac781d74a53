"""Options that carry a report away from the terminal: mail, Prometheus, webhook."""

import click

from .options import bundle


def _addresses(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from analyzer.sending.addresses import address

    try:
        return tuple(dict.fromkeys(address(value) for value in values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _sender(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else _addresses(context, parameter, (value,))[0]


def _server(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from analyzer.sending.addresses import server

        try:
            server(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return value


delivering = bundle(
    click.option(
        "--mail-to",
        multiple=True,
        metavar="ADDR",
        callback=_addresses,
        help="Mail the report to this address, as text and HTML (may be repeated).",
    ),
    click.option(
        "--mail-from",
        metavar="ADDR",
        callback=_sender,
        help="Sender of the mail (default: smtplens at this machine's name).",
    ),
    click.option(
        "--mail-file",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Write the mail to this file (.eml) instead of sending it.",
    ),
    click.option(
        "--sendmail",
        metavar="PATH",
        type=click.Path(dir_okay=False),
        help="Program that takes the mail, called with -t (default: the machine's sendmail).",
    ),
    click.option(
        "--smtp",
        metavar="HOST:PORT",
        callback=_server,
        help="Hand the mail to this server instead; TLS where it is offered. A login is read from"
        " SMTPLENS_SMTP_USER and SMTPLENS_SMTP_PASSWORD, and then needs TLS.",
    ),
    click.option("--smtp-tls", is_flag=True, help="Require TLS and a certificate that holds."),
    click.option(
        "--smtp-auth",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="File with user and password, a line each; nobody else may read it.",
    ),
    click.option(
        "--prometheus",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Write metrics for node_exporter's textfile collector.",
    ),
    click.option(
        "--webhook",
        metavar="URL",
        help="Post a summary as JSON; SMTPLENS_WEBHOOK_TOKEN is sent as a bearer token.",
    ),
)
