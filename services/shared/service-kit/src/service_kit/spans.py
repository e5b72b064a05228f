"""What travels between processes, and what may be said of a span: between tracing.py and otel.py."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Literal, Protocol

Carrier = Mapping[str, str]
Kind = Literal["server", "client", "producer", "consumer"]
Value = str | int | bool
TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
NOTHING: Carrier = MappingProxyType({})


class Span(Protocol):
    """A span that runs."""

    def rename(self, name: str) -> None:
        """Give it the name that was not known when it began."""

    def tell(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""

    def fail(self, kind: str) -> None:
        """Mark it as failed; `kind` is a word of few, no message."""


class Tracer(Protocol):
    """What otel.py offers."""

    def span(
        self, name: str, kind: Kind, *, parent: Carrier | None, link: Carrier, attributes: Mapping[str, Value]
    ) -> AbstractContextManager[Span]:
        """See `span`."""

    def carrier(self) -> Carrier:
        """See `carrier`."""

    def ids(self) -> tuple[str, str] | None:
        """See `ids`."""

    def stop(self) -> None:
        """Send what is left; may take as long as the collector does not answer."""
