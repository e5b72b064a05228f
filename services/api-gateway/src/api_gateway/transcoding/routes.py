"""The routes of the contract: every public method at the path its google.api.http annotation gives it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from google.api import annotations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from api_gateway.auth.bearer import Bearer
from api_gateway.clients import Clients
from api_gateway.transcoding.encode import Encoders
from api_gateway.transcoding.endpoint import Endpoint
from service_kit.contract import methods_of


def endpoints_of(*services: ServiceDescriptor) -> list[Endpoint]:
    """An endpoint for each method with an HTTP annotation."""
    encoders = Encoders()
    return [
        Endpoint(method, encoders)
        for method in methods_of(*services).values()
        if method.descriptor.GetOptions().HasExtension(annotations_pb2.http)
    ]


@dataclass(frozen=True, slots=True)
class _Path:
    """A path template taken apart: literal segments, and the fields that stand for the others."""

    segments: tuple[str | None, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, template: str) -> _Path:
        parts = template.split("/")[1:]
        names = tuple(part[1:-1] for part in parts if part.startswith("{"))
        return cls(tuple(None if part.startswith("{") else part for part in parts), names)

    def values(self, segments: list[str]) -> dict[str, str] | None:
        """The parameters in a path's segments, None when the path is another one."""
        if len(segments) != len(self.segments):
            return None
        pairs = list(zip(self.segments, segments, strict=True))
        if any(wanted is not None and wanted != found for wanted, found in pairs):
            return None
        return dict(zip(self.names, (found for wanted, found in pairs if wanted is None), strict=True))

    @property
    def literals(self) -> int:
        """How many segments are fixed; of two templates that fit, the one with more of them is meant."""
        return sum(segment is not None for segment in self.segments)


class ContractRoutes(BaseRoute):
    """All endpoints as one route. Paths are split before they are decoded, so that an encoded slash stays a value."""

    def __init__(self, endpoints: Iterable[Endpoint], bearer: Bearer) -> None:
        found = [(_Path.of(endpoint.template), endpoint) for endpoint in endpoints]
        self._routes = sorted(found, key=lambda route: -route[0].literals)
        self._bearer = bearer

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is one of ours, whatever the method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        segments = _segments(scope)
        fitting = [(e, v) for path, e in self._routes if (v := path.values(segments)) is not None]
        return (Match.FULL, {"contract_routes": fitting}) if fitting else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose path matched."""
        verb = "GET" if scope["method"] == "HEAD" else scope["method"]
        fitting: list[tuple[Endpoint, dict[str, str]]] = scope["contract_routes"]
        chosen = next((route for route in fitting if route[0].verb == verb), None)
        scope["route_template"] = (chosen or fitting[0])[0].public_template
        if chosen is None:
            allowed = ", ".join(sorted({endpoint.verb for endpoint, _ in fitting}))
            raise HTTPException(405, f"this path answers {allowed}", {"Allow": allowed})
        response = await self._answer(Request(scope, receive), *chosen)
        await response(scope, receive, send)

    async def _answer(self, request: Request, endpoint: Endpoint, path_values: dict[str, str]) -> Response:
        caller = await self._bearer.require(request, endpoint.method.roles)
        message = await endpoint.read(request, path_values)
        clients: Clients = request.state.clients
        response = await clients.call(
            endpoint.method.path, message, endpoint.response_class, by=caller, id_=request.state.request_id
        )
        return endpoint.answer(response)

    def url_path_for(self, name: str, /, **path_params: object) -> str:  # type: ignore[override]
        """The contract's routes have no names for Starlette to find."""
        raise NoMatchFound(name, dict(path_params))


def _segments(scope: Scope) -> list[str]:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    above = scope.get("root_path", "").count("/")
    # Bytes that are no UTF-8 become characters that no pattern of the contract allows.
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in raw.split(b"/")[1 + above :]]
