"""Replies, log lines and sentences with the names in them replaced; all other words stay.

One pass: what a text is made of is tried in the order of `_PIECES`, and what was replaced is not
looked at again. Version numbers, sections of RFCs, enhanced codes, times and file names are no
names. A name without a dot is only known by where it stands (`user=`, `helo=<`, `name[192.0.2.1]`);
it is looked for again where the text speaks of an address or a user.
"""

import re

from .pseudonyms import KEPT, Pseudonyms, ip_of

MASKED = frozenset({
    "user@example.org", "<user@example.org>", "<user>", "<user>: Helo command", "<(address)>",
    "192.0.2.1", "2001:db8::1",
})  # fmt: skip
"""What reply_text.MASKS and section_trees put where names were."""

_ATOM = r"\w.!#$%&'*+^`{|}~="
_V4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_BEFORE_IP = r"\[(?:IPv6:)?(?:[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]{0,4}:)"
_LOGINS = "sasl_username|sasl_sender|authid|set_id|login|username|user|U"
_MAILBOXES = "from|to|orig_to|F|arg1|ctladdr|sender|recipient|rcpt"
_NUMBER = r"(?:[12]?[0-9]|3[01])(?:\.[0-9]+)+"

_PIECES = {
    # Numbers with three dots that are no address, by the words before them.
    "number": r"(?i:\b(?:version|sendmail|exim|postfix|dovecot|daemon|release|sections?|sec\.|§"
    rf"|rfc ?[0-9]{{1,5}},?)[ /(]{{1,2}}v?{_NUMBER}(?:/{_NUMBER})*)"
    r"|(?<= - )[45]\.16\.[0-9]{1,3}\.[0-9]{1,2}(?=; see )",
    "path": r"(?<![\w/:.])/(?:etc|usr|lib|run|dev|bin|sbin|var/log)(?:/[\w.+-]+)*",
    "home": r"(?<![\w/:.])/(?:home|Users|var/mail|var/spool/mail|var/vmail|srv/vmail)"
    r"(?:/[^\s/,;:\"'<>()\[\]]+)+",
    # Logins as clients send them, in base64.
    "secret": r"\bAUTH[ =][A-Z0-9-]{3,20} [A-Za-z0-9+/](?=\S*[0-9A-Z=+/])[A-Za-z0-9+/]{7,}={0,2}",
    "json": r'"(?:_HOSTNAME|_MACHINE_ID|_BOOT_ID|_SYSTEMD_INVOCATION_ID|__CURSOR)" ?: ?"[^"]*"',
    "helo": r"\bhelo=<[^<>]*(?:>|$)|(?:(?<=\bEHLO or HELO )|(?<=: [EH][EH]LO ))[^\s:;,\\]+|(?<=argument\(s\): )[^(].*"
    rf"|(?:\bH=)?\([^()]{{1,255}}\)(?= {_BEFORE_IP})",
    "login": rf"\b(?:{_LOGINS})=(?:<[^<>]*(?:>|$)|[^\s,;()<>\[\]]+)"
    r"|\bA=[\w-]+:[^\s,]+"
    r"|\b(?:owned by user|logged in as|login refused for|for sender address) [^\s,;()<>\[\]]+",
    "mailbox": rf"\b(?:{_MAILBOXES})=(?:<[^<>@\s]+(?:>|$)|[\w+-]+(?=[,; ]|$))"
    r"|(?:<=|=>|->|>>|\*\*|==|\(=) [A-Za-z_][\w+-]*(?=[ ,:]|$)",
    "quoted": r"<(?:\"[^\"<>]*\"|[^<>@\s\"]+)@[^<>@\s]+>",
    "address": rf"(?<![{_ATOM}-])(?:\"[^\"@<>]{{1,64}}\"|[{_ATOM}-]+)(?:@|%40)"
    r"(?:\[[^\]\s]{1,60}\]|[\w-]+(?:\.[\w-]+)*)",
    "angled": r"<[^<>@\s\[\]:/]{1,64}(?:>(?:: Helo command)?|$)",
    "peer": rf"(?<![\w.<-])[\w-]+(?={_BEFORE_IP})|\b(?:relay|H)=[\w-]+(?= {_BEFORE_IP})",
    "ipv6": rf"(?:(?<=IPv6:)|(?<![\w:.]))(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_V4}|[0-9A-Fa-f]{{1,4}})?"
    r"(?![\w:])",
    "host": r"(?<![\w.-])[\w-]+(?:\.[\w-]+)+",
}
_TEXT = re.compile("|".join(f"(?P<{kind}>{found})" for kind, found in _PIECES.items()))

