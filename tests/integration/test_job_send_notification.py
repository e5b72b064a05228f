"""A notification reaches its recipient once, whatever happens on the way."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from fixtures.postgres import PostgresServer
from local.platform.load import load
from local.ports import free_port
from local.sink.server import Sink
from support.handling import RecordedQueues, a_context
from worker.delivery.contract import Message, Senders
from worker.delivery.email import EmailSender
from worker.delivery.http import HttpProvider
from worker.delivery.push import PushSender
from worker.delivery.sms import SmsSender
from worker.failures import Defer, Permanent
from worker.jobs.notifications import SendNotification, send_notification
from worker.platform.contract import Channel
from worker.platform.postgres import PostgresPlatform

FROM = "Property jobs <jobs@platform.example>"
TO = {Channel.EMAIL: "user-lena", Channel.SMS: "user-tom", Channel.PUSH: "user-tom"}
NO_ONE = f"127.0.0.1:{free_port()}"
by_channel = pytest.mark.parametrize("channel", list(Channel))


@pytest.fixture
def platform(database_url: str) -> Iterator[PostgresPlatform]:
    load(database_url)
    platform = PostgresPlatform(database_url)
    yield platform
    platform.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    sink.start()
    yield sink
    sink.stop()


@contextmanager
def senders(smtp_url: str, http_url: str) -> Iterator[Senders]:
    sms, push = HttpProvider(f"{http_url}/sms"), HttpProvider(f"{http_url}/push")
    yield Senders(EmailSender(smtp_url, sender=FROM), SmsSender(sms), PushSender(push))
    sms.close()
    push.close()


@pytest.fixture
def to_sink(sink: Sink) -> Iterator[Senders]:
    with senders(sink.smtp_url, sink.http_url) as given:
        yield given


def notify(platform: PostgresPlatform, senders: Senders, *, job_id: str = "n-1", **payload: Any) -> dict[str, str]:
    notification = SendNotification(**{"type": "email", "recipient_id": "user-lena", "message": "Hello", **payload})
    result: dict[str, str] = send_notification(
        notification, a_context("send-notification", job_id, RecordedQueues()), platform, senders
    )
    return result


def deliveries(database_url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT notification_id, state, detail FROM platform.deliveries ORDER BY 1")
        return rows.fetchall()


@by_channel
def test_each_channel_hands_the_text_and_the_notification_id_to_its_provider(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    done = notify(platform, to_sink, type=channel, recipient_id=TO[channel], subject="Tap", message="It drips.\n.Yes.")

    [message] = sink.outbox.newest()
    assert done["outcome"] == "delivered"
    assert message["channel"] == channel
    assert "Tap" in message["subject"] + message["text"]
    assert message["text"].endswith("It drips.\n.Yes.")
    assert "n-1" in message["key"]


@by_channel
def test_a_notification_run_five_times_is_one_message(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    outcomes = [notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] for _ in range(5)]

    assert outcomes == ["delivered"] * 5
    assert [message["repeats"] for message in sink.outbox.newest()] == [0]


@by_channel
def test_eight_runs_at_the_same_moment_are_one_message(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    start = threading.Barrier(8)

    def run(_number: int) -> str:
        start.wait()
        try:
            return notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"]
        except Defer:
            return "deferred"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(run, range(8)))

    assert len(sink.outbox.newest()) == 1
    assert "delivered" in outcomes
    assert set(outcomes) <= {"delivered", "deferred"}
    assert notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert [message["repeats"] for message in sink.outbox.newest()] == [0]


class Crash(BaseException):
    """Ends a run as kill -9 would: nothing after it is done."""


class CrashingSender:
    """Sends for real and then, or before, crashes."""

    def __init__(self, real: Any, *, when: str) -> None:
        self._real, self._when = real, when

    def send(self, message: Message, *, commit: Callable[[], None]) -> str:
        if self._when == "before":
            raise Crash
        self._real.send(message, commit=commit)
        raise Crash


def crash(platform: PostgresPlatform, to_sink: Senders, channel: Channel, when: str) -> None:
    crashing = CrashingSender(to_sink.by(channel), when=when)
    with suppress(Crash):
        notify(platform, Senders(crashing, crashing, crashing), type=channel, recipient_id=TO[channel])


def let_claims_run_out(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE platform.deliveries SET claimed_until = now()")


@by_channel
def test_a_run_that_finds_a_fresh_claim_waits(platform: PostgresPlatform, to_sink: Senders, channel: Channel) -> None:
    crash(platform, to_sink, channel, "after")

    with pytest.raises(Defer):
        notify(platform, to_sink, type=channel, recipient_id=TO[channel])


@by_channel
def test_a_crash_between_claim_and_sending_loses_nothing(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel, database_url: str
) -> None:
    crash(platform, to_sink, channel, "before")
    let_claims_run_out(database_url)

    assert notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.PUSH])
def test_after_a_crash_between_sending_and_mark_the_provider_recognises_the_repeat(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel, database_url: str
) -> None:
    crash(platform, to_sink, channel, "after")
    let_claims_run_out(database_url)

    assert notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert [message["repeats"] for message in sink.outbox.newest()] == [1]


def test_after_a_crash_between_sending_and_mark_an_email_is_left_to_a_person(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    crash(platform, to_sink, Channel.EMAIL, "after")
    let_claims_run_out(database_url)

    for _ in range(3):
        with pytest.raises(Permanent, match="may have arrived"):
            notify(platform, to_sink)
    assert len(sink.outbox.newest()) == 1


def test_a_run_that_was_overtaken_does_not_send(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    class SlowSender:
        def send(self, message: Message, *, commit: Callable[[], None]) -> str:
            let_claims_run_out(database_url)
            notify(platform, to_sink)
            return to_sink.email.send(message, commit=commit)

    slow = SlowSender()
    with pytest.raises(Defer):
        notify(platform, Senders(slow, slow, slow))
    assert len(sink.outbox.newest()) == 1


def test_a_recipient_without_an_address_is_a_recorded_skip(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    done = notify(platform, to_sink, type="sms", recipient_id="user-tina")

    assert done == {"outcome": "skipped", "reason": "user-tina has no address for sms"}
    assert deliveries(database_url) == [("n-1", "skipped", "user-tina has no address for sms")]
    assert sink.outbox.newest() == []


def test_an_unknown_recipient_is_a_failure_for_good(platform: PostgresPlatform, to_sink: Senders) -> None:
    with pytest.raises(Permanent, match="no user nobody"):
        notify(platform, to_sink, recipient_id="nobody")


def set_address(database_url: str, address: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE platform.users SET email = %(a)s, phone = %(a)s, push_token = %(a)s", {"a": address})


@by_channel
def test_a_refused_recipient_is_a_failure_for_good_until_the_address_is_corrected(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, channel: Channel
) -> None:
    set_address(database_url, "x@refused.example")
    with pytest.raises(Permanent, match="refused"):
        notify(platform, to_sink, type=channel)
    assert deliveries(database_url)[0][1] == "refused"

    set_address(database_url, "x@corrected.example")
    assert notify(platform, to_sink, type=channel)["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@pytest.mark.parametrize("address", ["no-address", "two@at@signs.example", "new\nline@x.example", "grüße@x.example"])
def test_what_is_no_address_is_never_offered_to_the_mail_server(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, address: str
) -> None:
    set_address(database_url, address)

    with pytest.raises(Permanent):
        notify(platform, to_sink)
    assert sink.outbox.newest() == []


@by_channel
def test_a_busy_provider_defers_and_a_later_run_delivers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, channel: Channel
) -> None:
    set_address(database_url, "x@busy.example")
    with pytest.raises(Defer):
        notify(platform, to_sink, type=channel)

    set_address(database_url, "x@free.example")
    assert notify(platform, to_sink, type=channel)["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@by_channel
def test_a_provider_that_is_down_defers_and_a_later_run_delivers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    with senders(f"smtp://{NO_ONE}", f"http://{NO_ONE}") as to_no_one, pytest.raises(Defer):
        notify(platform, to_no_one, type=channel, recipient_id=TO[channel])

    assert notify(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


class HangsUpAfter(socketserver.StreamRequestHandler):
    """A mail server that takes a mail and hangs up before it says so, or before it takes it."""

    last_word = b"."

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline():
            if line.strip().upper() == self.last_word:
                return
            if not line.upper().startswith((b"EHLO", b"MAIL", b"RCPT", b"DATA")):
                continue
            self.wfile.write(b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 ok\r\n")


@contextmanager
def a_server_that_hangs_up(last_word: bytes) -> Iterator[str]:
    handler = type("Handler", (HangsUpAfter,), {"last_word": last_word})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_mail_server_that_hangs_up_before_the_mail_defers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders
) -> None:
    with a_server_that_hangs_up(b"DATA") as url, senders(url, sink.http_url) as broken, pytest.raises(Defer):
        notify(platform, broken)

    assert notify(platform, to_sink)["outcome"] == "delivered"


def test_a_mail_server_that_hangs_up_on_the_mail_itself_leaves_it_to_a_person(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    with (
        a_server_that_hangs_up(b".") as url,
        senders(url, sink.http_url) as broken,
        pytest.raises(Permanent, match="may have arrived"),
    ):
        notify(platform, broken)

    let_claims_run_out(database_url)
    with pytest.raises(Permanent):
        notify(platform, to_sink)
    assert sink.outbox.newest() == []


def test_one_event_told_by_two_channels_is_one_row_in_the_app(
    platform: PostgresPlatform, to_sink: Senders, database_url: str
) -> None:
    for channel in ("email", "sms"):
        notify(platform, to_sink, job_id=f"n-{channel}", type=channel, metadata={"cause": "ticket-created-t1"})
    notify(platform, to_sink, job_id="n-alone")

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT recipient_id, cause FROM platform.in_app_notifications ORDER BY 2").fetchall()
    assert rows == [("user-lena", "n-alone"), ("user-lena", "ticket-created-t1")]


def test_the_platforms_database_being_away_defers_and_its_return_is_noticed(
    postgres_server: PostgresServer, sink: Sink, to_sink: Senders
) -> None:
    load(postgres_server.url)
    platform = PostgresPlatform(postgres_server.url, timeout_seconds=1.0)
    try:
        assert notify(platform, to_sink, job_id="before")["outcome"] == "delivered"
        postgres_server.stop()
        for _ in range(2):
            with pytest.raises(Defer):
                notify(platform, to_sink, job_id="meanwhile")
        postgres_server.start()
        assert notify(platform, to_sink, job_id="meanwhile")["outcome"] == "delivered"
    finally:
        platform.close()
    assert len(sink.outbox.newest()) == 2


def test_the_schema_is_made_once(database_url: str) -> None:
    assert [load(database_url), load(database_url)] == [True, False]
