"""Between schedules and the fields of their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson

from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.recurrence import Recurrence
from queue_engine.domain.schedule import CatchUp, RunOutcome, Schedule, ScheduleRun, ScheduleSpec
from queue_engine.store.decode import Fields, flat_fields, text
from queue_engine.store.encode import digest


def pack_spec(spec: ScheduleSpec) -> bytes:
    """What a schedule says, without its data, which is kept byte for byte beside it."""
    fields = asdict(spec)
    del fields["data"]
    return orjson.dumps(fields)


def unpack_spec(packed: bytes, data: bytes) -> ScheduleSpec:
    """Fields a newer service added are left out."""
    fields: dict[str, Any] = orjson.loads(packed)
    known = {name: fields[name] for name in ScheduleSpec.__dataclass_fields__ if name in fields}
    known["recurrence"] = Recurrence(**known["recurrence"])
    known["catch_up"] = CatchUp(known["catch_up"])
    backoff = known["backoff"]
    known["backoff"] = Backoff(**{**backoff, "kind": BackoffKind(backoff["kind"])}) if backoff else None
    return ScheduleSpec(data=data, **known)


def schedule(queue: str, flat: Sequence[bytes]) -> Schedule:
    """A schedule from its flat fields."""
    fields = flat_fields(flat)
    paused: list[Any] = orjson.loads(fields[b"paused"]) if b"paused" in fields else [None, None, None]
    return Schedule(
        queue=queue,
        spec=unpack_spec(fields[b"spec"], fields.get(b"data", b"")),
        revision=int(fields[b"rev"]),
        next_run_ms=int(fields[b"next"]) if b"next" in fields else None,
        created_by=text(fields[b"cb"]),
        created_at_ms=int(fields[b"ct"]),
        updated_by=text(fields[b"ub"]),
        updated_at_ms=int(fields[b"ut"]),
        paused_by=paused[0],
        paused_reason=paused[1] or None,
        paused_at_ms=paused[2],
        last_run=_run(fields[b"last"]) if b"last" in fields else None,
        last_due_ms=_count(fields, b"due"),
        runs=_count(fields, b"runs"),
        failed=_count(fields, b"failed"),
        missed=_count(fields, b"missed"),
    )


def same_spec(one: ScheduleSpec, other: ScheduleSpec) -> bool:
    """Whether they say the same, however their data is written."""
    return replace(one, data=b"") == replace(other, data=b"") and digest("", one.data) == digest("", other.data)


def spec_detail(spec: ScheduleSpec) -> dict[str, Any]:
    """What a schedule says, for the audit record."""
    return {**asdict(spec), "data": orjson.Fragment(spec.data)}


def _run(packed: bytes) -> ScheduleRun:
    due, ran_at, outcome, job_id, problem, missed, run_by = orjson.loads(packed)
    return ScheduleRun(
        ran_at_ms=ran_at,
        outcome=RunOutcome(outcome),
        due_ms=None if due == "" else due,
        job_id=job_id or None,
        problem=problem or None,
        missed=missed,
        run_by=run_by or None,
    )


def _count(fields: Fields, name: bytes) -> int:
    return int(fields.get(name, 0))
