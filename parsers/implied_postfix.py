"""Replies that Postfix gives without printing them; the source named is that of Postfix."""

from .implied import Implied

IMPLIED_POSTFIX: dict[str, Implied] = {
    # Counters of `disconnect from ... vrfy=0/3 unknown=0/2 commands=1/6`.
    "postfix.unknown-command": Implied(
        500, "5.5.2", "Since Postfix 3.7 smtpd answers every command it does not know with 500."
    ),
    "postfix.unknown-command-before-3.7": Implied(
        502, "5.5.2", "Before Postfix 3.7 smtpd answered every command it did not know with 502."
    ),
    "postfix.vrfy-disabled": Implied(
        502,
        "5.5.1",
        "No VRFY succeeded: with disable_vrfy_command smtpd refuses all without a line.",
    ),
    "postfix.no-valid-recipients": Implied(
        554, "5.5.1", "smtpd (data_cmd) refuses DATA after MAIL when no recipient was accepted."
    ),
    "postfix.starttls-first": Implied(
        530, "5.7.0", "RSET only fails where TLS is required; smtpd then answers all but EHLO so."
    ),
    "postfix.helo-syntax": Implied(
        501, None, "A HELO that is refused while MAIL is taken without one had no host name."
    ),
    # Lines of their own.
    "postfix.auth-failed": Implied(
        535, "5.7.8", "smtpd_sasl_glue.c sends 535 right after this line."
    ),
    "postfix.auth-temporary": Implied(
        454, "4.7.0", "smtpd_sasl_glue.c sends 454 when the authentication service is not there."
    ),
    "postfix.auth-aborted": Implied(
        501, "5.7.0", "smtpd_sasl_glue.c sends 501 when the client gives up with `*`."
    ),
    "postfix.too-many-errors": Implied(
        421, "4.7.0", "smtpd (smtpd_proto) hangs up so at smtpd_hard_error_limit."
    ),
    "postfix.timeout": Implied(
        421, "4.4.2", "smtpd (smtpd_proto) takes leave so after smtpd_timeout."
    ),
    "postfix.too-many-connections": Implied(
        421, "4.7.0", "smtpd (smtpd_proto) greets so beyond smtpd_client_connection_*_limit."
    ),
    "postfix.too-much-mail": Implied(
        450, "4.7.1", "smtpd refuses MAIL, RCPT and AUTH so beyond smtpd_client_*_rate_limit."
    ),
    "postfix.too-many-tls-sessions": Implied(
        454, "4.7.0", "smtpd (starttls_cmd) beyond smtpd_client_new_tls_session_rate_limit."
    ),
    "postfix.non-smtp-command": Implied(
        221, "2.7.0", "smtpd (smtpd_proto) says goodbye to smtpd_forbidden_commands and headers."
    ),
    "postfix.address-syntax": Implied(
        501, "5.1.3", "smtpd (extract_addr) refuses the address it complains about."
    ),
    "postfix.etrn-refused": Implied(
        459, None, "smtpd (etrn_cmd) refuses a domain outside fast_flush_domains."
    ),
    "postfix.etrn-bad": Implied(458, None, "smtpd (etrn_cmd) refuses a malformed domain."),
    "postfix.message-too-big": Implied(
        552, "5.3.4", "smtpd answers the end of data so beyond message_size_limit."
    ),
    "postfix.content-reject": Implied(
        550,
        "5.7.1",
        "cleanup prints header_checks' and body_checks' text without the 550 in front.",
    ),
    "postfix.milter-reject": Implied(
        550, "5.7.1", "cleanup leaves the milter's code out; 550 is the default of a 5.x.x refusal."
    ),
    "postfix.milter-tempfail": Implied(
        451, "4.7.1", "cleanup leaves the milter's code out; 451 is the default of a 4.x.x refusal."
    ),
    "postfix.milter-connect": Implied(
        554, None, "smtpd (smtpd_proto) greets 554 where a milter refuses the connection for good."
    ),
    "postfix.postscreen-too-many": Implied(
        421, "4.7.0", "postscreen answers beyond its connection count limit."
    ),
    "postfix.postscreen-busy": Implied(
        421, "4.3.2", "postscreen answers when no smtpd is free (queue limits)."
    ),
    "postfix.postscreen-limit": Implied(
        421, None, "postscreen (psc_smtpd_421_reply) drops a client beyond its command limits."
    ),
    "postfix.postscreen-timeout": Implied(
        421, "4.4.2", "postscreen (psc_smtpd_time_event) drops a client that falls silent."
    ),
    "postfix.postscreen-non-smtp": Implied(
        521, "5.7.0", "postscreen_non_smtp_command_action is drop unless changed."
    ),
    "postfix.postscreen-no-recipient": Implied(
        554, "5.5.1", "postscreen (psc_data_cmd) refuses all recipients, then DATA or BDAT."
    ),
}
