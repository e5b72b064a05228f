"""What is known across queues: job types and the workers that are alive."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.errors import InvalidArgument
from queue_engine.domain.job_type import DefaultSchedule, JobType, Settling
from queue_engine.domain.limits import check_queue_name, check_range, read_json
from queue_engine.store.redis_store import Arg, RedisStore


class Registry:
    """See the methods of the same names of QueueEngine."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def register_job_types(self, job_types: Sequence[JobType]) -> list[JobType]:
        """All or none; sets up the queues they name, so that they are seen before their first job."""
        args: list[Arg] = []
        for job_type in job_types:
            check_queue_name(job_type.queue)
            check_range("version", job_type.version, 1, 2**31)
            args += (job_type.name, job_type.version, _fingerprint(job_type), orjson.dumps(asdict(job_type)))
        if not job_types:
            return []
        reply = self._store.call_registry("register_job_types", *args)
        if reply[0] == b"INCOMPATIBLE":
            name = reply[1].decode()
            problem = f"{name!r} is registered in this version with another queue or schema; raise its version"
            raise InvalidArgument("job_types", problem)
        for queue in {job_type.queue for job_type in job_types}:
            self._store.set_up_queue(queue)
        return [_job_type(declaration) for declaration in reply[1:]]

    def list_job_types(self) -> list[JobType]:
        """By name."""
        found = [_job_type(declaration) for declaration in self._store.call_registry("list_job_types")[1:]]
        return sorted(found, key=lambda job_type: job_type.name)

    def register_worker(self, worker_id: str, info: bytes, *, ttl_ms: int) -> None:
        """Call again well within `ttl_ms`."""
        check_range("ttl_ms", ttl_ms, 1, 86_400_000)
        read_json("info", info)
        self._store.call_registry("register_worker", worker_id, info, ttl_ms)

    def list_workers(self) -> list[tuple[str, bytes, int]]:
        """By id."""
        flat = self._store.call_registry("list_workers")[1:]
        found = []
        for worker_id, known in zip(flat[::2], flat[1::2], strict=True):
            seen, _, info = known.partition(b" ")
            found.append((worker_id.decode(), info, int(seen)))
        return sorted(found)


def _fingerprint(job_type: JobType) -> str:
    meant = orjson.dumps([job_type.queue, job_type.schema], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(meant, digest_size=8).hexdigest()


def _job_type(declaration: bytes) -> JobType:
    """Fields a newer service added are left out."""
    fields: dict[str, Any] = orjson.loads(declaration)
    known = {name: fields[name] for name in JobType.__dataclass_fields__ if name in fields}
    backoff = known["backoff"]
    known["backoff"] = Backoff(**{**backoff, "kind": BackoffKind(backoff["kind"])})
    known["settling"] = Settling(known["settling"])
    if known.get("default_schedule"):
        known["default_schedule"] = DefaultSchedule(**known["default_schedule"])
    return JobType(**known)
