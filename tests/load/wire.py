"""What the service does for callers from outside: `make bench-wire`, into docs/performance/wire.md.

The local stack's own processes, its workers stopped so that jobs stay: 32 callers at a time enqueue one by one and in
batches of 100, by gRPC and by REST, and read list pages by REST; then the same with a second gateway and a second
queue-admin. CPU is the services' own, which a busy machine hardly changes; the callers take their share of the cores.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from fixtures.stack import RunningStack, a_stack
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from jobqueue.queue.v1.queue_admin_service_pb2_grpc import QueueAdminServiceStub as Stub
from load import machine
from load.results import FOLDER
from local import services
from local.ports import free_port
from local.process import Child
from service_kit.grpc_client import open_channel
from support.page_marks import put_between

CALLERS, BATCH = 32, 100
LATE = (http.client.SERVICE_UNAVAILABLE, http.client.GATEWAY_TIMEOUT)
QUEUE, NAME = "tickets", "ticket.created"
FLOOR = "/favicon.ico"
PATIENT = {"QUEUE_ADMIN_STORE_TIMEOUT_SECONDS": "30"}  # on a busy machine the store waits for a core, too
Call = Callable[[], bool]
"""False: no answer within the services' deadline, as a machine that is too busy may have it."""
MakeCalls = Callable[[int, int], list[Call]]  # of a caller's number: so many calls


@dataclass(frozen=True, slots=True)
class Pair:
    """A gateway with the queue-admin behind it."""

    url: str
    queue_admin: str
    pids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """What so many calls took."""

    what: str
    pairs: int
    rate: float
    p50_ms: float
    p99_ms: float
    gateway_us: float
    queue_admin_us: float
    store_us: float
    late: int
    others: float

    def __str__(self) -> str:
        cells = (f"{value:,.0f}" for value in (self.rate, self.gateway_us, self.queue_admin_us, self.store_us))
        rate, *cpu = cells
        latency = f"{self.p50_ms:.0f} / {self.p99_ms:.0f}"
        return (
            f"| {self.what} | {self.pairs} | {rate} | {latency} | {' | '.join(cpu)} | {self.late} | {self.others:.1f} |"
        )


def a_ticket() -> dict[str, str]:
    """A payload with an id nobody has had."""
    return {"ticketId": uuid.uuid4().hex, "propertyId": "prp_1", "createdById": "usr_1", "landlordId": "lnd_1"}


def by_grpc(pairs: Sequence[Pair], token_file: str, prepare: Callable[[Stub], Call]) -> MakeCalls:
    """Calls on a channel per caller, their requests made beforehand."""

    def make(caller: int, count: int) -> list[Call]:
        stub = Stub(open_channel(pairs[caller % len(pairs)].queue_admin, token_file=token_file))
        return [prepare(stub) for _ in range(count)]

    return make


def _enqueue_one(stub: Stub) -> Call:
    request = pb.EnqueueJobRequest(queue=QUEUE, name=NAME, data=orjson.dumps(a_ticket()))

    def call() -> bool:
        assert stub.EnqueueJob(request, timeout=60).created, "the job was there before"
        return True

    return call


def _enqueue_batch(stub: Stub) -> Call:
    jobs = [pb.NewJob(name=NAME, data=orjson.dumps(a_ticket())) for _ in range(BATCH)]
    request = pb.EnqueueJobsRequest(queue=QUEUE, jobs=jobs)

    def call() -> bool:
        created = sum(result.created for result in stub.EnqueueJobs(request, timeout=60).results)
        assert created == BATCH, f"{created} of {BATCH} jobs were created"
        return True

    return call


