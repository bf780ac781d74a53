"""The terminal report: exact for a known day, safe and within its width for any."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    ACCEPTED,
    HOSTILE,
    NO_SUCH_USER,
    busy_day,
    code_row,
    empty,
    hostile,
    quiet,
    several_days,
    with_codes,
)
from rich.cells import cell_len

from reports.model import Flow, HourRow, Lines, Report
from reports.terminal import render

SGR = re.compile("\x1b\\[[0-9;]*m")
JOINERS = re.compile("[\u200c\u200d]")
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=90)
COUNTS = st.integers(0, 10**13)


def section(text: str, title: str) -> list[str]:
    """Return the lines below one heading."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{title} ─"))
    rest = lines[start + 1 :]
    stop = next((i for i, line in enumerate(rest) if "──" in line), len(rest))
    return [line for line in rest[:stop] if line]


def test_busy_day(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day.txt", render(busy_day()))


def test_several_days_on_a_narrow_ascii_terminal(golden: Callable[[str, str], None]) -> None:
    golden("report-several-days-60.txt", render(several_days(), width=60, ascii_only=True))


def test_wide(golden: Callable[[str, str], None]) -> None:
    golden("report-busy-day-140.txt", render(busy_day(), width=140))


def test_every_line_is_accounted_for() -> None:
    report = replace(busy_day(), lines=Lines(543, 470, 70, 2, 1))
    wanted = "lines: 543 = 470 parsed + 70 ignored + 2 foreign + 1 unrecognised"
    assert wanted in render(report).split("\n")


def _measure(text: str, width: int, *, colour: bool, ascii_only: bool) -> None:
    codes = set(SGR.findall(text))
    assert codes <= {f"\x1b[{n}m" for n in (0, 1, 2, 31, 33)} if colour else not codes
    for line in SGR.sub("", text).split("\n"):
        assert cell_len(line) <= width
        assert JOINERS.sub("", line).isprintable()
        assert line == line.rstrip()
        assert line.isascii() or not ascii_only


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("make", [busy_day, empty, quiet, several_days, hostile])
def test_no_line_is_wider_than_the_page(make: Callable[[], Report], ascii_only: bool) -> None:
    report = make()
    for width in range(60, 201):
        text = render(report, width=width, ascii_only=ascii_only)
        _measure(text, width, colour=False, ascii_only=ascii_only)


@settings(max_examples=150, deadline=None)
@given(
    ANY_TEXT | st.lists(st.sampled_from(HOSTILE)).map(" ".join),
    COUNTS,
    st.integers(60, 200),
    st.booleans(),
    st.booleans(),
)
def test_nothing_hostile_gets_through(
    text: str, count: int, width: int, colour: bool, ascii_only: bool
) -> None:
    report = hostile(text)
    rows = tuple(replace(c, count=count, peers=count, recipients=count) for c in report.codes)
    flow = Flow(*[count] * 11)
    hours = tuple(replace(h, flow=flow) for h in report.hours)
    report = replace(with_codes(report, rows), hours=hours, totals=flow)
    shown = render(report, width=width, colour=colour, ascii_only=ascii_only)
    _measure(shown, width, colour=colour, ascii_only=ascii_only)


def test_markup_of_rich_is_only_text() -> None:
    report = replace(busy_day(), hosts=("[red]mx[/red]",))
    assert "Mail report for [red]mx[/red]\n" in render(report)


@pytest.mark.parametrize("make", [busy_day, several_days, hostile])
def test_colour_changes_nothing_but_the_colour(make: Callable[[], Report]) -> None:
    assert SGR.sub("", render(make(), colour=True)) == render(make())


def test_colour_is_red_for_what_is_urgent_and_yellow_for_what_can_wait() -> None:
    text = render(busy_day(), colour=True)
    assert "\x1b[31mnow\x1b[0m" in text
    assert "\x1b[31mtoday\x1b[0m" in text
    assert "\x1b[33mthis week\x1b[0m" in text
    assert "\x1b[31m550\x1b[0m   \x1b[31m5.7.26\x1b[0m" in text
    assert "  250   2.0.0  Accepted" in text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(COUNTS, st.integers(200, 599)), min_size=1, max_size=20),
    st.integers(60, 200),
)
def test_every_row_stands_in_the_table_of_its_direction(
    rows: list[tuple[int, int]], width: int
) -> None:
    codes = tuple(
        code_row("outbound" if n % 2 else "inbound", code, None, "ok", count, ACCEPTED)
        for n, (count, code) in enumerate(rows)
    )
    text = render(replace(empty(), codes=codes), width=width)
    for direction, title in (
        ("inbound", "Inbound: replies we gave"),
        ("outbound", "Outbound: replies we received"),
    ):
        wanted = sorted(
            ((c.count, str(c.code)) for c in codes if c.direction == direction),
            key=lambda row: (-row[0], row[1]),
        )
        shown = [line.split() for line in section(text, title)]
        found = [
            (int(number.replace(",", "")), line[0])
            for line in shown
            if line[0].isdigit()
            for number in [next(w for w in line[2:] if re.fullmatch(r"[\d,]+", w))]
        ]
        assert found == wanted
        total = sum(count for count, _ in wanted)
        assert f" {total:,} repl" in text