_SMALL_IPV4 = re.compile(rf"(?<![0-9.]){_V4}(?![0-9]|\.[0-9])")
_KEY = re.compile(
    rf"(?:{_LOGINS}|{_MAILBOXES}|id|msgid|message-id|mailfrom|mail|email|s|o|p|auth|address|ip)=",
    re.IGNORECASE,
)
_TOP_LEVEL = re.compile(r"[^\W\d_]{2,24}|xn--[\w-]+", re.IGNORECASE)
_FILES = frozenset({
    "bat", "c", "cc", "cdb", "cf", "cfg", "cgi", "cnf", "conf", "cpp", "crt", "css", "db", "dll",
    "eml", "exe", "gif", "gz", "h", "htm", "html", "jpg", "js", "key", "lmdb", "lock", "log", "mc",
    "o", "pem", "php", "pid", "png", "rst", "sock", "sql", "tmp", "txt", "xml", "yaml",
})  # fmt: skip
"""Ends of file names that are no top-level domains."""
_FACILITY = re.compile(
    r"(?:auth|authpriv|cron|daemon|kern|lpr|mail|news|syslog|user|uucp|local[0-7])"
    r"\.(?:emerg|alert|crit|err|error|warning|warn|notice|info|debug)"
)
_SENTENCE = frozenset({
    "A", "An", "And", "As", "At", "Contact", "Email", "Error", "For", "From", "Go", "Has", "How",
    "If", "In", "Is", "It", "Learn", "Mail", "Message", "More", "No", "Not", "Or", "Please", "Read",
    "See", "Send", "Server", "Session", "That", "The", "This", "To", "Try", "Visit", "We", "You",
    "Your",
})  # fmt: skip
"""Words that begin a sentence where the space after the full stop is missing."""
_NOT_MAILBOXES = frozenset({"CR", "LF", "CRLF", "EOM", "EOD", "NUL", "ESC"})
_HINTS = ("address", "user", "sender", "recipient", "mailbox", "for", "login", "account")
"""After these, a name that the text told elsewhere is meant; it may be any word."""

_BLOCKLISTS = frozenset({
    "0spam.org", "abuseat.org", "abusix.zone", "backscatterer.org", "barracudacentral.org",
    "blocklist.de", "dronebl.org", "gbudb.net", "invaluement.com", "mailspike.net", "manitu.net",
    "nordspam.com", "s5h.net", "senderscore.com", "sorbs.net", "spamcop.net", "spamhaus.net",
    "spamhaus.org", "spamrats.com", "spfbl.net", "surbl.org", "surriel.com", "uceprotect.net",
    "uribl.com",
})  # fmt: skip
"""Public lists: which of them refused the mail is the point of a reply, and nobody's secret."""
_HELP = _BLOCKLISTS | frozenset({
    "163.com", "aka.ms", "amazon.com", "apple.com", "barracuda.com", "cisco.com", "comcast.net",
    "dmarc.org", "exim.org", "gmx.net", "google.com", "ietf.org", "ionos.com", "mail.ru",
    "microsoft.com", "mimecast.com", "office.com", "openspf.org", "orange.fr", "ovh.com",
    "postfix.org", "proofpoint.com", "qq.com", "rfc-editor.org", "sendmail.org", "senderbase.org",
    "t-online.de", "talosintelligence.com", "web.de", "xfinity.com", "yahoo.com", "yandex.com",
    "yandex.ru", "zoho.com",
})  # fmt: skip
"""Whose pages of help replies point to; kept in links alone."""
_PUBLIC_LABEL = re.compile("[a-z]{2,12}(?:-[a-z]{2,12})?")


def replace_names(text: str, names: Pseudonyms, keep: frozenset[str] = frozenset()) -> str:
    """The text with pseudonyms; pieces in `keep` stay as they are."""
    return _Reader(names, keep).read(text)


def is_name(text: str) -> bool:
    """Whether a text is a host's name with dots, not a file's, a version or two sentences."""
    _, dot, last = text.rpartition(".")
    if not dot or not _TOP_LEVEL.fullmatch(last) or last.lower() in _FILES or last in _SENTENCE:
        return False
    return not _FACILITY.fullmatch(text)


