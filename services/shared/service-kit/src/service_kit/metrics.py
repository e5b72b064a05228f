"""The metrics port of a service: /metrics, /livez, /readyz and what a service adds, over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from service_kit import VERSION
from service_kit.ports import require_free

STOP_POLL_SECONDS = 0.1
Probe = Callable[[], str | None]
"""Answers None when well, or says in words what is wrong."""
Page = Callable[[str], tuple[int, Any]]
"""Answers a path's last part with an HTTP status and what its JSON body says."""
STORE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        """Bind, to IPv4 too, without asking DNS for the host's name, as HTTPServer would; that can take seconds."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", int(self.server_address[1])


class MetricsServer:
    """Serves on a thread of its own. `port` 0 takes a free one; the attribute `port` says which."""

    def __init__(
        self,
        port: int,
        registry: CollectorRegistry,
        *,
        live: Probe,
        ready: Probe,
        host: str = "[::]",
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        """`pages` by the first part of their path: `scaling` answers /scaling/{anything}. Raises PortInUse."""

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                first, _, rest = path.removeprefix("/").partition("/")
                if path == "/metrics":
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif path in ("/livez", "/readyz"):
                    problem = live() if path == "/livez" else ready()
                    self._answer(503 if problem else 200, (problem or "ok").encode(), TEXT)
                elif pages and first in pages:
                    status, content = pages[first](rest)
                    self._answer(status, orjson.dumps(content), JSON)
                else:
                    self._answer(404, b"try /metrics, /livez or /readyz", TEXT)

            def _answer(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
                """Scrapes are not worth a log line."""

        require_free(host, port)
        Gauge("build_info", "The running software.", ["version"], registry=registry).labels(VERSION).set(1)
        self._server = _Server(_plain(host), port, Handler)
        self.port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name="metrics", daemon=True
        ).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def store_timer(registry: CollectorRegistry) -> Callable[[str, float], None]:
    """What measures the calls of a service's own engine: function and seconds of each."""
    seconds = Histogram(
        "queue_script_duration_seconds",
        "Time a function of the store took, the way there and back included.",
        ["function"],
        buckets=STORE_SECONDS,
        registry=registry,
    )
    known: dict[str, Histogram] = {}  # finding one again by its label costs more than measuring

    def observe(function: str, took: float) -> None:
        if function not in known:
            known[function] = seconds.labels(function)
        known[function].observe(took)

    return observe


def _plain(host: str) -> str:
    everywhere = host in ("", "[::]")
    if not everywhere:
        return host.strip("[]")
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - what [::] asks for
