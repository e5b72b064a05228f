"""A TCP proxy in front of the store that can lose replies: requests arrive, answers do not."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class LossyProxy:
    """Forwards everything; after `lose_replies` the next reply of each connection is lost with the connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), int(parts.port or 0))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._losing = threading.Event()
        self.url = url.replace(str(parts.port), str(self._server.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_replies(self, *, losing: bool = True) -> None:
        """Begin or end losing replies."""
        if losing:
            self._losing.set()
        else:
            self._losing.clear()

    def close(self) -> None:
        """Take no more connections."""
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
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if replies and self._losing.is_set():
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
