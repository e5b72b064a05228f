"""A notification is one message, whoever runs it at the same moment and wherever a run ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from local.sink.server import Sink
from support.handling import let_claims_run_out, send
from worker.delivery.contract import Message, Senders
from worker.failures import Defer, Permanent
from worker.platform.contract import Channel
from worker.platform.postgres import PostgresPlatform

TO = {Channel.EMAIL: "user-lena", Channel.SMS: "user-tom", Channel.PUSH: "user-tom"}
by_channel = pytest.mark.parametrize("channel", list(Channel))


@by_channel
def test_eight_runs_at_the_same_moment_are_one_message(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel
) -> None:
    start = threading.Barrier(8)

    def run(_number: int) -> str:
        start.wait()
        try:
            return send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"]
        except Defer:
            return "deferred"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(run, range(8)))

    assert len(sink.outbox.newest()) == 1
    assert "delivered" in outcomes
    assert set(outcomes) <= {"delivered", "deferred"}
    assert send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
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
        send(platform, Senders(crashing, crashing, crashing), type=channel, recipient_id=TO[channel])


@by_channel
def test_a_run_that_finds_a_fresh_claim_waits(platform: PostgresPlatform, to_sink: Senders, channel: Channel) -> None:
    crash(platform, to_sink, channel, "after")

    with pytest.raises(Defer):
        send(platform, to_sink, type=channel, recipient_id=TO[channel])


@by_channel
def test_a_crash_between_claim_and_sending_loses_nothing(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel, database_url: str
) -> None:
    crash(platform, to_sink, channel, "before")
    let_claims_run_out(database_url)

    assert send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert len(sink.outbox.newest()) == 1


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.PUSH])
def test_after_a_crash_between_sending_and_mark_the_provider_recognises_the_repeat(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, channel: Channel, database_url: str
) -> None:
    crash(platform, to_sink, channel, "after")
    let_claims_run_out(database_url)

    assert send(platform, to_sink, type=channel, recipient_id=TO[channel])["outcome"] == "delivered"
    assert [message["repeats"] for message in sink.outbox.newest()] == [1]


def test_after_a_crash_between_sending_and_mark_an_email_is_left_to_a_person(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    crash(platform, to_sink, Channel.EMAIL, "after")
    let_claims_run_out(database_url)

    for _ in range(3):
        with pytest.raises(Permanent, match="may have arrived"):
            send(platform, to_sink)
    assert len(sink.outbox.newest()) == 1


def test_a_run_that_was_overtaken_does_not_send(
    platform: PostgresPlatform, sink: Sink, to_sink: Senders, database_url: str
) -> None:
    class SlowSender:
        def send(self, message: Message, *, commit: Callable[[], None]) -> str:
            let_claims_run_out(database_url)
            send(platform, to_sink)
            return to_sink.email.send(message, commit=commit)

    slow = SlowSender()
    with pytest.raises(Defer):
        send(platform, Senders(slow, slow, slow))
    assert len(sink.outbox.newest()) == 1
