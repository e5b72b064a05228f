"""Schedules: made and changed by people, run by whoever comes first when they are due."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from queue_engine.domain.audit import Action
from queue_engine.domain.errors import InvalidArgument, ScheduleChanged, ScheduleNotFound
from queue_engine.domain.job import NewJob
from queue_engine.domain.limits import check_queue_name, read_json
from queue_engine.domain.schedule import MAX_SCHEDULES, DueRun, RunOutcome, Schedule, ScheduleSpec
from queue_engine.store import schedule_codec
from queue_engine.store.encode import action_args, checked_job, job_args
from queue_engine.store.redis_store import Arg, RedisStore

_SCHEDULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_PROBLEM = 1_000
_TRIES = 5
"""A change that meets another's is made again from what it finds; nobody changes one schedule that often."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """All schedules of a queue by id, without their data, and the store's time.

    `unreadable`: ids of those that somebody wrote past us; they can only be removed.
    """

    now_ms: int
    schedules: tuple[Schedule, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DueSchedules:
    """Schedules that are due, the store's time, and when the next one is due that is not yet."""

    now_ms: int
    schedules: tuple[Schedule, ...]
    next_ms: int | None


class Scheduling:
    """Every method may raise StoreUnavailable, QueueNotFound and InvalidArgument. Times are the store's clock."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def upsert_schedule(
        self, queue: str, spec: ScheduleSpec, *, action: Action, revision: int | None = None
    ) -> tuple[Schedule, bool]:
        """Make the schedule or change it; the schedule as it is now, and whether anything changed.

        With a `revision` (0: there is none yet) only when it still has that one; raises ScheduleChanged. Raises
        InvalidArgument, also when the queue has 200 schedules.
        """
        _check(queue, spec)
        for _ in range(_TRIES):
            now_ms, known = self.find_schedule(queue, spec.schedule_id)
            if revision is not None and revision != (known.revision if known else 0):
                break
            if known and self.says_the_same(known, spec):
                return known, False
            next_ms = spec.recurrence.next_after(max(now_ms, known.last_due_ms if known else 0))
            word = self._write(queue, spec, action, known, next_ms)
            if word == b"OK":
                return self.get_schedule(queue, spec.schedule_id), True
            _refuse_too_many(word)
        raise ScheduleChanged(queue, spec.schedule_id)

    def create_default_schedule(self, queue: str, spec: ScheduleSpec, *, action: Action) -> bool:
        """Make a schedule that comes with a job type. False when one of its id was ever made: what people did stays.

        `action` says whose it is; no person did it, so that it is not recorded.
        """
        _check(queue, spec)
        now_ms, known = self.find_schedule(queue, spec.schedule_id)
        if known:
            return False
        word = self._write(queue, spec, action, None, spec.recurrence.next_after(now_ms), by_default=True)
        _refuse_too_many(word)
        return word == b"OK"

    def says_the_same(self, schedule: Schedule, spec: ScheduleSpec) -> bool:
        """Whether upsert_schedule would leave the schedule as it is."""
        return schedule_codec.same_spec(schedule.spec, spec)

    def get_schedule(self, queue: str, schedule_id: str) -> Schedule:
        """One schedule. Raises ScheduleNotFound."""
        return self.read_schedule(queue, schedule_id)[1]

    def read_schedule(self, queue: str, schedule_id: str) -> tuple[int, Schedule]:
        """The store's time and one schedule. Raises ScheduleNotFound."""
        now_ms, known = self.find_schedule(queue, schedule_id)
        if known is None:
            raise ScheduleNotFound(queue, schedule_id)
        return now_ms, known

    def find_schedule(self, queue: str, schedule_id: str) -> tuple[int, Schedule | None]:
        """The store's time, and the schedule if it is there."""
        check_queue_name(queue)
        _check_id(schedule_id)
        _, now_ms, flat = self._store.call("get_schedule", queue, schedule_id, resend=True)
        return now_ms, schedule_codec.schedule(queue, flat) if flat else None

    def list_schedules(self, queue: str) -> Schedules:
        """All of a queue by id."""
        check_queue_name(queue)
        _, now_ms, flat = self._store.call("list_schedules", queue, resend=True)
        found, unreadable = _readable(queue, flat)
        return Schedules(now_ms, tuple(sorted(found, key=lambda schedule: schedule.spec.schedule_id)), unreadable)

    def list_due_schedules(self, queue: str, *, limit: int = 100) -> DueSchedules:
        """Those that are due, the longest waiting first."""
        check_queue_name(queue)
        _, now_ms, flat, next_ms = self._store.call("list_due_schedules", queue, limit, resend=True)
        found, _ = _readable(queue, flat)
        return DueSchedules(now_ms, tuple(found), None if next_ms < 0 else next_ms)

    def pause_schedule(self, queue: str, schedule_id: str, *, action: Action) -> bool:
        """Let it make no more jobs; False when it was paused already. Raises ScheduleNotFound."""
        return self._act("pause_schedule", queue, schedule_id, action)[1] == b"CHANGED"

    def resume_schedule(self, queue: str, schedule_id: str, *, action: Action) -> bool:
        """Let it make jobs from its next run time on; False when it was not paused. Raises ScheduleNotFound."""
        for _ in range(_TRIES):
            now_ms, known = self.read_schedule(queue, schedule_id)
            args = (*action_args(action), schedule_id, known.revision, known.upcoming(now_ms))
            reply = self._store.call("resume_schedule", queue, *args)
            if reply[0] == b"OK":
                return bool(reply[1] == b"CHANGED")
        raise ScheduleChanged(queue, schedule_id)

    def remove_schedule(self, queue: str, schedule_id: str, *, action: Action) -> None:
        """Forget it; its jobs stay. Raises ScheduleNotFound."""
        self._act("remove_schedule", queue, schedule_id, action)

    def run_schedule(self, schedule: Schedule, run: DueRun, *, job: NewJob | None, problem: str = "") -> str | None:
        """Do what is to be done about a due schedule: enqueue `job`, or note why there is none (`problem`) or that it
        was skipped, and wait for the following time; all in one call. What it came to, a RunOutcome.

        Of all who try for the same due time one succeeds; None for the others, who changed nothing. Raises StoreFull.
        """
        word = "enqueue" if job else RunOutcome.SKIPPED.value if run.skipped else RunOutcome.FAILED.value
        args: list[Arg] = [schedule.spec.schedule_id, schedule.revision, schedule.next_run_ms or 0]
        args += [run.due_ms, run.following_ms, run.missed, word, problem[:_MOST_PROBLEM].encode("utf-8", "replace")]
        reply = self._store.call("run_schedule", schedule.queue, *args, *_job_args(job), resend=True)
        return RunOutcome(reply[1].decode()) if reply[0] == b"OK" else None

    def run_schedule_now(self, schedule: Schedule, job: NewJob, *, action: Action) -> None:
        """Enqueue one of its jobs by hand. Raises ScheduleChanged when it is another by now, StoreFull."""
        args = (*action_args(action), schedule.spec.schedule_id, schedule.revision, *_job_args(job))
        if self._store.call("run_schedule_now", schedule.queue, *args)[0] != b"OK":
            raise ScheduleChanged(schedule.queue, schedule.spec.schedule_id)

    def _write(
        self,
        queue: str,
        spec: ScheduleSpec,
        action: Action,
        known: Schedule | None,
        next_ms: int,
        *,
        by_default: bool = False,
    ) -> bytes:
        was = schedule_codec.spec_detail(known.spec) if known else None
        detail = {"schedule": spec.schedule_id, "was": was, "is": schedule_codec.spec_detail(spec)}
        args: list[Arg] = [*action_args(action), spec.schedule_id, known.revision if known else 0, next_ms]
        args += [
            schedule_codec.pack_spec(spec),
            spec.data,
            MAX_SCHEDULES,
            orjson.dumps(detail),
            "1" if by_default else "",
        ]
        word: bytes = self._store.call("upsert_schedule", queue, *args)[0]
        return word

    def _act(self, function: str, queue: str, schedule_id: str, action: Action) -> list[bytes]:
        check_queue_name(queue)
        _check_id(schedule_id)
        reply = self._store.call(function, queue, *action_args(action), schedule_id)
        if reply[0] == b"NOT_FOUND":
            raise ScheduleNotFound(queue, schedule_id)
        return reply


def _readable(queue: str, flat: Sequence[Any]) -> tuple[list[Schedule], tuple[str, ...]]:
    """What can be read, and the ids of the rest: one that cannot must not hold up the others."""
    found, unreadable = [], []
    for schedule_id, fields in zip(flat[::2], flat[1::2], strict=True):
        try:
            found.append(schedule_codec.schedule(queue, fields))
        except (KeyError, ValueError, TypeError):
            unreadable.append(schedule_id.decode("utf-8", "replace"))
    return found, tuple(unreadable)


def _check(queue: str, spec: ScheduleSpec) -> None:
    check_queue_name(queue)
    _check_id(spec.schedule_id)
    spec.recurrence.check()
    read_json("data", spec.data)


def _check_id(schedule_id: str) -> None:
    if not _SCHEDULE_ID.fullmatch(schedule_id):
        raise InvalidArgument("schedule_id", "must match [A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _refuse_too_many(word: bytes) -> None:
    if word == b"TOO_MANY":
        raise InvalidArgument("schedule_id", f"is one too many: a queue has at most {MAX_SCHEDULES} schedules")


def _job_args(job: NewJob | None) -> tuple[Arg, ...]:
    return () if job is None else job_args(checked_job(job))
