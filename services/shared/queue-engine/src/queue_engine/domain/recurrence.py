"""When a schedule runs: cron in a time zone, or an interval. Pure arithmetic; the caller says what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.limits import check_range

CRON_FIELDS = 5
MIN_INTERVAL_MS, MAX_INTERVAL_MS = 1_000, 365 * 86_400_000
MOST_COUNTED = 1_000
"""Missed run times are counted up to this; a minute's schedule that slept for a year is not worth the arithmetic."""

_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond"))


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Five fields of cron as Debian understands them, or an interval in step with the epoch; exactly one of the two.

    Where clocks go forward, a run time in the missing hour comes when that hour is over; where they go back, a given
    hour comes once, and `*` in the field of hours or minutes each time.
    """

    cron: str = ""
    interval_ms: int = 0
    time_zone: str = "UTC"

    def check(self) -> None:
        """Raise InvalidArgument (`cron`, `interval_ms`, `time_zone`) for what cannot be meant."""
        if bool(self.cron) == bool(self.interval_ms):
            raise InvalidArgument("cron", "or interval must be given, and not both")
        if self.time_zone not in _time_zones():
            raise InvalidArgument("time_zone", "must be an IANA time zone such as Europe/Berlin")
        if self.interval_ms:
            check_range("interval_ms", self.interval_ms, MIN_INTERVAL_MS, MAX_INTERVAL_MS)
            return
        if len(self.cron.split()) != CRON_FIELDS:
            raise InvalidArgument("cron", "must be five fields: minute, hour, day of the month, month, day of the week")
        try:
            comes = next(self.after(0), None)
        except CronSimError as error:
            raise InvalidArgument("cron", f"cannot be read: {str(error).lower()}") from error
        if comes is None:
            raise InvalidArgument("cron", "must mean a time that comes")

    def after(self, ms: int) -> Iterator[int]:
        """Its times later than `ms`, in order, in ms since the epoch."""
        if self.interval_ms:
            while True:
                ms = (ms // self.interval_ms + 1) * self.interval_ms
                yield ms
        for moment in CronSim(self.cron, self._local(ms)):
            found = _ms(moment)
            if found > ms:  # where clocks go back, the first find may lie in the hour that was there before
                ms = found
                yield ms

    def next_after(self, ms: int) -> int:
        """Its first time later than `ms`."""
        return next(self.after(ms))

    def latest(self, due: int, until: int) -> tuple[int, int]:
        """Its latest time up to `until`, and how many there were before it from `due` on (at most MOST_COUNTED).

        `due` is one of its times, and not later than `until`.
        """
        if self.interval_ms:
            latest = max(due, until // self.interval_ms * self.interval_ms)
            return latest, min((latest - due) // self.interval_ms, MOST_COUNTED)
        latest, missed = due, 0
        for moment in self.after(due):
            if moment > until:
                return latest, missed
            latest, missed = moment, missed + 1
            if missed == MOST_COUNTED:
                break
        return max(latest, self._last_until(until)), missed

    @property
    def words(self) -> str:
        """For people: `At 06:00 every day (UTC)`, `Every 15 minutes`."""
        if self.cron:
            return f"{CronSim(self.cron, datetime(2000, 1, 1, tzinfo=UTC)).explain()} ({self.time_zone})"
        size, unit = next((size, unit) for size, unit in _UNITS if self.interval_ms % size == 0)
        many = self.interval_ms // size
        return f"Every {unit}" if many == 1 else f"Every {many:,} {unit}s"

    def local_date(self, ms: int) -> str:
        """The day of `ms` in its time zone: 2026-11-26."""
        return self._local(ms).date().isoformat()

    def local_time(self, ms: int) -> str:
        """The moment `ms` in its time zone: 2026-11-26T06:00:00+01:00."""
        return self._local(ms).isoformat(timespec="seconds")

    def _last_until(self, until: int) -> int:
        times = CronSim(self.cron, self._local(until) + timedelta(seconds=1), reverse=True)
        return next(found for found in map(_ms, times) if found <= until)

    def _local(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms // 1_000, _zone(self.time_zone))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
