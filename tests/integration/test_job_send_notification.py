"""A notification reaches its recipient once, whatever happens on the way."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from fixtures.platform import senders
from fixtures.postgres import PostgresServer
from local.platform.load import load
from local.ports import free_port
from local.sink.server import Sink
from support.handling import let_claims_run_out, send
from worker.delivery.contract import Senders
from worker.delivery.email import EmailSender
from worker.failures import Defer, Permanent
from worker.platform.contract import Channel
from worker.platform.postgres import PostgresPlatform

TO = {Channel.EMAIL: "user-lena", Channel.SMS: "user-tom", Channel.PUSH: "user-tom"}
NO_ONE = f"127.0.0.1:{free_port()}"
by_channel = pytest.mark.parametrize("channel", list(Channel))


def deliveries(database_url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT notification_id, state, detail FROM platform.deliveries ORDER BY 1")
        return rows.fetchall()


@by_channel
def test_each_channel_hands_the_text_and_the_notification_id_to_its_provider(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    done = send(platform, to_sink, type=channel, recipient_id=TO[channel], subject="Tap", message="It drips.\n.Yes.")

    [message] = sink.outbox.newest()
    assert done["outcome"] == "delivered"
    assert message["channel"] == channel
    assert "Tap" in message["subject"] + message["text"]
    assert message["text"].endswith("It drips.\n.Yes.")
    assert "n-1" in message["key"]


@by_channel
def test_words_of_any_language_arrive_as_they_are(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    words = "Übergröße ☂ 雨 " + "x" * 2000
    send(platform, to_sink, type=channel, recipient_id=TO[channel], subject="Kälte ❄", message=words)

    [message] = sink.outbox.newest()
    assert "Kälte ❄" in message["subject"] + message["text"]
    assert message["text"].endswith(words)


@by_channel
def test_a_notification_run_five_times_is_one_message(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    outcomes = [send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] for _ in range(5)]

    assert outcomes == ["delivered"] * 5
    assert [message["repeats"] for message in sink.outbox.newest()] == [0]


def test_a_recipient_without_an_address_is_a_recorded_skip(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    done = send(platform, to_sink, type="sms", recipient_id="user-tina")

    assert done == {"outcome": "skipped", "reason": "user-tina has no address for sms"}
    assert deliveries(database_url) == [("n-1", "skipped", "user-tina has no address for sms")]
    assert sink.outbox.newest() == []


def test_an_unknown_recipient_is_a_failure_for_good(platform: PostgresPlatform, to_sink: Senders) -> None:
    with pytest.raises(Permanent, match="no user nobody"):
        send(platform, to_sink, recipient_id="nobody")


def set_address(database_url: str, address: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE platform.users SET email = %(a)s, phone = %(a)s, push_token = %(a)s", {"a": address})


@by_channel
def test_a_refused_recipient_is_a_failure_for_good_until_the_address_is_corrected(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, channel: Channel
) -> None:
    set_address(database_url, "x@refused.example")
    with pytest.raises(Permanent, match="refused"):
        send(platform, to_sink, type=channel)
    assert deliveries(database_url)[0][1] == "refused"

    set_address(database_url, "x@corrected.example")
    assert send(platform, to_sink, type=channel)["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@pytest.mark.parametrize("address", ["no-address", "two@at@signs.example", "new\nline@x.example", "grüße@x.example"])
def test_what_is_no_address_is_never_offered_to_the_mail_server(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, address: str
) -> None:
    set_address(database_url, address)

    with pytest.raises(Permanent):
        send(platform, to_sink)
    assert sink.outbox.newest() == []


@by_channel
def test_a_busy_provider_defers_and_a_later_run_delivers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str, channel: Channel
) -> None:
    set_address(database_url, "x@busy.example")
    with pytest.raises(Defer):
        send(platform, to_sink, type=channel)

    set_address(database_url, "x@free.example")
    assert send(platform, to_sink, type=channel)["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@by_channel
def test_a_provider_that_is_down_defers_and_a_later_run_delivers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    with senders(f"smtp://{NO_ONE}", f"http://{NO_ONE}") as to_no_one, pytest.raises(Defer):
        send(platform, to_no_one, type=channel, recipient_id=TO[channel])

    assert send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


def test_a_mail_server_that_does_not_want_our_sender_defers(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders
) -> None:
    unwanted = EmailSender(sink.smtp_url, sender="jobs@refused.example")
    with pytest.raises(Defer, match="sender"):
        send(platform, Senders(unwanted, to_sink.sms, to_sink.push))

    assert send(platform, to_sink)["outcome"] == "delivered"


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
        send(platform, broken)

    assert send(platform, to_sink)["outcome"] == "delivered"


def test_a_mail_server_that_hangs_up_on_the_mail_itself_leaves_it_to_a_person(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    with (
        a_server_that_hangs_up(b".") as url,
        senders(url, sink.http_url) as broken,
        pytest.raises(Permanent, match="may have arrived"),
    ):
        send(platform, broken)

    let_claims_run_out(database_url)
    with pytest.raises(Permanent):
        send(platform, to_sink)
    assert sink.outbox.newest() == []


def test_one_event_told_by_two_channels_is_one_row_in_the_app(
    platform: PostgresPlatform, to_sink: Senders, database_url: str
) -> None:
    for channel in ("email", "sms"):
        send(platform, to_sink, job_id=f"n-{channel}", type=channel, metadata={"cause": "ticket-created-t1"})
    send(platform, to_sink, job_id="n-alone")

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT recipient_id, cause FROM platform.in_app_notifications ORDER BY 2").fetchall()
    assert rows == [("user-lena", "n-alone"), ("user-lena", "ticket-created-t1")]


def test_a_cause_that_cannot_be_kept_is_the_notification_itself(
    platform: PostgresPlatform, to_sink: Senders, database_url: str
) -> None:
    for number, cause in enumerate([7, "", "a\x00b", "x" * 301, {"a": 1}]):
        send(platform, to_sink, job_id=f"n-{number}", metadata={"cause": cause})

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT cause FROM platform.in_app_notifications ORDER BY 1").fetchall()
    assert rows == [(f"n-{number}",) for number in range(5)]


def test_the_platforms_database_being_away_defers_and_its_return_is_noticed(
    postgres_server: PostgresServer, sink: Sink, to_sink: Senders
) -> None:
    load(postgres_server.url)
    platform = PostgresPlatform(postgres_server.url, timeout_seconds=1.0)
    try:
        assert send(platform, to_sink, job_id="before")["outcome"] == "delivered"
        postgres_server.stop()
        for _ in range(2):
            with pytest.raises(Defer):
                send(platform, to_sink, job_id="meanwhile")
        postgres_server.start()
        assert send(platform, to_sink, job_id="meanwhile")["outcome"] == "delivered"
    finally:
        platform.close()
    assert len(sink.outbox.newest()) == 2


def test_the_schema_is_made_once(database_url: str) -> None:
    assert [load(database_url), load(database_url)] == [True, False]
