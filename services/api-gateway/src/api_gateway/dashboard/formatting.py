"""Numbers, times and lengths of time as people read them. Times are ms since the epoch, lengths are in ms."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
JUST_NOW = 1_500
LATEST = 253402300799999


def number(value: int) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,}"


def count(value: int, noun: str) -> str:
    """1 job, 2 jobs."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def duration(ms: int) -> str:
    """A length of time in its two largest units: 850 ms, 1.2 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""
    if ms < SECOND:
        return f"{max(0, ms)} ms"
    if ms < 10 * SECOND:
        return f"{ms / SECOND:.1f} s"
    for unit, name, smaller, its_name in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", SECOND, "s"),
    ):
        if ms >= unit:
            rest = ms % unit // smaller
            return f"{ms // unit} {name}" + (f" {rest} {its_name}" if rest else "")
    return f"{ms // SECOND} s"


def coarse(ms: int) -> str:
    """A length of time in one unit."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if ms >= unit:
            return f"{ms // unit} {name}"
    return f"{max(0, ms) // SECOND} s"


def relative(ms: int, now_ms: int) -> str:
    """How long ago, or in how long."""
    distance = now_ms - ms
    if abs(distance) < JUST_NOW:
        return "just now"
    return f"{coarse(distance)} ago" if distance > 0 else f"in {coarse(-distance)}"


def iso(ms: int) -> str:
    """For `datetime` attributes: 2026-11-24T21:02:36.123Z."""
    return f"{_utc(ms):%Y-%m-%dT%H:%M:%S}.{ms % 1_000:03}Z"


def exact(ms: int) -> str:
    """For tooltips: 2026-11-24 21:02:36.123 UTC."""
    return f"{_utc(ms):%Y-%m-%d %H:%M:%S}.{ms % 1_000:03} UTC"


def in_zone(ms: int, time_zone: str) -> str:
    """A moment as people in a time zone write it: Thu 26 Nov 2026 06:00 CET."""
    moment = _utc(ms).astimezone(ZoneInfo(time_zone))
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{moment:%a} {moment.day} {moment:%b %Y %H:%M}{seconds} {moment:%Z}"


def local_input(ms: int) -> str:
    """For `datetime-local` inputs, in UTC."""
    return f"{_utc(ms):%Y-%m-%dT%H:%M}"


def parse_utc(text: str) -> int | None:
    """What a person wrote as a time in UTC, ms since the epoch; None when it is no time."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix("UTC").strip())
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    ms = round(found.timestamp() * 1_000)
    return ms if 0 <= ms <= LATEST else None


def short(text: str, most: int) -> str:
    """The first line of a text, cut."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def queue_title(name: str) -> str:
    """tickets: Tickets Queue; dead-letter: Dead Letter Queue."""
    return f"{name.replace('-', ' ').title()} Queue"


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(ms, 0), LATEST) // 1_000, UTC)
