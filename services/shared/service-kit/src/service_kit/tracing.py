"""Traces: what services say of them. Off unless an OTLP endpoint is set; the library is imported only then (otel.py).

A *carrier* is what travels between processes: W3C `traceparent` and `tracestate` by their names. Spans never hold what
a job carries, nor the words of an error, which may quote it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType

from service_kit.settings import ServiceSettings
from service_kit.spans import NOTHING, TRACEPARENT, Carrier, Kind, Span, Tracer, Value

__all__ = [
    "NOTHING",
    "NO_SPAN",
    "TRACEPARENT",
    "Carrier",
    "Span",
    "carrier",
    "ids",
    "inner_span",
    "is_tracing",
    "messaging",
    "sending",
    "span",
    "start_tracing",
    "stop_tracing",
]
FLUSH_SECONDS = 3.0  # for the last spans at the end; a collector that is away must not hold up a shutdown


class _NoSpan(AbstractContextManager["_NoSpan"]):
    """Takes everything and does nothing."""

    def rename(self, name: str) -> None: ...

    def tell(self, attributes: Mapping[str, Value]) -> None: ...

    def fail(self, kind: str) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


NO_SPAN = _NoSpan()
_tracer: Tracer | None = None


def start_tracing(settings: ServiceSettings, service: str, version: str) -> None:
    """Trace this process from now on if the settings name a collector. Called once, from `__main__`, after any fork."""
    global _tracer  # noqa: PLW0603 - a process traces or it does not, as it logs; every call would have to hand it on
    endpoint = settings.traces_endpoint()
    if endpoint:
        from service_kit.otel import OpenTelemetry  # noqa: PLC0415 - costs half a second, which only those pay who trace

        _tracer = OpenTelemetry(endpoint, service=service, version=version)


def stop_tracing() -> None:
    """Send the last spans, for at most FLUSH_SECONDS. Safe to call when nothing is traced."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer:
        flushing = threading.Thread(target=tracer.stop, name="flush-traces", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)


def is_tracing() -> bool:
    """Whether this process traces."""
    return _tracer is not None


def span(
    name: str,
    kind: Kind,
    *,
    parent: Carrier | None = None,
    link: Carrier = NOTHING,
    attributes: Mapping[str, Value] = MappingProxyType({}),
) -> AbstractContextManager[Span]:
    """A span around a block: below the current one, or below what `parent` carries, which begins a trace when empty."""
    if _tracer is None:
        return NO_SPAN
    return _tracer.span(name, kind, parent=parent, link=link, attributes=attributes)


def inner_span(name: str, kind: Kind) -> AbstractContextManager[Span]:
    """As `span`, but only inside another: what a service does by itself every second is no trace of its own."""
    return span(name, kind) if ids() else NO_SPAN


def sending(queue: str, job_id: str, *, count: int = 1) -> AbstractContextManager[Span]:
    """The span around handing one job, or `count` at once (then `job_id` is empty), to a queue."""
    if _tracer is None:
        return NO_SPAN
    named: dict[str, Value] = {"messaging.message.id": job_id} if job_id else {"messaging.batch.message_count": count}
    return span(f"send {queue}", "producer", attributes={**messaging("send", queue), **named})


def messaging(operation: str, queue: str) -> dict[str, Value]:
    """The attributes of a span on a queue, as OpenTelemetry names them."""
    return {
        "messaging.system": "jobqueue",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.destination.name": queue,
    }


def carrier() -> Carrier:
    """What makes another process go on with the current span; empty when there is none."""
    return _tracer.carrier() if _tracer else NOTHING


def ids() -> tuple[str, str] | None:
    """Trace id and span id of the current span, as logs show them."""
    return _tracer.ids() if _tracer else None
