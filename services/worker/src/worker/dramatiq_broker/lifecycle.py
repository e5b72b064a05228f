"""The middleware around every job: it begins only once and only if it still should, and ends with an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware, Shutdown, SkipMessage
from dramatiq.worker import ConsumerThread, WorkerThread

from queue_engine.domain.lease import Completed, Interrupted, Released
from worker.dramatiq_broker import work_queue
from worker.dramatiq_broker.interrupter import Interrupter
from worker.dramatiq_broker.job import Job
from worker.dramatiq_broker.processing import process_here
from worker.dramatiq_broker.roster import Roster

if TYPE_CHECKING:
    from worker.dramatiq_broker.broker import JobBroker

log = structlog.get_logger()
COMPLETED = Completed()
"""Of a job that returned nothing, as most do."""


class Lifecycle(Middleware):
    """Stands first: its "before" is the first to decide, its "after" the last. Takes the place of Dramatiq's TimeLimit
    and ShutdownNotifications, with their options and exceptions.
    """

    def __init__(self, roster: Roster, interrupter: Interrupter, *, lease_ms: int) -> None:
        self._roster, self._interrupter, self._lease_seconds = roster, interrupter, lease_ms / 1000

    @property
    def actor_options(self) -> set[str]:
        """Those of Dramatiq's TimeLimit and ShutdownNotifications."""
        return {"time_limit", "notify_shutdown"}

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """A worker is about to take jobs."""
        jobs: JobBroker = broker  # type: ignore[assignment]  # added by that broker only
        work_queue.install(worker, self._roster)
        jobs.start_loops()

    def after_consumer_thread_boot(self, broker: Broker, thread: ConsumerThread) -> None:
        """A queue's jobs are about to be handed to the worker threads."""
        work_queue.hand_over_directly(thread)

    def after_worker_thread_boot(self, broker: Broker, thread: WorkerThread) -> None:
        """It is about to take jobs from the queue."""
        jobs: JobBroker = broker  # type: ignore[assignment]  # added by that broker only
        process_here(jobs, thread)

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """Let the job begin or skip it; whatever goes wrong here gives it back, as Dramatiq would run it regardless."""
        job: Job = message
        try:
            begun = self._roster.begin(job)
        except Exception as error:
            job.outcome = Released(begun=False)
            raise SkipMessage("the job could not begin") from error
        if not begun:
            raise SkipMessage("the job was given back before it began")
        if job.cancelled:
            job.outcome = Interrupted()
            raise SkipMessage("the job was cancelled before it began")
        # A process that was stopped for longer than a lease begins with what it held before its heartbeat can look.
        if job.lost or job.began_at - job.renewed_at > self._lease_seconds:
            job.outcome = Released(begun=False)
            raise SkipMessage("the lease was lost before the job began")

    def after_process_message(
        self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Done, when the actor was seen to return and nothing after it said otherwise."""
        job: Job = message
        if exception is None and job.outcome is None and job.returned:
            job.outcome = Completed(job.value) if job.value else COMPLETED

    def after_skip_message(self, broker: Broker, message: Any) -> None:
        """A middleware that skips a job without failing it means that it is done."""
        job: Job = message
        if job.outcome is None and not job.failed:
            job.outcome = COMPLETED

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Dramatiq's consumers would go on taking while its threads finish."""
        jobs: JobBroker = broker  # type: ignore[assignment]  # added by that broker only
        jobs.drain()
        for job in list(self._roster.running.values()):
            if _wants_notice(broker, job):
                self._interrupter.interrupt(job, Shutdown)


def _wants_notice(broker: Broker, job: Job) -> bool:
    asked = job.options.get("notify_shutdown")
    actor = broker.actors.get(job.actor_name)
    return bool(actor.options.get("notify_shutdown") if asked is None and actor else asked)
