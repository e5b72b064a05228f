"""The gateway in this process on a real port, in front of a gRPC server that answers every method as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import httpx
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import CollectorRegistry

from api_gateway.app import SERVICES, build_app
from api_gateway.auth.passwords import Passwords
from api_gateway.auth.signing import Signer, make_keys
from api_gateway.auth.users import User, UsersFile
from api_gateway.server import Server, configuration, listen, parts_of
from api_gateway.settings import GatewaySettings
from service_kit.contract import Method, methods_of
from service_kit.grpc_server import GrpcServer
from service_kit.interceptor import CallInterceptor
from service_kit.tokens import TokenVerifier
from support.waiting import wait_until

PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True)
class Call:
    """One gRPC call that arrived."""

    method: str
    request: Any
    metadata: dict[str, str]
    seconds_left: float


@dataclass
class Backend:
    """Both services on one port. `replies` by method name: a message to answer with, an exception to raise,
    or an event to wait for."""

    replies: dict[str, Message | Exception | threading.Event] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    server: GrpcServer | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        assert self.server is not None
        return f"127.0.0.1:{self.server.port}"

    def start(self, jwks: str, port: int = 0) -> None:
        """Listen, on a port of its own choice or a given one."""
        verifier = TokenVerifier.from_settings(GatewaySettings.model_validate({"auth_jwks": jwks}))
        methods = methods_of(*SERVICES)
        interceptor = CallInterceptor(methods, verifier, translate=lambda _: None, registry=CollectorRegistry())
        self.server = GrpcServer(
            port=port,
            threads=8,
            interceptor=interceptor,
            services=[service.full_name for service in SERVICES],
            add_servicers=self._add,
            host="127.0.0.1",
        )
        self.server.start()

    def stop(self) -> None:
        """Cut everybody off."""
        assert self.server is not None
        self.server.stop(0)

    def _add(self, server: grpc.Server) -> None:
        for service in SERVICES:
            handlers = {m.name: self._handler(m) for m in methods_of(service).values()}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))

    def _handler(self, method: Method) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            partial(self._answer, method),
            request_deserializer=GetMessageClass(method.descriptor.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _answer(self, method: Method, request: Message, context: grpc.ServicerContext) -> Message:
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.calls.append(Call(method.name, request, metadata, context.time_remaining()))
        empty = GetMessageClass(method.descriptor.output_type)()
        reply = self.replies.get(method.name, empty)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, threading.Event):
            reply.wait(context.time_remaining() + 1)
            return empty
        return reply


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The gateway, its one backend, and what it takes to be let in."""

    url: str
    backend: Backend
    signer: Signer
    users: UsersFile
    registry: CollectorRegistry
    settings: GatewaySettings

    def token(self, *roles: str, sub: str = "somebody", seconds: int = 60) -> str:
        """A token with these roles."""
        return self.signer.sign(sub, roles, seconds=seconds)

    def client(self, *roles: str, sub: str = "somebody") -> httpx.Client:
        """A client with a token of these roles; without any, one without a token."""
        headers = {"authorization": f"Bearer {self.token(*roles, sub=sub)}"} if roles else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10)


def a_user(email: str, *roles: str) -> User:
    """A user with the password PASSWORD."""
    return User(email.partition("@")[0], email, frozenset(roles), Passwords().hash(PASSWORD))


@contextmanager
def a_gateway(folder: Path, **more_settings: object) -> Iterator[RunningGateway]:
    """A running gateway with keys, an empty users file and a backend; further settings by name."""
    key = make_keys(folder / "key.json", folder / "jwks.json", rotate=False)
    backend = Backend()
    backend.start(str(folder / "jwks.json"))
    usual: dict[str, object] = {
        "gateway_host": "127.0.0.1",
        "gateway_signing_key_file": str(folder / "key.json"),
        "gateway_users_file": str(folder / "users.json"),
        "auth_jwks": str(folder / "jwks.json"),
        "gateway_queue_admin_address": backend.address,
        "gateway_audit_address": backend.address,
        "gateway_drain_seconds": 1,
    }
    settings = GatewaySettings.model_validate({**usual, **more_settings})
    registry = CollectorRegistry()
    server = Server(configuration(build_app(parts_of(settings, registry)), settings))
    listener = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="gateway")
    thread.start()
    try:
        wait_until(lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        signer = Signer(key, settings.auth_issuer, settings.auth_audience)
        yield RunningGateway(url, backend, signer, UsersFile(folder / "users.json"), registry, settings)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        backend.stop()