def by_rest(pairs: Sequence[Pair], token: str, path: str, body: Callable[[], bytes] | None = None) -> MakeCalls:
    """GET a path, or POST a new body to it each time, on a kept connection per caller."""

    def make(caller: int, count: int) -> list[Call]:
        connection = http.client.HTTPConnection(urlsplit(pairs[caller % len(pairs)].url).netloc, timeout=60)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

        def call(sent: bytes | None) -> bool:
            connection.request("POST" if body else "GET", path, sent, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < http.client.MULTIPLE_CHOICES or answer.status in LATE, text[:300]
            return answer.status not in LATE

        return [partial(call, body() if body else None) for _ in range(count)]

    return make


def _one_body() -> bytes:
    return orjson.dumps({"name": NAME, "data": a_ticket()})


def _batch_body() -> bytes:
    return orjson.dumps({"jobs": [{"name": NAME, "data": a_ticket()} for _ in range(BATCH)]})


def measure(what: str, pairs: Sequence[Pair], store: int, make: MakeCalls, *, count: int, jobs: int = 1) -> Row:
    """All callers at once; `jobs` are those of one call, for the rate."""
    work = [make(caller, count) for caller in range(CALLERS)]
    for calls in work:
        calls.pop()()  # the first opens the connection
    times: list[float] = []
    threads = [threading.Thread(target=_call_all, args=(calls, times)) for calls in work]
    pids = {name: [pair.pids[name] for pair in pairs] for name in pairs[0].pids} | {"store": [store]}
    before, busy, began = (
        {name: machine.cpu_seconds(each) for name, each in pids.items()},
        machine.busy_seconds(),
        time.monotonic(),
    )
    own = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, calls_made = time.monotonic() - began, len(times)
    used = {name: machine.cpu_seconds(each) - before[name] for name, each in pids.items()}
    others = (machine.busy_seconds() - busy - sum(used.values()) - (time.process_time() - own)) / seconds
    times.sort()
    cpu = [used[name] / calls_made * 1e6 for name in ("gateway", "queue-admin", "store")]
    late = CALLERS * (count - 1) - calls_made
    rate, p99 = calls_made * jobs / seconds, times[int(calls_made * 0.99)]
    row = Row(what, len(pairs), rate, statistics.median(times), p99, cpu[0], cpu[1], cpu[2], late, max(0.0, others))
    print(row, flush=True)
    return row


def _call_all(calls: Sequence[Call], times: list[float]) -> None:
    for call in calls:
        began = time.perf_counter()
        if call():
            times.append((time.perf_counter() - began) * 1e3)


@contextmanager
def second_pair(stack: RunningStack) -> Iterator[Pair]:
    """Another queue-admin and another gateway in front of it, beside those of the stack."""
    wiring = stack.stack._wiring()
    names = ("QUEUE_ADMIN_PORT", "QUEUE_ADMIN_METRICS_PORT", "PORT", "GATEWAY_METRICS_PORT")
    wiring = replace(wiring, ports={**wiring.ports, **{name: free_port() for name in names}})
    with ExitStack() as stopping:
        started = []
        for program in (services.queue_admin(wiring), services.api_gateway(wiring)):
            child = Child(program, stack.stack.folder.logs / f"second-{program.name}.log")
            child.start()
            stopping.callback(child.stop)
            child.wait_ready()
            started.append(child)
        pids = {"queue-admin": _pid(started[0]), "gateway": _pid(started[1])}
        yield Pair(f"http://{wiring.address('PORT')}", wiring.address("QUEUE_ADMIN_PORT"), pids)


def _pid(child: Child) -> int:
    assert child.pid is not None, f"{child.name} does not run"
    return child.pid


def rows(stack: RunningStack, *, count: int) -> list[Row]:
    """Everything, with one pair and with two."""
    for queue in services.QUEUES:
        stack.stop(f"worker-{queue}")
    children = stack.stack.supervisor
    pids = {"queue-admin": _pid(children["queue-admin"]), "gateway": _pid(children["api-gateway"])}
    first, store = Pair(stack.url, stack.queue_admin_address, pids), _pid(children["valkey"])
    token_file, found = str(stack.stack.credentials.token_file("backend")), []
    with second_pair(stack) as second:
        for pairs in ([first], [first, second]):
            token, jobs_path = stack.token(), f"/jobs/queues/{QUEUE}"
            page = f"{jobs_path}?status=waiting&pageSize="
            for what, make, jobs in (
                ("gRPC, one job", by_grpc(pairs, token_file, _enqueue_one), 1),
                ("gRPC, batch of 100", by_grpc(pairs, token_file, _enqueue_batch), BATCH),
                ("REST, one job", by_rest(pairs, token, jobs_path, _one_body), 1),
                ("REST, batch of 100", by_rest(pairs, token, f"{jobs_path}/batch", _batch_body), BATCH),
                ("REST, list page of 25", by_rest(pairs, token, f"{page}25"), 1),
                ("REST, list page of 100", by_rest(pairs, token, f"{page}100"), 1),
                ("a static file (the floor)", by_rest(pairs, token, FLOOR), 1),
            ):
                found.append(measure(what, pairs, store, make, count=count, jobs=jobs))
    return found


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20, help="calls of each of the 32 callers")
    parser.add_argument("--into", type=Path, default=FOLDER)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-wire-") as folder, a_stack(Path(folder), **PATIENT) as stack:
        found = rows(stack, count=given.calls + 1)
    heads = (
        "| 32 callers | pairs | jobs or pages/s | p50 / p99 ms | gateway | queue-admin | store | late | others' cores |"
    )
    measured = (
        "CPU in microseconds a call; late: calls without an answer within the 5 s that the gateway waits. "
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine.described()}."
    )
    lines = [heads, f"|---|{'--:|' * 8}", *map(str, found), "", measured]
    put_between(given.into / "wire.md", "calls", "\n".join(lines))


if __name__ == "__main__":
    main()
