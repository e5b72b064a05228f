"""The backoff rule: how long a failed attempt waits for the next one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class BackoffKind(StrEnum):
    """How the delay grows with the attempts made."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


@dataclass(frozen=True, slots=True)
class Backoff:
    """`delay_ms` after the first failure; exponential doubles it each time up to `max_delay_ms`.

    `jitter` is the share of the delay drawn at random, so that jobs that failed together do not return together.
    """

    kind: BackoffKind = BackoffKind.EXPONENTIAL
    delay_ms: int = 2_000
    max_delay_ms: int = 3_600_000
    jitter: float = 0.25

    def delay_after(self, attempts_made: int, *, draw: float | None = None) -> int:
        """Delay in ms after `attempts_made` failed attempts (1 or more).

        The result lies in [(1 - jitter) * d, d] with d the undisturbed delay ("equal jitter", M. Brooker,
        "Exponential Backoff and Jitter", 2015). `draw` in [0, 1) replaces the random number.
        """
        growth = 2 ** min(attempts_made - 1, 40) if self.kind is BackoffKind.EXPONENTIAL else 1
        delay = min(self.delay_ms * growth, self.max_delay_ms)
        share = random.random() if draw is None else draw  # noqa: S311 - spreads load, guards nothing
        return round(delay * (1 - self.jitter * share))


DEFAULT_BACKOFF = Backoff()
