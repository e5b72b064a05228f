"""What backends, workers and the clock do to a queue, with the answers that the model expects."""

from __future__ import annotations

from typing import ClassVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from engine.builders import LEASE_MS, QUEUE, a_failure, a_job, an_action, ids_of, keys_of
from engine.model import Model
from engine.virtual_time import set_clock
from queue_engine.domain.errors import IdConflict, JobNotFound, WrongState
from queue_engine.domain.job import Enqueued, IfExists, JobRef, JobState, NewJob, Retention
from queue_engine.domain.lease import (
    Completed,
    Deferred,
    Interrupted,
    Lease,
    Outcome,
    Released,
    Renewal,
    Verdict,
)
from queue_engine.engine import QueueEngine

SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
BEGINNING = 1_700_000_000_000
TOMBSTONES = f"jobs:{{{QUEUE}}}:t:"
RETENTION = Retention(
    completed_ms=HOUR, completed_count=3, cancelled_ms=DAY, cancelled_count=2, dead_count=3, dedup_ms=2 * HOUR
)
LINES = {
    "boom 1": "boom <number>", "boom 23": "boom <number>", "away": "away", "off": "off", "": "Manually cancelled",
}  # fmt: skip

choices = st.integers(0, 10**6)
workers = st.sampled_from(["w1", "w2"])
outcomes = st.sampled_from([
    Completed(), Completed(b'"value"'), Released(begun=True), Released(begun=False), Released(begun=False),
    Interrupted(), Deferred("away", SECOND), Deferred("away", HOUR, max_age_ms=HOUR),
    a_failure("boom 1", retry_delay_ms=None), a_failure("boom 1", retry_delay_ms=HOUR),
    a_failure("boom 23", retry_delay_ms=0),
])  # fmt: skip
new_jobs = st.builds(
    a_job,
    st.sampled_from([f"job-{number}" for number in range(8)]),
    data=st.sampled_from([b'"x"', b'"y"']),
    priority=st.sampled_from([0, 0, 1, 1_000_000]),
    delay_ms=st.sampled_from([None, None, SECOND, HOUR]),
    attempts=st.integers(1, 3),
    owner=st.sampled_from(["", "backend-1", "backend-2"]),
    if_exists=st.sampled_from([IfExists.RETURN, IfExists.RETURN, IfExists.REPLACE, IfExists.REPLACE_OWN]),
)


