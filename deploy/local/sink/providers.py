"""The sink's HTTP side: an SMS and a push provider, and what a person or a test reads."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.sink.outbox import Outbox, refusal
from local.sink.page import page

LARGEST_BODY = 1_048_576
ON_PAGE = 200
VERDICTS = {"refused": HTTPStatus.UNPROCESSABLE_ENTITY, "busy": HTTPStatus.TOO_MANY_REQUESTS}


class HttpSink(ThreadingHTTPServer):
    """Listens on `address`; every message it accepts goes to `outbox`."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], outbox: Outbox) -> None:
        super().__init__(address, Providers)
        self.outbox = outbox

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless the client just went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Providers(BaseHTTPRequestHandler):
    """POST /sms and /push take `{to, text, title?}` and an Idempotency-Key; GET / is the page, /messages its JSON."""

    protocol_version = "HTTP/1.1"
    timeout = 60.0
    server: HttpSink

    def do_GET(self) -> None:
        """Show."""
        url = urlsplit(self.path)
        containing = parse_qs(url.query).get("containing", [""])[0]
        match url.path:
            case "/":
                messages = self.server.outbox.newest(containing=containing, limit=ON_PAGE)
                self._answer(HTTPStatus.OK, page(messages).encode(), "text/html; charset=utf-8")
            case "/messages":
                self._answer_json(HTTPStatus.OK, self.server.outbox.newest(containing=containing))
            case "/ready":
                self._answer_json(HTTPStatus.OK, {"status": "ok"})
            case _:
                self._answer_json(HTTPStatus.NOT_FOUND, {"error": "there is /, /messages and /ready"})

    def do_POST(self) -> None:
        """Take a message; a repeated key is answered as the first time."""
        body = self._body()
        if self.path not in {"/sms", "/push"}:
            self._answer_json(HTTPStatus.NOT_FOUND, {"error": "messages go to /sms or /push"})
        elif body is None:
            self._answer_json(
                HTTPStatus.BAD_REQUEST, {"error": "a JSON object with the texts `to` and `text` is wanted"}
            )
        elif verdict := refusal(body["to"]):
            self._answer_json(VERDICTS[verdict], {"error": f"the recipient is {verdict}"})
        else:
            message = self.server.outbox.add(
                channel=self.path[1:],
                to=body["to"],
                subject=body.get("title", ""),
                text=body["text"],
                key=self.headers.get("idempotency-key", ""),
            )
            self._answer_json(HTTPStatus.ACCEPTED, {"id": f"{message.channel}-{message.number}"})

    def _body(self) -> dict[str, str] | None:
        length = int(self.headers.get("content-length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            return None
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            return None
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in ("to", "text")):
            return None
        return {name: str(value) for name, value in body.items()}

    def _answer_json(self, status: HTTPStatus, value: Any) -> None:
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the page shows what arrived."""
