"""Workers for tests: one in this process, or real processes that can be killed."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dramatiq
import orjson

from local.ports import HOST, free_port
from local.process import Child, Program
from queue_engine.domain.job import JobState, NewJob
from queue_engine.engine import QueueEngine
from support.tokens import Authority
from worker.dramatiq_broker.broker import JobBroker

TESTS = Path(__file__).parents[1]


@contextmanager
def running(broker: JobBroker, *, threads: int = 4) -> Iterator[dramatiq.Worker]:
    """A Dramatiq worker on `broker` in this process."""
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=100)
    broker.emit_after("process_boot")
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(timeout=10_000)
        broker.close()


class WorkerProcess:
    """A real worker process with the job types of sample_jobs."""

    def __init__(self, folder: Path, redis_url: str, *, authority: Authority, **settings: str) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        self._keys, self._token = Path(authority.write_jwks(folder)), Path(folder, f"token-{uuid.uuid4().hex}")
        self.trust(authority)
        environment = {
            "PYTHONPATH": str(TESTS),
            "REDIS_URL": redis_url,
            "AUTH_JWKS": str(self._keys),
            "SERVICE_TOKEN_FILE": str(self._token),
            "WORKER_HOST": HOST,
            "WORKER_PORT": str(self.port),
            "WORKER_METRICS_PORT": str(self.metrics_port),
            "WORKER_QUEUE_ADMIN_ADDRESS": f"{HOST}:{free_port()}",
            **settings,
        }
        log = folder / f"worker-{uuid.uuid4().hex[:6]}.log"
        program = Program(
            name="worker",
            command=(sys.executable, "-m", "support.worker_app"),
            folder=folder,
            ready=lambda: self.probe("livez") == "ok",
            environment=environment,
        )
        self.process = Child(program, log)

    def trust(self, authority: Authority) -> None:
        """Give it keys and a token of another authority; it reads both again."""
        self._keys.write_bytes(authority.jwks)
        self._token.write_text(authority.token("WORKER", sub="worker"))

    @property
    def log(self) -> str:
        """What it logged."""
        return self.process.log.read_text()

    def start(self) -> WorkerProcess:
        """Start it (again) and wait until it lives."""
        self.process.start()
        self.process.wait_ready()
        return self

    def probe(self, path: str) -> str:
        """What its metrics port answers."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.metrics_port}/{path}", timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.read().decode()
        except OSError as error:
            return str(error)


def enqueue(engine: QueueEngine, queue: str, name: str, data: Any, **fields: Any) -> str:
    """Enqueue a job as queue-admin does; returns its id."""
    job_id = fields.pop("job_id", uuid.uuid4().hex)
    engine.enqueue_job(queue, NewJob(job_id=job_id, name=name, data=orjson.dumps(data), **fields))
    return str(job_id)


def state_of(engine: QueueEngine, queue: str, job_id: str) -> JobState:
    """Where a job is."""
    return engine.get_job(queue, job_id).job.state
