"""Reports made by hand for the tests of the renderers."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.model import (
    Advice,
    CodeCount,
    CodeRow,
    Example,
    Finding,
    Flow,
    Gap,
    HourRow,
    Input,
    Lines,
    Report,
    Spike,
    SpikeHour,
    SpikePart,
    SpikeParts,
    Top,
    TopRow,
    Workings,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 11, 22, tzinfo=BERLIN)

ACCEPTED = Advice(
    title="Accepted",
    description="The command did what it was meant to do.",
    when_seen="A command succeeded.",
    how_to_fix="Nothing is wrong.",
    who_acts="nobody",
    severity=0,
    needs_action=False,
    source="250",
)
GREYLISTED = Advice(
    title="Greylisted: come back later",
    description="An unknown client was asked to try again in a few minutes.",
    when_seen="First contact between a client, a sender and a recipient.",
    how_to_fix="Nothing. Real servers come back by themselves.",
    who_acts="nobody",
    severity=0,
    needs_action=False,
)
NOT_IMPLEMENTED = Advice(
    title="Command not implemented",
    description="The command is known, but this server does not offer it.",
    when_seen="Scanners try VRFY and EXPN to harvest addresses; old software asks for HELP.",
    how_to_fix="Nothing, unless a client of yours needs the command.\n\n"
    "If one network asks all night, slow it down: `smtpd_hard_error_limit`, fail2ban.",
    who_acts="nobody",
    severity=1,
    needs_action=False,
)
NO_SUCH_USER = Advice(
    title="No such recipient",
    description="The recipient's address does not exist here or is not written correctly.",
    when_seen="Typing errors, people who left, and above all spammers who guess names.",
    how_to_fix="Nothing for strangers. If a real user is refused, look the address up in the"
    " tables: `postmap -q user@example.org <table>` (Postfix), `exim -bt user@example.org`.",
    who_acts="your own admin",
    severity=2,
    needs_action=True,
)
UNAUTHENTICATED = Advice(
    title="Mail without SPF and DKIM is refused",
    description="The receiving server wants at least one of SPF and DKIM to pass for the domain in"
    " the From line, and neither did.",
    when_seen="Mail leaves through a server that the domain's SPF record does not name, or the"
    " signing milter was down; forwarded mail breaks SPF.",
    how_to_fix="Look up the SPF record with `dig +short TXT example.org` and add this server's"
    " address to it.\n\nCheck that mail is signed: send one to yourself and look for"
    " `dkim=pass` in Authentication-Results.",
    who_acts="the owner of the sender's domain",
    severity=4,
    needs_action=True,
)
TIMED_OUT = Advice(
    title="Connection timed out",
    description="No server of the recipient's domain could be reached.",
    when_seen="The remote server is down, or a firewall drops port 25 on the way.",
    how_to_fix="Try `nc -vz host 25` from this machine. If every destination fails, the provider"
    " blocks port 25.",
    who_acts="your own admin",
    severity=3,
    needs_action=True,
)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 0) -> datetime:
    """Return a moment of the busy day."""
    return DAY + timedelta(days=day, hours=hour, minutes=minute, seconds=second)


def code_row(
    direction: str,
    code: int | None,
    enhanced: str | None,
    cause: str,
    count: int,
    advice: Advice,
    *,
    implied: int = 0,
    share: float = 0.5,
    peers: int = 1,
    recipients: int = 0,
    first_seen: datetime | None = None,
    last_seen: datetime | None = None,
    implied_reasons: tuple[str, ...] = (),
    examples: tuple[Example, ...] = (),
) -> CodeRow:
    """Return a row with little to say beyond its code."""
    return CodeRow(
        direction, code, enhanced, cause, count, implied, share, peers, recipients,
        first_seen, last_seen, advice, implied_reasons, examples,
    )  # fmt: skip


LOG = "/var/log/mail.log"
REFUSED = (
    "Nov 22 03:12:44 mx1 postfix/smtp[4127]: 4XyZ1k0Qz1z3hB: to=<ann@gmail.example>,"
    " orig_to=<ann@example.org>, relay=gmail-smtp-in.l.google.example[192.0.2.27]:25, delay=1.9,"
    " delays=0.1/0.02/0.9/0.88, dsn=5.7.26, status=bounced (host gmail-smtp-in.l.google.example"
    "[192.0.2.27] said: 550-5.7.26 Your email has been blocked because the sender is"
    " unauthenticated. 550-5.7.26 Gmail requires all senders to authenticate with either SPF or"
    " DKIM. 550 5.7.26 https://support.google.example/mail/answer/81126 (in reply to end of DATA"
    " command))"
)
UNKNOWN_USER = (
    "Nov 22 06:12:03 mx1 postfix/smtpd[3101]: NOQUEUE: reject: RCPT from unknown[203.0.113.9]:"
    " 550 5.1.1 <info@example.org>: Recipient address rejected: User unknown in virtual mailbox"
    " table; from=<x@spam.example> to=<info@example.org> proto=ESMTP helo=<spam.example>"
)


def _flow(hour: int) -> Flow:
    busy = max(0, 9 - abs(hour - 11)) * 13
    return Flow(
        received=busy + 3,
        received_bytes=(busy + 3) * 48_211,
        sent=busy + 2,
        deferrals=hour % 4,
        bounced=120 if hour == 3 else hour % 2,
        expired=1 if hour == 17 else 0,
        rejected=(hour * 7) % 19,
    )


def busy_day() -> Report:
    """A day on one Postfix server with something of everything."""
    codes = (
        code_row("inbound", 250, "2.0.0", "ok", 1204, ACCEPTED, share=1204 / 1395, peers=34,
                 recipients=210, first_seen=at(0, 0, 12), last_seen=at(23, 59, 58)),
        code_row("inbound", 550, "5.1.1", "bad-recipient", 92, NO_SUCH_USER, share=92 / 1395,
                 peers=12, recipients=80, first_seen=at(6, 12, 3), last_seen=at(23, 40, 11),
                 examples=(Example(LOG, 2101, UNKNOWN_USER),)),
        code_row("inbound", 451, "4.7.1", "greylist", 87, GREYLISTED, share=87 / 1395, peers=41,
                 recipients=52, first_seen=at(0, 4, 0), last_seen=at(22, 17, 30)),
        code_row("inbound", 502, "5.5.1", "protocol", 12, NOT_IMPLEMENTED, implied=12,
                 share=12 / 1395, first_seen=at(3, 10, 0), last_seen=at(3, 10, 44),
                 implied_reasons=("`disconnect ... vrfy=0/12` counts commands that were refused",)),
        code_row("outbound", 250, None, "ok", 1180, ACCEPTED, share=1180 / 1321, peers=150,
                 recipients=800, first_seen=at(0, 0, 14), last_seen=at(23, 59, 59)),
        code_row("outbound", 550, "5.7.26", "sender-auth", 120, UNAUTHENTICATED,
                 share=120 / 1321, peers=2, recipients=117, first_seen=at(3, 10, 2),
                 last_seen=at(3, 49, 20), examples=(
                     Example(LOG, 812, REFUSED),
                     Example(LOG, 815, REFUSED.replace("ann@", "bob@")),
                     Example("/var/log/mail.log.1.gz", 1_203_330, REFUSED[:120]),
                     Example(LOG, 1, "a fourth example, which is never shown in text"))),
        code_row("outbound", 421, "4.7.26", "sender-auth", 21, UNAUTHENTICATED,
                 share=21 / 1321, peers=1, recipients=21, first_seen=at(3, 8, 2),
                 last_seen=at(3, 9, 20)),
        code_row("local", None, "4.4.1", "network", 87, TIMED_OUT, share=1.0, peers=3,
                 recipients=40, first_seen=at(1), last_seen=at(17, 3, 9)),
    )  # fmt: skip
    return Report(
        start=at(0, 0, 12),
        end=at(23, 59, 59),
        timezone="Europe/Berlin",
        hosts=("mx1.example.org",),
        mtas=("postfix 3.7.11",),
        inputs=(
            Input(LOG, 13_543, at(0, 0, 12), at(23, 59, 59), ("rfc3164",)),
            Input("/var/log/mail.log.1.gz", 1_204_000, None, None, (),
                  "the compressed data ends too early; what came before it was read"),
        ),
        lines=Lines(1_217_543, 1_100_470, 117_070, 2, 1),
        totals=Flow(received=1234, received_bytes=59_492_374, sent=1180, deferred_messages=40,
                    deferrals=87, bounced=129, expired=1, rejected=210, held=2),
        codes=codes,
        findings=found(codes, **{"sender-auth": "Gmail"}),
        hours=tuple(HourRow(at(hour), _flow(hour)) for hour in range(24)),
        tops=(
            Top("senders", "Senders", ("mails", "bytes"), (
                TopRow("newsletter@example.org", (812, 41_203_311)),
                TopRow("a-very-long-mailing-list-bounce-address+recipient=example.com@lists"
                       ".example.org", (99, 1_200_000)),
                TopRow("<>", (12, 0)),
            ), 4312),
            Top("relays", "Relays", ("sent", "deferrals", "bounced"), (
                TopRow("gmail-smtp-in.l.google.example", (701, 0, 120)),
                TopRow("mx.example.net", (40, 12, 0)),
            ), 2),
        ),
        notes=("The log has no year: 2026 is inferred from the file's date.",
               "Two messages were still open at the end."),
        filters=("--since yesterday",),
    )  # fmt: skip


def found(codes: tuple[CodeRow, ...], **places: str) -> tuple[Finding, ...]:
    """A finding for each row that is no success, in the report's order."""
    rows = [c for c in codes if c.cause != "ok"]
    rows.sort(key=lambda c: (not c.advice.needs_action, -c.advice.severity, -c.count))
    return tuple(
        Finding(
            direction=c.direction, cause=c.cause, place=places.get(c.cause, ""), count=c.count,
            implied=c.implied, share=c.share, peers=c.peers,
            codes=(CodeCount(c.code, c.enhanced, c.count),), advice=c.advice,
            implied_reasons=c.implied_reasons, examples=c.examples,
        )
        for c in rows
    )  # fmt: skip


