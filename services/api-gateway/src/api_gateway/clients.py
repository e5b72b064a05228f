"""Calls to the services behind the gateway: one channel each, a deadline and the caller's own token on every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from api_gateway.auth.bearer import Authenticated
from service_kit import tracing
from service_kit.context import REQUEST_ID_KEY
from service_kit.errors import ServiceError, from_rpc_error
from service_kit.grpc_client import CHANNEL_OPTIONS

DEADLINE_SECONDS = 5.0
STATUS_DETAILS = "grpc-status-details-bin"
# What a bare gRPC status says to our callers; its own text names addresses and internals.
PLAIN_WORDS = {
    "UNAVAILABLE": "a service behind this call cannot be reached",
    "DEADLINE": f"no answer came within {DEADLINE_SECONDS:.0f} s; whether the call had an effect is not known",
    "LIMITED": "too many calls at once",
}
DEFECT = "something went wrong here; the request id finds it in the logs"


class Clients:
    """Open channels by the full name of the gRPC service they lead to. Made and used on one event loop."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """`addresses`: `host:port` by the full name of a gRPC service."""
        self._channels = {
            service: grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            for service, address in addresses.items()
        }
        self._calls: dict[str, Any] = {}

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to a service."""
        return self._channels[service]

    async def call(self, path: str, request: Message, response: type[Message], *, by: Authenticated, id_: str) -> Any:
        """Call the method at `path` (`/package.Service/Method`) for a caller. Raises ServiceError."""
        call = self._calls.get(path) or self._prepare(path, response)
        with tracing.inner_span(path[1:], "client"):
            metadata = (("authorization", f"Bearer {by.token}"), (REQUEST_ID_KEY, id_), *tracing.carrier().items())
            try:
                return await call(request, timeout=DEADLINE_SECONDS, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                raise _refusal(error) from error

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close()

    def _prepare(self, path: str, response: type[Message]) -> Any:
        self._calls[path] = self._channels[path[1:].partition("/")[0]].unary_unary(
            path, request_serializer=_serialize, response_deserializer=response.FromString
        )
        return self._calls[path]


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _refusal(error: grpc.aio.AioRpcError) -> ServiceError:
    found = from_rpc_error(error)
    if STATUS_DETAILS not in dict(error.trailing_metadata() or ()):
        found.detail = PLAIN_WORDS.get(found.reason, DEFECT)
        if found.detail is DEFECT:
            found.reason = "INTERNAL"
    return found
