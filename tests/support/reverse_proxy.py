"""A reverse proxy that shows one server below a path of its host, where other things are as well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

ITS_OWN = {"connection", "content-length", "content-encoding", "transfer-encoding", "date", "server"}


@dataclass
class ReverseProxy:
    """Where it answers, and the paths it was asked for that are none of the server's."""

    url: str = ""
    elsewhere: list[str] = field(default_factory=list)


@contextmanager
def reverse_proxy(target: str, path: str, *, strips: bool, scheme: str = "http") -> Iterator[ReverseProxy]:
    """In front of `target`; `strips`: takes `path` away. Says that people came by `scheme`."""
    proxy = ReverseProxy()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if self.path != path and not self.path.startswith(f"{path}/"):
                proxy.elsewhere.append(self.path)
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {**dict(self.headers), "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": scheme}
            asked = self.path.removeprefix(path) or "/" if strips else self.path
            reply = client.request(self.command, f"{target}{asked}", headers=headers, content=body)
            self.send_response(reply.status_code)
            for name, value in reply.headers.multi_items():
                if name.lower() not in ITS_OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Nothing: a test looks at answers."""

    with httpx.Client(timeout=20) as client, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()
