"""The webhook: what is posted, what is tried again, and where nothing is sent."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import busy_day, empty, hostile, quiet, several_days
from test_verdict import PROBLEM, SPIKE, spiky

from analyzer.sending import NotSent, webhook
from analyzer.sending.webhook import PAUSES, Target, post, target
from reports.model import Report
from reports.to_json import to_dict
from reports.verdict import verdict
from reports.webhook import MOST_PROBLEMS, MOST_SPIKES, render

TLS = Path(__file__).parent / "data/tls"
BODY = '{"verdict": "mx1: nothing unusual"}\n'


@dataclass
class Site:
    """What was asked of a server, and what it answers, one after the other, the last for ever."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    asked: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    port: int = 0


@contextmanager
def serving(site: Site, *, tls: bool = False) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.asked.append((self.command, self.path, dict(self.headers.items()), body))
            number = min(len(site.asked), len(site.answers)) - 1
            status, headers = site.answers[number]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # nobody may get here

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    site.port = server.server_address[1]
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def give(
    site: Site, token: str | None = None, path: str = "/hook", scheme: str = "http"
) -> list[float]:
    """Post and return the pauses that were made."""
    pauses: list[float] = []
    post(BODY, target(f"{scheme}://127.0.0.1:{site.port}{path}", token), sleep=pauses.append)
    return pauses


# --- On the wire


def test_body_is_posted_once() -> None:
    with serving(Site()) as site:
        assert give(site, path="/hook?room=1") == []
    [(command, path, headers, body)] = site.asked
    assert (command, path, body) == ("POST", "/hook?room=1", BODY)
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


def test_token_goes_along() -> None:
    with serving(Site()) as site:
        give(site, "s3cret")
    assert site.asked[0][2]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_with_growing_pauses(status: int) -> None:
    with serving(Site([(status, {}), (status, {}), (204, {})])) as site:
        assert give(site) == list(PAUSES)
    assert len(site.asked) == 3
    assert len({asked[2]["Idempotency-Key"] for asked in site.asked}) == 1
    with serving(Site([(status, {})])) as site, pytest.raises(NotSent, match=str(status)):
        give(site)
    assert len(site.asked) == len(PAUSES) + 1


def test_server_says_how_long_to_wait_but_not_for_ever() -> None:
    answers = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "99999"}), (200, {})]
    with serving(Site(answers)) as site:
        assert give(site) == [7.0, webhook.LONGEST_PAUSE]
    odd = [(503, {"Retry-After": "Mon, 23 Nov 2026 04:00:00 GMT"}), (503, {"Retry-After": "-1"})]
    with serving(Site([*odd, (200, {})])) as site:
        assert give(site) == list(PAUSES)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 501])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with serving(Site([(status, {})])) as site, pytest.raises(NotSent, match=str(status)):
        give(site, "s3cret")
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_follows_a_redirect(status: int) -> None:
    with serving(Site()) as other:
        where = {"Location": f"http://127.0.0.1:{other.port}/"}
        for headers in (where, {"Location": "file:///etc/passwd"}, {}):
            stays = pytest.raises(NotSent, match=f"{status}: it points elsewhere")
            with serving(Site([(status, headers)])) as site, stays:
                give(site, "s3cret")
            assert len(site.asked) == 1
    assert other.asked == []


def test_https_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Site(), tls=True) as site:
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            give(site, "s3cret", scheme="https")
        assert site.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
        give(site, "s3cret", scheme="https")
    assert len(site.asked) == 1


def test_server_that_is_down_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Site()) as site:
        pass
    pauses: list[float] = []
    gone = target(f"http://127.0.0.1:{site.port}/very-secret")
    with pytest.raises(NotSent, match=rf"^http://127\.0\.0\.1:{site.port}: Connection refused$"):
        post(BODY, gone, sleep=pauses.append)
    assert pauses == list(PAUSES)
    monkeypatch.setattr(webhook, "TIMEOUT", 0.2)
    late = pytest.raises(NotSent, match="timed out")
    with socket.create_server(("127.0.0.1", 0)) as silent, late:
        post(BODY, target(f"http://127.0.0.1:{silent.getsockname()[1]}/"), sleep=pauses.append)


