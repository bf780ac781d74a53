"""A finished report to everywhere it is to go: what `report` and `cron` end with.

The nearest comes first: standard output or `-o`, then other files, then the network. What fails
on the way is said and counts in the status; the rest goes on.
"""

from collections.abc import Callable
from datetime import datetime
from secrets import token_hex
from typing import Any

from reports.model import Report

from .anonymize.whole import anonymize_report, pseudonyms_of
from .conditions import conditions_of, met
from .exits import Exit
from .files import whole_file, write_whole
from .sending import NotSent
from .sending.plan import Plan, plan_of
from .terminal import look_of

Warn = Callable[[str], None]
Write = Callable[[str], None]
"""Puts the rendered report on standard output or where `-o` says; may raise OSError."""


def ready(options: dict[str, Any]) -> None:
    """Raise Refused where the options ask for what `publish` cannot do; before a log is read."""
    pseudonyms_of(options)
    plan_of(options)
    conditions_of(options, "only_if")
    conditions_of(options, "fail_on")


def publish(
    report: Report,
    options: dict[str, Any],
    status: Exit,
    now: datetime,
    warn: Warn,
    write: Write | None = None,
) -> tuple[str, Exit]:
    """The rendered report, empty where no `--only-if` condition is met, and how the run ends.

    `status` is how reading ended. With `write` the text is handed over before anything is sent;
    without, the caller does so with what is returned. Metrics are written in any case: silence
    would look like a run that failed.
    """
    from reports import render

    plan = plan_of(options)
    names = pseudonyms_of(options)
    if names is not None:
        report = anonymize_report(report, names)
    alarms = met(conditions_of(options, "fail_on"), report)
    for alarm in alarms:
        warn(f"--fail-on: {alarm}")
    wished = conditions_of(options, "only_if")
    quiet = bool(wished) and not met(wished, report)
    complete = status is Exit.DONE
    ends = [status, Exit.CONDITION if alarms else Exit.DONE]
    text = "" if quiet else render(report, options["form"], **look_of(options))
    steps: list[Callable[[], None]] = []
    if write is not None and not quiet:
        steps.append(lambda: write(text))
    if plan.prometheus is not None:
        steps.append(lambda: _metrics(report, plan, now))
    if not quiet:
        steps += _sending(report, plan, now, warn, complete=complete)
    for step in steps:
        try:
            step()
        except BrokenPipeError:
            pass  # the reader of standard output has seen enough
        except NotSent as error:
            warn(str(error))
            ends.append(Exit.INPUT)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            warn(f"{where}{error.strerror or error}")
            ends.append(Exit.INPUT)
    return text, max(ends)


def _metrics(report: Report, plan: Plan, now: datetime) -> None:
    from reports.prometheus import render

    if plan.prometheus is not None:
        write_whole(plan.prometheus, render(report, now))


def _sending(
    report: Report, plan: Plan, now: datetime, warn: Warn, *, complete: bool
) -> list[Callable[[], None]]:
    """The mail, to a file or to people, then the webhook."""
    steps: list[Callable[[], None]] = []
    if plan.mail_to or plan.mail_file:
        steps.append(lambda: _mail(report, plan, now, complete=complete))
    if plan.webhook is not None:
        steps.append(lambda: _webhook(report, plan, warn, complete=complete))
    return steps


def _mail(report: Report, plan: Plan, now: datetime, *, complete: bool) -> None:
    from reports.mail import Envelope, render
    from reports.verdict import verdict

    from .sending.mail import send

    sender, zone = plan.sender, report.start and report.start.tzinfo
    when = now.astimezone(zone) if zone else now
    unique = f"<{now:%Y%m%d%H%M%S}.{token_hex(8)}.smtplens@{sender.rpartition('@')[2]}>"
    envelope = Envelope(sender, plan.mail_to, when, unique)
    message = render(report, verdict(report, complete=complete), envelope)
    if plan.mail_file is None:
        send(message, plan)
        return
    with whole_file(plan.mail_file) as stream:
        stream.write(message.as_bytes())


def _webhook(report: Report, plan: Plan, warn: Warn, *, complete: bool) -> None:
    from reports.webhook import render

    from .sending.webhook import post

    if plan.webhook is not None:
        if plan.webhook.open_to_read:
            warn(f"{plan.webhook.shown}: the report is sent over http, readable on the way")
        post(render(report, complete=complete), plan.webhook)
