"""`report` with somewhere to go: order, conditions, exit statuses, nothing lost on the way."""

import email
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from report_samples import busy_day, quiet
from test_mail_sending import Mailbox, text_of
from test_mail_sending import serving as mail_server
from test_webhook import Site
from test_webhook import serving as site_of

from analyzer import publish as publishing
from analyzer.cli import main
from analyzer.exits import Exit
from analyzer.publish import publish, ready
from analyzer.sending import NotSent
from analyzer.sending import mail as sending_mail
from analyzer.sending.plan import TOKEN

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
LOG = Path(__file__).parent.parent / "sample_logs/postfix-iso.log"
TO = ("--mail-to", "ann@example.org")
CALM = replace(quiet(), inputs=())
FORM = {"form": "text", "color": "never", "width": 80, "output": None}


def smtplens(*arguments: object, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)], prog_name="smtplens", env=env)


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mail gets out, and a webhook does not wait."""

    def fail(*_: object, **__: object) -> None:
        raise NotSent("mail.example.org:25: Connection refused")

    monkeypatch.setattr(sending_mail, "send", fail)
    monkeypatch.setattr("analyzer.sending.webhook.PAUSES", (0.0, 0.0))


def test_everything_at_once(tmp_path: Path) -> None:
    plain = smtplens(LOG)
    metrics, box = tmp_path / "smtplens.prom", Mailbox()
    with mail_server(box) as there, site_of(Site()) as site:
        done = smtplens(
            *(LOG, *TO, "--mail-to", "root", "--mail-from", "me@example.org"),
            *("--smtp", f"{there.host}:{there.port}", "--prometheus", metrics),
            *("--webhook", f"http://127.0.0.1:{site.port}/x"),
            env={TOKEN: "s3cret"},
        )
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == plain.stdout
    [(sender, to, content, _, _)] = box.got
    assert (sender, to) == ("me@example.org", ["ann@example.org", "root"])
    message = email.message_from_bytes(content, policy=default)
    [(_, _, headers, body)] = site.asked
    said = json.loads(body)
    assert message["Subject"] == said["verdict"]
    assert said["complete"] is True
    assert headers["Authorization"] == "Bearer s3cret"
    assert f"smtplens_received_messages {said['totals']['received']}\n" in metrics.read_text()
    assert plain.stdout.splitlines()[0] in text_of(message)


def test_nearest_first_and_the_network_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *_, **__: done.append(name)

    for name in ("_metrics", "_mail", "_webhook"):
        monkeypatch.setattr(publishing, name, note(name))
    options = FORM | {"mail_to": ("a@b.example",), "prometheus": str(tmp_path / "x"),
                      "webhook": "https://a.example/"}  # fmt: skip
    text, status = publish(busy_day(), options, Exit.DONE, NOW, done.append, done.append)
    assert done == [text, "_metrics", "_mail", "_webhook"]
    assert status is Exit.DONE


@pytest.mark.usefixtures("down")
def test_what_cannot_be_sent_is_said_and_the_report_is_there(tmp_path: Path) -> None:
    metrics, page = tmp_path / "smtplens.prom", tmp_path / "report.html"
    with site_of(Site([(500, {})])) as site:
        hook = ("--webhook", f"http://127.0.0.1:{site.port}/x")
        done = smtplens(LOG, *TO, *hook, "--prometheus", metrics, "-o", page, "--format", "html")
    assert done.exit_code == Exit.INPUT
    assert "smtplens: mail.example.org:25: Connection refused\n" in done.stderr
    assert f"smtplens: http://127.0.0.1:{site.port}: 500 Internal Server Error\n" in done.stderr
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert metrics.read_text()
    assert len(site.asked) == 3


def test_output_that_cannot_be_written_stops_nothing_else(tmp_path: Path) -> None:
    box, nowhere = Mailbox(), tmp_path / "none" / "x"
    with mail_server(box) as there:
        smtp = ("--smtp", f"{there.host}:{there.port}")
        done = smtplens(LOG, *TO, *smtp, "-o", nowhere, "--prometheus", nowhere)
    assert done.exit_code == Exit.INPUT
    assert done.stderr == f"smtplens: {nowhere}: No such file or directory\n" * 2
    assert len(box.got) == 1


@pytest.mark.usefixtures("down")
@pytest.mark.parametrize(
    ("status", "condition", "ends"),
    [
        (Exit.DONE, "problems", Exit.INPUT),
        (Exit.INPUT, "problems", Exit.INPUT),
        (Exit.NOT_MAIL, "problems", Exit.NOT_MAIL),
    ],
)
def test_the_worst_status_stands(status: Exit, condition: str, ends: Exit) -> None:
    options = FORM | {"mail_to": ("a@b.example",), "fail_on": (condition,)}
    warned: list[str] = []
    assert publish(busy_day(), options, status, NOW, warned.append)[1] is ends
    assert len(warned) == 2
    calm = FORM | {"fail_on": (condition,)}
    assert publish(busy_day(), calm, status, NOW, warned.append)[1] == max(status, 1)
    assert publish(CALM, calm, status, NOW, warned.append)[1] == status


def test_only_if_keeps_quiet_but_for_the_metrics(tmp_path: Path) -> None:
    metrics, eml, out = (tmp_path / name for name in ("a.prom", "a.eml", "a.txt"))
    options = FORM | {"prometheus": str(metrics), "mail_file": str(eml), "only_if": ("problems",)}
    warned: list[str] = []

    def run(report: Any) -> str:
        out.unlink(missing_ok=True)
        eml.unlink(missing_ok=True)
        metrics.unlink(missing_ok=True)
        text, status = publish(report, options, Exit.DONE, NOW, warned.append, out.write_text)  # type: ignore[arg-type]
        assert status is Exit.DONE
        return text

    assert run(CALM) == ""
    assert (metrics.exists(), eml.exists(), out.exists()) == (True, False, False)
    assert run(busy_day()) == out.read_text() != ""
    assert (metrics.exists(), eml.exists()) == (True, True)
    assert warned == []


def test_conditions_are_refused_before_anything_is_read() -> None:
    for name in ("only_if", "fail_on"):
        with pytest.raises(Exception, match="did you mean"):
            ready(FORM | {name: ("problms",)})


@pytest.mark.parametrize(
    "arguments",
    [
        ("--mail-to", "a b"),
        ("--mail-to", "a@b\r\nBcc: c@d"),
        ("--mail-from", "-t"),
        ("--smtp", "smtp://a"),
        ("--smtp-tls",),
        ("--smtp-auth", "/etc/passwd"),
        ("--webhook", "ftp://a"),
        ("--webhook", "https://u:p@a/"),
        ("--smtp", "a", "--sendmail", "/b"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    done = smtplens("/none", *arguments)
    assert done.exit_code == Exit.USAGE
    assert "No such file" not in done.stderr


def test_mail_file_is_the_mail_and_nothing_is_sent(tmp_path: Path) -> None:
    eml = tmp_path / "report.eml"
    done = smtplens(LOG, *TO, "--mail-file", eml, "--sendmail", "/bin/false", "--tz", "Asia/Tokyo")
    assert (done.exit_code, done.stderr) == (0, "")
    message = email.message_from_bytes(eml.read_bytes(), policy=default)
    assert message["To"] == "ann@example.org"
    assert message["Date"].datetime.utcoffset().total_seconds() == 9 * 3600
    assert "\r\n" in eml.read_bytes().decode()
    assert smtplens(LOG, "--mail-file", eml).exit_code == 0
    assert "To" not in email.message_from_bytes(eml.read_bytes())


@pytest.mark.parametrize("option", ["--mail-file", "--prometheus"])
def test_no_input_is_written_over(option: str, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_bytes(LOG.read_bytes())
    done = smtplens(log, option, log)
    assert done.exit_code == Exit.USAGE
    assert log.read_bytes() == LOG.read_bytes()


def test_input_that_is_missing_is_in_the_subject(tmp_path: Path) -> None:
    eml = tmp_path / "a.eml"
    done = smtplens(LOG, tmp_path / "none.log", *TO, "--mail-file", eml)
    assert done.exit_code == Exit.INPUT
    message = email.message_from_bytes(eml.read_bytes(), policy=default)
    assert message["Subject"].endswith("input incomplete")


def test_what_leaves_is_anonymized_too(tmp_path: Path) -> None:
    eml, metrics = tmp_path / "a.eml", tmp_path / "a.prom"
    host = next(iter(smtplens(LOG).stdout.splitlines())).split()[-1]
    with site_of(Site()) as site:
        hook = ("--webhook", f"http://127.0.0.1:{site.port}/x")
        done = smtplens(LOG, "--anonymize", "--mail-file", eml, "--prometheus", metrics, *hook, *TO)
    assert (done.exit_code, done.stderr) == (0, "")
    message = email.message_from_bytes(eml.read_bytes(), policy=default)
    name = message["Subject"].partition(":")[0]
    assert name != host
    assert f'host="{name}"' in metrics.read_text()
    assert json.loads(site.asked[0][3])["hosts"] == [name]


def test_open_http_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.sending.webhook.post", lambda body, to: None)
    done = smtplens(LOG, "--webhook", "http://hooks.example.org/secret")
    assert done.exit_code == 0
    assert done.stderr.startswith(
        "smtplens: http://hooks.example.org: the report is sent over http"
    )
