"""Logs made for the tests: line shapes that real servers wrote, invented traffic."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

START = datetime(2026, 11, 23, 13, 41, 47)
FATES = ("sent", "bounced", "deferred", "retried", "open", "rejected", "unknown", "odd")
TEXTS = {
    "sent": "250 2.0.0 Ok: queued as B64885",
    "bounced": "550 5.1.1 <bob@d1.test>: Recipient address rejected: No such user here",
    "deferred": "450 4.2.1 Requested mail action not taken: mailbox unavailable",
}


class Line(NamedTuple):
    """A line without its time."""

    after: float
    """Seconds since the message came in."""
    tag: str
    text: str


class Message(NamedTuple):
    """One message, or one attempt to hand one in."""

    mta: str
    fate: str
    start: float
    """Seconds since the log began."""
    number: int


def slot_of(fate: str, number: int) -> int:
    """What a queue id is made of: those of short-lived messages are used again."""
    return number % 3 if fate in ("sent", "bounced") else 100 + number


def postfix_lines(fate: str, number: int) -> list[Line]:
    """What Postfix 3.7 says of a message."""
    qid = f"{0xEB0A1196900 + slot_of(fate, number):X}"
    client = f"client-{number % 3}.isp.test[203.0.113.{number % 3}]"
    if fate == "odd":
        return [Line(0, "postfix/smtpd[251]", f"this line {number} is of no known kind")]
    if fate in ("rejected", "unknown"):
        return [
            Line(
                0,
                "postfix/smtpd[251]",
                f"NOQUEUE: reject: RCPT from {client}: 554 5.7.1 <bob@d1.test>: Relay access denied;"
                f" from=<s{number % 4}@sender.test> to=<bob@d1.test> proto=ESMTP helo=<client>",
            )
        ]
    first = [
        Line(0, "postfix/smtpd[251]", f"connect from {client}"),
        Line(0, "postfix/smtpd[251]", f"{qid}: client={client}"),
        Line(0.1, "postfix/cleanup[255]", f"{qid}: message-id=<{number}.1@client.test>"),
        Line(
            0.2,
            "postfix/qmgr[247]",
            f"{qid}: from=<s{number % 4}@sender.test>, size={300 + number}, nrcpt=1 (queue active)",
        ),
        Line(
            0.3,
            "postfix/smtpd[251]",
            f"disconnect from {client} ehlo=1 mail=1 rcpt=1 quit=1 commands=4",
        ),
    ]

    def attempt(status: str, after: float) -> Line:
        said = TEXTS[status]
        reply = (
            f"({said})"
            if status == "sent"
            else f"(host mx.d1.test[198.51.100.10] said: {said} (in reply to RCPT TO command))"
        )
        return Line(
            after,
            "postfix/smtp[256]",
            f"{qid}: to=<bob{number % 5}@d1.test>, relay=mx.d1.test[198.51.100.10]:25, delay=0.06,"
            f" delays=0.05/0.01/0/0, dsn={said.split()[1]}, status={status} {reply}",
        )

    ends = {
        "sent": [attempt("sent", 1)],
        "bounced": [attempt("bounced", 1)],
        "deferred": [attempt("deferred", 1)],
        "retried": [attempt("deferred", 1), attempt("deferred", 300), attempt("sent", 900)],
        "open": [],
    }[fate]
    removed = [Line(ends[-1].after + 0.1, "postfix/qmgr[247]", f"{qid}: removed")] if ends else []
    return first + ends + (removed if fate != "deferred" else [])


def exim_lines(fate: str, number: int) -> list[Line]:
    """What Exim 4.96 says of a message, through syslog."""
    qid = f"1xVUcd-{slot_of(fate, number):06d}-1m"
    host = f"H=client-{number % 3}.isp.test [203.0.113.{number % 3}]"
    tag = "exim[119]"
    if fate == "odd":
        return [Line(0, tag, f"this line {number} is of no known kind")]
    if fate in ("rejected", "unknown"):
        return [
            Line(
                0,
                tag,
                f"{host} F=<s@sender.test> rejected RCPT <nosuch{number}@lab.test>: Unknown user",
            )
        ]
    to = f"bob{number % 5}@d1.test R=dnslookup T=remote_smtp"
    mx = "H=mx.d1.test [198.51.100.10]"
    error = "SMTP error from remote mail server after RCPT TO:<bob@d1.test>:"
    first = [
        Line(
            0,
            tag,
            f"{qid} <= s{number % 4}@sender.test {host} P=esmtp S={300 + number} id={number}@client.test",
        )
    ]
    sent = f'{qid} => {to} {mx} C="{TEXTS["sent"]}"'
    deferred = f"{qid} == {to} defer (-44) {mx}: {error} {TEXTS['deferred']}"
    ends = {
        "sent": [Line(1, tag, sent)],
        "bounced": [Line(1, tag, f"{qid} ** {to} {mx}: {error} {TEXTS['bounced']}")],
        "deferred": [Line(1, tag, deferred)],
        "retried": [Line(1, tag, deferred), Line(900, tag, sent)],
        "open": [],
    }[fate]
    done = fate in ("sent", "bounced", "retried")
    return first + ends + ([Line(ends[-1].after + 0.1, tag, f"{qid} Completed")] if done else [])


def sendmail_lines(fate: str, number: int) -> list[Line]:
    """What Sendmail 8.17 says of a message."""
    qid = f"6ANE1XAm{slot_of(fate, number):06d}"
    tag = f"sendmail[{134 + number % 2}]"
    relay = f"client-{number % 3}.isp.test [203.0.113.{number % 3}]"
    if fate == "odd":
        return [Line(0, tag, f"{qid}: stat=this line {number} is of no known kind")]
    if fate == "rejected":
        return [
            Line(
                0,
                tag,
                f"{qid}: ruleset=check_rcpt, arg1=<bob@d2.test>, relay={relay}, reject=550 5.7.1"
                " <bob@d2.test>... Relaying denied. Proper authentication required.",
            )
        ]
    if fate == "unknown":
        # The client stands in the second line only.
        sender = f"from=<s{number % 4}@sender.test>, size=0, class=0, nrcpts=0, proto=ESMTP"
        return [
            Line(0, tag, f"{qid}: <nosuch{number % 2}@lab.test>... User unknown"),
            Line(40, tag, f"{qid}: {sender}, daemon=MTA-v4, relay={relay}"),
        ]
    first = [
        Line(
            0,
            tag,
            f"{qid}: from=<s{number % 4}@sender.test>, size={300 + number}, class=0, nrcpts=1,"
            f" msgid=<{number}@client.test>, proto=ESMTP, daemon=MTA-v4, relay={relay}",
        )
    ]

    def attempt(status: str, after: float) -> Line:
        said = TEXTS[status]
        head = (
            f"{qid}: to=<bob{number % 5}@d1.test>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp,"
            f" pri=30123, relay=mx.d1.test. [198.51.100.10], dsn={said.split()[1]}, "
        )
        tail = {
            "sent": "stat=Sent (Ok: queued as B64885)",
            "bounced": f"reply={said}, stat=User unknown",
            "deferred": f"reply={said}, stat=Deferred: {said}",
        }[status]
        return Line(after, tag, head + tail)

    ends = {
        "sent": [attempt("sent", 1)],
        "bounced": [attempt("bounced", 1)],
        "deferred": [attempt("deferred", 1)],
        "retried": [attempt("deferred", 1), attempt("sent", 900)],
        "open": [],
    }[fate]
    return first + ends


WRITERS: dict[str, Callable[[str, int], list[Line]]] = {
    "postfix": postfix_lines,
    "exim": exim_lines,
    "sendmail": sendmail_lines,
}
HOSTS = {"postfix": "mx1", "exim": "mx2", "sendmail": "mx3"}


def log_of(messages: Iterable[Message], start: datetime = START) -> list[str]:
    """The messages' lines in time order, with RFC 3339 stamps."""
    lines = [
        (message.start + line.after, HOSTS[message.mta], line)
        for message in messages
        for line in WRITERS[message.mta](message.fate, message.number)
    ]
    lines.sort(key=lambda entry: entry[0])
    return [
        f"{(start + timedelta(seconds=at)).isoformat(timespec='microseconds')}+00:00"
        f" {host} {line.tag}: {line.text}"
        for at, host, line in lines
    ]


