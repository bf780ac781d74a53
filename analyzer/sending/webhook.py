"""A JSON body to a web address: a few tries, no detours, no secret in clear."""

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from uuid import uuid4

from . import NotSent
from .loopback import is_loopback

TIMEOUT = 10
"""Seconds that a server may be silent."""
PAUSES = (1.0, 4.0)
"""Seconds before each further try."""
LONGEST_PAUSE = 30.0
_LATER = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that another try may change."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post."""

    url: str
    token: str | None = None

    def __repr__(self) -> str:
        """Keep the secrets of an address, which many services put into its path."""
        return f"Target({self.shown!r})"

    @property
    def shown(self) -> str:
        """The address without what may be secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"

    @property
    def local(self) -> bool:
        """Whether it is this machine itself."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def open_to_read(self) -> bool:
        """Whether what is sent can be read on the way."""
        return urlsplit(self.url).scheme == "http" and not self.local


def target(url: str, token: str | None = None) -> Target:
    """The target of an address and a secret; raises ValueError where they cannot be used."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("--webhook: an address such as https://example.org/hook is needed")
    if parts.username is not None or parts.password is not None:
        raise ValueError("--webhook: no user or password in the address; see docs/alerts.md")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("SMTPLENS_WEBHOOK_TOKEN: letters that no token has")
    found = Target(url, token)
    if found.open_to_read and token is not None:
        raise ValueError("--webhook: SMTPLENS_WEBHOOK_TOKEN is not sent over http; use https")
    return found


class _NoDetours(urllib.request.HTTPRedirectHandler):
    """Another address may be another's: the token and the report stay here."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
        headers: Message, newurl: str,
    ) -> None:  # fmt: skip
        """Follow nothing: the answer is then an error like any other."""


def post(body: str, to: Target, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Post JSON; raises NotSent when no try was answered with success."""
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked in `target`
        to.url,
        body.encode(),
        {
            "Content-Type": "application/json",
            "User-Agent": "smtplens",
            # The same for every try: a receiver can tell a repetition.
            "Idempotency-Key": str(uuid4()),
            **({"Authorization": f"Bearer {to.token}"} if to.token else {}),
        },
        method="POST",
    )
    # What is for this machine does not go through a proxy.
    proxies = [urllib.request.ProxyHandler({})] if to.local else []
    opener = urllib.request.build_opener(_NoDetours, *proxies)
    for pause in (*PAUSES, None):
        try:
            with opener.open(request, timeout=TIMEOUT):
                return
        except HTTPError as error:
            error.close()
            problem, asked = _said(error), error.headers.get("Retry-After", "")
            if error.code not in _LATER:
                pause = None
            elif pause is not None and asked.isdecimal():
                pause = min(max(pause, float(asked)), LONGEST_PAUSE)
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            problem = str(getattr(reason, "strerror", None) or reason)
            if "CERTIFICATE_VERIFY_FAILED" in str(reason):
                pause = None
        if pause is None:
            raise NotSent(f"{to.shown}: {problem}")
        sleep(pause)


def _said(error: HTTPError) -> str:
    if 300 <= error.code < 400:
        return f"{error.code}: it points elsewhere, which is not followed; give the final address"
    return f"{error.code} {error.reason}"
