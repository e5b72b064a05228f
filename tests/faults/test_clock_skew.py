"""F17: workers and queue-admin whose clocks are an hour off: only the store's clock decides anything."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest

from faults.support.arena import LEASE_SECONDS, Arena
from faults.support.job_types.ledgered import QUEUE
from faults.support.queue_admins import QueueAdminProcess, Stub, register_work
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.debian import install
from support.waiting import wait_until

HOUR = 3_600
DELAYS_MS = (500, 1_500, 2_500)


def faketime() -> str:
    """The library that shifts a process's clock; installs it where that can be done, and skips loudly where not."""
    if not (found := _libraries()):
        install("libfaketime")
        found = _libraries()
    if not found:
        pytest.skip("libfaketime is NOT installed (apt install libfaketime): F17 IS NOT TESTED")
    return str(found[0])


def _libraries() -> list[Path]:
    return sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))


def skewed(seconds: int) -> dict[str, str]:
    """Settings of a process whose clock is off by so much; its monotonic clock is as always."""
    return {"LD_PRELOAD": faketime(), "FAKETIME": f"{seconds:+d}", "DONT_FAKE_MONOTONIC": "1"}


def test_workers_an_hour_off_keep_their_leases_and_begin_nothing_early(arena: Arena) -> None:
    arena.worker(**skewed(HOUR))
    arena.worker(**skewed(-HOUR))
    arena.enqueue(*(f"long-{number}" for number in range(6)), seconds=2.5 * LEASE_SECONDS)
    for delay in DELAYS_MS:
        arena.enqueue(*(f"due-{delay}-{number}" for number in range(5)), delay_ms=delay)
    arena.come_to_rest()

    history, store = arena.verdict(
        "F17",
        "clocks of two workers an hour fast and an hour slow",
        recovery=[],
        within=0,
        note="early runs: 0, leases lost: 0",
    )
    assert (store.totals.get("lost", 0), store.totals["completed"]) == (0, 6 + 5 * len(DELAYS_MS))
    for delay in DELAYS_MS:
        for number in range(5):
            (run,) = history.runs[f"due-{delay}-{number}"]
            assert run.began_at - history.invoked[f"due-{delay}-{number}"] >= delay / 1000


@pytest.mark.parametrize(("way", "seconds"), [("fast", HOUR), ("slow", -HOUR)])
def test_a_queue_admin_an_hour_off_promotes_in_time(arena: Arena, way: str, seconds: int) -> None:
    now = int(time.time())
    wide: Any = {"iat": now - 2 * HOUR, "exp": now + 2 * HOUR}
    admin = QueueAdminProcess(arena, claims=wide, **skewed(seconds)).start()
    _due_in_time(arena, admin.address, arena.authority.token("SERVICE", "WORKER", **wide), way)


def _due_in_time(arena: Arena, address: str, token: str, way: str) -> None:
    arena.worker()
    metadata = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(address) as channel:
        register_work(channel, token)
        stub = Stub(channel)
        for delay in DELAYS_MS:
            job_id = f"due-{delay}"
            arena.ledger.write("enqueue", job_id, phase="invoked")
            stub.EnqueueJob(
                pb.EnqueueJobRequest(
                    queue=QUEUE,
                    name="work",
                    data=orjson.dumps({"ledger": str(arena.ledger.path)}),
                    opts=job_pb2.JobOptions(job_id=job_id, delay=delay),
                ),
                metadata=metadata,
                timeout=10,
            )
            arena.ledger.write("enqueue", job_id, phase="acked", created=True)
    wait_until(lambda: arena.unfinished() == 0, within=20)
    history, _ = arena.verdict(
        f"F17 (queue-admin {way})", f"queue-admin's clock an hour {way}", recovery=[], within=0, note="early runs: 0"
    )
    for delay in DELAYS_MS:
        (run,) = history.runs[f"due-{delay}"]
        waited = run.began_at - history.invoked[f"due-{delay}"]
        assert delay / 1000 <= waited < delay / 1000 + 10
