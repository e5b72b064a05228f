"""A gRPC server as every service runs it: bounded, with standard health on a thread of its own and reflection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service_kit.interceptor import CallInterceptor
from service_kit.ports import require_free

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
CALLS_PER_THREAD = 32  # running and waiting; beyond them a call is refused at once
MAX_METADATA_BYTES = 16 * 1024
CONNECTION_AGE_MS = 90_000  # clients reconnect and so find new replicas; gRPC does not re-resolve otherwise
CONNECTION_AGE_GRACE_MS = 10_000  # what calls that run then get; no longer than a service's own grace at its end


class _Health(health.HealthServicer):
    """Standard health; answered by a thread of its own, so that a busy pool never reads as dead."""

    def Check(  # noqa: N802 - named by the protocol
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        return super().Check(request, context)

    # grpc looks here for the pool that runs a method.
    Check.experimental_thread_pool = futures.ThreadPoolExecutor(1, "health")  # type: ignore[attr-defined]


class GrpcServer:
    """One port, one pool. `port` 0 takes a free one; the attribute `port` says which."""

    def __init__(
        self,
        *,
        port: int,
        threads: int,
        interceptor: CallInterceptor,
        services: Sequence[str],
        add_servicers: Callable[[grpc.Server], None],
        host: str = "[::]",
        with_reflection: bool = True,
    ) -> None:
        """`services`: the full names to show in reflection and health. Raises PortInUse."""
        require_free(host, port)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(threads, "grpc"),
            interceptors=[interceptor],
            maximum_concurrent_rpcs=threads * CALLS_PER_THREAD,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_metadata_size", MAX_METADATA_BYTES),
                ("grpc.so_reuseport", 0),
                ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
                ("grpc.max_connection_age_grace_ms", CONNECTION_AGE_GRACE_MS),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ],
        )
        self._health = _Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_servicers(self._server)
        if with_reflection:
            reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self._services = ("", *services)
        self.port = self._server.add_insecure_port(f"{host}:{port}")

    def start(self) -> None:
        """Serve; health says SERVING until `set_ready` says otherwise."""
        self._server.start()
        self.set_ready(ready=True)

    def set_ready(self, *, ready: bool) -> None:
        """What standard health answers for this server and each of its services."""
        for service in self._services:
            self.set_health(service, serving=ready)

    def set_health(self, name: str, *, serving: bool) -> None:
        """What standard health answers for one entry; something the service depends on has an entry of its own."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        self._health.set(name, status)

    def stop(self, grace_seconds: float) -> None:
        """Take no new calls, let running ones end within `grace_seconds`."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_seconds).wait()
