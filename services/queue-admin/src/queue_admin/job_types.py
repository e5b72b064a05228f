"""The job types that workers registered, with their compiled schemas; the store is asked again every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from queue_admin.schema import PayloadSchema, SchemaError
from queue_engine.domain.errors import InvalidArgument, StoreUnavailable
from queue_engine.domain.job_type import JobType
from queue_engine.engine import QueueEngine
from service_kit.errors import FieldError, ServiceError

log = structlog.get_logger()
REFRESH_SECONDS = 2.0
UNKNOWN_REFRESH_SECONDS = 0.2  # a worker may have registered through another replica just now
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class RegisteredType:
    """A job type and what checks its payloads."""

    job_type: JobType
    schema: PayloadSchema


class JobTypeRegistry:
    """Thread-safe. While the store is away it answers from what it knew."""

    def __init__(self, engine: QueueEngine) -> None:
        self._engine = engine
        self._known: dict[str, RegisteredType] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, queue: str, name: str) -> RegisteredType:
        """The type of that name in the queue; raises ServiceError JOB_TYPE_UNKNOWN that lists the queue's own.

        A queue for which no worker ever registered a type has none: the same refusal, with an empty list.
        """
        self._refresh_after(REFRESH_SECONDS)
        found = self._known.get(name)
        if found is None or found.job_type.queue != queue:
            self._refresh_after(UNKNOWN_REFRESH_SECONDS)
            found = self._known.get(name)
        if found is None or found.job_type.queue != queue:
            raise self._unknown(queue, name)
        return found

    def register(self, job_types: Sequence[JobType]) -> None:
        """Persist what a worker declares; raises ServiceError JOB_TYPE_INCOMPATIBLE or INVALID_REQUEST (its schema)."""
        for index, job_type in enumerate(job_types):
            try:
                PayloadSchema(job_type.name, job_type.schema)
            except SchemaError as error:
                field = FieldError(f"jobTypes[{index}].schema", str(error))
                raise ServiceError(
                    "INVALID_REQUEST", f"the schema of {job_type.name} cannot be used", (field,)
                ) from error
        try:
            self._engine.register_job_types(job_types)
        except InvalidArgument as error:
            raise ServiceError(
                "JOB_TYPE_INCOMPATIBLE", f"{error}; raise its version", (FieldError(error.field, error.problem),)
            ) from error

    def list(self) -> list[JobType]:
        """All types by name, as the store has them now."""
        return self._engine.list_job_types()

    def _refresh_after(self, seconds: float) -> None:
        if time.monotonic() - self._read_at < seconds:
            return
        if not self._known:  # nothing to answer from: whoever asks has to wait for the store
            self._read()
        elif self._lock.acquire(blocking=False):  # one asks, the others go on with what is known
            try:
                self._read()
            except StoreUnavailable:
                self._read_at = time.monotonic()  # the enqueue that follows says so itself
            finally:
                self._lock.release()

    def _read(self) -> None:
        self._known = {job_type.name: known for job_type in self.list() if (known := self._compiled(job_type))}
        self._read_at = time.monotonic()

    def _compiled(self, job_type: JobType) -> RegisteredType | None:
        known = self._known.get(job_type.name)
        if known is not None and known.job_type == job_type:
            return known
        try:
            return RegisteredType(job_type, PayloadSchema(job_type.name, job_type.schema))
        except SchemaError as error:
            log.warning("job_type_unusable", job_type=job_type.name, version=job_type.version, problem=str(error))
            return None

    def _unknown(self, queue: str, name: str) -> ServiceError:
        names = sorted(n for n, known in self._known.items() if known.job_type.queue == queue)
        said = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
        detail = f"the job types of queue {queue!r} are {said}" if names else f"queue {queue!r} has no job types"
        return ServiceError(
            "JOB_TYPE_UNKNOWN",
            f"there is no job type {name!r} in queue {queue!r}: {detail}",
            (FieldError("name", detail),),
            metadata={"known": said},
        )
