"""F5: the store comes back empty. That cannot be healed, only noticed, said, and accepted by somebody."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import httpx
import redis

from faults.support.load import hand_over
from faults.support.report import Row
from faults.support.stack_arena import QUEUE, StackArena
from support.platform import TENANT
from support.waiting import wait_until

NOTICED_SECONDS = 5.0


def enqueue(arena: StackArena, job_id: str) -> httpx.Response:
    data = {"type": "email", "recipientId": TENANT, "message": job_id}
    body = {"name": "send-notification", "data": data, "opts": {"jobId": job_id}}
    return arena.client("service@local").post(f"/jobs/queues/{QUEUE}", json=body)


def accept_loss(arena: StackArena) -> str:
    """As an operator does, beside the running service and with its settings."""
    program = arena.stack.stack.supervisor["queue-admin"].program
    command = [*program.command, "accept-store-loss", "--actor", "olga", "--reason", "the disk is gone"]
    environment = {"PATH": os.defpath, **program.environment}
    done = subprocess.run(command, cwd=program.folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def empty_the_store(arena: StackArena, how: str) -> None:
    if how == "flushed":
        with redis.Redis.from_url(arena.stack.redis_url) as client:
            client.flushall()
        return
    arena.stack.kill("valkey")
    shutil.rmtree(arena.stack.stack.supervisor["valkey"].program.folder / "appendonlydir")
    arena.stack.start("valkey")


def test_an_empty_store_is_noticed_said_and_used_again_only_after_somebody_accepted_the_loss(
    own_stack_arena: StackArena,
) -> None:
    arena = own_stack_arena
    noticed: list[float] = []
    for how in ("restarted without its data", "flushed"):
        job_id = f"{arena.mark}-{how.split(maxsplit=1)[0]}"
        hand_over(arena.ledger, arena.notify(delay=3_600_000), job_id)
        empty_the_store(arena, how)
        at = time.monotonic()
        wait_until(lambda: enqueue(arena, f"{arena.mark}-refused").status_code == 503, within=NOTICED_SECONDS)
        wait_until(lambda: arena.health() == "degraded", within=NOTICED_SECONDS * 2)
        noticed.append(time.monotonic() - at)
        assert "lost its jobs" in enqueue(arena, f"{arena.mark}-refused").json()["detail"]
        arena.stack.stop("queue-admin")
        arena.stack.stack.supervisor["queue-admin"].start()  # a new process must not take it for a new installation
        wait_until(lambda: "store_unusable" in arena.stack.log("queue-admin"), within=15)
        wait_until(lambda: enqueue(arena, f"{arena.mark}-refused").status_code == 503, within=15)

        assert accept_loss(arena) == "accepted: the store is used again\n"
        assert accept_loss(arena) == "there was no loss to accept\n"

        wait_until(lambda: arena.health() == "ok", within=15)
        wait_until(lambda i=job_id: enqueue(arena, f"{i}-after").status_code == 201, within=15)  # type: ignore[misc]
        found = arena.client().get("/jobs/audit", params={"actor": "olga"}).json()["data"]
        assert {(row["action"], row["queue"], row["reason"]) for row in found} == {
            ("accept_loss", "*", "the disk is gone")
        }
    arena.rows.append(
        Row(
            fault="F5",
            words="the store comes back empty",
            jobs=2,
            lost=2,
            repeated_effects=0,
            most_runs=0,
            recovery=f"noticed in {max(noticed):.1f} s",
            seed=arena.seed,
            note="lost by the fault itself; refused until an operator accepts the loss; accepted in silence: 0",
        )
    )
