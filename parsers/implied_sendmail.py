"""What Sendmail's lines prove about replies they do not print.

The source meant is Sendmail 8.17; every row that the lab could provoke was seen on the wire.
"""

from .implied import Implied

IMPLIED_SENDMAIL: dict[str, Implied] = {
    "sendmail.sent": Implied(
        250,
        None,
        "deliver.c logs stat=Sent over SMTP only after a 2xx reply to the end of data, whose code it drops",
    ),
    "sendmail.user-unknown": Implied(
        550,
        "5.1.1",
        "recipient.c refuses RCPT with 550 5.1.1 User unknown; usrerr() logs the text without its code",
    ),
    "sendmail.too-many-recipients": Implied(
        452,
        "4.5.3",
        "srvrsmtp.c answers each RCPT beyond MaxRecipientsPerMessage with 452 4.5.3 Too many recipients",
    ),
    "sendmail.bad-syntax": Implied(
        501, "5.5.2", "skipword() and rcpt_esmtp_args() in srvrsmtp.c give these texts with 501"
    ),
    "sendmail.bad-parameter": Implied(
        555, "5.5.4", "rcpt_esmtp_args() in srvrsmtp.c answers an unknown parameter with 555 5.5.4"
    ),
    "sendmail.no-dsn": Implied(
        504,
        "5.7.0",
        "rcpt_esmtp_args() in srvrsmtp.c answers NOTIFY and ORCPT with 504 5.7.0 where DSN is not offered",
    ),
    "sendmail.bad-address": Implied(
        553, None, "parseaddr() and prescan() in parseaddr.c give these texts with 553"
    ),
    "sendmail.refused-recipient": Implied(
        550,
        None,
        "fmtmsg() in err.c names the recipient before the text of 450, 550 and 553 only; tables (`error:nouser 550 ...`) "
        "say 550, and texts that ask for another try are left out",
    ),
    "sendmail.vrfy": Implied(
        252,
        "2.5.2",
        "srvrsmtp.c answers VRFY with 252 2.5.2 under PrivacyOptions=novrfy and logs it as rejected",
    ),
    "sendmail.expn": Implied(
        502,
        "5.7.0",
        "srvrsmtp.c answers EXPN and ETRN with 502 5.7.0 where they are not allowed and logs them as rejected",
    ),
    "sendmail.auth-failure": Implied(
        535,
        "5.7.0",
        "LOGAUTHFAIL in srvrsmtp.c sends 535 5.7.0 authentication failed and then logs the line",
    ),
    "sendmail.auth-decode": Implied(
        501,
        "5.5.4",
        "srvrsmtp.c answers an initial response that is not base64 with 501 5.5.4 and logs the line",
    ),
    "sendmail.auth-encode": Implied(
        454,
        "4.5.4",
        "srvrsmtp.c answers 454 4.5.4 when its own challenge cannot be encoded and logs the line",
    ),
    "sendmail.open-proxy": Implied(
        421,
        "4.7.0",
        "srvrsmtp.c drops a client whose first command is HTTP with 421 4.7.0 Rejecting open proxy",
    ),
    "sendmail.greet-pause": Implied(
        554,
        None,
        "greet_pause in srvrsmtp.c turns the greeting into 554 for a client that talks first",
    ),
    "sendmail.early-talker": Implied(
        554,
        "5.5.0",
        "srvrsmtp.c answers HELO or EHLO with 554 5.5.0 SMTP protocol error when more input is already there",
    ),
    "sendmail.long-command": Implied(
        421, "4.7.0", "srvrsmtp.c closes with 421 4.7.0 Command too long and then logs the line"
    ),
    "sendmail.rcpt-flood": Implied(
        421, "4.7.0", "BadRcptShutdown in srvrsmtp.c closes with 421 4.7.0 Too many bad recipients"
    ),
    "sendmail.bad-helo": Implied(
        501, None, "srvrsmtp.c answers an invalid HELO or EHLO name with 501 Invalid domain name"
    ),
    "sendmail.bogus-command": Implied(
        500,
        "5.5.1",
        "srvrsmtp.c logs debug, showq and wiz and then treats them as unrecognised commands",
    ),
    "sendmail.tempfailed-mail": Implied(
        451,
        "4.3.2",
        "srvrsmtp.c answers MAIL and ETRN with 451 4.3.2 once a milter has failed temporarily",
    ),
    "sendmail.tempfailed-auth": Implied(
        454,
        None,
        "srvrsmtp.c answers AUTH and STARTTLS with 454 once a milter has failed temporarily",
    ),
    "sendmail.tempfailed-vrfy": Implied(
        550,
        "5.7.1",
        "srvrsmtp.c answers VRFY and EXPN with 550 5.7.1 once a milter has failed temporarily",
    ),
    "sendmail.too-large": Implied(
        552, "5.2.3", "collect.c answers the end of data with 552 5.2.3 and logs both sizes"
    ),
    "sendmail.headers-too-large": Implied(
        552, "5.6.0", "collect.c answers the end of data with 552 5.6.0 Headers too large"
    ),
    "sendmail.read-timeout": Implied(
        421, "4.4.1", "collect.c closes with 421 4.4.1 when the client falls silent in its message"
    ),
    "sendmail.bare-lf": Implied(
        421, "4.5.0", "collect.c closes with 421 4.5.0 on a bare line feed (status=tempfail)"
    ),
    "sendmail.milter-reject": Implied(
        554, None, "a milter's refusal at connect turns the greeting into 554 (srvrsmtp.c)"
    ),
    "sendmail.milter-shutdown": Implied(
        421,
        "4.7.0",
        "a milter's shutdown at connect makes srvrsmtp.c say 421 4.7.0 closing connection",
    ),
}