def with_codes(report: Report, codes: tuple[CodeRow, ...]) -> Report:
    """The report with these rows and what they amount to."""
    return replace(report, codes=codes, findings=found(codes))


def empty() -> Report:
    """A log without a single line of mail."""
    return Report(
        start=None, end=None, timezone="UTC", hosts=(), mtas=(),
        inputs=(Input("-", 0),), lines=Lines(0, 0, 0, 0, 0), totals=Flow(), codes=(), hours=(),
        tops=(),
    )  # fmt: skip


def quiet() -> Report:
    """A day on which nothing needs action."""
    day = busy_day()
    calm = tuple(c for c in day.codes if not c.advice.needs_action)
    return with_codes(day, calm)


def several_days() -> Report:
    """Three days over a change of clocks, most hours without mail."""
    first = datetime(2026, 10, 24, tzinfo=BERLIN).timestamp()
    moments = [datetime.fromtimestamp(first + 3600 * n, BERLIN) for n in range(73)]
    flows = [_flow(m.hour) if n % 5 == 2 else Flow() for n, m in enumerate(moments)]
    # The hour that comes twice: both have mail.
    flows[26] = flows[27] = Flow(received=7, sent=7)
    day = busy_day()
    codes = tuple(replace(c, first_seen=moments[2], last_seen=moments[60]) for c in day.codes)
    hours = tuple(HourRow(m, f) for m, f in zip(moments, flows, strict=True))
    return replace(with_codes(day, codes), start=moments[0], end=moments[-1], hours=hours)


