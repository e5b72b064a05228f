"""A TCP proxy in front of a server that can fail as networks do."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from urllib.parse import urlsplit


class Proxy:
    """Forwards everything until told otherwise. Works on connections that are there and on new ones."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._losing = threading.Event()
        self._delay = self._jitter = 0.0
        self._requests_pass, self._replies_pass = threading.Event(), threading.Event()
        self._requests_pass.set()
        self._replies_pass.set()
        self.url = url.replace(str(parts.port), str(self._server.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_replies(self, *, losing: bool = True) -> None:
        """The next reply of each connection is lost, and the connection with it: requests arrive, answers do not."""
        if losing:
            self._losing.set()
        else:
            self._losing.clear()

    def cut(self) -> None:
        """Nothing passes in either direction; the connections stay, as with a router that drops packets."""
        self._requests_pass.clear()
        self._replies_pass.clear()

    def half_open(self) -> None:
        """Requests arrive, replies are held back; the connections stay."""
        self._replies_pass.clear()

    def delay(self, seconds: float, *, jitter: float = 0.0) -> None:
        """Everything arrives so much later, in each direction, and up to `jitter` later than that."""
        self._delay, self._jitter = seconds, jitter

    def heal(self) -> None:
        """Everything passes again at once, what was held back first."""
        self.delay(0.0)
        self._losing.clear()
        self._requests_pass.set()
        self._replies_pass.set()

    def close(self) -> None:
        """Take no more connections."""
        self.heal()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(self._target)
                threading.Thread(target=self._forward, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._forward, args=(far, near, True), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, replies: bool) -> None:  # noqa: FBT001 - thread target
        passing = self._replies_pass if replies else self._requests_pass
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if replies and self._losing.is_set():
                    break
                passing.wait()
                if self._delay or self._jitter:
                    time.sleep(self._delay + random.random() * self._jitter)  # noqa: S311 - a slow network, no secret
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
