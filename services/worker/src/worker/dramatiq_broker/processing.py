"""What a worker thread does with a job; Dramatiq's own way writes a traceback for each failed attempt."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog
from dramatiq.middleware import SkipMessage
from dramatiq.worker import WorkerThread

from worker.dramatiq_broker.job import Job

if TYPE_CHECKING:
    from worker.dramatiq_broker.broker import JobBroker

log = structlog.get_logger()


def process_here(broker: JobBroker, thread: WorkerThread) -> None:
    """Let the thread do it. What is left out of Dramatiq's: its lines about each job. `attempt_failed` says what people
    need, the stack stands on the job, and both would quote what the handler was given.
    """
    thread.process_message = partial(process, broker)  # type: ignore[method-assign]


def process(broker: JobBroker, job: Job) -> None:
    """Run it between the signals that Dramatiq emits. Never raises, for that would end the thread."""
    try:
        broker.emit_before_job(job)
        result = None
        if not job.failed:
            result = broker.get_actor(job.actor_name)(*job.args, **job.kwargs)
        broker.emit_after_job(job, result=result)
    except SkipMessage as skipped:
        if job.failed:
            job.stuff_exception(skipped)
        broker.emit_after("skip_message", job)
    except BaseException as error:  # noqa: BLE001 - an interrupt too is an outcome
        job.stuff_exception(error)
        broker.emit_after_job(job, exception=error)
    finally:
        _finish(broker, job)


def _finish(broker: JobBroker, job: Job) -> None:
    signal = "nack" if job.failed else "ack"
    try:
        broker.emit_before(signal, job)
        broker.desks[job.queue_name].finish(job)
        broker.emit_after(signal, job)
    except Exception:
        log.exception("job_not_finished")
    job.clear_exception()
