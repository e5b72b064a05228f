from __future__ import annotations

from typing import Any

import pytest
from dramatiq.errors import RateLimitExceeded, Retry
from dramatiq.middleware import Shutdown, TimeLimitExceeded

from queue_engine.domain.errors import StoreUnavailable
from queue_engine.domain.job import FailureKind
from queue_engine.domain.lease import Deferred, Failed, Interrupted, Outcome, Released
from support.jobs import a_job
from worker.dramatiq_broker.attempts import STACK_CHARACTERS, no_outcome, outcome_of
from worker.dramatiq_broker.interrupter import Cancelled, LeaseLost
from worker.failures import Defer, Permanent


def outcome(error: BaseException, *, attempts_made: int = 0, **options: Any) -> Outcome:
    return outcome_of(a_job(attempts_made=attempts_made), error, options)


@pytest.mark.parametrize(
    ("error", "kind", "delay_ms"),
    [
        (ValueError("no"), FailureKind.EXCEPTION, 1_000),
        (TimeLimitExceeded(), FailureKind.TIMEOUT, 1_000),
        (Retry("later", delay=77), FailureKind.EXCEPTION, 77),
        (Permanent("never"), FailureKind.EXCEPTION, None),
        (Permanent("bad", kind=FailureKind.PAYLOAD_INVALID), FailureKind.PAYLOAD_INVALID, None),
    ],
    ids=["exception", "timeout", "retry", "permanent", "payload"],
)
def test_a_failure_says_its_kind_and_when_to_try_again(
    error: BaseException, kind: FailureKind, delay_ms: int | None
) -> None:
    failed = outcome(error)

    assert isinstance(failed, Failed)
    assert (failed.kind, failed.retry_delay_ms) == (kind, delay_ms)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Shutdown(), Released(begun=True)),
        (LeaseLost(), Released(begun=True)),
        (Cancelled(), Interrupted()),
    ],
    ids=["shutdown", "lease lost", "cancelled"],
)
def test_an_interrupt_is_no_failure(error: BaseException, expected: Outcome) -> None:
    assert outcome(error) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Defer("down", seconds=2), FailureKind.DEPENDENCY),
        (RateLimitExceeded("full"), FailureKind.RATE_LIMITED),
        (StoreUnavailable("away"), FailureKind.DEPENDENCY),
    ],
    ids=["defer", "rate limit", "store"],
)
def test_what_has_to_wait_is_deferred_by_about_two_seconds(error: BaseException, kind: FailureKind) -> None:
    deferred = outcome(error)

    assert isinstance(deferred, Deferred)
    assert deferred.kind is kind
    assert 1_600 <= deferred.delay_ms <= 2_400


def test_later_attempts_wait_longer() -> None:
    failed = outcome(ValueError("no"), attempts_made=3)

    assert isinstance(failed, Failed)
    assert failed.retry_delay_ms == 8_000


def test_an_error_without_words_is_named_by_its_class() -> None:
    failed = outcome(ValueError())

    assert isinstance(failed, Failed)
    assert failed.reason == "ValueError"


def test_an_error_that_cannot_be_put_into_words_is_named_by_its_class() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    job = a_job()
    job.stuff_exception(Mute())

    assert no_outcome(job).reason == "Mute"


def test_a_deep_stack_is_cut_to_its_latest_part() -> None:
    def deeper(level: int) -> None:
        if not level:
            raise ValueError("at the bottom")
        deeper(level - 1)

    with pytest.raises(ValueError, match="at the bottom") as caught:
        deeper(500)
    failed = outcome(caught.value)

    assert isinstance(failed, Failed)
    assert len(failed.stack) <= STACK_CHARACTERS
    assert failed.stack.rstrip().endswith("ValueError: at the bottom")


def test_a_stack_tells_of_the_cause_too() -> None:
    def handler() -> None:
        try:
            int("no number")
        except ValueError as error:
            raise KeyError("wanted") from error

    with pytest.raises(KeyError) as caught:
        handler()
    failed = outcome(caught.value)

    assert isinstance(failed, Failed)
    assert 'int("no number")' in failed.stack
    assert 'raise KeyError("wanted") from error' in failed.stack
    assert "direct cause" in failed.stack


def test_an_attempt_that_ended_without_a_word_is_tried_again_never_taken_for_done() -> None:
    unseen, rejected = a_job(), a_job()
    rejected.fail()

    assert no_outcome(unseen).retry_delay_ms == 1_000
    assert no_outcome(rejected).retry_delay_ms is None
