"""F25: services of the previous version and of this one on one store, while one after the other is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
import redis

from faults.support.arena import Arena, FaultWorker
from faults.support.job_types.ledgered import QUEUE
from faults.support.load import Backend, Submit, Unknown
from faults.support.previous import previous_version
from faults.support.queue_admins import QueueAdminProcess, Stub, register_work
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from queue_engine.store.library import FUNCTION_PREFIX, library_version
from support.waiting import wait_until

PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def through(addresses: list[str], token: str, payload: bytes) -> Submit:
    """Hands jobs to the queue-admin whose address is the last in the list."""

    def submit(job_id: str) -> bool:
        request = pb.EnqueueJobRequest(
            queue=QUEUE, name="work", data=payload, opts=job_pb2.JobOptions(job_id=job_id, attempts=2)
        )
        metadata = (("authorization", f"Bearer {token}"),)
        with grpc.insecure_channel(addresses[-1]) as channel:
            try:
                return bool(Stub(channel).EnqueueJob(request, metadata=metadata, timeout=5).created)
            except grpc.RpcError as error:
                if error.code() in PASSING:
                    raise Unknown(str(error.details())) from error
                raise

    return submit


def stored_library(arena: Arena) -> str:
    """Which version of the functions the store has."""
    with redis.Redis.from_url(arena.url, protocol=2) as client:
        found: Any = client.fcall(f"{FUNCTION_PREFIX}version", 0)
        return str(found.decode())


def wait_for_work(arena: Arena, *workers: FaultWorker, what: str) -> None:
    """Each begins a job from now on."""
    since, waiting = len(arena.ledger.events()), {worker.pid for worker in workers}

    def all_began() -> bool:
        began = {event["pid"] for event in arena.ledger.events()[since:] if event["kind"] == "begin"}
        return waiting <= began

    wait_until(all_began, within=30, every=0.1, what=what)


def replace_one_by_one(arena: Arena, workers: list[FaultWorker]) -> None:
    """As an orchestrator does: the next is up before one goes."""
    for retired in workers[:]:
        wait_for_work(arena, arena.worker(), what="new beside old")
        retired.process.stop()


def complaints(arena: Arena, admins: list[QueueAdminProcess]) -> list[str]:
    """What anybody logged as an error."""
    logs = [admin.process.log.read_text() for admin in admins] + [worker.log for worker in arena.workers]
    lines = [line for log in logs for line in log.splitlines()]
    return [line for line in lines if '"level":"error"' in line or "loop_failed" in line or "Traceback" in line]


@pytest.mark.long_fault
def test_a_rolling_upgrade_and_a_step_back_lose_nothing_and_raise_no_error(arena: Arena, tmp_path: Path) -> None:
    previous = previous_version(tmp_path / "previous")
    old = previous.settings
    admins = [QueueAdminProcess(arena, **old).start()]
    token = arena.authority.token("SERVICE", "WORKER")
    with grpc.insecure_channel(admins[0].address) as channel:
        register_work(channel, token)
    workers = [arena.worker(**old), arena.worker(**old)]
    addresses = [admins[0].address]
    payload = orjson.dumps({"ledger": str(arena.ledger.path), "seconds": 0.03, "failures": 1})
    backend = Backend(arena.ledger, through(addresses, token, payload), prefix="rolled", pause=0.02, most=2_000)
    backend.start()
    wait_for_work(arena, *workers, what="the old ones work")
    assert stored_library(arena) == previous.library_version != library_version()

    arena.fault("upgrade")
    admins.append(QueueAdminProcess(arena).start())
    assert stored_library(arena) == library_version()
    wait_for_work(arena, *workers, what="old workers on new functions")
    addresses.append(admins[1].address)
    admins[0].process.stop()
    replace_one_by_one(arena, workers)
    wait_for_work(arena, arena.worker(**old), what="a worker of the old version after the new ones")
    backend.stop()
    arena.come_to_rest()

    for admin in admins:
        admin.process.kill()
    assert stored_library(arena) == library_version()
    _, store = arena.verdict(
        "F25",
        "queue-admin and workers replaced one by one by the next version, then a worker of the old one again",
        recovery=[],
        within=0,
        note=f"functions {previous.library_version} to {library_version()}; errors in any log: 0",
    )
    assert (store.indexes["dead"], store.totals.get("lost", 0)) == (set(), 0)
    assert complaints(arena, admins) == []
