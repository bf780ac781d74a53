"""Mail on its way: a real SMTP server in this process, a sendmail of our own, and what fails."""

import asyncio
import email
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from report_samples import busy_day

from analyzer.exits import Exit, Refused
from analyzer.sending import NotSent, mail
from analyzer.sending.addresses import Server, address, server
from analyzer.sending.loopback import is_loopback
from analyzer.sending.plan import PASSWORD, USER, Login, plan_of
from reports import mail as message_of

TLS = Path(__file__).parent / "data/tls"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
FROM, TO = "smtplens@mx1.example", ("ann@example.org", "bob@example.org")
GOOD = Login("reporter", "correct horse")


def message(text: str = "Hello\n.\n..\nFrom here\n") -> EmailMessage:
    envelope = message_of.Envelope(FROM, TO, NOW, "<1@mx1.example>")
    return message_of.assemble("mx1: nothing unusual", text, "<p>x</p>", envelope)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@dataclass
class Mailbox:
    """What a server was given; `refuse` holds replies for recipients, `said` what it is told."""

    refuse: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 OK"
    got: list[tuple[str, list[str], bytes, bool, str]] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]
    ) -> str:
        if to in self.refuse:
            return self.refuse[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        user = session.auth_data.login.decode() if session.auth_data else ""
        content = envelope.original_content or b""
        sender = str(envelope.mail_from)
        self.got.append((sender, envelope.rcpt_tos, content, session.ssl is not None, user))
        return self.after_data


def check_login(server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> Any:
    right = isinstance(data, LoginPassword) and data == LoginPassword(
        GOOD.user.encode(), GOOD.password.encode()
    )
    return AuthResult(success=right, handled=False, auth_data=data)


class AnyPort(Controller):
    """A server on a port that is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def serving(
    box: Mailbox, *, tls: bool = False, login: bool = False, at: str = "127.0.0.1"
) -> Iterator[Server]:
    """A server on a free port of this machine."""
    more: dict[str, Any] = {}
    if tls:
        more["tls_context"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        more["tls_context"].load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    if login:
        more |= {"authenticator": check_login, "auth_require_tls": tls}
    controller = AnyPort(box, at, 0, server_hostname="mx.example", **more)
    controller.start()
    try:
        yield Server(at, controller.port)
    finally:
        controller.stop()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of the tests holds."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))


def send(to: Server, **more: Any) -> None:
    mail.by_smtp(message(), to, FROM, TO, **more)


# --- SMTP


def test_server_gets_the_message_as_it_is() -> None:
    box = Mailbox()
    with serving(box) as there:
        send(there)
    [(sender, to, content, encrypted, user)] = box.got
    assert (sender, to, encrypted, user) == (FROM, list(TO), False, "")
    raw = message().as_bytes()
    got, sent = (email.message_from_bytes(b, policy=message_of.POLICY) for b in (content, raw))
    assert got.keys() == sent.keys()
    assert text_of(got) == text_of(sent)


def test_starttls_is_used_where_it_is_offered() -> None:
    box = Mailbox()
    with serving(box, tls=True) as there:
        # Nobody vouches for the certificate: still better than clear text.
        send(there)
    assert box.got[0][3] is True


@pytest.mark.usefixtures("trusted")
def test_required_tls_with_a_certificate_that_holds() -> None:
    box = Mailbox()
    with serving(box, tls=True) as there:
        send(there, tls=True)
    assert box.got[0][3] is True


def test_required_tls_refuses_a_certificate_nobody_vouches_for() -> None:
    box = Mailbox()
    with serving(box, tls=True) as there, pytest.raises(NotSent, match="self-signed certificate"):
        send(there, tls=True)
    assert box.got == []


@pytest.mark.usefixtures("trusted")
def test_required_tls_refuses_a_certificate_of_another_name() -> None:
    box = Mailbox()
    wrong = pytest.raises(NotSent, match=r"certificate is not valid for '127\.0\.0\.2'")
    with serving(box, tls=True, at="127.0.0.2") as there, wrong:
        send(there, tls=True)
    assert box.got == []


def test_required_tls_refuses_a_server_without_it() -> None:
    box = Mailbox()
    with serving(box) as there, pytest.raises(NotSent, match="does not offer STARTTLS"):
        send(there, tls=True)
    assert box.got == []


@pytest.mark.usefixtures("trusted")
def test_login_goes_through_tls() -> None:
    box = Mailbox()
    with serving(box, tls=True, login=True) as there:
        send(there, login=GOOD)
        with pytest.raises(NotSent, match="535") as wrong:
            send(there, login=Login("reporter", "wrong secret"))
    assert [g[3:] for g in box.got] == [(True, GOOD.user)]
    assert "wrong secret" not in str(wrong.value)


def test_login_never_leaves_this_machine_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()
    with serving(box, login=True) as there:
        send(there, login=GOOD)  # to this machine itself
        monkeypatch.setattr(mail, "is_loopback", lambda host: False)
        with pytest.raises(NotSent, match="a password is not sent without"):
            send(there, login=GOOD)
    assert len(box.got) == 1


def test_server_that_is_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match=rf"127\.0\.0\.1:{port}: Connection refused"):
        send(Server("127.0.0.1", port))


def test_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.3)
    late = pytest.raises(NotSent, match="timed out")
    with socket.create_server(("127.0.0.1", 0)) as silent, late:
        send(Server("127.0.0.1", silent.getsockname()[1]))


def test_refused_recipients_are_named_and_the_others_have_it() -> None:
    box = Mailbox({"bob@example.org": "550 5.1.1 no\x1b[31m such user"})
    with serving(box) as there:
        with pytest.raises(NotSent, match=r"bob@example.org refused: 550 5.1.1 no") as partly:
            send(there)
        assert "ann@example.org" not in str(partly.value)
        assert box.got[0][1] == ["ann@example.org"]
        box.refuse = dict.fromkeys(TO, "450 4.7.1 later")
        with pytest.raises(NotSent, match=r"ann@.*450 4.7.1 later; bob@.*450 4.7.1 later$"):
            send(there)
    assert len(box.got) == 1


def test_message_that_is_refused_at_its_end() -> None:
    box = Mailbox(after_data="554 5.7.1 looks like spam")
    with serving(box) as there, pytest.raises(NotSent, match=r"554 5\.7\.1 looks like spam"):
        send(there)


# --- sendmail


@pytest.fixture
def sendmail(tmp_path: Path) -> Path:
    """A program that notes how it is called and what it is given."""
    program = tmp_path / "sendmail"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\ncat > {tmp_path}/given\n'
        f'[ -e {tmp_path}/broken ] && echo "queue file write error" >&2 && exit 75\nexit 0\n'
    )
    program.chmod(0o755)
    return program


def test_sendmail_reads_the_recipients_from_the_message(sendmail: Path, tmp_path: Path) -> None:
    mail.by_sendmail(message(), str(sendmail))
    assert (tmp_path / "arguments").read_text().split() == ["-i", "-t"]
    given = (tmp_path / "given").read_bytes()
    assert b"\r" not in given
    read = email.message_from_bytes(given, policy=email.policy.default)
    assert read["To"] == ", ".join(TO)
    assert text_of(read) == "Hello\n.\n..\nFrom here\n"


def test_sendmail_is_told_the_sender_that_was_asked_for(sendmail: Path, tmp_path: Path) -> None:
    mail.by_sendmail(message(), str(sendmail), "reports@example.org")
    assert (tmp_path / "arguments").read_text().split()[2:] == ["-f", "reports@example.org"]


def test_sendmail_that_fails_is_quoted(sendmail: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(NotSent, match="status 75: queue file write error"):
        mail.by_sendmail(message(), str(sendmail))
    with pytest.raises(NotSent, match="No such file"):
        mail.by_sendmail(message(), str(tmp_path / "none"))


def test_sendmail_is_found_beside_the_path_of_cron(
    sendmail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(mail, "_BESIDE_PATH", ("/nowhere", str(sendmail.parent)))
    assert mail.find_sendmail() == str(sendmail)
    monkeypatch.setattr(mail, "_BESIDE_PATH", ())
    with pytest.raises(NotSent, match="no sendmail on this machine"):
        mail.find_sendmail()


# --- What the options say


def test_addresses() -> None:
    for good in ("a@b.example", "o'neil+x@b.example", "root", "a@b"):
        assert address(good) == good
    assert address(" a@bücher.example ") == "a@xn--bcher-kva.example"
    for bad in (
        *("", "@", "a@", "@b", "a b@c", "a@b c", "-oX@b.example", "-t", "a,b@c", "<a@b>", "a@b@c"),
        *("a@b\r\nBcc: c@d", "a\n@b", "ä@b.example", "a@b..c", "a@-b", "x" * 65 + "@b", "a;b@c"),
        *('"a"@b', "a@" + "b." * 130 + "c", "a(b)@c"),
    ):
        with pytest.raises(ValueError, match=r"is no mail address|is longer|no such domain"):
            address(bad)


def test_servers() -> None:
    assert server("mail.example.org") == ("mail.example.org", 25)
    assert server("192.0.2.1:587") == ("192.0.2.1", 587)
    assert server("[2001:db8::1]:465") == ("2001:db8::1", 465)
    for bad in ("", ":25", "a:0", "a:65536", "a b", "smtp://a", "2001:db8::1", "u@a:25", "a:25/x"):
        with pytest.raises(ValueError, match=r"is no server|there is no port"):
            server(bad)


def test_loopback() -> None:
    for here in ("localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"):
        assert is_loopback(here)
    for there in (
        "",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "192.0.2.1",
        "::",
        "10.0.0.1",
    ):
        assert not is_loopback(there)


def test_login_from_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    path = tmp_path / "login"
    path.write_text(f"{GOOD.user}\n{GOOD.password}\n")
    options = {"smtp": "mail.example.org:587", "smtp_auth": str(path)}
    for mode in (0o604, 0o640, 0o602, 0o644, 0o660):
        path.chmod(mode)
        with pytest.raises(Refused, match="others may read it") as refused:
            plan_of(options, {})
        assert refused.value.status is Exit.USAGE
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert plan_of(options, {}).login == GOOD
    assert GOOD.password not in repr(plan_of(options, {}))
    for text in ("", "user", "user\n\n", "user\npassword\nmore", "\npassword"):
        path.write_text(text)
        with pytest.raises(Refused, match="two lines"):
            plan_of(options, {})
    with pytest.raises(Refused, match="No such file") as missing:
        plan_of(options | {"smtp_auth": str(tmp_path / "none")}, {})
    assert missing.value.status is Exit.INPUT


def test_login_from_the_environment() -> None:
    options = {"smtp": "mail.example.org"}
    both = {USER: GOOD.user, PASSWORD: GOOD.password}
    assert plan_of(options, both).login == GOOD
    assert plan_of({}, both).login is None
    assert plan_of(options, {}).login is None
    with pytest.raises(Refused, match="only one of them"):
        plan_of(options, {USER: GOOD.user})


@pytest.mark.parametrize(
    "options",
    [
        {"smtp": "a", "sendmail": "/b"},
        {"smtp_tls": True},
        {"smtp_auth": "/a"},
        {"webhook": "ftp://a"},
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        plan_of(options, {})
    assert refused.value.status is Exit.USAGE


def test_sender_is_this_machine_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "mx1.example.org")
    assert plan_of({}, {}).sender == "smtplens@mx1.example.org"
    monkeypatch.setattr(socket, "getfqdn", lambda: "bad name\r\nBcc: x")
    assert plan_of({}, {}).sender == "smtplens@localhost"
    assert plan_of({"mail_from": "a@b.example"}, {}).sender == "a@b.example"


def test_whole_report_arrives() -> None:
    box = Mailbox()
    envelope = message_of.Envelope(FROM, TO, NOW, "<1@mx1.example>")
    with serving(box, tls=True) as there:
        plan = replace(plan_of({"smtp": "localhost"}, {}), smtp=there, mail_to=TO, mail_from=FROM)
        mail.send(message_of.render(busy_day(), "mx1: 3 problems", envelope), plan)
    read = email.message_from_bytes(box.got[0][2], policy=email.policy.default)
    assert read["Subject"] == "mx1: 3 problems"
    assert "Mail report for" in text_of(read)