class WorkersMachine(RuleBasedStateMachine):
    """Enqueues, takes, reports, renews, loses, lets time pass and tidies up."""

    url: ClassVar[str]
    runs: ClassVar[int] = 0
    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        type(self).runs += 1
        self.client = redis.Redis.from_url(self.url)
        self.client.flushall()
        self.client.function_flush("SYNC")
        set_clock(self.client, BEGINNING)
        self.engine = QueueEngine.connect(self.url, retention=RETENTION)
        self.model = Model(BEGINNING, RETENTION, LINES)
        self.leases: dict[str, list[Lease]] = {"w1": [], "w2": []}
        self.last_token = 0
        self.put([a_job("job-0")], by_person=False)

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()
            self.client.close()

    # -- enqueue

    @rule(new=new_jobs, by_person=st.booleans())
    def enqueue(self, new: NewJob, *, by_person: bool) -> None:
        self.put([new], by_person=by_person)

    @rule(news=st.lists(new_jobs, min_size=2, max_size=5), by_person=st.booleans())
    def enqueue_many(self, news: list[NewJob], *, by_person: bool) -> None:
        self.put(news, by_person=by_person)

    def put(self, news: list[NewJob], *, by_person: bool) -> None:
        answers = self.engine.enqueue_jobs(QUEUE, news, action=an_action() if by_person else None)

        refusals = {"conflict": IdConflict, "refused": WrongState, "foreign": JobNotFound}
        for new, answer in zip(news, answers, strict=True):
            expected = self.model.enqueue(new, by_person=by_person)
            if expected in refusals:
                assert type(answer) is refusals[expected]
                continue
            known = self.model.jobs.get(new.job_id) or self.model.graves[new.job_id]
            assert answer == Enqueued(
                new.job_id, known.state, created=expected != "known", replaced=expected == "replaced"
            )

    # -- workers

    @rule(worker=workers, want=st.integers(1, 4))
    def take(self, worker: str, want: int) -> None:
        self.exchange(worker, [], want)

    @rule(worker=workers, want=st.integers(1, 2))
    def wake_up_and_take(self, worker: str, want: int) -> None:
        self.client.zpopmin(f"jobs:{{{QUEUE}}}:mark")
        self.exchange(worker, [], want)

    @precondition(lambda self: self.model.in_state(JobState.ACTIVE))
    @rule(choice=choices, outcome=outcomes, want=st.integers(0, 1))
    def report(self, choice: int, outcome: Outcome, want: int) -> None:
        lease, worker = self.a_held_lease(choice)
        self.exchange(worker, [(lease, outcome)], want)

    @precondition(lambda self: self.model.in_state(JobState.ACTIVE))
    @rule(worker=workers, want=st.integers(0, 1))
    def lose_all_leases_and_take(self, worker: str, want: int) -> None:
        self.advance_the_clock(2 * LEASE_MS)
        self.exchange(worker, [], want)

    @rule(worker=workers, said=st.lists(st.tuples(choices, outcomes), max_size=4), want=st.integers(0, 3))
    def report_many_and_take(self, worker: str, said: list[tuple[int, Outcome]], want: int) -> None:
        """Whatever the worker ever held, twice too."""
        had = self.leases[worker]
        self.exchange(worker, [(had[choice % len(had)], outcome) for choice, outcome in said if had], want)

    def exchange(self, worker: str, said: list[tuple[Lease, Outcome]], want: int) -> None:
        answer = self.engine.settle_jobs(QUEUE, said, worker=worker, want=want, lease_ms=LEASE_MS)

        settled, taken = self.model.settle(worker, said, want, LEASE_MS)
        assert [verdict is Verdict.SETTLED for verdict in answer.verdicts] == settled
        assert (ids_of(answer.leases), answer.paused) == (taken, self.model.paused)
        for lease in answer.leases:
            self.accept(worker, lease)
        delayed = self.model.in_state(JobState.DELAYED) if len(taken) < want else []
        dues = [self.model.jobs[job_id].due or 0 for job_id in delayed]
        assert answer.next_due_ms == (min(dues) - self.model.now if dues else None)

    def accept(self, worker: str, lease: Lease) -> None:
        job = self.model.jobs[lease.job_id]
        seen = (lease.data, lease.attempts_made, lease.max_attempts, lease.deliveries, lease.suspect)
        assert seen == (job.data, job.attempts_made, job.attempts, job.deliveries, job.lost > 0)
        assert lease.token > self.last_token
        job.token = self.last_token = lease.token
        self.leases[worker].append(lease)

    def a_held_lease(self, choice: int) -> tuple[Lease, str]:
        held = [(lease, worker) for worker, had in self.leases.items() for lease in had]
        held = [(lease, worker) for lease, worker in held if self.model.holds(worker, lease)]
        return held[choice % len(held)]

    @rule(worker=workers, really=st.booleans())
    def renew_or_check(self, worker: str, *, really: bool) -> None:
        """All the worker ever held."""
        had = self.leases[worker]
        if really:
            answers = self.engine.renew_leases(had, worker=worker, lease_ms=2 * LEASE_MS)
        else:
            answers = self.engine.check_leases(had, worker=worker)

        for lease, answer in zip(had, answers, strict=True):
            if not self.model.holds(worker, lease):
                assert answer is Renewal.LOST
                continue
            asked = self.model.jobs[lease.job_id].cancel_reason is not None
            assert answer is (Renewal.CANCEL_REQUESTED if asked else Renewal.RENEWED)
            if really:
                self.model.renew(lease.job_id, 2 * LEASE_MS)

    @rule(worker=workers, knows=choices)
    def reclaim(self, worker: str, knows: int) -> None:
        known = [lease.token for number, lease in enumerate(self.leases[worker]) if knows >> number & 1]
        given = self.engine.reclaim_leases(QUEUE, worker=worker, known_tokens=known)
        assert given == self.model.reclaim(worker, known)

    @precondition(lambda self: any(self.leases.values()))
    @rule(choice=choices)
    def take_a_note(self, choice: int) -> None:
        worker, lease = [(worker, lease) for worker, had in self.leases.items() for lease in had][
            choice % sum(map(len, self.leases.values()))
        ]
        verdicts = (
            self.engine.set_progress(lease, b"1", worker=worker),
            self.engine.add_log(lease, "line", worker=worker),
            self.engine.add_children(lease, [JobRef("other", "child")], worker=worker),
        )
        assert set(verdicts) == {Verdict.SETTLED if self.model.holds(worker, lease) else Verdict.STALE}

    # -- time and upkeep

    @rule(ms=st.sampled_from([1, SECOND, LEASE_MS, LEASE_MS, HOUR, DAY]))
    def let_time_pass(self, ms: int) -> None:
        self.advance_the_clock(ms)

    def advance_the_clock(self, ms: int) -> None:
        self.model.advance(ms)
        set_clock(self.client, self.model.now)
        for job_id in self.tombstones():  # what the server itself lets expire
            key, grave = f"{TOMBSTONES}{job_id}", self.model.graves.get(job_id)
            self.client.pexpire(key, grave.until - self.model.now) if grave else self.client.delete(key)

    def tombstones(self) -> set[str]:
        """Ids of the jobs that the store knows to have been."""
        return {key.removeprefix(TOMBSTONES) for key in keys_of(self.client, f"{TOMBSTONES}*")}

    @rule()
    def reap(self) -> None:
        assert self.engine.reap_leases(QUEUE) == self.model.reap()

    @rule()
    def promote(self) -> None:
        assert self.engine.promote_jobs(QUEUE) == self.model.promote()

    @rule()
    def prune(self) -> None:
        assert self.engine.prune_jobs(QUEUE) == self.model.prune()

    @rule()
    def lose_the_functions(self) -> None:
        self.client.function_flush("SYNC")

    @rule()
    def ship_the_audit_records(self) -> None:
        records = self.engine.claim_audit(QUEUE, shipper="s", lease_ms=LEASE_MS, limit=500)
        assert [(record.action, record.job_id) for record in records] == self.model.audit
        shipped = [record.entry_id for record in records]
        assert self.engine.settle_audit(QUEUE, shipped, shipper="s") == len(shipped)
        self.model.audit.clear()
