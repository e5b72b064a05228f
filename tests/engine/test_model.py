"""Random histories on the real store, judged step by step by the model.

To repeat a run: pytest tests/engine/test_model.py --hypothesis-seed=<number>.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.builders import QUEUE, Clock, Worker, a_failure, a_job, an_action, assert_consistent, ids_of
from engine.model import Model
from queue_engine.domain.errors import IdConflict, WrongState
from queue_engine.domain.job import Enqueued, IfExists, JobState
from queue_engine.domain.lease import Completed, Deferred, Interrupted, Lease, Outcome, Released, Verdict
from queue_engine.engine import QueueEngine

HOUR_MS = 3_600_000

job_ids = st.sampled_from([f"job-{number}" for number in range(8)])
payloads = st.sampled_from(['"x"', '"y"'])
workers = st.sampled_from(["w1", "w2", "w3"])
priorities = st.sampled_from([0, 0, 1, 1_000_000])
choices = st.integers(0, 10**6)
LINES = {"boom": "boom", "boom 1": "boom <number>", "boom 23": "boom <number>"}


class QueueMachine(RuleBasedStateMachine):
    """Enqueues, takes, reports, loses, cancels, retries, removes; after each step store and model agree."""

    url: ClassVar[str]

    @initialize()
    def begin(self) -> None:
        self.client = redis.Redis.from_url(self.url)
        self.client.flushall()
        self.engine = QueueEngine.connect(self.url)
        self.engine.enqueue_job(QUEUE, a_job("first"))
        self.engine.remove_job(QUEUE, "first", action=an_action())
        self.clock = Clock(self.client)
        self.model = Model(totals=type(Model().totals)({"added": 1, "removed": 1}), arrivals=1)
        self.leases: dict[str, Lease] = {}
        self.stale: list[tuple[str, Lease]] = []

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()
            self.client.close()

    @rule(job_id=job_ids, data=payloads, priority=priorities, delayed=st.booleans(), attempts=st.integers(1, 3))
    def enqueue(self, job_id: str, data: str, *, priority: int, delayed: bool, attempts: int) -> None:
        delay = HOUR_MS if delayed else None
        job = a_job(job_id, data=data.encode(), priority=priority, delay_ms=delay, attempts=attempts)

        (answer,) = self.engine.enqueue_jobs(QUEUE, [job])

        expected = self.model.enqueue(job_id, data, priority=priority, delayed=delayed, attempts=attempts)
        assert isinstance(answer, IdConflict) == (expected == "conflict")
        if isinstance(answer, Enqueued):
            assert (answer.created, answer.state) == (expected == "created", self.model.jobs[job_id].state)

    @rule(job_id=job_ids, data=payloads, priority=priorities, delayed=st.booleans())
    def replace(self, job_id: str, data: str, *, priority: int, delayed: bool) -> None:
        delay = HOUR_MS if delayed else None
        job = a_job(job_id, data=data.encode(), priority=priority, delay_ms=delay, if_exists=IfExists.REPLACE)

        (answer,) = self.engine.enqueue_jobs(QUEUE, [job])

        expected = self.model.replace(job_id, data, priority=priority, delayed=delayed, attempts=3)
        assert isinstance(answer, WrongState) == (expected == "refused")
        if isinstance(answer, Enqueued):
            assert answer.replaced == (expected == "replaced")

    @rule(worker=workers, want=st.integers(1, 4))
    def take_some(self, worker: str, want: int) -> None:
        self.take(worker, want)

    @rule(worker=workers, want=st.integers(0, 2))
    def take(self, worker: str, want: int) -> None:
        leases = Worker(self.engine, worker).take(want)

        assert ids_of(leases) == self.model.take(worker, want)
        for lease in leases:
            assert lease.suspect == (self.model.jobs[lease.job_id].lost > 0)
            assert lease.attempts_made == self.model.jobs[lease.job_id].attempts_made
            self.leases[lease.job_id] = lease

    def report(self, choice: int, outcome: Outcome) -> str:
        """Report for one of the held leases; its job."""
        job_id = sorted(self.leases)[choice % len(self.leases)]
        lease, worker = self.leases.pop(job_id), self.model.jobs[job_id].worker
        assert Worker(self.engine, worker).report(lease, outcome) is Verdict.SETTLED
        self.stale.append((worker, lease))
        return job_id

    @precondition(lambda self: self.leases)
    @rule(choice=choices)
    def complete(self, choice: int) -> None:
        self.model.complete(self.report(choice, Completed()))

    @precondition(lambda self: self.leases)
    @rule(choice=choices, reason=st.sampled_from(list(LINES)), retry=st.booleans())
    def fail(self, choice: int, reason: str, *, retry: bool) -> None:
        job_id = self.report(choice, a_failure(reason, retry_delay_ms=HOUR_MS if retry else None))
        self.model.fail(job_id, LINES[reason], retry=retry)

    @precondition(lambda self: self.leases)
    @rule(choice=choices)
    def defer(self, choice: int) -> None:
        self.model.defer(self.report(choice, Deferred("away", HOUR_MS)))

    @precondition(lambda self: self.leases)
    @rule(choice=choices, begun=st.booleans())
    def release(self, choice: int, *, begun: bool) -> None:
        self.model.release(self.report(choice, Released(begun)), begun=begun)

    @precondition(lambda self: any(self.model.jobs[job_id].cancel_requested for job_id in self.leases))
    @rule(choice=choices)
    def interrupt(self, choice: int) -> None:
        asked = [job_id for job_id in sorted(self.leases) if self.model.jobs[job_id].cancel_requested]
        position = sorted(self.leases).index(asked[choice % len(asked)])
        self.model.interrupt(self.report(position, Interrupted()))

    @precondition(lambda self: self.leases)
    @rule(choice=choices)
    def lose(self, choice: int) -> None:
        self.lose_lease(sorted(self.leases)[choice % len(self.leases)])

    @precondition(lambda self: self.leases)
    @rule(worker=workers)
    def lose_a_worker(self, worker: str) -> None:
        for job_id in sorted(self.leases):
            if self.model.jobs[job_id].worker == worker:
                self.lose_lease(job_id)

    def lose_lease(self, job_id: str) -> None:
        self.clock.expire_lease(job_id)
        assert self.engine.reap_leases(QUEUE) == 1
        self.stale.append((self.model.jobs[job_id].worker, self.leases.pop(job_id)))
        self.model.lose(job_id)

    @precondition(lambda self: self.stale)
    @rule(
        choice=choices, outcome=st.sampled_from([Completed(), a_failure(), Deferred("x", 0), Released(), Interrupted()])
    )
    def speak_too_late(self, choice: int, outcome: Outcome) -> None:
        worker, lease = self.stale[choice % len(self.stale)]
        assert Worker(self.engine, worker).report(lease, outcome) is Verdict.STALE
        self.model.totals["stale"] += 1

    @precondition(lambda self: self.model.in_state(JobState.DELAYED))
    @rule(choice=choices)
    def fall_due(self, choice: int) -> None:
        delayed = sorted(self.model.in_state(JobState.DELAYED))
        job_id = delayed[choice % len(delayed)]
        self.clock.make_due(job_id)
        assert self.engine.promote_jobs(QUEUE) == 1
        self.model.fall_due(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices)
    def cancel(self, choice: int) -> None:
        job_id = sorted(self.model.jobs)[choice % len(self.model.jobs)]
        try:
            outcome = self.engine.cancel_job(QUEUE, job_id, action=an_action())
        except WrongState:
            outcome = "refused"
        assert outcome == self.model.cancel(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices, due=st.sampled_from([0, 2**42, 2**42 + 1]))
    def reschedule(self, choice: int, due: int) -> None:
        job_id = sorted(self.model.jobs)[choice % len(self.model.jobs)]
        try:
            changed = self.engine.reschedule_job(QUEUE, job_id, due_at_ms=due or None, action=an_action())
            outcome = "changed" if changed else "unchanged"
        except WrongState:
            outcome = "refused"
        assert outcome == self.model.reschedule(job_id, due)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices)
    def retry(self, choice: int) -> None:
        job_id = sorted(self.model.jobs)[choice % len(self.model.jobs)]
        try:
            self.engine.retry_job(QUEUE, job_id, action=an_action())
            done = True
        except WrongState:
            done = False
        assert done == self.model.retry(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(choice=choices)
    def remove(self, choice: int) -> None:
        job_id = sorted(self.model.jobs)[choice % len(self.model.jobs)]
        try:
            self.engine.remove_job(QUEUE, job_id, action=an_action())
            done = True
        except WrongState:
            done = False
        assert done == self.model.remove(job_id)

    @rule(worker=workers)
    def pause_for_a_take(self, worker: str) -> None:
        assert self.engine.pause_queue(QUEUE, action=an_action())
        self.model.paused = True
        self.take(worker, 3)
        assert self.engine.resume_queue(QUEUE, action=an_action())
        self.model.paused = False

    @rule()
    def lose_the_functions(self) -> None:
        self.client.function_flush("SYNC")

    @invariant()
    def store_and_model_agree(self) -> None:
        if not hasattr(self, "engine"):
            return
        for state in JobState:
            page = self.engine.list_jobs(QUEUE, state, offset=0, limit=100)
            assert page.total == len(page.jobs)
            assert {job.job_id for job in page.jobs} == set(self.model.in_state(state))
            for job in page.jobs:
                expected = self.model.jobs[job.job_id]
                seen = (job.data.decode(), job.priority, job.attempts_made, job.lost_leases, job.cancelled)
                wanted = (expected.data, expected.priority, expected.attempts_made, expected.lost, expected.cancelled)
                assert seen == wanted
                assert job.dead == (state is JobState.FAILED and not expected.cancelled)

    @invariant()
    def error_groups_hold_every_failed_job_once(self) -> None:
        if not hasattr(self, "engine"):
            return
        found = self.engine.list_error_groups(QUEUE, limit=500)
        sizes = {(not group.dead, group.error_class, group.line): group.count for group in found.groups}
        assert Counter(sizes) == self.model.groups()
        assert found.total == len(found.groups)
        assert sum(sizes.values()) == self.engine.count_jobs(QUEUE).failed

    @invariant()
    def indexes_and_jobs_agree(self) -> None:
        if hasattr(self, "engine"):
            assert_consistent(self.client)

    @invariant()
    def counters_are_exact(self) -> None:
        if not hasattr(self, "engine"):
            return
        counts = self.engine.count_jobs(QUEUE)
        assert {name: total for name, total in counts.totals.items() if total} == dict(+self.model.totals)
        assert counts.totals["added"] == len(self.model.jobs) + counts.totals["removed"] + counts.totals["pruned"]
        assert counts.paused == self.model.paused


@pytest.mark.slow
def test_random_histories_agree_with_the_model(valkey_url: str) -> None:
    QueueMachine.url = valkey_url
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=30,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
