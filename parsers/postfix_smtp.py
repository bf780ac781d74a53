"""The SMTP and LMTP client's own lines: connection trouble, TLS, workarounds, dialogue."""

import polars as pl

from .postfix_delivery import CLIENTS
from .postfix_parts import SERVER, address
from .rules import Rule

_LOCAL = {"kind": "session", "direction": "local"}
_TLS = {"kind": "session", "direction": "outbound", "stage": "STARTTLS"}
_IP = {"relay_ip": address("relay_ip")}
_TLS_CLIENTS = (*CLIENTS, "posttls-finger", "tlsproxy", "verify")

RULES: tuple[Rule, ...] = (
    Rule(
        name="postfix.tls-to",
        starts=("Anonymous TLS ", "Untrusted TLS ", "Trusted TLS ", "Verified TLS "),
        pattern=rf"(?<reply_text>[A-Z][a-z]+ TLS connection (?:established|reused) to {SERVER}: "
        "[!-~]+ with cipher .*)$",
        services=_TLS_CLIENTS,
        set=_TLS,
        derive=_IP,
    ),
    Rule(
        name="postfix.connect-failed",
        starts=("connect to ",),
        pattern=rf"(?<reply_text>connect to {SERVER}: .*)$",
        services=CLIENTS,
        set=_LOCAL | {"stage": "CONNECT"},
        derive=_IP,
    ),
    Rule(
        name="postfix.connection-lost-to",
        starts=("lost connection with ", "conversation with "),
        pattern=rf"(?<reply_text>(?:lost connection|conversation) with {SERVER} .*)$",
        services=CLIENTS,
        set=_LOCAL,
        derive=_IP,
    ),
    Rule(
        name="postfix.tls-trouble-to",
        starts=("SSL_connect error to ", "certificate verification failed for "),
        pattern=rf"(?<reply_text>(?:SSL_connect error to|certificate verification failed for) "
        rf"{SERVER}: .*)$",
        services=_TLS_CLIENTS,
        set=_TLS | {"direction": "local"},
        derive=_IP,
    ),
    Rule(
        name="postfix.tls-old-to",
        starts=("TLS connection established to ", "setting up TLS connection to "),
        pattern=rf"(?<reply_text>(?:TLS connection established to|setting up TLS connection to) "
        rf"{SERVER}(?:: .*)?)$",
        services=_TLS_CLIENTS,
        set=_TLS,
        derive=_IP,
    ),
    Rule(
        name="postfix.tls-note-to",
        has=("]:",),
        pattern=rf"{SERVER}: (?<reply_text>(?:Trusted|Untrusted|Verified|Anonymous|Matched|"
        r"subject_CN=|re-using session|depth=|fingerprint|certificate|TLS |SNI |hostname).*)$",
        services=_TLS_CLIENTS,
        set=_TLS,
        derive=_IP,
    ),
    Rule(
        name="postfix.delivery-trouble",
        starts=(
            "Host or domain name not found. ",
            "Cannot start TLS: ",
            "TLS is required, but ",
            "Server certificate ",
            "Name service error for ",
            "SASL authentication failed; ",
            "mail for ",
            "host ",
            "server ",
            "no MX host for ",
            "unable to ",
            "Domain ",
        ),
        pattern=r"(?<reply_text>(?:Host or domain name not found\. .*|Cannot start TLS: .*"
        r"|TLS is required, but (?:was not offered by host .*|our TLS engine .*|.* unavailable.*)"
        r"|Server certificate .*|Name service error for .*"
        r"|SASL authentication failed; (?:cannot authenticate|authentication protocol) .*"
        r"|mail for .* loops back to myself|host [^ ]+ offered null AUTH mechanism list"
        r"|server [^ ]+ .*|no MX host for .*|unable to .*"
        r"|Domain .* does not accept mail \(nullMX\)))$",
        services=CLIENTS,
        set=_LOCAL,
    ),
    Rule(
        name="postfix.starttls-offered",
        starts=("Host offered STARTTLS: ", "Used TLS for "),
        pattern=rf"(?:Host offered STARTTLS: \[(?<_name>[^\]]*)\]|Used TLS for {SERVER})$",
        services=CLIENTS,
        set=_TLS,
        derive=_IP | {"relay_name": pl.coalesce("relay_name", "_name")},
    ),
    Rule(
        name="postfix.workaround",
        starts=(
            "enabling PIX ",
            "disabling ESMTP ",
            "discarding EHLO keywords: ",
            "breaking line > ",
        ),
        services=CLIENTS,
        ignore=True,
    ),
    # smtp -v or debug_peer_list: each reply that matters comes again in the recipient's line.
    Rule(
        name="postfix.dialogue-to",
        starts=("< ", "> "),
        pattern=r"[<>] (?<relay_name>[^ ,\[]+)\[(?<relay_ip>[^\] ]*)\]:(?<relay_port>[0-9]+): "
        r"(?<reply_text>.*)$",
        services=CLIENTS,
        set={"kind": "session", "direction": "outbound"},
        derive=_IP,
    ),
    Rule(
        name="postfix.dialogue-socket",
        starts=("< ", "> "),
        pattern=r"[<>] (?<relay_name>[^ ,\[]+)\[[^\] ]*\]: (?<reply_text>.*)$",
        services=CLIENTS,
        set={"kind": "session", "direction": "outbound"},
    ),
)
