"""Both halves of the sink, running on threads of their own."""

from __future__ import annotations

import threading

from local.sink.outbox import Outbox
from local.sink.providers import HttpSink
from local.sink.smtp import SmtpSink

LOCALHOST = "127.0.0.1"


class Sink:
    """A mail server and an SMS and push provider that keep what they are given. A port of 0 means a free one."""

    def __init__(self, *, smtp_port: int = 0, http_port: int = 0, host: str = LOCALHOST) -> None:
        self.outbox = Outbox()
        self._host = host
        self._servers = (SmtpSink((host, smtp_port), self.outbox), HttpSink((host, http_port), self.outbox))

    @property
    def smtp_url(self) -> str:
        """Where the mail server listens."""
        return f"smtp://{self._host}:{self._servers[0].server_address[1]}"

    @property
    def http_url(self) -> str:
        """Where the page and, under /sms and /push, the providers are."""
        return f"http://{self._host}:{self._servers[1].server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more and free the ports."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
