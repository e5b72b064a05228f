from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff, BackoffKind

BACKOFFS = st.builds(
    Backoff,
    kind=st.sampled_from(BackoffKind),
    delay_ms=st.integers(0, 10**7),
    max_delay_ms=st.integers(0, 10**8),
    jitter=st.floats(0, 1),
)


@pytest.mark.parametrize(
    ("attempts", "delay_ms"), [(1, 2_000), (2, 4_000), (3, 8_000), (11, 2_048_000), (12, 3_600_000)]
)
def test_the_default_doubles_from_two_seconds_up_to_an_hour(attempts: int, delay_ms: int) -> None:
    assert DEFAULT_BACKOFF.delay_after(attempts, draw=0) == delay_ms


def test_a_fixed_delay_stays() -> None:
    backoff = Backoff(BackoffKind.FIXED, 500)

    assert {backoff.delay_after(attempts, draw=0) for attempts in range(1, 20)} == {500}


@given(BACKOFFS, st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_the_delay_lies_between_its_jitter_and_its_cap(backoff: Backoff, attempts: int, draw: float) -> None:
    undisturbed = backoff.delay_after(attempts, draw=0)
    delay = backoff.delay_after(attempts, draw=draw)

    assert 0 <= undisturbed <= backoff.max_delay_ms
    assert round((1 - backoff.jitter) * undisturbed) - 1 <= delay <= undisturbed


@given(BACKOFFS, st.integers(1, 100))
def test_a_later_attempt_never_waits_less(backoff: Backoff, attempts: int) -> None:
    assert backoff.delay_after(attempts, draw=0) <= backoff.delay_after(attempts + 1, draw=0)


def test_without_a_draw_jobs_that_failed_together_return_apart() -> None:
    assert len({DEFAULT_BACKOFF.delay_after(5) for _ in range(50)}) > 10
