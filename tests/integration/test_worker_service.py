"""The worker process among others: its gRPC service, registration, health, metrics, settings, the store's outages."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import grpc
import orjson
import pytest

from fixtures.queue_admin import StartQueueAdmin
from fixtures.valkey import ValkeyServer
from fixtures.worker import StartWorker
from jobqueue.queue.v1 import queue_admin_service_pb2
from jobqueue.worker.v1 import worker_service_pb2 as pb
from jobqueue.worker.v1 import worker_service_pb2_grpc
from local.ports import HOST, free_port
from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.job import JobState, NewJob
from queue_engine.engine import QueueEngine
from service_kit.errors import from_rpc_error
from service_kit.grpc_client import open_channel
from support.sample_jobs.sample import QUEUE
from support.tokens import Authority
from support.waiting import wait_until
from support.workers import WorkerProcess, enqueue, state_of

Stub = worker_service_pb2_grpc.WorkerServiceStub


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


def stub(worker: WorkerProcess, authority: Authority, folder: Path, role: str = "QUEUE_ADMIN") -> Stub:
    return Stub(open_channel(f"{HOST}:{worker.port}", token_file=authority.write_token(folder, role)))


def test_status_and_running_jobs_say_what_it_does(
    start_worker: StartWorker, engine: QueueEngine, authority: Authority, notes: Path, tmp_path: Path
) -> None:
    worker = start_worker(WORKER_THREADS="3")
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 30})
    wait_until(lambda: "begin" in notes.read_text())
    asked = stub(worker, authority, tmp_path)

    status = asked.GetStatus(pb.GetStatusRequest()).status
    (job,) = asked.ListRunningJobs(pb.ListRunningJobsRequest()).jobs

    assert (status.threads, status.busy, status.prefetched, status.draining) == (3, 1, 0, False)
    assert (job.queue, job.job_id, job.name) == (QUEUE, job_id, "note")
    assert abs(job.started_on / 1000 - time.time()) < 10


def test_drain_and_resume_are_idempotent_and_take_effect(
    start_worker: StartWorker, engine: QueueEngine, authority: Authority, notes: Path, tmp_path: Path
) -> None:
    worker = start_worker()
    asked = stub(worker, authority, tmp_path)

    assert asked.DrainWorker(pb.DrainWorkerRequest()).changed
    assert not asked.DrainWorker(pb.DrainWorkerRequest()).changed
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes)})
    time.sleep(1.2)  # more than an idle worker's turn
    assert state_of(engine, QUEUE, job_id) is JobState.WAITING
    assert worker.probe("readyz") == "draining"

    assert asked.ResumeWorker(pb.ResumeWorkerRequest()).changed
    assert not asked.ResumeWorker(pb.ResumeWorkerRequest()).changed
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.COMPLETED)


def test_only_queue_admin_may_ask(start_worker: StartWorker, authority: Authority, tmp_path: Path) -> None:
    worker = start_worker()

    with pytest.raises(grpc.RpcError) as refused:
        stub(worker, authority, tmp_path, role="ADMIN").DrainWorker(pb.DrainWorkerRequest())

    assert from_rpc_error(refused.value).reason == "ROLE_REQUIRED"


def test_it_registers_with_a_queue_admin_that_comes_later(
    make_worker: StartWorker, start_queue_admin: StartQueueAdmin, engine: QueueEngine, valkey_url: str, tmp_path: Path
) -> None:
    port = free_port()
    worker = make_worker(WORKER_QUEUE_ADMIN_ADDRESS=f"{HOST}:{port}").start()
    wait_until(lambda: "not_registered" in worker.log)

    admin = start_queue_admin(valkey_url, queue_admin_port=port)
    worker.trust(admin.authority)
    found = wait_until(
        lambda: list(admin.stub("ADMIN").ListWorkers(queue_admin_service_pb2.ListWorkersRequest()).workers), within=15
    )

    (info,) = (known.info for known in found)
    assert list(info.queues) == [QUEUE]
    assert "note" in info.job_types
    assert info.address == f"{HOST}:{worker.port}"
    assert {job_type.name for job_type in engine.list_job_types()} == {"die", "note", "note-now", "third-time-lucky"}


def test_metrics_have_the_names_and_buckets_that_were_promised(
    start_worker: StartWorker, engine: QueueEngine, notes: Path
) -> None:
    worker = start_worker()
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes), "seconds": 0.03})
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.COMPLETED)
    wait_until(lambda: "duration_ms_count" in worker.probe("metrics"))
    told = worker.probe("metrics")

    assert f'queue_processing_duration_ms_bucket{{le="25.0",queue="{QUEUE}"}} 0.0' in told
    assert f'queue_processing_duration_ms_bucket{{le="900000.0",queue="{QUEUE}"}} 1.0' in told
    assert f'queue_wait_duration_seconds_count{{queue="{QUEUE}"}} 1.0' in told
    assert "worker_busy_threads 0.0" in told
    assert f'worker_last_fetch_timestamp_seconds{{queue="{QUEUE}"}}' in told
    assert 'build_info{version="' in told


def test_a_queue_without_job_types_is_one_clear_line(make_worker: StartWorker) -> None:
    worker = make_worker(WORKER_QUEUES="work,nowhere")
    worker.process.start()

    assert worker.process.wait(10) == 2
    assert worker.log.strip() == "settings: WORKER_QUEUES: no job type lives in nowhere; there are work"


def test_a_job_whose_data_does_not_fit_is_dead_with_its_fields_named(
    start_worker: StartWorker, engine: QueueEngine
) -> None:
    start_worker()
    job_id = enqueue(engine, QUEUE, "note", {"seconds": "long"})
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.FAILED)

    job = engine.get_job(QUEUE, job_id).job
    assert job.dead
    assert job.failure_kind == "payload_invalid"
    assert job.failed_reason is not None
    assert "data.path" in job.failed_reason


def test_log_lines_of_a_job_carry_its_ids(start_worker: StartWorker, engine: QueueEngine, notes: Path) -> None:
    worker = start_worker()
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes.parent), "seconds": 0}, attempts=1)
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.FAILED)

    line = wait_until(lambda: next((line for line in worker.log.splitlines() if "attempt_failed" in line), ""))
    assert f'"job_id":"{job_id}"' in line
    assert '"attempt":1' in line
    assert '"name":"note"' in line
    assert '"will_retry":false' in line
    assert str(notes.parent) not in worker.log


def test_a_stack_begins_in_the_handler(start_worker: StartWorker, engine: QueueEngine, notes: Path) -> None:
    start_worker()
    job_id = enqueue(engine, QUEUE, "note", {"path": str(notes.parent), "seconds": 0}, attempts=1)
    wait_until(lambda: state_of(engine, QUEUE, job_id) is JobState.FAILED)

    stack = engine.get_job(QUEUE, job_id).job.stack
    assert stack is not None
    assert "in note" in stack.splitlines()[1]


def test_a_restarted_store_loses_nothing_and_the_worker_goes_on_by_itself(
    start_worker: StartWorker, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    worker = start_worker(redis_url=valkey_server.url, WORKER_LEASE_MS="3000")
    engine = QueueEngine.connect(valkey_server.url)
    backend = Backend(engine, done)
    backend.start()
    for _ in range(3):
        before, outages = len(backend.accepted), worker.log.count("store_away")
        wait_until(lambda before=before: len(backend.accepted) > before + 100, within=10)  # type: ignore[misc]
        valkey_server.kill()
        wait_until(lambda outages=outages: worker.log.count("store_away") > outages)  # type: ignore[misc]
        assert worker.probe("livez") == "ok"
        valkey_server.start()
    backend.stop()

    def finished() -> set[str]:
        return {line.split()[-1] for line in done.read_text().splitlines() if " end " in line}

    wait_until(lambda: finished() >= set(backend.accepted), within=12)
    wait_until(lambda: engine.count_jobs(QUEUE).active == 0)
    wait_until(lambda: worker.probe("readyz") == "ok")
    engine.close()


class Backend(threading.Thread):
    """Enqueues notes one after another and remembers which were accepted."""

    def __init__(self, engine: QueueEngine, notes: Path) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self._engine, self._data = engine, orjson.dumps({"path": str(notes)})
        self._ended = threading.Event()

    def run(self) -> None:
        for number in itertools.count():
            if self._ended.wait(0.002):
                return
            try:
                self._engine.enqueue_job(QUEUE, NewJob(job_id=f"load-{number}", name="note", data=self._data))
            except QueueEngineError:
                continue
            self.accepted.append(f"load-{number}")

    def stop(self) -> None:
        self._ended.set()
        self.join(5)
