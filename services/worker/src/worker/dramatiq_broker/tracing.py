"""A CONSUMER span for each attempt. Part of the broker only in a process that traces."""

from __future__ import annotations

from typing import Any

from dramatiq import Broker
from dramatiq.middleware import Middleware

from queue_engine.domain.lease import Failed
from queue_engine.domain.trace import origin_of
from service_kit import tracing
from worker.dramatiq_broker.job import Job


class Tracing(Middleware):
    """Stands behind Lifecycle: only what really begins is traced.

    Every attempt is linked to the span that enqueued the job. The first one of a job that was sent by itself also
    belongs to that span's trace, so that a request is seen to its end; further attempts, and the jobs of a batch, begin
    traces of their own, for one with thousands of spans can be read by nobody.
    """

    def before_process_message(self, broker: Broker, message: Any) -> None:
        """The handler's thread works for this job from now on."""
        job: Job = message
        lease = job.lease
        origin = origin_of(lease.options)
        is_sequel = origin.is_batch or lease.attempts_made > 0 or lease.deliveries > 1
        scope = tracing.span(
            f"process {lease.queue}",
            "consumer",
            parent=tracing.NOTHING if is_sequel else origin.carrier,
            link=origin.carrier,
            attributes={
                **tracing.messaging("process", lease.queue),
                "messaging.message.id": lease.job_id,
                "jobqueue.job.name": lease.name,
                "jobqueue.attempt": lease.attempts_made + 1,
                "jobqueue.delivery": lease.deliveries,
            },
        )
        job.span, job.span_scope = scope.__enter__(), scope

    def after_process_message(
        self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """End it with what became of the attempt."""
        job: Job = message
        if job.span is None or job.span_scope is None:
            return
        outcome = job.outcome
        job.span.tell({"jobqueue.outcome": type(outcome).__name__.lower() if outcome else "completed"})
        if isinstance(outcome, Failed):
            job.span.tell({"jobqueue.failure": outcome.kind.value})
            job.span.fail(outcome.error_class or outcome.kind.value)
        job.span_scope.__exit__(None, None, None)
        job.span = job.span_scope = None

    def after_skip_message(self, broker: Broker, message: Any) -> None:
        """Another middleware kept the job from running."""
        self.after_process_message(broker, message)