def day_of(count: int, mtas: Sequence[str] = tuple(WRITERS), every: float = 7.0) -> list[str]:
    """A log of `count` messages of all fates, the same every time."""
    return log_of(
        Message(mtas[n % len(mtas)], FATES[n * 5 // 3 % len(FATES)], n * every, n)
        for n in range(count)
    )


@st.composite
def logs(draw: st.DrawFn, most: int = 40) -> list[str]:
    """Logs of random messages of all MTAs, interleaved."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(WRITERS)), st.sampled_from(FATES), st.integers(0, 3000)
            ),
            min_size=1,
            max_size=most,
        )
    )
    return log_of(Message(mta, fate, start, n) for n, (mta, fate, start) in enumerate(drawn))


# Lines that are almost, or not at all, what a server would write.
SAMPLES = [line.partition("+00:00 mx")[2][2:] for line in day_of(60)]
TAGS = [*{s.partition(": ")[0]: None for s in SAMPLES}, "postfix", "sm-mta[1]", "cron[1]"]
WORDS = sorted({w for s in SAMPLES for w in s.partition(": ")[2].replace("=", "= ").split(" ")})
HEADS = [
    "Nov 23 14:09:10 mx1 ",
    "Nov  7 03:10:01 mx2 ",
    "<22>Feb 30 14:09:10 mx1 ",
    "2026-11-23T14:09:10.064668+00:00 mx1 ",
    "2026-11-23 14:09:10 ",
    "2026-11-23 14:09:10.123 +0100 [87] ",
    "mail-1  | Nov 23 14:09:10 mx1 ",
    "",
]
HOSTILE = [
    *(
        "(",
        ")",
        "<",
        ">",
        "[",
        "]",
        "[[",
        "]: ",
        ": ",
        ", ",
        "; ",
        '"',
        "\\",
        "\\n",
        "\0",
        "\x1b[31m",
    ),
    *("\r", "\t", " ", "  ", "é", "\ufeff", "\u2028", "\ud7ff", "x" * 3000, "=" * 50, "(" * 200),
    *(
        "550",
        "550 5.7.1 ",
        "550-5.7.1 ",
        "999",
        "0",
        "-1",
        "99999999999999999999",
        "5.7.1",
        "1e999",
    ),
    *("from=<", "to=<>", "status=sent (250 ok)", "relay=[192.0.2.1]", "NOQUEUE: ", "nrcpt=-1"),
    *("message repeated 2 times: [", "message repeated 99999999999 times: [ a]", "] "),
    *("last message repeated 3 times", "[1/3] ", "[2\\3] ", "[3]: ", "[ID 1 mail.info] ", "{", "}"),
    *(
        "size=99999999999999999999,",
        "delays=1/2/3",
        "delay=x",
        "reply=",
        "stat=",
        'C="',
        "**",
        "=>",
    ),
]
FRAGMENTS = st.lists(
    st.sampled_from(WORDS) | st.sampled_from(HOSTILE) | st.text(max_size=4), max_size=12
)
MAIL_LIKE = st.builds(
    "{}{}: {}".format,
    st.sampled_from(HEADS),
    st.sampled_from(TAGS) | st.text(max_size=6),
    st.builds(str.join, st.sampled_from([" ", "", ", "]), FRAGMENTS),
)


@st.composite
def bent_samples(draw: st.DrawFn) -> str:
    """A real line with a piece taken out, doubled or replaced."""
    text = draw(st.sampled_from(SAMPLES))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text)))
    middle = draw(st.sampled_from(["", text[start:end] * 2, *HOSTILE]))
    return draw(st.sampled_from(HEADS)) + text[:start] + middle + text[end:]
