"""What the model knows of a job, and of one that is gone."""

from __future__ import annotations

from dataclasses import dataclass

from queue_engine.domain.job import JobState

Failure = tuple[str, str]
"""Class and normalised line of what a job failed with."""


@dataclass(slots=True)
class ModelJob:
    """One job. `rank` is its place among the waiting: priority, then order of arrival."""

    meaning: bytes
    data: bytes
    priority: int
    attempts: int
    owner: str
    state: JobState = JobState.WAITING
    rank: tuple[int, int] = (0, 0)
    due: int | None = None
    ended: int | None = None
    attempts_made: int = 0
    deliveries: int = 0
    lost: int = 0
    deferred_since: int | None = None
    worker: str = ""
    token: int = 0
    lease_until: int = 0
    cancel_reason: str | None = None
    """Of the request to cancel it while it runs."""
    cancelled: bool = False
    failure: Failure = ("", "")


@dataclass(frozen=True, slots=True)
class Grave:
    """What is remembered of a job that retention took."""

    meaning: bytes
    state: JobState
    until: int
