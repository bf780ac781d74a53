"""A user's own map of mailbox providers: read with clear errors, and asked before ours."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from section_reader import cells, listings_of

from analyzer.cli import main
from analyzer.exits import Refused
from analyzer.jobs import Job, do
from analyzer.knowledge import provider_map
from analyzer.knowledge.provider_map import NOBODY, ProviderMap, load, problems, used
from analyzer.knowledge.reply_rules import provider_name
from analyzer.peers import provider_key
from analyzer.pipeline import Task
from analyzer.sections import Chosen
from analyzer.selection import Selection
from analyzer.text_causes import provider_of
from parsers.lines import Source


@pytest.fixture(autouse=True)
def nobody_afterwards() -> Iterator[None]:
    yield
    provider_map.use(NOBODY)


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "providers.toml"
    path.write_text(text, "utf-8")
    return str(path)


MAP = """
# whose hosts these are
"Example Hosting" = [
  "mx.example.net",
  "192.0.2.0/24",
  "2001:db8::/32",
]
google = ["gateway.example.org"]
"Our own Gmail" = ["alt1.aspmx.l.google.com", "192.0.2.128/25"]
"""


def test_the_longest_name_then_the_narrowest_network_then_ours(tmp_path: Path) -> None:
    provider_map.use(load(written(tmp_path, MAP)))
    assert provider_of("MX.example.net.") == "Example Hosting"
    assert provider_of("a.mx.example.net") == "Example Hosting"
    assert provider_of("amx.example.net") is None
    assert provider_of("gateway.example.org") == "google"
    assert provider_of("aspmx.l.google.com") == "google"
    assert provider_of("alt1.aspmx.l.google.com") == "Our own Gmail"
    assert provider_of("any.example.com", "192.0.2.7") == "Example Hosting"
    assert provider_of("any.example.com", "192.0.2.200") == "Our own Gmail"
    assert provider_of("any.example.com", "::ffff:192.0.2.7") == "Example Hosting"
    assert provider_of(None, "2001:db8::1") == "Example Hosting"
    assert provider_of("192.0.2.9") == "Example Hosting"
    # A name goes before an address.
    assert provider_of("gateway.example.org", "192.0.2.7") == "google"
    assert provider_name("Example Hosting") == "Example Hosting"
    provider_map.use(NOBODY)
    assert provider_of("mx.example.net") is None
    assert provider_of("alt1.aspmx.l.google.com") == "google"


WRONG = {
    '"A" = ["a.example"]\n"B" = [\n  "b.example",\n  "a.example",\n]\n': (4, "also one of A"),
    '"A" = ["192.0.2.1/24"]\n': (1, "host bits set"),
    '\n"A" = "a.example"\n': (2, "a list of host names"),
    '"A" = []\n': (1, "a list of host names"),
    '"A" = ["a.example", 5]\n': (1, "5 is no text"),
    '"A" = ["*.a.example"]\n': (1, "write 'a.example'"),
    '"A" = ["a example"]\n': (1, "neither a host name nor a network"),
    '"A" = ["300.1.1.1"]\n': (1, "is no network"),
    '"A\\u001b" = ["a.example"]\n': (1, "printable"),
    '"A" = ["a.example"\n': (2, "not TOML"),
    "[A]\nhosts = ['x.example']\n": (1, "a list of host names"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    line, words = WRONG[text]
    found = problems(path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:{line}: ")
    assert words in found[0]
    with pytest.raises(Refused, match=words.replace("*", r"\*")):
        load(path)
    checked = CliRunner().invoke(main, ["providers", "check", path])
    assert checked.exit_code == 2
    assert words in checked.output
    asked = CliRunner().invoke(main, ["report", "--providers", path, "no.log"])
    assert asked.exit_code == 2


def test_a_right_map_is_said_to_be_one(tmp_path: Path) -> None:
    checked = CliRunner().invoke(main, ["providers", "check", written(tmp_path, MAP)])
    assert checked.exit_code == 0
    assert "6 entries, nothing wrong" in checked.output


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("map") / "map.toml"
    path.write_bytes(data)
    if not problems(str(path)):
        assert isinstance(load(str(path)), ProviderMap)


def line(n: int, relay: str, ip: str, status: str, said: str) -> list[str]:
    head = f"2026-11-23T10:{n:02}:00+00:00 gate postfix"
    queue_id = f"4AAAAAA{n:04}"
    dsn = {"2": "2.0.0", "4": "4.7.28", "5": "5.7.1"}[said[0]]
    text = (
        f"({said})"
        if status == "sent"
        else (f"(host {relay}[{ip}] said: {said} (in reply to end of DATA command))")
    )
    return [
        f"{head}/smtpd[1]: {queue_id}: client=a.example[198.51.100.1]",
        f"{head}/qmgr[1]: {queue_id}: from=<a@b.example>, size=100, nrcpt=1 (queue active)",
        f"{head}/smtp[1]: {queue_id}: to=<x@y.example>, relay={relay}[{ip}]:25, delay={n + 1},"
        f" delays=0.1/0/0.4/0.5, dsn={dsn}, status={status} {text}",
        f"{head}/qmgr[1]: {queue_id}: removed",
    ]


LIMITED = "421 4.7.28 Our system has detected an unusual rate of unsolicited mail - gsmtp"
LOG = [
    *line(1, "mx.example.net", "198.51.100.5", "sent", "250 2.0.0 ok"),
    *line(2, "mx.example.net", "198.51.100.5", "deferred", LIMITED),
    *line(3, "mx7.other.example", "192.0.2.7", "sent", "250 2.0.0 ok"),
    *line(4, "mx7.other.example", "192.0.2.7", "bounced", "550 5.7.1 no"),
    *line(5, "gateway.example.org", "198.51.100.6", "deferred", LIMITED),
    *line(6, "mx.unknown.example", "198.51.100.7", "sent", "250 2.0.0 ok"),
]


def test_providers_of_the_map_are_told_apart_in_the_report(tmp_path: Path) -> None:
    own = load(written(tmp_path, MAP))
    before = {row[-1] for row in cells(listings_of(LOG, "providers")["providers.outcomes"])}
    assert before == {"(other hosts)"}
    provider_map.use(own)
    found = listings_of(LOG, "providers")
    outcomes = {row[-1]: row[:3] for row in cells(found["providers.outcomes"])}
    assert outcomes == {
        "Example Hosting": (2, 1, 1),
        "Gmail / Google Workspace": (0, 1, 0),
        "(other hosts)": (1, 0, 0),
    }
    assert listings_of(LOG, "providers", size=400) == found
    stages = {row[-1] for row in cells(found["providers.stages"])}
    assert stages == {"Example Hosting", "(other hosts)"}


def test_findings_and_text_rules_follow_the_map(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("\n".join(LOG) + "\n", "utf-8")

    def places(*options: str) -> dict[str, str]:
        asked = ["report", str(log), "--format", "json", "--tz", "UTC", "--lang", "en", *options]
        result = CliRunner().invoke(main, asked, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return {f["place"]: f["rule"] for f in json.loads(result.output)["findings"]}

    ours = places()
    assert set(ours) >= {"mx7.other.example"}
    assert "Example Hosting" not in ours
    theirs = places("--providers", written(tmp_path, MAP))
    assert {"Example Hosting", "Gmail / Google Workspace"} <= set(theirs)
    assert theirs["Gmail / Google Workspace"].startswith("google.")
    assert "google." not in theirs["Example Hosting"]
    # Whoever asks without a map is told ours again.
    assert places() == ours


def test_expressions_ask_once_per_host_and_address(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"r": ["a.example", "a.example", None], "i": ["192.0.2.1", "9.9.9.9", None]}
    )
    asked = provider_key(pl.col("r"), pl.col("i"))
    assert frame.select(asked).to_series().to_list() == [None, None, None]
    provider_map.use(load(written(tmp_path, MAP)))
    asked = provider_key(pl.col("r"), pl.col("i"))
    assert frame.select(asked).to_series().to_list() == ["Example Hosting", None, None]


def test_another_process_is_given_the_map(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text("\n".join(LOG) + "\n", "utf-8")
    own = load(written(tmp_path, MAP))
    job = Job(Task(Source(str(path))), None, Selection(), (), Chosen(("providers",)), own)
    provider_map.use(NOBODY)
    done = do(job)
    assert used() == own
    names = set(done.summary.tables["providers.attempts"]["provider"].to_list())
    assert names == {"Example Hosting", "google", None}
