"""Sendmail's logins and TLS, as a server and as a client."""

from .rules import Rule
from .sendmail_syntax import CLIENT, CLIENT_NAME

_SESSION = {"kind": "session", "direction": "inbound"}
_FAILED = {
    "kind": "auth",
    "direction": "inbound",
    "stage": "AUTH",
    "command": "AUTH",
    "outcome": "rejected",
}
_CLIENT = {"client_name": CLIENT_NAME}

# The reason is the library's; the name the client gave stands behind it and may hold anything.
_LOGIN = rf"(?<reply_text>.*?)(?:, user=(?<sasl_user>.*))?, relay={CLIENT}$"

RULES: tuple[Rule, ...] = (
    Rule(
        name="sendmail.auth-failure",
        starts=("AUTH failure (",),
        pattern=rf"AUTH failure \([^()]*\): {_LOGIN}",
        set=_FAILED,
        implied="sendmail.auth-failure",
        derive=_CLIENT,
    ),
    Rule(
        # Up to 8.13 the client is not named.
        name="sendmail.auth-failure-bare",
        starts=("AUTH failure (",),
        pattern=r"AUTH failure \([^()]*\): (?<reply_text>.*)$",
        set=_FAILED,
        implied="sendmail.auth-failure",
    ),
    Rule(
        name="sendmail.auth-decode",
        starts=("AUTH decode64 error",),
        pattern=rf'AUTH decode64 error \[-?[0-9]+ for ".*"\](?:, relay={CLIENT})?$',
        set=_FAILED,
        implied="sendmail.auth-decode",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.auth-encode",
        starts=("AUTH encode64 error",),
        pattern=rf'AUTH encode64 error \[-?[0-9]+ for ".*"\](?:, relay={CLIENT})?$',
        set=_FAILED,
        implied="sendmail.auth-encode",
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.auth",
        starts=("AUTH=server, ",),
        pattern=rf"AUTH=server, relay={CLIENT}, authid=(?<sasl_user>.*), mech=[^ ,]+, bits=[0-9]+$",
        set=_SESSION | {"stage": "AUTH"},
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.auth-client",
        starts=("AUTH=client",),
        pattern=r"AUTH=client, (?:relay=(?<relay_name>[^ ,\[\]]+?)\.?(?: \[(?:IPv6:)?(?<relay_ip>[0-9A-Fa-f:.]+)\])?, )?(?<reply_text>.*)$",
        set={"kind": "session", "direction": "local", "stage": "AUTH"},
    ),
    Rule(
        name="sendmail.auth-setup",
        starts=("AUTH: ", "AUTH warning", "AUTH error", "AUTH=", "SASL error", "SASL:"),
        pattern=r"(?<reply_text>(?:AUTH|SASL).*)$",
        set={"kind": "system"},
    ),
    Rule(
        name="sendmail.tls-server",
        starts=("STARTTLS=server, relay=",),
        pattern=rf"STARTTLS=server, relay={CLIENT}, (?<reply_text>.*)$",
        set=_SESSION | {"stage": "STARTTLS"},
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.tls-server-failed",
        starts=("STARTTLS=server, error: ",),
        pattern=rf"STARTTLS=server, (?<reply_text>error: .*), relay={CLIENT}$",
        set=_SESSION | {"stage": "STARTTLS"},
        derive=_CLIENT,
    ),
    Rule(
        name="sendmail.tls-client",
        starts=("STARTTLS=client",),
        pattern=r"STARTTLS=client, (?:relay=(?<relay_name>[^ ,\[\]]+?)\.?(?: \[(?:IPv6:)?(?<relay_ip>[0-9A-Fa-f:.]+)\])?, )?(?<reply_text>.*)$",
        set={"kind": "session", "direction": "local", "stage": "STARTTLS"},
    ),
    Rule(
        name="sendmail.tls",
        starts=("STARTTLS", "TLS: ", "smtps: ", "DANE", "CRL", "TLS_"),
        pattern=r"(?<reply_text>.*)$",
        set={"kind": "system"},
    ),
)