def spike(**other: object) -> Spike:
    """Return a spike of 502s at three in the morning, within one log."""
    hours = tuple(SpikeHour(at(h), 41 if h == 3 else None if h == 5 else h % 3) for h in range(24))
    rows = (SpikePart("203.0.113.9", 40, 0.95), SpikePart("client.isp.test", 1, 0.02))
    kinds = ("clients", "networks", "relays", "providers", "sender_domains", "recipient_domains")
    found = Spike(
        id=1, part_of=None, host="mx1", direction="inbound", code=502, enhanced=None, cause=None,
        by="", name="", start=at(3), end=at(4), onset=at(3, 12), onset_is_minute=True,
        began=at(3), ended=at(4), observed=41, expected=1.96, low=0, high=7, ratio=20.9,
        p=0.0002, p_day=0.003, q=0.004, baseline="log", comparable=28.1, factor=1.06,
        expected_error=0.12, dispersion=1.25, variance=2.6, windows=48, after_gap=True, fired=2,
        fired_days=28, share=0.911, hours=hours,
        parts=tuple(SpikeParts(kind, rows, 12) for kind in kinds),
        commonest=CodeCount(502, "5.5.1", 41), commonest_cause="protocol",
        advice=NOT_IMPLEMENTED,
        workings=Workings((), 175, 1228, 18, 2.05, 6.0, 1.0),
    )  # fmt: skip
    return replace(found, **other)  # type: ignore[arg-type]


