"""Times as people write them: zones, `--since yesterday`, `-2h`, `2026-11-22 14:00`."""

import os
import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
)


def local_zone() -> str:
    """IANA name of this machine's zone; UTC where it cannot be told."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _localtime_link(), _etc_timezone()):
        if name and is_zone(name):
            return name
    return "UTC"


def is_zone(name: str) -> bool:
    """Whether the zone database knows this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _localtime_link() -> str:
    target = Path("/etc/localtime").resolve().as_posix()
    return target.partition("/zoneinfo/")[2]


def _etc_timezone() -> str:
    try:
        return Path("/etc/timezone").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def moment(text: str, zone: str, now: datetime) -> datetime:
    """An instant from a person's words, in `zone`; `now` is aware.

    Raises ValueError for words that name no time.
    """
    try:
        found = _moment(text, zone, now)
    except OverflowError:
        found = None
    # A day at either end of the calendar is out of reach of other zones and of `day`.
    if found is None or not MINYEAR < found.year < MAXYEAR:
        raise ValueError(
            f"{text!r} is no time; try 2026-11-22, '2026-11-22 14:00', 14:00, yesterday or -2h"
        )
    return found


def _moment(text: str, zone: str, now: datetime) -> datetime | None:
    here = now.astimezone(ZoneInfo(zone))
    word = text.strip().lower()
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    days = {"today": 0, "yesterday": -1, "tomorrow": 1}
    if word in days:
        return _plus_days(midnight, days[word])
    if word == "now":
        return here
    ago = re.fullmatch(r"-?\s*([0-9]{1,6})\s*(s|m|min|h|d|w)(?:\s+ago)?", word)
    if ago:
        # In UTC: the hours that have passed, whatever the clock on the wall did.
        then = now.astimezone(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return then.astimezone(ZoneInfo(zone))
    clock = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", word)
    if clock:
        return midnight.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0))
    try:
        aware = datetime.fromisoformat(text.strip())
        if aware.tzinfo is not None:
            return aware
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            continue
    return None


def day(text: str, zone: str, now: datetime) -> tuple[datetime, datetime]:
    """The first instant of a day and of the day after; for `-d yesterday`."""
    start = moment(text, zone, now).astimezone(ZoneInfo(zone))
    start = start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return start, _plus_days(start, 1)


def _plus_days(midnight: datetime, days: int) -> datetime:
    # Wall clock arithmetic: a day has 23 or 25 hours twice a year.
    zone = midnight.tzinfo
    return (midnight.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