def test_what_needs_action_comes_by_severity_then_by_count() -> None:
    lines = section(render(busy_day()), "What needs action")
    heads = [line.strip() for line in lines if " · " in line]
    assert heads == [
        "1. Mail without SPF and DKIM is refused · Gmail",
        "now · 120 (9.1 %) · sender-auth · outbound 550 5.7.26",
        "2. Mail without SPF and DKIM is refused · Gmail",
        "now · 21 (1.6 %) · sender-auth · outbound 421 4.7.26",
        "today · 87 (100.0 %) · network · local 4.4.1",
        "this week · 92 (6.6 %) · bad-recipient · inbound 550 5.1.1",
    ]


def test_the_same_advice_is_given_once() -> None:
    text = render(busy_day())
    assert text.count("Look up the SPF record") == 1
    assert "Same meaning and same fix as 1 above." in text


def test_what_needs_nothing_is_one_sentence() -> None:
    text = " ".join(render(busy_day()).split())
    assert ("Nothing to do: inbound greylist (87), protocol (12) Hour by hour") in text


def test_an_implied_reply_says_so_with_its_reason() -> None:
    lines = section(render(busy_day()), "Inbound: replies we gave")
    assert "                 protocol · 03:10:00–03:10:44 · all implied" in lines  # noqa: RUF001
    assert lines[-1] == (
        "    502 5.5.1: `disconnect ... vrfy=0/12` counts commands that were refused"
    )
    some = code_row("inbound", 550, "5.1.1", "bad-recipient", 9, NO_SUCH_USER, implied=4)
    text = render(with_codes(empty(), (some,)))
    assert "bad-recipient · 4 implied\n" in text
    assert "Implied   4 of 9: no reason given\n" in text


def test_three_examples_at_most_and_the_cut_is_said() -> None:
    lines = section(render(busy_day()), "What needs action")
    assert sum(" /var/log/mail.log" in line for line in lines) == 4
    assert not any("fourth example" in line for line in lines)
    assert any("[… " in line and " characters …]" in line for line in lines)


def test_several_days_are_headings_and_empty_hours_are_left_out_loudly() -> None:
    report = several_days()
    lines = section(render(report), "Hour by hour")
    assert [line.strip() for line in lines if "-10-" in line] == [
        "2026-10-24 Saturday",
        "2026-10-25 Sunday",
        "2026-10-26 Monday",
    ]
    shown = [line for line in lines if re.match(r"  \d\d:00", line)]
    empty_hours = sum(h.flow == Flow() for h in report.hours)
    assert len(shown) == len(report.hours) - empty_hours
    assert lines[-1].endswith(f" {empty_hours} hours without mail left out.")
    # The hour that is lived twice has two rows.
    assert [line.split()[0] for line in shown if line.startswith("  02:00+")] == [
        "02:00+02",
        "02:00+01",
    ]


def test_up_to_two_days_every_hour_is_shown() -> None:
    report = busy_day()
    quiet_hours = tuple(HourRow(h.start, Flow()) for h in report.hours)
    lines = section(render(replace(report, hours=quiet_hours)), "Hour by hour")
    assert sum(line.endswith("·         ·") for line in lines) == 24
    assert not any("left out" in line for line in lines)


def test_the_hours_add_up() -> None:
    report = busy_day()
    lines = section(render(report, ascii_only=False), "Hour by hour")
    rows = [line.split()[1:7] for line in lines if re.match(r"  \d\d:00", line)]
    sums = [sum(int(n) for n in column if n != "·") for column in zip(*rows, strict=True)]
    flows = [h.flow for h in report.hours]
    assert sums == [
        sum(f.received for f in flows),
        sum(f.sent for f in flows),
        sum(f.deferrals for f in flows),
        sum(f.bounced for f in flows),
        sum(f.expired for f in flows),
        sum(f.rejected for f in flows),
    ]


def test_the_longest_bar_is_the_busiest_hour() -> None:
    lines = section(render(busy_day(), ascii_only=False, width=100), "Hour by hour")
    bars = {line.split()[0]: line.count("█") for line in lines if "█" in line}
    assert max(bars, key=lambda hour: bars[hour]) == "11:00"
    assert bars["11:00"] == 24
    assert lines[-1].strip() == "Bars: received, at most 120 in an hour."


def test_nothing_at_all() -> None:
    text = render(empty())
    assert "No mail was received, sent or refused." in text
    assert "No SMTP reply was given or received" in text
    assert "Nothing: there is no reply to explain." in text
    assert "lines: 0 = 0 parsed + 0 ignored + 0 foreign + 0 unrecognised" in text
    assert "Hour by hour" not in text


def test_nothing_needs_action() -> None:
    lines = section(render(quiet()), "What needs action")
    assert lines[0].strip() == "Nothing needs action."
    assert lines[1].strip() == "Nothing to do: inbound greylist (87), protocol (12)"


def test_a_long_name_is_cut_where_it_is_seen() -> None:
    lines = section(render(busy_day()), "Senders")
    assert lines[2] == (
        "     99   1,200,000  a-very-long-mailing-list-boun…example.com@lists.example.org"
    )


def test_a_direction_nobody_heard_of_is_shown_too() -> None:
    odd = code_row("sideways", 250, None, "ok", 77, ACCEPTED)
    assert "Sideways ─" in render(replace(empty(), codes=(odd,)))


def test_the_same_advice_for_another_direction_is_told_again() -> None:
    rows = (
        code_row("inbound", 550, "5.1.1", "bad-recipient", 9, NO_SUCH_USER),
        code_row("outbound", 550, "5.1.1", "bad-recipient", 8, NO_SUCH_USER),
    )
    text = render(with_codes(empty(), rows))
    assert text.count("Nothing for strangers.") == 2
    assert "Same meaning" not in text
