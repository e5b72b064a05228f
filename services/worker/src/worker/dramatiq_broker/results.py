"""Dramatiq's Results kept in the jobs themselves: a value rides on the outcome and costs no call of its own."""

from __future__ import annotations

import time
from typing import Any

import orjson
from dramatiq import Message
from dramatiq.results import ResultBackend, ResultFailure, ResultMissing, ResultTimeout

from queue_engine.domain.errors import JobNotFound, QueueNotFound
from queue_engine.domain.job import JobState
from queue_engine.engine import QueueEngine
from worker.dramatiq_broker.codec import dumps
from worker.dramatiq_broker.job import Job

DEFAULT_TIMEOUT_MS = 10_000
FIRST_LOOK, LAST_LOOK = 0.01, 0.25  # seconds between looks


class JobResults(ResultBackend):
    """A result lives as long as its completed job; a failure as long as its failed one."""

    def __init__(self, engine: QueueEngine) -> None:
        super().__init__()
        self._engine = engine

    def store_result(self, message: Any, result: Any, ttl: int) -> None:
        """Put the value (anything JSON) on the outcome."""
        job: Job = message
        job.value = dumps(result)

    def store_exception(self, message: Any, exception: BaseException, ttl: int) -> None:
        """The failed outcome says it all."""

    def get_result(self, message: Message[Any], *, block: bool = False, timeout: int | None = None) -> Any:
        """The value a job returned. Raises ResultFailure, ResultMissing, or ResultTimeout after `timeout` ms."""
        until = time.monotonic() + (DEFAULT_TIMEOUT_MS if timeout is None else timeout) / 1000
        pause = FIRST_LOOK
        while True:
            try:
                return self._look(message)
            except ResultMissing:
                if not block:
                    raise
            if time.monotonic() + pause > until:
                raise ResultTimeout(message)
            time.sleep(pause)
            pause = min(pause * 2, LAST_LOOK)

    def _look(self, message: Message[Any]) -> Any:
        try:
            job = self._engine.get_job(message.queue_name, message.message_id).job
        except (JobNotFound, QueueNotFound):
            raise ResultMissing(message) from None
        if job.state is JobState.COMPLETED:
            return orjson.loads(job.return_value) if job.return_value else None
        if job.state is JobState.FAILED:
            reason = job.failed_reason or ""
            raise ResultFailure(f"actor raised {job.error_class}: {reason}", job.error_class or "", reason)
        raise ResultMissing(message)
