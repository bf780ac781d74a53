"""Beside eximstats on the same log; what differs has its reason here, line by line."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from section_reader import SAMPLE_LOGS, cells, listings_of

PROGRAM = shutil.which("eximstats")
LOG = SAMPLE_LOGS / "exim-mainlog.log"
NAMES = ("transports", "rejections", "errors", "hosts")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="eximstats is not installed")


def eximstats(log: Path) -> str:
    return subprocess.run(
        [str(PROGRAM), str(log)], capture_output=True, check=True, text=True
    ).stdout


def section(report: str, title: str) -> str:
    found = re.search(rf"^{title}[^\n]*\n-+\n(.*?)(?:\n\n\S|\Z)", report, re.M | re.S)
    assert found is not None
    return found[1]


def sum_of(text: str) -> int:
    return sum(int(n) for n in re.findall(r"^ +([0-9]+)  ", text, re.M))


def test_transports() -> None:
    theirs = dict(
        re.findall(
            r"^  (\S+) +\S+ +([0-9]+)$", section(eximstats(LOG), "Deliveries by transport"), re.M
        )
    )
    ours = {
        str(row[-1]): row[0] for row in cells(listings_of(LOG, *NAMES)["transports.deliveries"])
    }
    # A router's :blackhole: and an ACL's discard have no transport.
    assert ours["(no transport)"] == int(theirs.pop(":blackhole:"))
    assert ours["local_delivery"] == int(theirs.pop("local_delivery"))
    assert theirs == {}


def test_rejection_reasons() -> None:
    report, lines = eximstats(LOG), LOG.read_text().splitlines()
    ours = listings_of(LOG, *NAMES)
    # It takes mail that was accepted and thrown away for rejections, and a temporary refusal
    # after DATA for one for good.
    blackholes = sum("=> " in line and " T=" not in line for line in lines)
    after_data = sum("temporarily rejected after DATA" in line for line in lines)
    assert (blackholes, after_data) == (3, 1)
    theirs = {
        when: sum_of(section(report, f"Top 50 mail {when}rejection reasons"))
        for when in ("", "temporary ")
    }
    # Its top list has 50 rows; the total stands in the summary.
    (rejects,) = re.findall(r"^  Rejects +([0-9]+) ", report, re.M)
    permanent = sum(int(str(row[0])) for row in cells(ours["rejections.permanent"]))
    temporary = sum(int(str(row[0])) for row in cells(ours["rejections.temporary"]))
    assert permanent == int(rejects) - blackholes - after_data
    assert temporary == theirs["temporary "] + after_data


def test_rejected_ips() -> None:
    report = eximstats(LOG)
    theirs = {
        ip: int(n)
        for n, ip in re.findall(
            r"^ +([0-9]+)   (?:\[(.*?)\]|local)$", section(report, "Top 50 rejected ips"), re.M
        )
    }
    ours = {
        re.sub(r".* \[(.*)\]$", r"\1", str(row[-1])): int(str(row[0]))
        for row in cells(listings_of(LOG, *NAMES)["rejections.clients_permanent"])
    }
    nowhere = theirs.pop("")
    # `rejected MAIL from H [IP]: no HELO/EHLO given` and blackholes are its IP "local".
    no_helo = LOG.read_text().count("no HELO/EHLO given")
    assert nowhere == no_helo + 3
    changed = {ip: n - theirs.get(ip, 0) for ip, n in ours.items() if n != theirs.get(ip, 0)}
    assert changed == {"203.0.113.20": no_helo}


def test_received_messages() -> None:
    (theirs,) = re.findall(r"^  Received +\S+ +([0-9]+) ", eximstats(LOG), re.M)
    ours = sum(int(str(row[0])) for row in cells(listings_of(LOG, *NAMES)["hosts.senders"]))
    # It does not know (=, what control = fakereject writes.
    assert ours == int(theirs) + LOG.read_text().count(" (= ") == 24
