"""`--fail-on` and `--only-if`: what is a condition, when it holds, and what it says."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from report_samples import ACCEPTED, busy_day, code_row, quiet, spiky

from analyzer.cli import main
from analyzer.conditions import met, parse
from analyzer.exits import Exit, Refused
from reports.model import Flow, Gap, Input, Lines, Report

SAMPLES = Path(__file__).parent.parent / "sample_logs"
LOG = SAMPLES / "postfix-iso.log"


def holds(text: str, report: Report) -> bool:
    return bool(met([parse(text)], report))


def of_flow(**counts: int) -> Report:
    return replace(quiet(), totals=Flow(**counts), codes=(), findings=())


@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 40),
    st.decimals(0, 100, places=2),
    st.sampled_from([">", ">=", "<", "<="]),
)
def test_shares_are_exact(sent: int, deferred: int, bounced: int, limit: object, op: str) -> None:
    report = of_flow(sent=sent, deferrals=deferred, bounced=bounced)
    whole = sent + deferred + bounced
    for name, count in (("sent", sent), ("deferred", deferred), ("bounced", bounced)):
        given_ = f"{name}{op}{limit}%"
        share, asked = Fraction(count, max(whole, 1)) * 100, Fraction(str(limit))
        truth = {">": share > asked, ">=": share >= asked, "<": share < asked, "<=": share <= asked}
        assert holds(given_, report) == (whole > 0 and truth[op])


def test_the_border_itself() -> None:
    report = of_flow(sent=95, bounced=5)
    assert holds("bounced>=5%", report)
    assert not holds("bounced>5%", report)
    assert holds("bounced>4.99%", report)
    assert holds("bounced>4", report)
    assert not holds("bounced>5", report)
    assert holds("bounced < 6", report)
    assert met([parse("bounced>4%")], report) == (
        "bounced>4%: 5 of 100 delivery attempts (5.0000%)",
    )


def test_each_whole_is_the_one_that_is_told() -> None:
    report = of_flow(received=30, rejected=10, sent=3, expired=2)
    assert holds("rejected>=25%", report)
    assert not holds("rejected>25%", report)
    assert holds("expired>1", report)
    assert holds("received>=30", report)
    lines = Lines(total=1100, parsed=890, ignored=100, foreign=100, unrecognised=10)
    report = replace(report, lines=lines)
    assert holds("unrecognised>=1%", report)
    assert not holds("unrecognised>1%", report)


def test_codes_of_all_directions_and_by_enhanced_code() -> None:
    rows = (
        code_row("inbound", 250, None, "ok", 70, ACCEPTED),
        code_row("inbound", 550, "5.1.1", "bad-recipient", 10, ACCEPTED),
        code_row("outbound", 550, "5.7.26", "sender-auth", 20, ACCEPTED),
    )
    report = replace(quiet(), codes=rows)
    assert holds("code:550>=30%", report)
    assert not holds("code:550>30%", report)
    assert holds("code:5.7.26>19", report)
    assert not holds("code:5.7.26>20", report)
    assert holds("code:5xx>29", report)
    assert not holds("code:451>0", report)
    assert holds("code:451<1", report)


def test_spikes_gaps_and_problems() -> None:
    day = spiky()
    assert holds("spike", day)
    assert holds("spikes", day)
    assert holds("spike:502", day)
    assert holds("spike:5.5.1", day)
    assert not holds("spike:550", day)
    assert holds("gap", day)
    (told,) = met([parse("spike:502")], day)
    assert told.startswith("spike:502: inbound 502 since 2026-11-22 03:12, 41 where 1.96")
    calm = replace(quiet(), inputs=())
    assert met([parse(c) for c in ("spike", "gap", "problems", "spikes")], calm) == ()
    assert holds("problems", busy_day())
    gap = Gap("mx1", day.gaps[0].start, day.gaps[0].end, 1)
    assert holds("problems", replace(calm, gaps=(gap,)))
    broken = Input("x", 1, problem="breaks off")
    assert holds("problems", replace(calm, inputs=(broken,)))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("spkie", "did you mean spike?"),
        ("bounsed>5%", "did you mean bounced?"),
        ("bounced", "how many? for example bounced>0"),
        ("bounced=5", "an operator"),
        ("bounced>5%%", "an operator"),
        ("bounced>-1", "an operator"),
        ("received>5%", "without %"),
        ("code>5", "wants a code"),
        ("code:99>1", "wants a code"),
        ("spike:bad", "wants a code"),
        ("", "known are"),
        ("5>3", "known are"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(Refused, match=r"condition ") as refused:
        parse(text)
    assert hint in str(refused.value)
    assert refused.value.status is Exit.USAGE


def smtplens(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--tz", "UTC"], prog_name="smtplens")


@pytest.mark.parametrize("command", ["report", "spikes"])
def test_a_condition_that_is_met_is_status_1_and_a_line_on_stderr(command: str) -> None:
    plain = smtplens(command, LOG)
    met_ = smtplens(command, LOG, "--fail-on", "rejected>10%", "--fail-on", "gap")
    assert (plain.exit_code, met_.exit_code) == (0, 1)
    assert met_.stdout == plain.stdout
    assert met_.stderr.count("\n") == 1
    assert "rejected>10%" in met_.stderr
    assert smtplens(command, LOG, "--fail-on", "rejected<1").exit_code == 0
    assert smtplens(command, LOG, "--fail-on", "rejekted<1").exit_code == 2
    assert smtplens(command, LOG, "--only-if", "changes").exit_code == 2


@pytest.mark.parametrize("command", ["report", "spikes"])
def test_nothing_is_printed_where_there_is_nothing_to_say(command: str) -> None:
    done = smtplens(command, LOG, "--only-if", "spikes")
    assert (done.exit_code, done.output) == (0, "")
    several = smtplens(command, LOG, "--only-if", "spikes", "--only-if", "problems")
    assert several.stdout == smtplens(command, LOG).stdout != ""
    both = smtplens(command, LOG, "--only-if", "spikes", "--fail-on", "rejected>0")
    assert (both.exit_code, both.stdout) == (1, "")


def test_a_condition_that_could_never_hold_is_refused() -> None:
    done = smtplens("report", LOG, "--code", "502", "--fail-on", "spike")
    assert done.exit_code == 2
    assert "spike:502" in done.stderr
    assert smtplens("spikes", LOG, "--code", "502", "--fail-on", "spike").exit_code == 0
    assert smtplens("report", LOG, "--code", "502", "--fail-on", "problems").exit_code < 2


def test_a_missing_input_weighs_more_than_a_condition(tmp_path: Path) -> None:
    done = smtplens("spikes", LOG, tmp_path / "none", "--fail-on", "rejected>0")
    assert done.exit_code == 3
