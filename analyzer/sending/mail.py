"""A finished message to a mail server: through `sendmail -t`, or over SMTP."""

import os
import shutil
import smtplib
import ssl
import subprocess
from email.message import EmailMessage
from email.policy import Policy

from . import NotSent
from .addresses import Server
from .loopback import is_loopback
from .plan import Login, Plan

SMTPS = 465
"""Where TLS comes first (RFC 8314)."""
TIMEOUT = 30
"""Seconds that a server may be silent."""
SENDMAIL_TIMEOUT = 120
_BESIDE_PATH = ("/usr/sbin", "/usr/lib", "/usr/local/sbin")
"""Where sendmail is and the PATH of cron does not look."""


def send(message: EmailMessage, plan: Plan) -> None:
    """Hand the message over as planned; raises NotSent."""
    if plan.smtp is None:
        by_sendmail(message, plan.sendmail, plan.mail_from)
    else:
        sender = plan.sender
        by_smtp(message, plan.smtp, sender, plan.mail_to, tls=plan.smtp_tls, login=plan.login)


def by_sendmail(message: EmailMessage, program: str | None = None, sender: str = "") -> None:
    """Give the message to the machine's own mail server, which knows the recipients from it."""
    found = program or find_sendmail()
    # -i: a line of a single dot is text. The message comes with this machine's line ends.
    command = [found, "-i", "-t", *(("-f", sender) if sender else ())]
    policy: Policy = message.policy.clone(linesep="\n")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the address cannot look like an option
            command,
            input=message.as_bytes(policy=policy),
            capture_output=True,
            timeout=SENDMAIL_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotSent(f"{found}: no answer in {SENDMAIL_TIMEOUT} s") from error
    except OSError as error:
        raise NotSent(f"{found}: {error.strerror or error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        last = f": {said.splitlines()[-1]}" if said else ""
        raise NotSent(f"{found} ended with status {done.returncode}{last}")


def find_sendmail() -> str:
    """The path of sendmail; raises NotSent."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_BESIDE_PATH])
    found = shutil.which("sendmail", path=path)
    if found is None:
        raise NotSent(
            "no sendmail on this machine; name it with --sendmail PATH, or a server with --smtp"
        )
    return found


def by_smtp(
    message: EmailMessage,
    server: Server,
    sender: str,
    to: tuple[str, ...],
    *,
    tls: bool = False,
    login: Login | None = None,
) -> None:
    """Give the message to a server; raises NotSent, also where it took only some recipients.

    STARTTLS is used where it is offered. With `tls` or a login it has to be, and the certificate
    has to hold; without, any encryption is better than none. A login may go in clear to this
    machine itself.
    """
    where = f"{server.host}:{server.port}"
    strict = tls or (login is not None and not is_loopback(server.host))
    context = _context(strict=strict)
    try:
        with _connected(server, context) as smtp:
            smtp.ehlo_or_helo_if_needed()
            if server.port != SMTPS:
                if smtp.has_extn("starttls"):
                    smtp.starttls(context=context)
                elif strict:
                    why = "--smtp-tls asks for it" if tls else "a password is not sent without"
                    raise NotSent(f"{where} does not offer STARTTLS; {why}")
            if login is not None:
                smtp.login(login.user, login.password)
            # Not send_message, which writes `>From` where a line begins with From.
            refused = smtp.sendmail(sender, list(to), message.as_bytes())
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(f"{where}: {_refusals(error.recipients)}") from error
    except smtplib.SMTPResponseException as error:
        reply = _text(error.smtp_error)
        raise NotSent(f"{where}: {error.smtp_code} {reply}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"{where}: {getattr(error, 'strerror', None) or error}") from error
    if refused:
        raise NotSent(f"{where}: {_refusals(refused)}; the others have it")


def _connected(server: Server, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.port == SMTPS:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)


def _context(*, strict: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not strict:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{to} refused: {code} {_text(said)}" for to, (code, said) in refused.items())


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())
