"""What this process holds of one queue: leased jobs, outcomes not told yet. Outlives the consumers Dramatiq builds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from queue_engine.domain.errors import QueueEngineError, StoreUnavailable
from queue_engine.domain.lease import Lease, Outcome, Released, Verdict
from queue_engine.engine import QueueEngine
from worker.dramatiq_broker.attempts import no_outcome
from worker.dramatiq_broker.job import Job
from worker.dramatiq_broker.roster import Roster

log = structlog.get_logger()
MOST_REPORTS = 500  # the engine's limit per call
BATCH = 32  # outcomes that are worth a call of their own
AGAIN_SECONDS = 0.2
Observe = Callable[[Sequence[Job]], None]


class Desk:
    """Worker threads put outcomes here without I/O; the consumer thread tells them to the store and takes new jobs."""

    def __init__(
        self, engine: QueueEngine, queue: str, *, worker: str, lease_ms: int, roster: Roster, observe: Observe
    ) -> None:
        self.queue = queue
        self.held: dict[int, Job] = {}
        self.outcomes: deque[Job] = deque()
        self.changed = threading.Condition()
        self.woken = False
        self.asleep = False
        self.next_due_ms: int | None = None
        self.paused = False
        self._engine, self._worker, self._lease_ms = engine, worker, lease_ms
        self._roster, self._observe = roster, observe
        self._unsure = False

    # -- any thread

    def finish(self, job: Job) -> None:
        """The job's thread is done with it; what the outcome is was decided before."""
        self._roster.end(job)
        if job.recalled or self.held.get(job.lease.token) is not job:
            return
        if job.outcome is None:
            job.outcome = no_outcome(job)
        if job.immediate and self._tell_now(job):
            return
        self.put(job)

    def release(self, job: Job) -> None:
        """Give back a job that has not begun; nothing happens when it has."""
        if self._roster.recall(job):
            job.outcome = Released(begun=False)
            self.put(job)

    def put(self, job: Job) -> None:
        """The job has its outcome: the next call tells it."""
        self.outcomes.append(job)
        waiting = len(self.outcomes)
        # A signal for each would cost more than the job: only when a batch is full, nothing else is held, or it sleeps.
        if waiting == BATCH or self.asleep or waiting >= len(self.held):
            with self.changed:
                self.changed.notify()

    def wake(self) -> None:
        """There may be something to take."""
        with self.changed:
            self.woken = True
            self.changed.notify()

    def _tell_now(self, job: Job) -> bool:
        """Store the outcome before the thread goes on; False when the store stayed away for as long as the lease."""
        until = time.monotonic() + self._lease_ms / 1000
        while True:
            try:
                self._settle([job], want=0)
            except QueueEngineError:
                if time.monotonic() > until or self._roster.draining:
                    return False
                time.sleep(AGAIN_SECONDS)
            else:
                self.wake()
                return True

    # -- the consumer thread

    def exchange(self, want: int) -> tuple[Lease, ...]:
        """Tell the outcomes and take up to `want` jobs, in one call. Raises StoreUnavailable; repeating it is safe."""
        jobs = [self.outcomes.popleft() for _ in range(min(len(self.outcomes), MOST_REPORTS))]
        try:
            if self._unsure:
                self._engine.reclaim_leases(self.queue, worker=self._worker, known_tokens=list(self.held))
                self._unsure = False
            return self._settle(jobs, want=want)
        except BaseException as error:
            self.outcomes.extendleft(reversed(jobs))
            # The reply may have leased jobs to us that we never saw.
            self._unsure = self._unsure or (want > 0 and isinstance(error, StoreUnavailable))
            raise

    def _settle(self, jobs: list[Job], *, want: int) -> tuple[Lease, ...]:
        reports = [(job.lease, job.outcome or no_outcome(job)) for job in jobs]
        settled = self._engine.settle_jobs(self.queue, reports, worker=self._worker, want=want, lease_ms=self._lease_ms)
        for job, verdict in zip(jobs, settled.verdicts, strict=True):
            self.held.pop(job.lease.token, None)
            if job.lease.suspect:
                self._roster.suspects.pop(self.queue, None)
            if verdict is Verdict.STALE:
                self._roster.lose(job)
                log.warning("lease_lost", queue=self.queue, job_id=job.message_id, token=job.lease.token)
        if jobs:
            self._observe(jobs)
        self.next_due_ms, self.paused = settled.next_due_ms, settled.paused
        return settled.leases

    def refuse(self, job: Job, outcome: Outcome) -> None:
        """Hold a job only to say that this process cannot run it."""
        job.outcome = outcome
        self.held[job.lease.token] = job
        self.put(job)
