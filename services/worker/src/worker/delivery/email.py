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
ASCII_ONLY = SMTP.clone(cte_type="7bit")  # what every server takes, whatever it announces
GO_AHEAD, REFUSALS, LAST_WORDS = range(354, 355), range(500, 600), range(200, 600)
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class EmailSender:
    """Sends through the server at `url`: smtp://, smtp+starttls:// or smtps://, with `user:password@` when it asks."""

    def __init__(self, url: str, *, sender: str) -> None:
        self._server = urlsplit(url)
        if self._server.scheme not in PORTS or not self._server.hostname:
            raise ValueError("SMTP_URL: must look like smtp://host:port, smtp+starttls://… or smtps://…")
        self._sender, self._envelope_sender = sender, parseaddr(sender)[1]
        self._domain = self._envelope_sender.rpartition("@")[2]
        if not ADDRESS.fullmatch(self._envelope_sender):
            raise ValueError("SMTP_FROM: must hold an e-mail address")

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:
        """See Sender. The reference is the Message-ID."""
        if not ADDRESS.fullmatch(message.address):
            raise DeliveryRefused("the recipient's e-mail address is none")
        mail = compose(message, sender=self._sender, domain=self._domain)
        try:
            # Closed without a farewell when something failed: waiting for one could hide what failed.
            with closing(connect(self._server, name=self._domain)) as smtp:
                self._announce(smtp)
                expect(smtp.rcpt(message.address), "recipient")
                expect(smtp.docmd("DATA"), "message", wanted=GO_AHEAD)
                commit()
                expect(hand_over(smtp, mail.as_bytes()), "message")
                with suppress(OSError):
                    smtp.quit()
        except OSError as error:  # smtplib's own errors are among them
            raise ProviderUnavailable(f"the mail server cannot be used: {error}") from error
        return str(mail["Message-ID"])

    def _announce(self, smtp: smtplib.SMTP) -> None:
        try:
            expect(smtp.mail(self._envelope_sender), "sender")
        except DeliveryRefused as refusal:  # nothing that this recipient or message could help
            raise ProviderUnavailable(str(refusal)) from refusal


def compose(message: Message, *, sender: str, domain: str) -> EmailMessage:
    """The mail for a message; its Message-ID follows from the notification id."""
    mail = EmailMessage(policy=ASCII_ONLY)
    mail["From"], mail["To"] = sender, message.address
    mail["Subject"] = " ".join((message.subject or "Notification").split())  # a header is one line
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{message.notification_id.translate(TO_ATOM)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def connect(server: SplitResult, *, name: str) -> smtplib.SMTP:
    """A session with the server, greeted as `name`, encrypted and logged in as the URL says."""
    host, port = server.hostname or "", server.port or PORTS[server.scheme]
    if server.scheme == "smtps":
        tls = ssl.create_default_context()
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, name, timeout=COMMAND_SECONDS, context=tls)
    else:
        smtp = smtplib.SMTP(host, port, name, timeout=COMMAND_SECONDS)
    try:
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=ssl.create_default_context())
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
        reply = smtp.getreply()
    except OSError as error:
        raise OutcomeUnknown(f"the connection broke while the mail server took the message: {error}") from error
    if reply[0] not in LAST_WORDS:
        raise OutcomeUnknown(f"the mail server's last word was no answer: {reply[0]}")
    return reply