class _Reader:
    """Reads one text; `plain` are the names without a dot that it has told."""

    def __init__(self, names: Pseudonyms, keep: frozenset[str]) -> None:
        self.names, self.keep = names, keep
        self.plain: dict[str, str] = {}

    def read(self, text: str) -> str:
        found = _TEXT.sub(self._piece, text)
        if not self.plain:
            return found
        words = "|".join(re.escape(w) for w in sorted(self.plain, key=len, reverse=True))
        hints = "|".join(rf"(?<=\b{hint} )" for hint in _HINTS)
        again = rf"(?:{hints}|(?<=[\"'`]))(?:{words})(?![\w@=-])"
        return re.sub(again, lambda m: self.plain[m[0]], found)

    def _piece(self, match: re.Match[str]) -> str:
        piece = match[0]
        if piece in self.keep:
            return piece
        match match.lastgroup:
            case "number" | "path":
                return piece
            case "secret":
                return f"{piece.rpartition(' ')[0]} (masked)"
            case "json":
                return self._json(piece)
            case "home":
                return self._home(piece)
            case "helo":
                return self._helo(piece)
            case "login" | "mailbox":
                return self._after_key(piece)
            case "quoted":
                return self.names.address(piece)
            case "address":
                return self._address(piece)
            case "angled":
                return self._angled(piece)
            case "peer":
                key, equals, name = piece.rpartition("=")
                return key + equals + self._plain(name, self.names.host(name))
            case "ipv6":
                return self.names.ip(piece)
            case _:
                linked = match.string[: match.start()].endswith("://")
                return self._dotted(piece, _HELP if linked else _BLOCKLISTS)

    def _plain(self, name: str, shown: str) -> str:
        """What a name without a dot is shown as, from here on in the rest of the text too."""
        if name != shown and re.fullmatch(r"[\w+-]+", name):
            self.plain[name] = shown
        return shown

    def _user(self, text: str) -> str:
        if "@" in text or text in ("", "<>"):
            return self.names.address(text)
        return self._plain(text, self.names.user(text))

    def _json(self, piece: str) -> str:
        field, value = piece[:-1].rsplit('"', 1)
        hidden = self.names.host(value) if "_HOSTNAME" in field else "masked"
        return f'{field}"{hidden}"'

    def _home(self, piece: str) -> str:
        base = next(
            b
            for b in ("/var/spool/mail", "/var/vmail", "/srv/vmail", "/var/mail", "/home", "/Users")
            if piece.startswith(f"{b}/")
        )
        shown, owner = [base], True
        for part in piece[len(base) + 1 :].split("/"):
            domain = owner and "@" not in part and is_name(part)
            named = self.names.host(part) if domain else self.names.address(part)
            shown.append(named if owner else part)
            owner = domain
        return "/".join(shown)

    def _helo(self, piece: str) -> str:
        head, said, tail = re.fullmatch(r"(helo=<|H=\(|\()?(.*?)([>)]?)", piece, re.S).groups("")  # type: ignore[union-attr]
        return head + self._plain(said, self.names.host(said)) + tail

    def _after_key(self, piece: str) -> str:
        """`user=<name>`, `A=plain:name`, `<= name`, `logged in as name`."""
        head, name = re.fullmatch(r"(A=[\w-]+:|\w+=|.* )(.*)", piece, re.S).groups()  # type: ignore[union-attr]
        if name.startswith("<"):
            # A line that was cut may lack the end.
            bare = name[1:].removesuffix(">")
            return f"{head}<{self._user(bare)}{name[1 + len(bare) :]}"
        end = len(name) - len(name.rstrip(".:"))
        bare = name[: len(name) - end]
        return head + self._user(bare) + name[len(name) - end :]

    def _address(self, piece: str) -> str:
        at = "@" if "@" in piece else "%40"
        local, _, domain = piece.rpartition(at)
        if not re.search(r"[^\W\d_]|\[", domain) and ip_of(domain) is None:
            return piece
        key = _KEY.match(local)
        start = key.end() if key else 0
        start += len(local[start:]) - len(local[start:].lstrip("'`*.{|="))
        if start == len(local):
            return local + at + self.names.host(domain)
        return local[:start] + self.names.user(local[start:]) + at + self.names.host(domain)

    def _angled(self, piece: str) -> str:
        name, end, more = piece[1:].partition(">")
        if name in _NOT_MAILBOXES or name in KEPT or name.isdigit() or _FACILITY.fullmatch(name):
            return piece
        if ip_of(name) is not None:
            return f"<{self.names.ip(name)}>{more}"
        hostlike = more or (is_name(name))
        shown = self.names.host(name) if hostlike else self.names.user(name)
        return f"<{self._plain(name, shown)}{end}{more}"

    def _dotted(self, piece: str, public: frozenset[str]) -> str:
        if ip_of(piece) is not None:
            return self.names.ip(piece)
        if not is_name(piece):
            return _SMALL_IPV4.sub(lambda m: self.names.ip(m[0]), piece)
        labels = piece.lower().split(".")
        if ".".join(labels[-2:]) in public:
            left = ".".join(labels[:-2])
            known = all(_PUBLIC_LABEL.fullmatch(label) for label in labels[:-2])
            return piece if known or not left else ".".join([self.names.user(left), *labels[-2:]])
        return self.names.host(piece)
