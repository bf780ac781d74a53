"""What Exim's lines prove about replies they do not print.

The reasons name functions of Exim's source (src/smtp_in.c, receive.c, daemon.c, globals.c);
each code was also seen on the wire in the lab, unless the reason says otherwise.
"""

from .implied import Implied

_ACL = "the default of this ACL (acl_wherecodes), used unless its message begins with a code"
_TEMPORARY = "smtp_handle_acl_fail() answers every deferring ACL with 451 unless told a code"

IMPLIED_EXIM: dict[str, Implied] = {
    "exim.rejected-rcpt": Implied(550, None, _ACL),
    "exim.rejected-mail": Implied(550, None, _ACL),
    "exim.rejected-data": Implied(550, None, _ACL),
    "exim.rejected-eod": Implied(550, None, _ACL),
    "exim.rejected-connect": Implied(550, None, _ACL),
    "exim.rejected-helo": Implied(550, None, _ACL),
    "exim.rejected-auth": Implied(503, None, _ACL + "; from the source"),
    "exim.rejected-vrfy": Implied(252, None, _ACL + "; from the source"),
    "exim.rejected-expn": Implied(550, None, _ACL + "; from the source"),
    "exim.rejected-etrn": Implied(458, None, _ACL),
    "exim.rejected-starttls": Implied(550, None, _ACL + "; from the source"),
    "exim.rejected-other": Implied(550, None, _ACL),
    "exim.deferred": Implied(451, None, _TEMPORARY),
    "exim.rejected-local-scan": Implied(
        550, None, "receive_msg() answers a rejecting local_scan() with 550; from the source"
    ),
    "exim.deferred-local-scan": Implied(
        451, None, "receive_msg() answers a deferring local_scan() with 451; from the source"
    ),
    "exim.local-scan-died": Implied(
        421, None, "receive_bomb_out() answers with 421; from the source"
    ),
    "exim.fakereject": Implied(
        550, None, "`(=` instead of `<=` is printed where control=fakereject gave the client 550"
    ),
    "exim.no-helo": Implied(503, None, "smtp_setup_msg(): 503 HELO or EHLO required"),
    "exim.helo-syntax": Implied(501, None, "smtp_setup_msg(): 501 Syntactically invalid"),
    "exim.helo-mismatch": Implied(
        550, None, "smtp_setup_msg(): 550 argument does not match calling host; from the source"
    ),
    "exim.helo-mismatch-deferred": Implied(
        451, None, "smtp_setup_msg(): 451 where looking the name up failed; from the source"
    ),
    "exim.too-big": Implied(552, None, "552 Message size exceeds maximum permitted"),
    "exim.header-too-big": Implied(
        552, None, "receive_msg(): 552 Message header is too long; from the source"
    ),
    "exim.header-line-end": Implied(
        552, None, "receive_msg(): 552 Message header not CRLF terminated; from the source"
    ),
    "exim.rejected-prdr": Implied(550, None, "receive_msg(): 550 PRDR refusal; from the source"),
    "exim.deferred-prdr": Implied(
        450, None, "receive_msg(): 450 PRDR temporary refusal; from the source"
    ),
    "exim.mail-loop": Implied(
        550, None, 'receive_msg(): 550 Too many "Received" headers; from the source'
    ),
    "exim.too-many-messages": Implied(
        421, None, "smtp_setup_msg(): 421 too many messages in this connection; from the source"
    ),
    "exim.too-many-rcpt-deferred": Implied(
        452, None, "452 to each recipient too many; the line is logged once a message"
    ),
    "exim.too-many-rcpt": Implied(
        552, None, "552 to each recipient too many; the line is logged once a message"
    ),
    "exim.unqualified": Implied(501, None, "501 address must contain a domain"),
    "exim.vrfy-failed": Implied(
        550, None, "smtp_setup_msg(): 550 to VRFY of an undeliverable address; from the source"
    ),
    "exim.sync": Implied(554, None, "554 SMTP synchronization error"),
    "exim.unknown-command": Implied(500, None, "synprot_error(): 500 unrecognized command"),
    "exim.syntax": Implied(501, None, "synprot_error() is called with 501 for every other one"),
    "exim.sequence": Implied(503, None, "synprot_error() is called with 503 for these texts"),
    "exim.unsupported": Implied(504, None, "synprot_error() is called with 504 for these texts"),
    "exim.dropped-nonmail": Implied(
        554, None, "smtp_setup_msg(): 554 Too many nonmail commands; from the source"
    ),
    "exim.connection-refused": Implied(
        421, None, "handle_smtp_call(), smtp_start_session(): 421 Too many concurrent connections"
    ),
    "exim.host-refused": Implied(
        554, None, "smtp_start_session(): 554 SMTP service not available; from the source"
    ),
    "exim.host-deferred": Implied(
        451, None, "smtp_start_session(): 451 where TCP wrappers failed; from the source"
    ),
    "exim.command-timeout": Implied(421, None, "smtp_command_timeout_exit(): 421"),
    "exim.data-timeout": Implied(421, None, "smtp_data_timeout_exit(): 421"),
    "exim.signal": Implied(
        421, None, "smtp_command_sigterm_exit(): 421 Service not available; from the source"
    ),
}
