"""Traces by OpenTelemetry, sent by OTLP over HTTP. Only `start_tracing` imports this, in a process that traces.

Of OTEL_* the library reads by itself: OTEL_EXPORTER_OTLP_* (headers, timeout, certificate, compression),
OTEL_TRACES_SAMPLER with its argument, OTEL_BSP_*, OTEL_SPAN_* limits and OTEL_RESOURCE_ATTRIBUTES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service_kit.spans import TRACESTATE, Carrier, Kind, Value

KINDS: Mapping[Kind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
MAX_STATE_CHARACTERS = 512  # what W3C demands that everybody can carry


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(attributes)

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(trace.StatusCode.ERROR)


class OpenTelemetry:
    """A Tracer. Its spans are batched and sent by a thread of their own."""

    def __init__(self, endpoint: str, *, service: str, version: str) -> None:
        resource = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._provider.get_tracer("jobqueue", version)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, kind: Kind, *, parent: Carrier | None, link: Carrier, attributes: Mapping[str, Value]
    ) -> Iterator[_Span]:
        """See Tracer. An error that passes through marks the span by its class: its words may quote a payload."""
        span = self._tracer.start_span(
            name,
            context=None if parent is None else self._read(parent),
            kind=KINDS[kind],
            links=self._links(link),
            attributes=attributes,
        )
        told = _Span(span)
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield told
            except BaseException as error:
                told.fail(type(error).__name__)
                raise

    def carrier(self) -> Carrier:
        """See Tracer; bounded, for it is stored with jobs."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        if len(carrier.get(TRACESTATE, "")) > MAX_STATE_CHARACTERS:
            del carrier[TRACESTATE]
        return carrier

    def ids(self) -> tuple[str, str] | None:
        """See Tracer."""
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return None
        return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)

    def stop(self) -> None:
        """See Tracer."""
        self._provider.shutdown()

    def _read(self, carrier: Carrier) -> Context:
        """What came from elsewhere; malformed, it is as if nothing had come."""
        return self._propagator.extract(carrier, Context())

    def _links(self, carrier: Carrier) -> list[trace.Link]:
        found = trace.get_current_span(self._read(carrier)).get_span_context()
        return [trace.Link(found)] if found.is_valid else []
