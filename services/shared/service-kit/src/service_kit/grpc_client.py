"""Calls from one service to another: our token, the request id, and a deadline on every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import orjson

from service_kit import tracing
from service_kit.context import REQUEST_ID_KEY, request_id
from service_kit.tokens import TokenFile

DEFAULT_DEADLINE_SECONDS = 5.0
MAX_ANSWER_BYTES = 128 * 1024 * 1024  # a page of 100 records with the largest details allowed
CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.service_config", orjson.dumps({"loadBalancingConfig": [{"round_robin": {}}]}).decode()),
)


class _Details(NamedTuple):
    """The mutable face of grpc.ClientCallDetails that the library itself expects back."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _Identity(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, token: TokenFile) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = [*(details.metadata or ()), ("authorization", f"Bearer {self._token.read()}")]
        if request_id():
            metadata.append((REQUEST_ID_KEY, request_id()))
        timeout = DEFAULT_DEADLINE_SECONDS if details.timeout is None else details.timeout
        with tracing.inner_span(details.method[1:], "client"):
            metadata += tracing.carrier().items()
            ours = _Details(
                details.method, timeout, metadata, details.credentials, details.wait_for_ready, details.compression
            )
            return continuation(ours, request)


def open_channel(address: str, *, token_file: str) -> grpc.Channel:
    """A channel to `address` (`host:port`, or `dns:///host:port` to balance over replicas) that carries our token.

    A call raises grpc.RpcError, or ServiceError UNAVAILABLE while the token file cannot be read.
    """
    channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
    return grpc.intercept_channel(channel, _Identity(TokenFile(token_file)))
