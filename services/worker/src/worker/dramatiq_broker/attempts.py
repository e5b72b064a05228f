"""What an exception makes of an attempt. Replaces Dramatiq's Retries: the engine counts attempts and delays retries."""

from __future__ import annotations

import random
import traceback
from types import FrameType
from typing import Any

import structlog
from dramatiq import Actor, Broker
from dramatiq.errors import RateLimitExceeded, Retry
from dramatiq.middleware import Middleware, Shutdown, TimeLimitExceeded
from pydantic import ValidationError

from queue_engine.domain.errors import StoreFull, StoreUnavailable
from queue_engine.domain.job import FailureKind
from queue_engine.domain.lease import Deferred, Failed, Interrupted, Outcome, Released
from worker.dramatiq_broker.interrupter import Cancelled, LeaseLost
from worker.dramatiq_broker.job import Job
from worker.failures import Defer, Permanent

log = structlog.get_logger()
STACK_CHARACTERS = 4_000
STACK_FRAMES = 30
FRAMEWORK = ("dramatiq.", "worker.dramatiq_broker.", "worker.actors")  # modules between a thread and a handler
LIMITER_SECONDS = 2.0  # a full rate limiter is asked again about this much later
STORE_SECONDS = 2.0


class PayloadInvalid(Permanent):
    """The data is not what the job type's payload model wants."""

    def __init__(self, error: ValidationError) -> None:
        fields = "; ".join(f"data.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10])
        super().__init__(f"the data does not fit its schema: {fields}", kind=FailureKind.PAYLOAD_INVALID)


class Attempts(Middleware):
    """Turns exceptions into outcomes; marks the message failed only when no attempt is left, as Retries does."""

    @property
    def actor_options(self) -> set[str]:
        """Those of Dramatiq's Retries."""
        return {"max_retries", "min_backoff", "max_backoff", "throws", "retry_when", "on_retry_exhausted"}

    def after_process_message(
        self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Decide once; an exception of a middleware after the actor returned counts like one of the actor."""
        if exception is None:
            return
        job: Job = message
        actor = broker.actors.get(job.actor_name)
        job.outcome = outcome = outcome_of(job, exception, _options(job, actor))
        if isinstance(outcome, Failed):
            will_retry = outcome.retry_delay_ms is not None and not is_last(job)
            log.warning(
                "attempt_failed",
                name=job.actor_name,
                kind=outcome.kind,
                error_class=outcome.error_class,
                will_retry=will_retry,
            )
            if not will_retry:
                job.fail()
                _tell_exhausted(broker, job, actor)
        elif isinstance(outcome, Deferred):
            log.info("job_deferred", kind=outcome.kind, delay_ms=outcome.delay_ms)


def is_last(job: Job) -> bool:
    """No attempt is left after this one."""
    return job.lease.attempts_made + 1 >= job.lease.max_attempts


def outcome_of(job: Job, error: BaseException, options: dict[str, Any]) -> Outcome:
    """The outcome of an attempt that ended with `error`."""
    match error:
        case Shutdown() | LeaseLost():
            return Released(begun=True)
        case Cancelled():
            return Interrupted()
        case Defer():
            delay_ms = _about(error.seconds) if error.jitter else round(error.seconds * 1000)
            return Deferred(error.reason, delay_ms, error.kind)
        case RateLimitExceeded():
            return Deferred(_words(error), _about(LIMITER_SECONDS), FailureKind.RATE_LIMITED)
        case StoreUnavailable() | StoreFull():
            return Deferred(_words(error), _about(STORE_SECONDS))
        case _:
            return _failed(job, error, options)


def no_outcome(job: Job) -> Failed:
    """For a job that ended with neither a return nor an error seen: never to be taken for done."""
    rejected = job.error
    reason = _words(rejected) if rejected is not None else "the attempt ended without an outcome"
    delay = None if job.failed else job.lease.backoff.delay_after(job.lease.attempts_made + 1)
    return Failed(reason, type(rejected).__name__ if rejected else "", "", FailureKind.OTHER, delay)


def _failed(job: Job, error: BaseException, options: dict[str, Any]) -> Failed:
    kind = error.kind if isinstance(error, Permanent) else FailureKind.EXCEPTION
    reason = _words(error)
    if isinstance(error, TimeLimitExceeded):
        kind, reason = FailureKind.TIMEOUT, f"it ran longer than its limit of {job.lease.timeout_ms} ms"
    return Failed(reason, type(error).__name__, _stack(error), kind, _retry_delay(job, error, options))


def _retry_delay(job: Job, error: BaseException, options: dict[str, Any]) -> int | None:
    """Milliseconds until the next attempt, None for none."""
    throws, retry_when = options.get("throws"), options.get("retry_when")
    if isinstance(error, Permanent) or (throws and isinstance(error, throws)):
        return None
    if retry_when is not None and not retry_when(job.lease.attempts_made, error):
        return None
    if isinstance(error, Retry) and error.delay is not None:
        return int(error.delay)
    return job.lease.backoff.delay_after(job.lease.attempts_made + 1)


def _words(error: BaseException) -> str:
    """What an error says of itself; its class when it says nothing or cannot even do that."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - whatever a handler's own exception does when asked
        return type(error).__name__


def _stack(error: BaseException) -> str:
    """The traceback from the handler's own frames on, the latest of them when there are many."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_framework(frames.tb_frame):
        frames = frames.tb_next
    told = traceback.TracebackException(type(error), error, None)
    # Walked without columns: for the carets below the lines each line would be compiled anew.
    told.stack = traceback.StackSummary.extract(traceback.walk_tb(frames), limit=-STACK_FRAMES)
    return "".join(told.format())[-STACK_CHARACTERS:]


def _is_framework(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(FRAMEWORK)


def _about(seconds: float) -> int:
    """Milliseconds with jitter, so that what waits for one thing does not come back at once."""
    return round(seconds * 1000 * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, guards nothing


def _options(job: Job, actor: Actor[..., Any] | None) -> dict[str, Any]:
    return {**(actor.options if actor else {}), **job.options}


def _tell_exhausted(broker: Broker, job: Job, actor: Actor[..., Any] | None) -> None:
    target = _options(job, actor).get("on_retry_exhausted")
    if target:
        counts = {"retries": job.lease.attempts_made, "max_retries": job.lease.max_attempts - 1}
        broker.get_actor(target).send(job.asdict(), counts)
