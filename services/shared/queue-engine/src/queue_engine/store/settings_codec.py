"""A job's settings as one short string, empty for the defaults; functions/shared/settings.lua reads its head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from queue_engine.domain.backoff import DEFAULT_BACKOFF, Backoff, BackoffKind
from queue_engine.domain.job import NewJob
from queue_engine.domain.limits import check_settings


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a job was enqueued with, besides its payload."""

    attempts: int = 3
    max_age_ms: int = 86_400_000
    dedup_ms: int | None = None
    timeout_ms: int = 60_000
    backoff: Backoff = DEFAULT_BACKOFF


DEFAULT_SETTINGS = JobSettings()

_KIND_LETTER = {BackoffKind.FIXED: "f", BackoffKind.EXPONENTIAL: "e"}
_KIND_OF = {letter: kind for kind, letter in _KIND_LETTER.items()}


def pack_settings(job: NewJob) -> str:
    """`<attempts> <max age> <dedup or -> <timeout> <kind> <delay> <max delay> <jitter>`, or empty for the defaults.

    Raises InvalidArgument for settings out of range. Most jobs share theirs with many others: each is looked at once.
    """
    return _pack(job.attempts, job.max_age_ms, job.dedup_ms, job.timeout_ms, job.backoff)


@lru_cache(maxsize=1024)
def _pack(attempts: int, max_age_ms: int, dedup_ms: int | None, timeout_ms: int, backoff: Backoff) -> str:
    check_settings(attempts, max_age_ms, dedup_ms, timeout_ms, backoff)
    settings = JobSettings(attempts, max_age_ms, dedup_ms, timeout_ms, backoff)
    if settings == DEFAULT_SETTINGS:
        return ""
    dedup = "-" if dedup_ms is None else dedup_ms
    curve = f"{_KIND_LETTER[backoff.kind]} {backoff.delay_ms} {backoff.max_delay_ms} {backoff.jitter:g}"
    return f"{attempts} {max_age_ms} {dedup} {timeout_ms} {curve}"


@lru_cache(maxsize=1024)
def unpack_settings(packed: bytes) -> JobSettings:
    """The settings of a job; the defaults when they cannot be read, so that the job still runs."""
    if not packed:
        return DEFAULT_SETTINGS
    try:
        attempts, age, dedup, timeout, kind, delay, max_delay, jitter = packed.decode().split(" ")
        backoff = Backoff(_KIND_OF[kind], int(delay), int(max_delay), float(jitter))
        return JobSettings(int(attempts), int(age), None if dedup == "-" else int(dedup), int(timeout), backoff)
    except (ValueError, KeyError):
        return DEFAULT_SETTINGS
