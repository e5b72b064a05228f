"""Keeps this process's leases alive and notices what became of its jobs: cancelled, lost, stuck, never begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.lease import Lease, Renewal
from queue_engine.engine import QueueEngine
from service_kit.lifecycle import Loop
from worker.dramatiq_broker.desk import Desk
from worker.dramatiq_broker.interrupter import Cancelled, Interrupter, LeaseLost
from worker.dramatiq_broker.job import Job
from worker.dramatiq_broker.roster import Roster

log = structlog.get_logger()
LOOK_SECONDS = 1.0  # between looks for cancel requests
UNBEGUN_SECONDS = 1.0  # a job that waits longer for a thread is better off elsewhere
GRACE_SECONDS = 10.0  # a handler that outlives its limit by this much cannot be interrupted
MOST_LEASES = 500

Ask = Callable[[Sequence[Lease]], list[Renewal]]


class Heartbeat:
    """One thread per process. Each `tick` looks at the running jobs; every third of a lease it renews all held ones."""

    def __init__(
        self,
        engine: QueueEngine,
        desks: Mapping[str, Desk],
        *,
        worker: str,
        lease_ms: int,
        roster: Roster,
        interrupter: Interrupter,
    ) -> None:
        self._engine, self._desks, self._worker, self._lease_ms = engine, desks, worker, lease_ms
        self._roster, self._interrupter = roster, interrupter
        self._renew_at = 0.0
        self.loop = Loop("heartbeat", self.tick, every_seconds=min(LOOK_SECONDS, lease_ms / 3000))
        """Its age is small whether the store answers or not."""

    def stuck(self) -> list[Job]:
        """Running jobs that nothing can interrupt any more; their leases are left to expire."""
        now = time.monotonic()
        return [job for job in list(self._roster.running.values()) if self._is_stuck(job, now)]

    def tick(self) -> int:
        """One look; errors of the store are left to the next."""
        now = time.monotonic()
        renew = now >= self._renew_at
        if renew:
            self._renew_at = now + self._lease_ms / 3000
        for desk in list(self._desks.values()):
            self._recall_unbegun(desk, now)
            try:
                if renew:
                    self._renew(desk, now)
                else:
                    self._check(desk)
            except QueueEngineError as error:
                log.info("heartbeat_failed", queue=desk.queue, error=str(error))
                if renew:
                    self._renew_at = now  # leases do not wait: again at the next tick
            self._fence(desk)
        return 0

    def _renew(self, desk: Desk, now: float) -> None:
        jobs = [job for job in list(desk.held.values()) if not job.lost and not self._is_stuck(job, now)]
        answers = self._ask(
            jobs, lambda leases: self._engine.renew_leases(leases, worker=self._worker, lease_ms=self._lease_ms)
        )
        for job, renewal in answers:
            if renewal is not Renewal.LOST:
                job.renewed_at = now
            self._heed(job, renewal)

    def _check(self, desk: Desk) -> None:
        jobs = [job for job in list(self._roster.running.values()) if job.queue_name == desk.queue and not job.lost]
        for job, renewal in self._ask(jobs, lambda leases: self._engine.check_leases(leases, worker=self._worker)):
            self._heed(job, renewal)

    def _ask(self, jobs: list[Job], ask: Ask) -> list[tuple[Job, Renewal]]:
        answers: list[tuple[Job, Renewal]] = []
        for begin in range(0, len(jobs), MOST_LEASES):
            chunk = jobs[begin : begin + MOST_LEASES]
            answers += zip(chunk, ask([job.lease for job in chunk]), strict=True)
        return answers

    def _heed(self, job: Job, renewal: Renewal) -> None:
        if renewal is Renewal.RENEWED or job.outcome is not None:
            return
        if renewal is Renewal.CANCEL_REQUESTED:
            job.cancelled = True
            self._interrupter.interrupt(job, Cancelled)
        else:
            self._lose(job)

    def _fence(self, desk: Desk) -> None:
        """A lease that could not be renewed in its time counts as lost: another worker may hold the job."""
        expired = time.monotonic() - self._lease_ms / 1000
        for job in list(desk.held.values()):
            if job.renewed_at < expired and not job.lost and job.outcome is None:
                self._lose(job)

    def _lose(self, job: Job) -> None:
        self._roster.lose(job)
        log.warning("lease_lost", queue=job.queue_name, job_id=job.message_id, token=job.lease.token)
        self._interrupter.interrupt(job, LeaseLost)

    def _recall_unbegun(self, desk: Desk, now: float) -> None:
        for job in list(self._roster.waiting.values()):
            if job.queue_name == desk.queue and now - job.taken_at > UNBEGUN_SECONDS:
                desk.release(job)

    @staticmethod
    def _is_stuck(job: Job, now: float) -> bool:
        return (
            bool(job.began_at) and not job.ended_at and now - job.began_at > job.lease.timeout_ms / 1000 + GRACE_SECONDS
        )
