"""F21: payloads from one byte to a hundred megabytes: accepted up to the limit, refused above it without being kept."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import orjson

from faults.support.report import Row
from faults.support.stack_arena import QUEUE, StackArena
from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2_grpc
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.platform import TENANT

LIMIT = 256 * 1024
SENT = 100_000_000
MOST_GROWTH = 60_000_000
"""Bytes of memory a service may gain over it all: less than any one of the large bodies."""


def resident(arena: StackArena, process: str) -> int:
    """Bytes of memory a process holds."""
    pages = Path(f"/proc/{arena.stack.stack.supervisor[process].pid}/statm").read_text().split()[1]
    return int(pages) * 4_096


def body(job_id: str, size: int) -> bytes:
    """A request of exactly `size` bytes, most of them the payload."""
    data = {"type": "email", "recipientId": TENANT, "message": "m", "padding": ""}
    plain = {"name": "send-notification", "data": data, "opts": {"jobId": job_id, "delay": 3_600_000}}
    data["padding"] = "x" * (size - len(orjson.dumps(plain)))
    return orjson.dumps(plain)


def flood() -> Iterator[bytes]:
    """A body that never says how long it is."""
    for _ in range(SENT // 1_000_000):
        yield b"x" * 1_000_000


def post(client: httpx.Client, content: bytes | Iterator[bytes], **headers: str) -> int:
    """The status; a gateway that hangs up on a body it refused has refused it."""
    try:
        return client.post(
            f"/jobs/queues/{QUEUE}", content=content, headers={"content-type": "application/json", **headers}
        ).status_code
    except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
        return 413


def over_grpc(arena: StackArena, job_id: str, size: int) -> grpc.StatusCode:
    """What queue-admin itself says to a payload of about that size."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(arena.stack.queue_admin_address, options=options) as channel:
        request = pb.EnqueueJobRequest(
            queue=QUEUE,
            name="send-notification",
            data=orjson.dumps({"type": "email", "recipientId": TENANT, "message": "m", "padding": "x" * size}),
            opts=job_pb2.JobOptions(job_id=job_id, delay=3_600_000),
        )
        metadata = (("authorization", f"Bearer {arena.stack.token('service@local')}"),)
        try:
            queue_admin_service_pb2_grpc.QueueAdminServiceStub(channel).EnqueueJob(
                request, timeout=20, metadata=metadata
            )
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


def test_sizes_are_bounded_at_every_door_and_in_memory(stack_arena: StackArena) -> None:
    client, mark = stack_arena.client("service@local"), stack_arena.mark
    before = {name: resident(stack_arena, name) for name in ("api-gateway", "queue-admin")}
    for number, size in enumerate((1_000, LIMIT // 2, LIMIT - 1_000)):
        assert post(client, body(f"{mark}-fits-{number}", size)) == 201
    refused = [
        post(client, body(f"{mark}-over", LIMIT + 1)),
        post(client, b"x" * SENT),
        post(client, flood()),
        post(client, gzip.compress(b"x" * SENT), **{"content-encoding": "gzip"}),
    ]
    assert refused == [413, 413, 413, 415]
    assert over_grpc(stack_arena, f"{mark}-rpc", LIMIT // 2) is grpc.StatusCode.OK
    for size in (LIMIT + 1, 3_900_000, SENT):
        refusal = over_grpc(stack_arena, f"{mark}-rpc-over", size)
        assert refusal in (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED), size

    growth = {name: resident(stack_arena, name) - size for name, size in before.items()}
    listed = stack_arena.client().get(f"/jobs/queues/{QUEUE}", params={"status": "delayed", "pageSize": 100})
    assert listed.status_code == 200
    assert not any("over" in job["id"] for job in listed.json()["jobs"])
    stack_arena.rows.append(
        Row(
            fault="F21", words="payloads of 1 kB to 100 MB, chunked, compressed, by REST and gRPC", jobs=4, lost=0,
            repeated_effects=0, most_runs=0, recovery="-", seed=stack_arena.seed,
            note=f"accepted above the limit: 0; memory gained at most {max(growth.values()) / 1e6:.0f} MB",
        )
    )  # fmt: skip
    assert max(growth.values()) < MOST_GROWTH