def test_what_is_for_this_machine_takes_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Site()) as proxy, serving(Site()) as site:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        give(site, "s3cret")
    assert (len(proxy.asked), len(site.asked)) == (0, 1)


# --- The address


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "ftp://a/b", "file:///etc/passwd", "https://", "https:///x", "//a/b"),
        *("https://user@a/", "https://:password@a/", "https://a:0/", "https://a:99999/"),
        *("https://a/b c", "https://a/\r\nX: y", "https://ä/", "javascript:alert(1)"),
    ],
)
def test_address_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match=r"^--webhook"):
        target(url)


def test_secrets_do_not_go_in_clear_nor_into_messages() -> None:
    with pytest.raises(ValueError, match="not sent over http"):
        target("http://hooks.example.org/x", "s3cret")
    with pytest.raises(ValueError, match="letters that no token has"):
        target("https://hooks.example.org/x", "s3cret\r\nX: y")
    open_one = target("http://hooks.example.org/very-secret")
    assert open_one.open_to_read
    assert not target("http://localhost/x", "s3cret").open_to_read
    assert not target("https://hooks.example.org/x", "s3cret").open_to_read
    assert open_one.shown == "http://hooks.example.org"
    assert "secret" not in repr(open_one)
    assert "s3cret" not in repr(Target("https://a/very-secret", "s3cret"))


# --- The body


@pytest.mark.parametrize("make", [busy_day, empty, quiet, several_days, hostile])
def test_body_of_any_report(make: Callable[[], Report]) -> None:
    report = make()
    body: dict[str, Any] = json.loads(render(report))
    assert body["schema_version"] == 1
    assert body["verdict"] == body["text"] == verdict(report)
    assert body["hosts"] == to_dict(report)["hosts"]
    assert body["totals"]["rejected"] == report.totals.rejected
    assert body["lines"]["total"] == report.lines.total
    assert body["link"] is None
    start = body["period"]["start"]
    assert (start and datetime.fromisoformat(start)) == report.start
    problems = [f for f in to_dict(report)["findings"] if f["needs_action"]]
    assert body["problems_total"] == len(problems)
    assert [p.pop("link") for p in body["problems"]] == [None] * len(problems)
    for shown, finding in zip(body["problems"], problems, strict=True):
        assert shown == {key: finding[key] for key in shown}
        assert {"cause", "place", "count", "severity", "how_to_fix"} <= shown.keys()


def test_body_tells_spikes_and_what_is_missing() -> None:
    part = replace(SPIKE, id=2, part_of=1)
    report = replace(empty(), spikes=(SPIKE, part), spikes_state="looked")
    body = json.loads(render(report, complete=False))
    assert body["complete"] is False
    assert body["spikes_state"] == "looked"
    assert [(s["code"], s["observed"], s["part_of_another"]) for s in body["spikes"]] == [
        (502, 412, False),
        (502, 412, True),
    ]
    assert datetime.fromisoformat(body["spikes"][0]["onset"]) == SPIKE.onset


def test_body_is_documented_key_by_key() -> None:
    page = (Path(__file__).parent.parent / "docs/alerts.md").read_text("utf-8")
    told, said = json.loads(page.split("```json")[1].split("```")[0]), json.loads(render(spiky()))
    assert list(told) == list(said)
    for name in ("period", "lines", "totals"):
        assert list(told[name]) == list(said[name])
    for name in ("problems", "spikes"):
        assert list(told[name][0]) == list(said[name][0])
    assert list(told["problems"][0]["codes"][0]) == list(said["problems"][0]["codes"][0])


def test_body_stays_small() -> None:
    report = replace(
        empty(), findings=(PROBLEM,) * 9999, spikes=(SPIKE,) * 9999, hosts=("mx",) * 9999
    )
    text = render(report)
    body = json.loads(text)
    assert (len(body["problems"]), body["problems_total"]) == (MOST_PROBLEMS, 9999)
    assert (len(body["spikes"]), body["spikes_total"]) == (MOST_SPIKES, 9999)
    assert len(text) < 100_000


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_value(text: str) -> None:
    report = replace(empty(), hosts=(text,), findings=(replace(PROBLEM, place=text),))
    body = json.loads(render(report).encode())
    assert body["problems"][0]["place"] == body["hosts"][0]
    assert body["hosts"] == [text]
