"""Where a report is to go, from the options; what is wrong is refused before a log is read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.exits import Exit, Refused

from .addresses import Server, own_name, server
from .webhook import Target, target

USER, PASSWORD, TOKEN = "SMTPLENS_SMTP_USER", "SMTPLENS_SMTP_PASSWORD", "SMTPLENS_WEBHOOK_TOKEN"


@dataclass(frozen=True, slots=True)
class Login:
    """What a mail server asks for."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Keep the password out of messages."""
        return f"Login({self.user!r})"


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a report goes besides standard output or `-o`."""

    mail_to: tuple[str, ...] = ()
    mail_from: str = ""
    """As it was asked for; empty where it was not."""
    mail_file: str | None = None
    sendmail: str | None = None
    smtp: Server | None = None
    smtp_tls: bool = False
    """Nothing is sent without TLS and a certificate that holds."""
    login: Login | None = None
    prometheus: str | None = None
    webhook: Target | None = None

    @property
    def sender(self) -> str:
        """Who the mail is from."""
        return self.mail_from or f"smtplens@{own_name()}"


def plan_of(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Plan:
    """The plan that the options ask for; raises Refused where they cannot be followed."""
    smtp = options.get("smtp")
    if smtp and options.get("sendmail"):
        raise Refused("--smtp and --sendmail: choose one way to send", Exit.USAGE)
    for option in ("smtp_tls", "smtp_auth"):
        if options.get(option) and not smtp:
            raise Refused(f"--{option.replace('_', '-')} needs --smtp", Exit.USAGE)
    webhook = options.get("webhook")
    try:
        return Plan(
            mail_to=tuple(options.get("mail_to") or ()),
            mail_from=options.get("mail_from") or "",
            mail_file=options.get("mail_file"),
            sendmail=options.get("sendmail"),
            smtp=server(smtp) if smtp else None,
            smtp_tls=bool(options.get("smtp_tls")),
            login=_login(options.get("smtp_auth"), environment) if smtp else None,
            prometheus=options.get("prometheus"),
            webhook=target(webhook, environment.get(TOKEN) or None) if webhook else None,
        )
    except ValueError as error:
        raise Refused(str(error), Exit.USAGE) from error


def _login(path: str | None, environment: Mapping[str, str]) -> Login | None:
    """The login from a file of two lines, user and password, or from the environment."""
    if path is None:
        user, password = environment.get(USER), environment.get(PASSWORD)
        if bool(user) != bool(password):
            raise Refused(f"{USER} and {PASSWORD}: only one of them is set", Exit.USAGE)
        return Login(user, password) if user and password else None
    try:
        with Path(path).open(encoding="utf-8") as file:
            # What is asked is the file that is read, however its name may be given anew.
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & 0o077:
                raise Refused(
                    f"--smtp-auth {path}: others may read it; `chmod 600` it first", Exit.USAGE
                )
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise Refused(f"--smtp-auth {path}: {reason}", Exit.INPUT) from error
    if len(lines) != 2 or not all(lines):
        raise Refused(
            f"--smtp-auth {path}: two lines are needed, the user and the password", Exit.USAGE
        )
    return Login(*lines)
