"""Exim: the queue, the daemon and its troubles."""

from .exim_syntax import IP, TOKEN
from .rules import Rule

_QUEUE = {"kind": "queue"}
_SYSTEM = {"kind": "system"}

QUEUE_RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.queue-run",
        starts=("Start ", "End "),
        has=("queue run",),
        pattern=r"(?<reply_text>(?:Start|End) (?:'[^']*' |[^ ]+ )?queue run): .*$",
        set=_QUEUE,
    ),
    # Repeated by every queue run while it lasts; the freezing itself has its own line.
    Rule(
        name="exim.still-frozen",
        starts=("Message is frozen",),
        pattern=r"(?<reply_text>Message is frozen.*)$",
        set=_QUEUE,
    ),
    Rule(
        name="exim.locked",
        starts=("Spool file ",),
        has=(" is locked",),
        pattern=r"(?<reply_text>Spool file (?:for [^ ]+ )?is locked.*)$",
        set=_QUEUE,
    ),
    Rule(
        name="exim.frozen",
        starts=("frozen by ", "Frozen", "*** Frozen"),
        pattern=r"(?<reply_text>(?:\*\*\* )?(?:frozen by .*|Frozen(?: .*)?))$",
        set=_QUEUE | {"outcome": "held"},
    ),
    Rule(
        name="exim.unfrozen",
        starts=("unfrozen by ", "Unfrozen by ", "thawed "),
        pattern=r"(?<reply_text>(?:[Uu]nfrozen by|thawed) .*)$",
        set=_QUEUE,
    ),
    Rule(
        name="exim.removed-by",
        starts=("removed by ",),
        pattern=r"(?<reply_text>removed by .*)$",
        set=_QUEUE | {"outcome": "discarded"},
    ),
    Rule(
        name="exim.cancelled",
        starts=("cancelled by ",),
        pattern=r"(?<reply_text>cancelled by .*)$",
        set=_QUEUE | {"outcome": "discarded"},
    ),
    Rule(
        name="exim.not-yet",
        starts=("no immediate delivery: ",),
        pattern=r"(?<reply_text>no immediate delivery: .*)$",
        set=_QUEUE,
    ),
    Rule(
        name="exim.error-ignored",
        has=(": error ignored",),
        pattern=rf"(?<recipient>{TOKEN}?)(?: <[^>]*>)?: (?<reply_text>error ignored.*)$",
        set=_QUEUE | {"outcome": "discarded"},
    ),
    Rule(
        name="exim.edited",
        has=(" by ",),
        pattern=r"(?<reply_text>(?:recipient|address|sender address|all addresses|new sender|body|header)"
        r" .* by [^ ]+)$",
        set=_QUEUE,
    ),
    Rule(
        name="exim.skipped",
        starts=("skipped: ", "Delivery ", "remote delivery to ", "original recipients "),
        pattern=r"(?<reply_text>(?:skipped: |Delivery |remote delivery to |original recipients ).*)$",
        set=_QUEUE,
    ),
)

SYSTEM_RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.no-host-name",
        starts=("no host name found for IP address ",),
        pattern=rf"(?<reply_text>no host name found) for IP address (?<client_ip>{IP})$",
        set=_SYSTEM,
    ),
    Rule(
        name="exim.no-address",
        starts=("no IP address found for host ",),
        pattern=r"(?<reply_text>no IP address found) for host (?<client_name>[^ ]+)"
        rf"(?: \((?:during|while) .*\[(?<client_ip>{IP})\][^\]]*\))?(?: .*)?$",
        set=_SYSTEM,
    ),
    Rule(name="exim.arguments", starts=("cwd=",), pattern=r"cwd=.* [0-9]+ args?:.*$", ignore=True),
    Rule(
        name="exim.rewritten",
        starts=('"',),
        has=(" rewritten as ",),
        pattern=r'".*" from .* rewritten as ".*" by rule [0-9]+$',
        ignore=True,
    ),
    Rule(
        name="exim.daemon",
        starts=("exim ", "Exim ", "pid ", "SIGHUP ", "SIGTERM ", "daemon", "ALERT: "),
        pattern=r"(?<reply_text>(?:[Ee]xim [^ ]+ (?:daemon )?started|(?:pid [0-9]+: )?SIG[A-Z]+ received"
        r"|daemon[: ]|pid [0-9]+|ALERT: exim).*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="exim.dns",
        starts=("DNS ", "dns", "lookup of host ", "lowest numbered MX ", "remote host address "),
        pattern=r"(?<reply_text>(?:DNS |dns|lookup of host |lowest numbered MX |remote host address ).*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="exim.scanner",
        has=(" acl condition: ",),
        pattern=r"(?<reply_text>(?:H=[^ ]+ )?(?:[a-z]+ )*acl condition: .*)$",
        set=_SYSTEM,
    ),
)

# What Exim says of itself when something goes wrong has no common form, only these words. Lines
# of the kinds that carry a reply or an outcome are left out by how they begin: arrows, stars and
# equal signs, `H=`, `SMTP`, `rejected`, `refused`, `temporarily`, `too many`, `unqualified`.
_OTHER_HEAD = (
    r"(?:[A-GI-RT-Za-qsv-z/({\[]|H[^=]|S(?:[^M]|M[^T])|r(?:[^e]|e[^jf])"
    r"|t(?:[^eo]|e[^m]|o[^o])|u(?:[^n]|n[^q]))"
)
_TROUBLE = (
    r"(?i:failed|failure|error|cannot|could not|couldn't|can't|unable|invalid|malformed|crashed"
    r"|timed out|timeout|abandoned|no such|not found|not supported|denied|too long|too large|longer than"
    r"|unexpected|unrecognized|missing|exceeded|shortage|terminated|non-zero status|tainted"
    r"|attempt to|unknown|illegal|ignored|ignoring|warning|defer|does not|is not|unset|died)"
)

LAST_RULES: tuple[Rule, ...] = (
    Rule(
        name="exim.trouble",
        pattern=rf"(?<reply_text>(?:{_TROUBLE}|{_OTHER_HEAD}.{{0,200}}?{_TROUBLE}).*)$",
        set=_SYSTEM | {"outcome": "warned"},
    ),
)
