"""What servers say: the wordings of the generated log and how often each one comes up."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """How one delivery attempt ends."""

    weight: int
    status: str
    dsn: str
    code: str  # as written in the reply; empty when nobody replied
    text: str  # what stands in the parentheses
    relay: bool = True  # False: relay=none
    slow: bool = False  # a timeout


def _said(weight: int, status: str, reply: str, command: str = "RCPT TO") -> Outcome:
    code, dsn = reply[:3], f"{reply[0]}.0.0"
    words = reply[4:].split(" ", 1)
    if words[0].count(".") == 2 and words[0][0] == reply[0]:
        dsn = words[0]
    text = f"host {{peer}} said: {reply} (in reply to {command} command)"
    return Outcome(weight, status, dsn, code, text)


_GOOGLE_SPF = (
    "550-5.7.26 Your email has been blocked because the sender is unauthenticated. "
    "550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. 550-5.7.26 "
    "550-5.7.26  Authentication results: 550-5.7.26  DKIM = did not pass 550-5.7.26  SPF "
    "[{sender}] with ip: [192.0.2.25] = did not pass 550-5.7.26  550 5.7.26  For instructions, "
    "go to https://support.gmail.test/mail/answer/81126#authentication {token} - gsmtp"
)
_GOOGLE_RATE = (
    "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating 421-4.7.28 "
    "from your IP address [192.0.2.25]. To protect our users 421-4.7.28 from spam, mail has been "
    "temporarily rate limited. 421 4.7.28 {token} - gsmtp"
)

FAILURES: tuple[Outcome, ...] = (
    _said(30, "deferred", "451 4.7.1 Greylisting in action, please come back later"),
    _said(30, "deferred", "450 4.2.0 <{to}>: Recipient address rejected: Greylisted"),
    _said(14, "deferred", "452 4.2.2 <{to}> Mailbox full"),
    _said(12, "deferred", _GOOGLE_RATE, "end of DATA"),
    _said(8, "deferred", "451 4.3.0 Temporary local problem - please try later", "MAIL FROM"),
    _said(6, "deferred", "450 4.1.1 <{to}>: Recipient address rejected: unverified address"),
    _said(5, "deferred", "451 Try again later", "end of DATA"),
    Outcome(
        16,
        "deferred",
        "4.7.0",
        "421",
        "host {peer} refused to talk to me: 421 4.7.0 {peer} Too many connections, try again later",
    ),
    Outcome(22, "deferred", "4.4.1", "", "connect to {peer}:25: Connection timed out", False, True),
    Outcome(8, "deferred", "4.4.1", "", "connect to {peer}:25: Connection refused", False),
    Outcome(
        10,
        "deferred",
        "4.4.2",
        "",
        "lost connection with {peer} while receiving the initial server greeting",
    ),
    Outcome(
        6,
        "deferred",
        "4.4.2",
        "",
        "conversation with {peer} timed out while sending end of data -- "
        "message may be sent more than once",
        True,
        True,
    ),
    Outcome(
        8,
        "deferred",
        "4.4.3",
        "",
        "Host or domain name not found. Name service error for name={domain} type=MX: "
        "Host not found, try again",
        False,
    ),
    _said(50, "bounced", "550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
    _said(12, "bounced", "550 5.1.1 No such user here"),
    _said(14, "bounced", "554 5.7.1 Message rejected under suspicion of SPAM", "end of DATA"),
    _said(12, "bounced", "552 5.2.2 <{to}>: Mailbox quota exceeded"),
    _said(9, "bounced", _GOOGLE_SPF, "end of DATA"),
    _said(7, "bounced", "550 5.7.1 Service unavailable; client [192.0.2.25] blocked using bl.test"),
    _said(6, "bounced", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
    _said(5, "bounced", "550 Requested action not taken: mailbox unavailable"),
    _said(3, "bounced", "553 5.1.8 <{sender}>: Sender domain must exist", "MAIL FROM"),
    _said(2, "bounced", "501 5.1.3 Bad recipient address syntax"),
    Outcome(
        6,
        "bounced",
        "5.4.4",
        "",
        "Host or domain name not found. Name service error for name={domain} type=AAAA: "
        "Host not found",
        False,
    ),
)

LOCAL_FAILURES: tuple[Outcome, ...] = (
    _said(5, "bounced", "552 5.2.2 <{to}> Quota exceeded (mailbox is full)", "end of DATA"),
    _said(3, "deferred", "451 4.2.0 <{to}> Internal error occurred", "end of DATA"),
    Outcome(4, "bounced", "5.1.1", "", 'unknown user: "{to}"'),
)

_OUTLOOK = (
    "Hostname=DB8.prod.outlook.test] 9143 bytes in 0.123, 72.4 KB/sec Queued mail for delivery"
)
SENT = (  # by Person.style: enhanced code, reply
    ("2.0.0", "250 2.0.0 OK  {clock} {token} - gsmtp"),
    ("2.6.0", f"250 2.6.0 <{{token}}@mail.test> [InternalId=4711{{clock}}, {_OUTLOOK}"),
    ("2.0.0", "250 ok dirdel"),
    ("2.0.0", "250 2.0.0 Ok: queued as {token}"),
    ("2.0.0", "250 OK id=1tF{token}-0000-0A"),
    ("2.0.0", "250 2.0.0 {token} Message accepted for delivery"),
)

ATTEMPTS = (
    ("421", "refused to talk to me: 421 4.3.2 primary is down for maintenance"),
    ("451", "said: 451 4.7.1 Greylisting in action (in reply to RCPT TO command)"),
    ("450", "said: 450 4.3.2 Service currently unavailable (in reply to MAIL FROM command)"),
)


class Reject(NamedTuple):
    """A refusal by our own smtpd at RCPT TO."""

    weight: int
    code: str
    text: str
    stage: str = "RCPT"
    to: str = "local"  # local, unknown, remote


REJECTS: tuple[Reject, ...] = (
    Reject(
        24, "450", "4.2.0 <{to}>: Recipient address rejected: Greylisted, see https://grey.test/"
    ),
    Reject(
        34,
        "554",
        "5.7.1 Service unavailable; Client host [{ip}] blocked using zen.rbl.test; "
        "https://www.rbl.test/query/ip/{ip}",
    ),
    Reject(
        40,
        "550",
        "5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table",
        to="unknown",
    ),
    Reject(8, "504", "5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname"),
    Reject(10, "450", "4.7.25 Client host rejected: cannot find your hostname, [{ip}]"),
    Reject(6, "450", "4.1.8 <{sender}>: Sender address rejected: Domain not found"),
    Reject(5, "450", "4.7.1 <{helo}>: Helo command rejected: Host not found"),
    Reject(9, "554", "5.7.1 <{to}>: Relay access denied", to="remote"),
    Reject(3, "554", "5.7.1 <{client}>: Client host rejected: Access denied"),
    Reject(2, "552", "5.3.4 Message size exceeds fixed limit", "MAIL", "none"),
    Reject(2, "452", "4.2.2 <{to}>: Recipient address rejected: mailbox over quota"),
    Reject(1, "521", "5.2.1 <{to}>: Recipient address rejected: never", to="unknown"),
)

# how a session that brought no mail ends: counters of the disconnect line, what failed, weight
PROBES = (
    (30, "ehlo=1 quit=1 commands=2", ""),
    (20, "commands=0/0", ""),
    (12, "ehlo=1 auth=0/1 quit=1 commands=2/3", "auth=1"),
    (8, "helo=1 vrfy=0/3 quit=1 commands=2/5", "vrfy=3"),
    (8, "unknown=0/2 commands=0/2", "unknown=2"),
    (5, "ehlo=1 mail=1 rcpt=0/1 data=0/1 rset=1 quit=1 commands=4/6", "rcpt=1,data=1"),
    (4, "ehlo=2 starttls=1 quit=1 commands=4", ""),
    (3, "helo=1 expn=0/1 etrn=0/1 commands=1/3", "expn=1,etrn=1"),
    (2, "ehlo=1 mail=0/1 quit=1 commands=2/3", "mail=1"),
)

FOREIGN = (
    "dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=192.0.2.25, TLS",
    "dovecot: imap({user})<4711><{token}>: Disconnected: Logged out in=210 out=5012",
    "sshd[{pid}]: Failed password for invalid user admin from {ip} port 51334 ssh2",
    "systemd[1]: Started Session {pid} of user root.",
    "opendkim[812]: {token}: DKIM-Signature field added (s=mail, d=lab.test)",
    "CRON[{pid}]: (root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.hourly)",
)


def weighted(weights: list[int], total: int = 1024) -> list[int]:
    """Indices spread over a table of `total` places in proportion to their weights."""
    places: list[int] = []
    whole, run = sum(weights), 0
    for index, weight in enumerate(weights):
        run += weight
        places.extend([index] * (run * total // whole - len(places)))
    return places
