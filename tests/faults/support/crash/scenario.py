"""A day of a small queue in which everything happens once, run to rest, and what is wrong with it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import redis

from engine.builders import LEASE_MS, assert_consistent
from engine.virtual_time import set_clock
from faults.support.checker import check
from faults.support.crash.errands import QUEUE, World
from faults.support.crash.front import Callers, Front
from faults.support.crash.processes import AuditLog, Loops, WorkerByHand
from faults.support.crash.transport import Plan, WorkersTime
from faults.support.history import History
from faults.support.snapshot import take_snapshot
from jobqueue.queue.v1 import job_pb2
from worker.job_types import Handler

BEGINNING = 1_700_000_000_000
HOUR_MS = 3_600_000
MOST_ROUNDS = 25
PREFIX = f"jobs:{{{QUEUE}}}:"
WAITING, FAILED, COMPLETED = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_COMPLETED


@dataclass(slots=True)
class Day:
    """The parts of the system and the clock."""

    client: redis.Redis
    world: World
    callers: Callers
    loops: Loops
    audit: AuditLog
    start_worker: Callable[[str, str], WorkerByHand]
    workers_time: WorkersTime
    now: int = BEGINNING
    workers: list[WorkerByHand] = field(default_factory=list)

    def pass_time(self, ms: int) -> None:
        self.now += ms
        self.workers_time.ahead_seconds += ms / 1000
        set_clock(self.client, self.now)

    def meanwhile(self, actor: str) -> None:
        """What goes on while an actor waits for a reply in vain: the other worker has its turn."""
        self.pass_time(1)
        others = self.workers[:1] if actor == "worker B" else self.workers[1:]
        for other in others:
            other.turn()

    def live(self) -> None:
        """The scenario."""
        self.workers = [self.start_worker("worker A", "A"), self.start_worker("worker B", "B")]
        self.callers.register()
        self._hand_over()
        self._act_on_waiting_jobs()
        self._run_and_overtake()
        self._lose_a_worker()
        self._repair()
        self._tidy_up()

    def _act_on_waiting_jobs(self) -> None:
        callers = self.callers
        callers.act("pause")
        self.workers[0].turn()
        callers.act("cancel", "cancelled-waiting")
        callers.act_on_many("cancel", WAITING, ["cancelled-in-bulk-1", "cancelled-in-bulk-2"])
        callers.act("reschedule", "rescheduled", due_at=self.now + HOUR_MS)
        callers.act("remove", "removed-waiting")
        callers.act("resume")

    def _run_and_overtake(self) -> None:
        a, b = self.workers
        self.world.down.add("the database")
        self.world.during["cancelled-running"] = lambda: self._cancel_while_it_runs(a)
        self.world.during["overtaken"] = lambda: self._overtake(b)
        a.take()
        a.beat(renew=True)
        a.turn()
        self.loops.ship()

    def _lose_a_worker(self) -> None:
        self.world.down.clear()
        self.pass_time(10_000)
        self.loops.reap()
        self.workers[1].take()
        self.workers[1].die()
        self.workers[1] = self.start_worker("worker B", "B again")
        self.pass_time(2 * LEASE_MS)
        self.loops.reap()
        for worker in self.workers:
            worker.turn()

    def _tidy_up(self) -> None:
        self.workers[1].turn()
        self.callers.enqueue("plain-1")
        self.callers.act("reschedule", "rescheduled")
        self.workers[0].turn()
        self.callers.act_on_many("remove", COMPLETED, ["plain-3", "plain-4"])
        self.loops.prune()
        self.loops.ship()

    def rest(self) -> bool:
        """Let everything go on until nothing is left to do; False when there still is."""
        for _ in range(MOST_ROUNDS):
            self.callers.act("resume")
            self.pass_time(HOUR_MS)
            self.loops.reap()
            for worker in self.workers:
                worker.turn()
                worker.beat(renew=True)
            self.loops.ship()
            if not self._unfinished():
                break
        for worker in self.workers:
            worker.close()
        self.loops.ship()
        return not self._unfinished()

    def _hand_over(self) -> None:
        enqueue = self.callers.enqueue
        self.callers.enqueue_many("plain-1", "plain-2", "plain-3", "plain-4")
        for job_id in ("cancelled-waiting", "removed-waiting", "rescheduled", "cancelled-running", "overtaken"):
            enqueue(job_id)
        self.callers.enqueue_many("cancelled-in-bulk-1", "cancelled-in-bulk-2")
        enqueue("at-once", name="errand-now")
        enqueue("flaky", failures=1)
        enqueue("deferred", needs="the database")
        enqueue("parent", follows="child")
        for number in range(1, 6):
            enqueue(f"dead-{number}", attempts=1, failures=1 if number < 4 else 0, hopeless=number >= 4)
        enqueue("replaced", delay_ms=HOUR_MS)  # what has run before it is replaced runs again by right
        enqueue("replaced", replace=True, follows="child-of-replaced")
        enqueue("by-operator", replace=True, by_operator=True)

    def _cancel_while_it_runs(self, worker: WorkerByHand) -> None:
        self.callers.act("cancel", "cancelled-running")
        worker.beat()

    def _overtake(self, other: WorkerByHand) -> None:
        """Its worker sleeps for too long, another one runs the job to its end."""
        self.pass_time(2 * LEASE_MS)
        self.loops.reap()
        other.turn()

    def _repair(self) -> None:
        """What operators do about dead jobs."""
        self.callers.act("retry", "dead-1")
        self.callers.act("retry", "dead-2", data=b'{"failures":0}')
        self.callers.act_on_many("retry", FAILED, ["dead-3"], queue="dead-letter")
        self.callers.act("remove", "dead-4")
        self.callers.act_on_many("retry", FAILED, ["dead-5", "plain-1"])

    def _unfinished(self) -> int:
        indexes = [PREFIX + index for index in ("waiting", "suspects", "active", "delayed", "audit")]
        return sum(self.client.zcard(index) for index in indexes[:-1]) + int(self.client.xlen(indexes[-1]))

    def verdict(self, url: str) -> list[str]:
        """Everything that is wrong at rest."""
        history, store = History.of(self.world.ledger), take_snapshot(url, QUEUE)
        found = [str(violation) for violation in check(history, store, audited=self.audit.audited)]
        try:
            assert_consistent(self.client, QUEUE)
        except AssertionError as error:
            found.append(f"I7: {error}")
        found += [f"I8: one event id for {words}" for words in self.audit.conflicts]
        leftovers = ("trials", "audit:parked")
        found += [f"I7: {name} is left" for name in leftovers if self.client.exists(PREFIX + name)]
        return found


@dataclass(frozen=True, slots=True)
class Stage:
    """What all schedules share: the store, the server in front, the world outside and the workers' clock."""

    url: str
    front: Front
    world: World
    handlers: Sequence[Handler]
    workers_time: WorkersTime

    def run(self, plan: Plan) -> list[str]:
        """One run of the scenario under the plan; what is wrong afterwards."""
        self.world.forget()
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
            client.function_flush("SYNC")
            set_clock(client, BEGINNING)
            self.front.stand_on(self.url, plan)
            audit = AuditLog()
            loops = Loops(self.url, plan, audit, lambda: day.now / 1000)
            day = Day(
                client,
                self.world,
                Callers(self.front, self.world.ledger, plan),
                loops,
                audit,
                lambda actor, name: WorkerByHand(actor, name, self.url, plan, self.handlers),
                self.workers_time,
            )
            plan.meanwhile = day.meanwhile
            try:
                day.live()
                rested = day.rest()
                return [*([] if rested else ["it did not come to rest"]), *day.verdict(self.url)]
            finally:
                loops.close()