def spiky() -> Report:
    """The busy day with spikes of every kind and gaps."""
    weeks = (SpikeHour(at(3), 2), SpikeHour(at(3, day=-7), 3))
    past = Workings(weeks, None, None, None, 2.0, None, 1.0)
    return replace(
        busy_day(),
        spikes=(
            spike(),
            spike(id=2, part_of=1, name="203.0.113.0/24", by="client-net", onset_is_minute=False,
                  onset=at(3), enhanced="5.5.1", cause="protocol", end=at(6)),
            spike(id=3, code=None, direction="local", cause="timeout", baseline="history",
                  after_gap=False, fired=0, fired_days=1, workings=past, parts=(), variance=1.96,
                  commonest=CodeCount(None, "4.4.1", 41), commonest_cause="timeout"),
            spike(id=4, fired=1, code=None),
        ),
        gaps=(Gap("mx1", at(5), at(6, 30), 1200), Gap("", at(22), at(5, day=1), 60)),
        spikes_state="looked",
    )  # fmt: skip


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31mred",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "| a | b |",
    "\u202etxt.exe\u2066\u200b\ufeff",
    "[red]markup[/red]",
    "one\ntwo\r\nthree\ttab",
    "`code` [link](http://evil.example) www.evil.example http://evil.example ![x](y)",
    "{{ 7*7 }}{% raw %}",
    "\udc80\ud800 lone",
    "</td></tr></table><style>*{display:none}</style>",
    "&lt;b&gt; &#x3c;i&#x3e;",
    "\\x1b literal \x7f\x00",
    "日本語の名前 नमस्ते e\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
)


def hostile(text: str = " ".join(HOSTILE)) -> Report:
    """The busy day with `text` in every place that a log or a user can write to."""
    day = busy_day()
    advice = replace(UNAUTHENTICATED, title=text, description=text, when_seen=text,
                     how_to_fix=text, who_acts=text)  # fmt: skip
    bad = replace(
        day.codes[5], cause=text, enhanced=text, advice=advice, implied=3, implied_reasons=(text,),
        examples=(Example(text, 1, text), Example(LOG, 2, text * 9)),
    )  # fmt: skip
    idle = replace(bad, advice=replace(advice, needs_action=False), direction=f"{text} way")
    return replace(
        day,
        timezone=text,
        hosts=(text, "mx1"),
        mtas=(text,),
        inputs=(Input(text, 1), Input(text, 2, problem=text, styles=(text,))),
        codes=(*day.codes, bad, idle),
        findings=(
            *(replace(f, place=text) for f in found((bad, idle))),
            *day.findings,
        ),
        tops=(Top(text, text, (text, "b"), (TopRow(text, (1, 2)),), 1), *day.tops),
        notes=(text,),
        filters=(text,),
        spikes=(
            spike(
                host=text,
                name=text,
                enhanced=text,
                cause=text,
                commonest_cause=text,
                advice=advice,
                commonest=CodeCount(1, text, 1),
                parts=(SpikeParts("clients", (SpikePart(text, 1, 0.5),), 3),),
            ),
        ),
        gaps=(Gap(text, at(5), at(6), 100),),
    )
