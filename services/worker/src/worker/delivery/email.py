"""E-mail by SMTP. SMTP does not recognise repeats, so the step after which a message may be gone is committed first."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import SplitResult, unquote, urlsplit

from worker.delivery.contract import DeliveryRefused, Message, OutcomeUnknown, ProviderUnavailable

ADDRESS = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")  # printable ASCII without spaces, angle brackets and a second @
# Job ids may hold what a Message-ID may not; the replacements cannot occur in a job id, so no two ids meet.
TO_ATOM = str.maketrans({":": "/", ".": "+"})
COMMAND_SECONDS, ACCEPTANCE_SECONDS = 5.0, 20.0  # for each answer, and for the last one; all together stay below 60 s
GO_AHEAD, REFUSALS = range(354, 355), range(500, 600)
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class EmailSender:
    """Sends through the server at `url`: smtp://, smtp+starttls:// or smtps://, with `user:password@` when it asks."""

    def __init__(self, url: str, *, sender: str) -> None:
        self._server = urlsplit(url)
        if self._server.scheme not in PORTS or not self._server.hostname:
            raise ValueError("SMTP_URL: must look like smtp://host:port, smtp+starttls://… or smtps://…")
        self._sender, self._envelope_sender = sender, parseaddr(sender)[1]

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:
        """See Sender. The reference is the Message-ID."""
        if not ADDRESS.fullmatch(message.address):
            raise DeliveryRefused("the recipient's e-mail address is none")
        mail = self._mail(message)
        try:
            # Closed without a farewell when something failed: waiting for one could hide what failed.
            with closing(connect(self._server, COMMAND_SECONDS)) as smtp:
                expect(smtp.mail(self._envelope_sender), "sender")
                expect(smtp.rcpt(message.address), "recipient")
                expect(smtp.docmd("DATA"), "message", wanted=GO_AHEAD)
                commit()
                expect(hand_over(smtp, mail.as_bytes(policy=SMTP)), "message")
                with suppress(OSError):
                    smtp.quit()
        except OSError as error:  # smtplib's own errors are among them
            raise ProviderUnavailable(f"the mail server cannot be used: {error}") from error
        return str(mail["Message-ID"])

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, message.address
        mail["Subject"] = message.subject or "Notification"
        mail["Date"] = format_datetime(datetime.now(UTC))
        domain = self._envelope_sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{message.notification_id.translate(TO_ATOM)}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def connect(server: SplitResult, timeout: float) -> smtplib.SMTP:
    """A session with the server, greeted, encrypted and logged in as the URL says."""
    host, port = server.hostname or "", server.port or PORTS[server.scheme]
    tls = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls)
    else:
        smtp = smtplib.SMTP(host, port, timeout=timeout)
    try:
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=tls)
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


def expect(reply: tuple[int, bytes], what: str, *, wanted: range = range(200, 300)) -> None:
    """Raise what a reply means unless its code is one of those wanted."""
    code, text = reply
    words = f"{code} {text.decode(errors='replace')}"
    if code in REFUSALS:
        raise DeliveryRefused(f"the mail server refused the {what}: {words}")
    if code not in wanted:
        raise ProviderUnavailable(f"the mail server does not take the {what} now: {words}")


def hand_over(smtp: smtplib.SMTP, content: bytes) -> tuple[int, bytes]:
    """Send the content and read the answer. A connection that breaks meanwhile leaves open whether it was taken."""
    try:
        if smtp.sock is not None:
            smtp.sock.settimeout(ACCEPTANCE_SECONDS)
        smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
        return smtp.getreply()
    except OSError as error:
        raise OutcomeUnknown(f"the connection broke while the mail server took the message: {error}") from error
