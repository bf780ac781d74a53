"""Start and stop, warnings and worse, and what is known and of no interest.

Lines whose daemon is unknown (`postfix` alone, RFC 5424) are offered these rules too: each
must know its texts and may take nothing else.
"""

from .postfix_parts import address
from .rules import Rule

_SYSTEM = {"kind": "system"}
_POLICY = ("policyd-spf", "policy-spf", "spf-policy", "policyd", "postgrey", "policy", "greylist")

# What -v and debug_peer_list add.
_VERBOSE = (
    r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:\[[0-9]+\])?(?:: | = ).*",  # functions, parameters
    r"send attr .*",
    r"input attribute (?:name|value): .*",
    r"(?:private|public)/[^ ]+(?: socket)?: wanted attribute: .*",
    r">>> (?:START|END|CHECKING) .* <<<",
    r"(?:fsspace|request|trigger|checking|process generation|flags): .*",
    r"[a-z ]+ all milters(?: .*)?",
    r"(?:event|reply): SMFI[CR]_[A-Z_]+.*",
    r"(?:skipping event|query milter) .*",
    r"trying\.\.\. \[.*",
    r"connect to subsystem .*",
    r"connecting to .* port .*",
    r"connection (?:established|closed)(?: fd=?[ 0-9]+)?",
    r"(?:idle|lock|daemon) timeout -- exiting.*",
    r"(?:proxymap|rewrite) stream disconnect",
    r"(?:before|after) input_transp_cleanup: .*",
    r"server features: .*",
    r"Using ESMTP PIPELINING, .*",
    r"(?:Compiled|Run-time linked) against Berkeley DB: .*",
    r"(?:initial|final) envelope .*",
    r"[0-9a-f]{4} (?:[0-9a-f]{2}[ -]){1,16}.*",  # TLS log level 4
)

# The severity stays in the text: it tells a fatal error from a warning.
WARNINGS: tuple[Rule, ...] = (
    Rule(
        name="postfix.warning",
        starts=("warning: ", "error: ", "fatal: ", "panic: "),
        pattern=r"(?<reply_text>(?:warning|error|fatal|panic): .*)$",
        set=_SYSTEM,
    ),
)

RULES: tuple[Rule, ...] = (
    # Peaks since the last such lines; the service's name may be `127.0.0.1:10025`.
    Rule(
        name="postfix.anvil",
        starts=("statistics: max ",),
        pattern=r"statistics: (?<reply_text>max [a-z]+ [a-z]+ [0-9]+(?:/[0-9]+s)?)"
        r"(?: for \((?:\[[0-9A-Fa-f:.]+\]:[0-9]+|[0-9.]+:[0-9]+|[^:() ]+):"
        r"(?<client_ip>[0-9A-Za-z:.%]+)\))? at .*$",
        services=("anvil",),
        set={"kind": "session", "direction": "inbound"},
        derive={"client_ip": address("client_ip")},
    ),
    Rule(
        name="postfix.statistics",
        starts=("statistics: ",),
        pattern=r"statistics: (?:max|start|domain|address) .*$",
        ignore=True,
    ),
    Rule(
        name="postfix.started",
        starts=("daemon started -- version ", "reload -- version "),
        pattern=r"(?<reply_text>(?:daemon started|reload) -- version .*)$",
        set=_SYSTEM,
    ),
    Rule(
        name="postfix.master",
        starts=("terminating on signal ", "reload configuration "),
        pattern=r"(?<reply_text>(?:terminating on signal [0-9]+|reload configuration .*))$",
        set=_SYSTEM,
    ),
    Rule(
        name="postfix.script",
        starts=(
            "starting the Postfix ",
            "stopping the Postfix ",
            "refreshing the Postfix ",
            "aborting the Postfix ",
            "flushing the Postfix ",
            "waiting for the Postfix ",
            "terminating the Postfix ",
            "the Postfix mail system ",
            "mail system ",
            "rebuilding ",
        ),
        pattern=r"(?<reply_text>(?:[a-z ]*the Postfix .*|mail system .*|rebuilding .*))$",
        set=_SYSTEM,
    ),
    Rule(
        name="postfix.compatibility",
        starts=(
            "using backwards-compatible default setting ",
            "Postfix is running with backwards-compatible ",
            "Postfix is using backwards-compatible ",
            "See http",
            "To disable backwards compatibility ",
        ),
        pattern=r"(?<reply_text>(?:using backwards-compatible .*"
        r"|Postfix is (?:running with|using) backwards-compatible .*"
        r"|See https?://www\.postfix\.org/.*|To disable backwards compatibility .*))$",
        set=_SYSTEM,
    ),
    Rule(
        name="postfix.table-changed",
        starts=("table ",),
        pattern=r"(?<reply_text>table .* has changed -- restarting)$",
        set=_SYSTEM,
    ),
    # What policy servers under Postfix' name say; smtpd logs the verdict itself.
    Rule(
        name="postfix.policy-server",
        pattern=r"(?:: )?(?:Policy action=|SPF |handler [a-z_]+: |[A-Za-z]+; identity=|action=[a-z]"
        r"|(?:prepend|PREPEND) |whitelisted: |Read line: |Action: |Config: |[45][0-9]{2} [45]\.7\.[0-9]+ ).*$"
        r"|(?:Starting|Normal exit)$",
        services=_POLICY,
        ignore=True,
    ),
    Rule(
        name="postfix.tls-engine",
        starts=(
            "initializing the ",
            "SSL_connect:",
            "SSL_accept:",
            "SSL3 alert ",
            "read from ",
            "write to ",
            "looking for session ",
            "lookup ",
            "read smtp",
            "write smtp",
            "put smtp",
            "delete smtp",
            "open smtp",
            "remove session ",
            "save session ",
            "Reusing old session",
            "New session",
            "certificate verification depth=",
            "verify error:",
            "Peer certificate ",
            "Peer verification: ",
            "Certificate ",
            "issuer=",
            "subject=",
            "fingerprint=",
            "subject_CN=",
            "TLS ",
            "TLSRPT: ",
            "tls_",
        ),
        pattern=r"(?:initializing the [a-z]+-side TLS engine|SSL_(?:connect|accept):.*"
        r"|SSL3 alert .*|(?:read from|write to) (?:0x)?[0-9A-Fa-f]+ .*"
        r"|(?:looking for|remove|save) session .*|lookup [^ ]+ TLS cache .*"
        r"|(?:read|write|put|delete|open) smtpd? .*|Reusing old session.*|New session.*"
        r"|(?:issuer|subject|fingerprint|subject_CN)=.*|verify error:.*"
        r"|(?:certificate verification depth=|Peer |Certificate ).*|(?:TLS |TLSRPT: |tls_).*)$",
        ignore=True,
    ),
    Rule(name="postfix.verbose", pattern=f"(?:{'|'.join(_VERBOSE)})$", ignore=True),
)
