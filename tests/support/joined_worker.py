"""A further worker process of a running stack, with job types of the tests."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures.stack import RunningStack
from local.ports import HOST, free_port
from local.process import Child, Program
from support.waiting import wait_until

TESTS = Path(__file__).parents[1]


@contextmanager
def joined_worker(
    stack: RunningStack, folder: Path, *, job_types: str = "support.long_jobs", **settings: str
) -> Iterator[Child]:
    """Start it, wait until the stack knows it, stop it."""
    metrics = free_port()
    environment = {
        "PYTHONPATH": str(TESTS),
        "REDIS_URL": stack.redis_url,
        "AUTH_JWKS": str(stack.stack.credentials.jwks_file),
        "SERVICE_TOKEN_FILE": str(stack.stack.credentials.token_file("worker")),
        "WORKER_HOST": HOST,
        "WORKER_PORT": str(free_port()),
        "WORKER_METRICS_PORT": str(metrics),
        "WORKER_QUEUE_ADMIN_ADDRESS": stack.queue_admin_address,
        "WORKER_DRAIN_SECONDS": "0",
        **settings,
    }
    program = Program(
        name=job_types,
        command=(sys.executable, "-m", "support.worker_app", job_types),
        folder=folder,
        ready=lambda: _ready(metrics),
        environment=environment,
    )
    child = Child(program, folder / "joined-worker.log")
    child.start()
    try:
        child.wait_ready()
        yield child
    finally:
        child.stop()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for_type(stack: RunningStack, name: str) -> None:
    """Until the stack knows the job type."""
    with stack.client() as client:
        wait_until(lambda: name in client.get("/jobs/types").text, within=15)
