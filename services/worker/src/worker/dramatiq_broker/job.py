"""A delivered job as Dramatiq sees it: a message with its lease, its fate and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from dramatiq import Message, MessageProxy
from dramatiq.middleware import Interrupt

from queue_engine.domain.lease import Lease, Outcome
from service_kit.tracing import Span
from worker.dramatiq_broker.codec import Call


class Callee(NamedTuple):
    """What is known of an actor before any job for it comes."""

    function: Callable[..., Any]
    has_options: bool
    immediate: bool
    """Its outcomes are stored before their thread goes on."""


def _nobody(*_args: Any, **_kwargs: Any) -> None:
    raise RuntimeError("no actor for this job type is declared here")


NOBODY = Callee(_nobody, has_options=False, immediate=False)
"""For jobs that no actor here can be given; none of them begins."""


class Job(MessageProxy):
    """One delivery of one job. Class attributes are the values of a job nothing happened to yet."""

    outcome: Outcome | None = None
    """Set once a normal return, an error or a skip was seen; unset at the end means error."""
    value = b""
    """JSON of what the handler returned, when it is kept."""
    began_at = 0.0
    """When its handler's thread took it (monotonic seconds); 0: it has not begun."""
    ended_at = 0.0
    returned = False
    """Its actor's function came back."""
    deadline = 0.0
    """When its handler is interrupted at the latest (monotonic seconds). This and the next three: see Interrupter."""
    interrupted = False
    shielded = False
    """Its handler is in a call that nothing may interrupt, and what would have meanwhile:"""
    pending_interrupt: type[Interrupt] | None = None
    recalled = False
    """Given back before it began: whoever meets it in the work queue passes it over."""
    error: BaseException | None = None
    cancelled = False
    lost = False
    span: Span | None = None
    span_scope: AbstractContextManager[Span] | None = None

    failed = False
    _exception: BaseException | None = None

    def __init__(self, lease: Lease, call: Call, callee: Callee, taken_at: float) -> None:
        # Not MessageProxy's: the message behind it costs as much as all of this and is hardly ever looked at.
        function, has_options, immediate = callee
        self.queue_name, self.actor_name = lease.queue, lease.name
        self.message_id, self.message_timestamp = lease.job_id, lease.created_at_ms
        self.args, self.kwargs, self.options = call
        self.kind = lease.queue, lease.name
        self.lease = lease
        self.function = function
        self.immediate = immediate or lease.suspect
        self.bare = not (has_options or self.options)
        """Neither its message nor its actor has any option."""
        self.taken_at = self.renewed_at = taken_at

    @property
    def _message(self) -> Message[Any]:  # type: ignore[override]  # an attribute there
        """What the proxy asks for all that is not here; its queue is the leased one."""
        call = self.args, self.kwargs, self.options
        return Message(self.queue_name, self.actor_name, *call, self.message_id, self.message_timestamp)

    @property
    def message(self) -> Job:
        """Itself: a worker thread looks for it in what it finds in the work queue."""
        return self

    def log_fields(self) -> dict[str, Any]:
        """What the log lines of its thread say meanwhile."""
        lease = self.lease
        attempt = lease.attempts_made + 1
        return {"job_id": lease.job_id, "queue": lease.queue, "attempt": attempt, "token": lease.token}

    def stuff_exception(self, exception: BaseException) -> None:
        """Keep what a middleware rejected it for."""
        super().stuff_exception(exception)
        self.error = exception

    def clear_exception(self) -> None:
        """Let go of it: tracebacks keep much alive."""
        super().clear_exception()
        self.error = None

    def __str__(self) -> str:
        """Name and id: Dramatiq logs this, and payloads do not belong in logs."""
        return f"{self.actor_name}({self.message_id})"

    def __repr__(self) -> str:
        return f"<Job {self}>"
