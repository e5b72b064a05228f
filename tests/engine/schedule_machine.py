"""Random histories of schedules: three schedulers that race with what they read some time ago, people, and a clock that
jumps, judged by a model that lists the times of a schedule one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.builders import QUEUE, an_action
from engine.schedules import a_spec, job_of
from engine.virtual_time import set_clock
from queue_engine.domain.errors import ScheduleNotFound
from queue_engine.domain.job import JobState
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import LATE_MS, CatchUp, Schedule
from queue_engine.engine import QueueEngine

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
BEGINNING = 1_792_800_000_000  # a day before the clocks of Berlin go back
RECURRENCES = (
    Recurrence(interval_ms=45 * MINUTE),
    Recurrence("*/20 * * * *", time_zone="Europe/Berlin"),
    Recurrence("30 2 * * *", time_zone="Europe/Berlin"),
)
schedule_ids = st.sampled_from(["a", "b"])
racers = st.integers(0, 2)


@dataclass
class Expected:
    """What the model knows of one schedule. `change` grows with each change by people."""

    recurrence: Recurrence
    catch_up: CatchUp
    change: int
    next_ms: int | None
    done_until: int = 0
    runs: int = 0
    missed: int = 0

    def reset_next(self, now: int) -> None:
        self.next_ms = next(self.recurrence.after(max(now, self.done_until)))

    def due(self, now: int) -> bool:
        return self.next_ms is not None and self.next_ms <= now


class ScheduleMachine(RuleBasedStateMachine):
    """Each due time makes one job or is counted as missed; none is early, none comes twice."""

    url: ClassVar[str]
    runs: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.client = redis.Redis.from_url(self.url)
        self.client.flushall()
        self.client.function_flush("SYNC")
        self.now = BEGINNING
        set_clock(self.client, self.now)
        self.engine = QueueEngine.connect(self.url)
        self.engine._store.set_up_queue(QUEUE)
        self.expected: dict[str, Expected] = {}
        self.read: list[list[tuple[Schedule, int, int]]] = [[], [], []]
        self.changes = 0
        self.jobs: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()
            self.client.close()

    # -- people

    @rule(schedule_id=schedule_ids, which=st.integers(0, 2), catch_up=st.sampled_from(CatchUp))
    def upsert(self, schedule_id: str, which: int, catch_up: CatchUp) -> None:
        spec = a_spec(schedule_id, RECURRENCES[which], catch_up=catch_up)
        _, changed = self.engine.schedules.upsert_schedule(QUEUE, spec, action=an_action())
        known = self.expected.get(schedule_id)
        same = known is not None and (known.recurrence, known.catch_up) == (spec.recurrence, catch_up)
        assert changed is not same
        if same:
            return
        if known is None:
            known = self.expected[schedule_id] = Expected(spec.recurrence, catch_up, 0, 0)
        known.recurrence, known.catch_up, known.change = spec.recurrence, catch_up, self.another_change()
        if known.next_ms is not None:
            known.reset_next(self.now)

    @rule(schedule_id=schedule_ids, pause=st.booleans())
    def pause_or_resume(self, schedule_id: str, *, pause: bool) -> None:
        act = self.engine.schedules.pause_schedule if pause else self.engine.schedules.resume_schedule
        known = self.expected.get(schedule_id)
        try:
            changed = act(QUEUE, schedule_id, action=an_action())
        except ScheduleNotFound:
            assert known is None
            return
        assert known is not None
        assert changed is (pause is (known.next_ms is not None))
        if changed:
            known.change, known.next_ms = self.another_change(), None
            if not pause:
                known.reset_next(self.now)

    @rule(schedule_id=schedule_ids)
    def remove(self, schedule_id: str) -> None:
        try:
            self.engine.schedules.remove_schedule(QUEUE, schedule_id, action=an_action())
        except ScheduleNotFound:
            assert schedule_id not in self.expected
        self.expected.pop(schedule_id, None)

    # -- time and schedulers

    @rule(ms=st.sampled_from([SECOND, 10 * MINUTE, HOUR, HOUR, 7 * HOUR, 3 * DAY, -HOUR, -DAY]))
    def let_the_clock_jump(self, ms: int) -> None:
        self.now += ms
        set_clock(self.client, self.now)

    @rule(racer=racers)
    def look(self, racer: int) -> None:
        due = self.engine.schedules.list_due_schedules(QUEUE)
        assert {schedule.spec.schedule_id for schedule in due.schedules} == {
            schedule_id for schedule_id, known in self.expected.items() if known.due(self.now)
        }
        self.read[racer] = [
            (schedule, due.now_ms, self.expected[schedule.spec.schedule_id].change) for schedule in due.schedules
        ]

    @rule(racer=racers)
    def run(self, racer: int) -> None:
        """With what it read some time ago, maybe a second time."""
        for schedule, read_at, change in self.read[racer]:
            run = schedule.due_run(read_at)
            job = None if run.skipped else job_of(schedule, run.due_ms)
            outcome = self.engine.schedules.run_schedule(schedule, run, job=job)
            known = self.expected.get(schedule.spec.schedule_id)
            valid = known is not None and (known.change, known.next_ms) == (change, schedule.next_run_ms)
            assert (outcome is not None) is (valid and run.due_ms <= self.now)
            if outcome is not None and known is not None:
                self.judge(known, read_at, outcome, run.due_ms, job.job_id if job else "")

    @rule(
        late=st.sampled_from([HOUR, 7 * HOUR, 3 * DAY]),
        meanwhile=st.sampled_from(["nothing", "another change", "made anew", "the clock set back"]),
        which=st.integers(0, 2),
        order=st.permutations([0, 0, 1]),
    )
    def race(self, late: int, meanwhile: str, which: int, order: list[int]) -> None:
        """Two look at the same due times, one of them runs what it saw twice; something may happen in between."""
        self.let_the_clock_jump(late)
        self.look(0)
        self.look(1)
        if meanwhile == "the clock set back":
            self.let_the_clock_jump(-DAY)
        for schedule, _, _ in self.read[0]:
            if meanwhile == "made anew":
                self.remove(schedule.spec.schedule_id)
            if meanwhile in ("another change", "made anew"):
                self.upsert(schedule.spec.schedule_id, which, schedule.spec.catch_up)
        for racer in order:
            self.run(racer)

    @rule()
    def run_afresh(self) -> None:
        self.look(0)
        self.run(0)
        assert not any(known.due(self.now) for known in self.expected.values())

    def judge(self, known: Expected, read_at: int, outcome: str, due: int, job_id: str) -> None:
        """Against the schedule's times, listed one by one up to when it was read."""
        assert known.next_ms is not None
        first = known.next_ms
        passed = [first, *takewhile(lambda ms: ms <= read_at, known.recurrence.after(first))]
        assert due == passed[-1]
        late = known.catch_up is CatchUp.SKIP and read_at - due > LATE_MS
        assert (outcome == "skipped") is late
        known.missed += len(passed) - 1 + late
        if not late:
            known.runs += 1
            assert (outcome == "enqueued") is (job_id not in self.jobs)
            self.jobs.add(job_id)
        known.done_until = due
        known.next_ms = next(known.recurrence.after(max(read_at, due)))

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "engine"):
            return
        found = {found.spec.schedule_id: found for found in self.engine.schedules.list_schedules(QUEUE).schedules}
        assert {
            schedule_id: (known.next_ms, known.runs, known.missed, known.done_until)
            for schedule_id, known in self.expected.items()
        } == {name: (at.next_run_ms, at.runs, at.missed, at.last_due_ms) for name, at in found.items()}
        listed = self.engine.list_jobs(QUEUE, JobState.WAITING, offset=0, limit=500).jobs
        assert {job.job_id for job in listed} == self.jobs

    def another_change(self) -> int:
        self.changes += 1
        return self.changes
