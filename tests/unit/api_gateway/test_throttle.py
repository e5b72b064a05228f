from __future__ import annotations

import pytest

from api_gateway.auth.throttle import Throttle
from service_kit.errors import ServiceError


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def wait(throttle: Throttle, key: str) -> int | None:
    """How long the attempt has to wait in ms; None when it may go on."""
    try:
        throttle.count(key)
    except ServiceError as error:
        return error.retry_after_ms
    return None


def test_one_attempt_too_many_is_refused_until_the_window_ends() -> None:
    clock = Clock()
    throttle = Throttle(3, 60, clock)
    assert [wait(throttle, "a") for _ in range(3)] == [None, None, None]

    clock.now += 20
    assert wait(throttle, "a") == 40_000
    assert wait(throttle, "b") is None

    clock.now += 40
    assert wait(throttle, "a") is None


def test_good_attempts_do_not_count() -> None:
    throttle = Throttle(2, 60, Clock())
    for _ in range(10):
        throttle.count("a")
        throttle.forgive("a")
    throttle.count("a")
    throttle.count("a")
    assert wait(throttle, "a")

    throttle.forget("a")
    assert wait(throttle, "a") is None


def test_it_remembers_a_bounded_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Throttle, "REMEMBERED", 2)
    throttle = Throttle(1, 60, Clock())

    for key in "abc":
        throttle.count(key)

    assert wait(throttle, "a") is None
    assert wait(throttle, "c")
