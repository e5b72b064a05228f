"""What a worker thread does with a job; Dramatiq's own way writes a traceback for each failed attempt."""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from dramatiq.middleware import SkipMessage
from dramatiq.worker import WorkerThread

from service_kit.logs import UNDERWAY
from worker.dramatiq_broker.job import Job
from worker.shield import shield_by

if TYPE_CHECKING:
    from worker.dramatiq_broker.broker import JobBroker

log = structlog.get_logger()


def process_here(broker: JobBroker, thread: WorkerThread) -> None:
    """Let the thread, which is the calling one, do it; from now on interrupts wait for its calls of shared clients.

    What is left out of Dramatiq's: its lines about each job, which would quote what the handler was given.
    `attempt_failed` says what people need, the stack stands on the job.
    """
    shield_by(broker.interrupter.shielded)
    thread.process_message = partial(process, broker)  # type: ignore[method-assign]


def process(broker: JobBroker, job: Job) -> None:
    """Run it between the signals that Dramatiq emits. Never raises, for that would end the thread."""
    UNDERWAY.set(job)
    try:
        broker.emit_before_job(job)
        result = None if job.failed else _run(broker, job)
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
        UNDERWAY.set(None)


def _run(broker: JobBroker, job: Job) -> Any:
    """Only meanwhile can it be interrupted, and what the actor sets in the context ends with it."""
    interrupter = broker.interrupter
    try:
        interrupter.arm(job, seconds=job.lease.timeout_ms / 1000)
        result = copy_context().run(job.function, *job.args, **job.kwargs)
    finally:
        interrupter.disarm()
    job.returned = True
    return result


def _finish(broker: JobBroker, job: Job) -> None:
    try:
        desk = broker.desks[job.queue_name]
        if broker.hears_ends:
            signal = "nack" if job.failed else "ack"
            broker.emit_before(signal, job)
            desk.finish(job)
            broker.emit_after(signal, job)
        else:
            desk.finish(job)
    except Exception:
        log.exception("job_not_finished")
    if job.error is not None:
        job.clear_exception()
