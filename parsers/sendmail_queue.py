"""Sendmail's queue, its notices to senders, and the daemon itself."""

import polars as pl

from .rules import Rule
from .sendmail_syntax import QUEUE_ID, bare, not_starting, seconds

_QUEUE = {"kind": "queue"}
_SYSTEM = {"kind": "system"}
_NOTICE = rf"{QUEUE_ID}: (?:DSN|sender notify|postmaster notify|return to sender|error notify|returntosender|errors-to): "

QUEUE: tuple[Rule, ...] = (
    Rule(
        # Timeout.queuereturn is over (`Cannot send message for 5 days`, before 8.12 `within`).
        name="sendmail.expired",
        has=(": ", "not "),
        pattern=rf"{_NOTICE}(?<reply_text>Cannot send message (?:for|within) .*|Message could not be delivered (?:for|within) .*)$",
        set=_QUEUE | {"outcome": "expired"},
    ),
    Rule(
        # The text repeats the stat= or the reply of a `to=` line.
        name="sendmail.notice",
        has=(": ",),
        pattern=rf"{_NOTICE}(?<reply_text>.*)$",
        set=_QUEUE,
    ),
    Rule(
        name="sendmail.split",
        has=("clone",),
        pattern=rf"(?<reply_text>(?:{QUEUE_ID}: )?clone[:, ].*)$",
        set=_QUEUE,
    ),
    Rule(
        name="sendmail.split-envelope",
        starts=("split: ",),
        pattern=r"(?<reply_text>split: .*)$",
        set=_QUEUE,
    ),
    Rule(
        name="sendmail.done",
        starts=("done; delay=",),
        pattern=r"done; delay=(?<_delay>[0-9:+]+), ntries=[0-9]+$",
        set=_QUEUE | {"outcome": "removed"},
        derive={"delay": seconds(pl.col("_delay"))},
    ),
    Rule(
        name="sendmail.discarded",
        starts=("discarded",),
        pattern=r"discarded$",
        set=_QUEUE | {"outcome": "discarded"},
    ),
    Rule(
        name="sendmail.quarantined",
        starts=("quarantine=", "quarantined"),
        pattern=r"(?<reply_text>quarantine[d=].*)$",
        set=_QUEUE | {"outcome": "held"},
    ),
    Rule(
        name="sendmail.expanded",
        starts=("alias ", "forward ", "included ", "expanded ", "owner-", "Alias "),
        pattern=r"(?:alias|forward|included?|expanded) (?<_from>[^ ].*?) (?:=>|to) .*$",
        set=_QUEUE,
        derive={"orig_recipient": bare(pl.col("_from"))},
    ),
    Rule(
        name="sendmail.queue-step",
        starts=(
            *("locked", "unlock", "assigned id", "queueup", "dequeue", "dropenvelope"),
            *("delivery", "xunlink", "doworklist", "smtp", "makeconnection "),
            "SMTP outgoing connect on ",
        ),
        pattern=r"(?:locked|unlock|assigned id)$|(?:makeconnection|SMTP outgoing connect on) .*$"
        r"|(?:queueup|dequeue|dropenvelope|delivery|xunlink|doworklist|smtp)[,:] .*$",
        ignore=True,
    ),
    Rule(
        name="sendmail.queue-run",
        starts=(
            "runqueue: ",
            "grew WorkList",
            "queue run",
            "Skipping queue run",
            "rejecting queue",
            "Queue",
            "queue ",
        ),
        pattern=r"(?<reply_text>(?:runqueue: |grew WorkList|[Qq]ueue|Skipping queue run|rejecting queue).*)$",
        set=_QUEUE,
    ),
)

# A protocol error is followed by the recipient's `to=` line with the same reply.
_REPEATED = r"(?:(?<relay_name>[^ \[\]]+?)\.?)? ?(?:\[(?:IPv6:)?(?<relay_ip>[0-9A-Fa-f:.]+)\])?: "

SYSTEM: tuple[Rule, ...] = (
    Rule(
        name="sendmail.protocol-error",
        has=(" protocol error: ",),
        pattern=rf"{_REPEATED}(?<reply_text>SMTP [A-Za-z0-9-]+ protocol error: .*)$",
        set={"kind": "session", "direction": "outbound"},
    ),
    Rule(
        name="sendmail.error",
        starts=("SYSERR", "PANIC", "ERROR", "error: ", "Error "),
        pattern=r"(?:SYSERR(?:\([^()]*\))?: )?(?<reply_text>.*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="sendmail.load",
        starts=(
            "rejecting connections on daemon ",
            "deferring connections on daemon ",
            "delaying connections on daemon ",
            "accepting connections again for daemon ",
            "delaying=",
            "low on space",
            "low on disk",
            "rejecting new messages",
            "rejecting connections: ",
            "accepting new messages",
            "load average: ",
        ),
        pattern=r"(?<reply_text>.*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="sendmail.daemon",
        starts=(
            "starting daemon",
            "restarting ",
            "stopping daemon",
            "started as: ",
            "persistent-queue-runner",
            "could not restart",
            "daemon ",
            "opendaemonsocket: ",
            "queue=",
            "unable to write ",
            "terminating",
            "Daemon ",
        ),
        pattern=r"(?<reply_text>.*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="sendmail.warning",
        starts=(
            "Authentication-Warning: ",
            "WARNING: ",
            "Warning: ",
            "warning: ",
            "POSSIBLE ATTACK",
            "Possible attack",
            "Losing ",
            "lost: ",
            "setsender: ",
            "cannot prescan from",
            "Truncated ",
            "Fixed ",
            "Dropped invalid",
            "SECURITY",
            "My unqualified host name",
            "unable to qualify",
            "gethostby",
            "tcpwrappers",
            "alias database ",
            "file ",
        ),
        pattern=r"(?<reply_text>.*)$",
        set=_SYSTEM,
    ),
    Rule(
        # `/etc/mail/aliases: 27 aliases, longest 52 bytes, 423 bytes total`
        name="sendmail.aliases",
        starts=("/",),
        pattern=r"(?<reply_text>/[^ ]+(?: [0-9]+ aliases, longest .*|: .*| .*))$",
        set=_SYSTEM,
    ),
    Rule(
        # The rest of a split line whose beginning is in another log.
        name="sendmail.split-rest",
        has=("]: ",),
        pattern=rf"(?:{QUEUE_ID}|NOQUEUE)?\[[0-9]{{1,3}}\]: .*$",
        ignore=True,
    ),
    Rule(
        # With a queue id: mostly the words of a mailer `error`, given to the client with a code
        # that is not logged. Never what begins like a line that should have been read above.
        name="sendmail.text",
        pattern=rf"(?<reply_text>{not_starting(['to=', 'from=', 'stat=', 'ruleset=', 'Milter: '])})$",
        derive={
            "kind": pl.when(pl.col("queue_id").is_null())
            .then(pl.lit("system"))
            .otherwise(pl.lit("session")),
        },
    ),
)
