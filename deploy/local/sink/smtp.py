"""The sink's mail server: takes what a mail server takes, delivers nothing."""

from __future__ import annotations

import re
import socketserver
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from local.sink.outbox import Outbox, refusal

PATH = re.compile(rb"(?:FROM|TO):\s*<([^<>\s]*)>.*", re.IGNORECASE)
LONGEST_LINE = 65_536
LARGEST_MAIL = 1_048_576
REPLIES = {"refused": "550 not wanted here", "busy": "451 try again later", "": "250 ok"}


class SmtpSink(socketserver.ThreadingTCPServer):
    """Listens on `address`; every mail it accepts goes to `outbox`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], outbox: Outbox) -> None:
        super().__init__(address, SmtpSession)
        self.outbox = outbox

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless the client just went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class SmtpSession(socketserver.StreamRequestHandler):
    """One client's session (RFC 5321: HELO, EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT)."""

    timeout = 60.0
    server: SmtpSink

    def setup(self) -> None:
        """Begin with no mail."""
        super().setup()
        self._sender: str | None = None
        self._recipients: list[str] = []

    def handle(self) -> None:
        """Answer commands until the client leaves."""
        self._say("220 sink ready")
        while line := self.rfile.readline(LONGEST_LINE):
            verb, _, rest = line.strip().partition(b" ")
            match verb.upper():
                case b"HELO" | b"EHLO" | b"RSET":
                    self._forget()
                    self._say("250 ok")
                case b"MAIL":
                    self._mail(rest)
                case b"RCPT":
                    self._rcpt(rest)
                case b"DATA":
                    self._data()
                case b"NOOP":
                    self._say("250 ok")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("502 not known here")

    def _mail(self, rest: bytes) -> None:
        path = PATH.fullmatch(rest)
        if path is None:
            self._say("501 MAIL FROM:<address> is wanted")
            return
        self._forget()
        sender = path[1].decode(errors="replace")
        verdict = refusal(sender)
        if not verdict:
            self._sender = sender
        self._say(REPLIES[verdict])

    def _rcpt(self, rest: bytes) -> None:
        path = PATH.fullmatch(rest)
        if path is None or self._sender is None:
            self._say("503 RCPT TO:<address> after MAIL is wanted")
            return
        address = path[1].decode(errors="replace")
        verdict = refusal(address)
        if not verdict:
            self._recipients.append(address)
        self._say(REPLIES[verdict])

    def _data(self) -> None:
        if not self._recipients:
            self._say("503 DATA after RCPT is wanted")
            return
        self._say("354 end with a dot on a line of its own")
        content = self._content()
        if content is None:
            return
        if len(content) > LARGEST_MAIL:
            self._say("552 too large")
            return
        mail = message_from_bytes(content, policy=default)
        for address in self._recipients:
            self.server.outbox.add(
                channel="email",
                to=address,
                subject=str(mail["Subject"] or ""),
                text=text_of(mail),
                key=str(mail["Message-ID"] or "").strip(),  # a long one has a line of its own, after a space
            )
        self._forget()
        self._say("250 taken")

    def _content(self) -> bytes | None:
        """The mail up to the dot, of one too large only the beginning; None when the client went away before."""
        lines: list[bytes] = []
        size = 0
        while line := self.rfile.readline(LONGEST_LINE):
            if line.rstrip(b"\r\n") == b".":
                return b"".join(lines)
            if size <= LARGEST_MAIL:
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            size += len(line)
        return None

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


def text_of(mail: EmailMessage) -> str:
    """The readable part of a mail."""
    body = mail.get_body(("plain", "html"))
    return str(body.get_content()).replace("\r\n", "\n").strip() if body else ""
