"""The report as metrics, for node_exporter's textfile collector.

The file is written anew for each period, so its figures are gauges: what happened in the period
whose limits stand beside them. Counters (`_total`) come only with a report whose period grows and
never begins anew. How many series there can be does not hang on what strangers write in a log.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from . import figures, outline
from .model import Flow, Report, Spike
from .safe import clean

MOST_REPLIES = 100
MOST_FINDINGS = 50
MOST_HOSTS = 50
MOST_SPIKES = 20
SPIKE_LABELS = ("direction", "host", "code", "enhanced_code", "cause", "by", "name")
LONGEST_LABEL = 120
OTHER = "other"
OUTCOMES = ("sent", "deferred", "bounced", "expired", "rejected", "held", "discarded", "warned")

Labels = tuple[str, ...]
Value = int | float


class Metric(NamedTuple):
    """A metric with its series: label values -> value."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    labels: tuple[str, ...]
    series: Mapping[Labels, Value]


def render(report: Report, now: datetime, lifetime: Report | None = None) -> str:
    """Write the metrics of a report made at `now`.

    `lifetime`: a report on everything since some fixed day; it gives the counters.
    """
    metrics = [*gauges(report, now), *(counters(lifetime) if lifetime is not None else ())]
    return "".join(_written(metric) for metric in metrics if metric.series)


def gauges(report: Report, now: datetime) -> Iterator[Metric]:
    """Yield what the report says of its period."""
    yield _one("last_run_timestamp_seconds", "When this file was written.", now.timestamp())
    if report.start is not None and report.end is not None:
        first, last = report.start.timestamp(), report.end.timestamp()
        yield _one("period_start_timestamp_seconds", "First line that counts.", first)
        yield _one("period_end_timestamp_seconds", "Last line that counts.", last)
    yield _gauge("host_info", "Hosts the log speaks of; always 1.", ("host",), _hosts(report.hosts))
    yield _gauge("lines", "Lines of the period by what became of them.", ("fate",), _lines(report))
    broken = sum(i.problem is not None for i in report.inputs)
    yield _one("broken_inputs", "Inputs that could not be read to their end.", broken)
    totals = report.totals
    yield _one("received_messages", "Messages received.", totals.received)
    yield _one("received_bytes", "Bytes of the messages received.", totals.received_bytes)
    yield _one("deferred_messages", "Messages put off at least once.", totals.deferred_messages)
    yield _gauge(
        "outcomes", "What happened to mail, by recipient.", ("outcome",), _outcomes(totals)
    )
    yield _gauge(
        "replies",
        "SMTP replies given (inbound), received (outbound), and own verdicts (local).",
        ("direction", "code", "enhanced_code"),
        _replies(report),
    )
    yield _gauge(
        "implied_replies",
        "Replies the log proves without printing their code; part of smtplens_replies.",
        ("direction",),
        _summed(((c.direction,), c.implied) for c in report.codes if c.implied),
    )
    actions = [action.finding for action in outline.actions(report)]
    severities: dict[Labels, Value] = {(name,): 0 for name in figures.SEVERITIES}
    for finding in actions:
        severities[(figures.severity(finding.advice.severity),)] += 1
    yield _gauge("problems", "Findings that need action.", ("severity",), severities)
    yield _gauge(
        "problem_replies",
        "Replies behind each finding that needs action.",
        ("direction", "cause", "place"),
        _bounded(
            _summed(((f.direction, f.cause, f.place), f.count) for f in actions), MOST_FINDINGS
        ),
    )
    if report.spikes_state == "looked":
        spikes = [spike for spike in report.spikes if spike.part_of is None][:MOST_SPIKES]
        yield _one("spikes", "Series of replies far above what was expected.", len(spikes))
        seen = _summed((_spike(spike), spike.observed) for spike in spikes)
        yield _gauge("spike_replies", "Replies in the window of a spike.", SPIKE_LABELS, seen)
        expected = _summed((_spike(spike), spike.expected) for spike in spikes)
        yield _gauge("spike_expected_replies", "What was expected there.", SPIKE_LABELS, expected)
        yield _one("gaps", "Stretches where a host's log is silent.", len(report.gaps))


def counters(report: Report) -> Iterator[Metric]:
    """Yield what only grows while the report's period does.

    Replies go by code alone: a series that is among the most frequent now may not be later, and
    a counter must not go back.
    """
    totals = report.totals
    yield _counter("received_messages", "Messages received.", (), {(): totals.received})
    yield _counter("received_bytes", "Bytes received.", (), {(): totals.received_bytes})
    outcomes = _outcomes(totals)
    yield _counter("outcomes", "What happened to mail, by recipient.", ("outcome",), outcomes)
    yield _counter("lines", "Lines by what became of them.", ("fate",), _lines(report))
    yield _counter(
        "replies",
        "SMTP replies given (inbound), received (outbound), and own verdicts (local).",
        ("direction", "code"),
        _summed(((c.direction, _digits(c.code)), c.count) for c in report.codes),
    )


def _one(name: str, meaning: str, value: Value) -> Metric:
    return _gauge(name, meaning, (), {(): value})


def _gauge(
    name: str, meaning: str, labels: tuple[str, ...], series: Mapping[Labels, Value]
) -> Metric:
    return Metric(f"smtplens_{name}", "gauge", meaning, labels, series)


def _counter(
    name: str, meaning: str, labels: tuple[str, ...], series: Mapping[Labels, Value]
) -> Metric:
    return Metric(f"smtplens_{name}_total", "counter", meaning, labels, series)


def _hosts(hosts: tuple[str, ...]) -> dict[Labels, Value]:
    return {(_label(host),): 1 for host in hosts[:MOST_HOSTS]}


def _lines(report: Report) -> dict[Labels, Value]:
    return {(name,): count for name, count in outline.fates(report.lines)}


def _outcomes(flow: Flow) -> dict[Labels, Value]:
    counts = {name: getattr(flow, "deferrals" if name == "deferred" else name) for name in OUTCOMES}
    return {(name,): count for name, count in counts.items()}


def _digits(code: int | None) -> str:
    return "" if code is None else str(code)


def _replies(report: Report) -> dict[Labels, Value]:
    counts = _summed(
        ((c.direction, _digits(c.code), c.enhanced or ""), c.count) for c in report.codes
    )
    return _bounded(counts, MOST_REPLIES)


def _spike(spike: Spike) -> Labels:
    digits = (_digits(spike.code), spike.enhanced or "")
    return (spike.direction, spike.host, *digits, spike.cause or "", spike.by, spike.name)


def _summed(rows: Iterable[tuple[Labels, Value]]) -> dict[Labels, Value]:
    counts: dict[Labels, Value] = {}
    for values, count in rows:
        key = tuple(map(_label, values))
        counts[key] = counts.get(key, 0) + count
    return counts


def _bounded(counts: dict[Labels, Value], most: int) -> dict[Labels, Value]:
    """The largest; the rest of each direction, which stands first, under `other`."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = dict(ordered[:most])
    for key, count in ordered[most:]:
        rest = (key[0], *(OTHER for _ in key[1:]))
        shown[rest] = shown.get(rest, 0) + count
    return shown


def _label(text: str) -> str:
    return clean(text)[:LONGEST_LABEL]


def _written(metric: Metric) -> str:
    lines = [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}"]
    for values, value in sorted(metric.series.items()):
        pairs = ",".join(
            f'{name}="{_escaped(text)}"' for name, text in zip(metric.labels, values, strict=True)
        )
        lines.append(f"{metric.name}{'{' + pairs + '}' if pairs else ''} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Value) -> str:
    return str(int(value)) if value == int(value) else repr(value)
