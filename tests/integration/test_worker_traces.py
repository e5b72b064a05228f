"""A real worker process under a collector: attempts, many jobs at once, and its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from fixtures.worker import StartWorker
from local.ports import HOST, free_port
from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.job import NewJob
from queue_engine.domain.trace import carrying
from queue_engine.engine import QueueEngine
from support.otlp_receiver import Receiver, receiving
from support.sample_jobs.sample import QUEUE
from support.waiting import wait_until

AT_ONCE = Backoff(BackoffKind.FIXED, 10, 10, 0)
JOBS = 1_000


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def traced(receiver: Receiver) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}


def a_span() -> tuple[str, str]:
    return secrets.token_hex(16), secrets.token_hex(8)


def sent_by(job: NewJob, span: tuple[str, str], *, is_batch: bool = False) -> NewJob:
    return carrying(job, {"traceparent": f"00-{span[0]}-{span[1]}-01"}, is_batch=is_batch)


def test_every_attempt_has_a_span_of_its_own_with_its_number(
    start_worker: StartWorker, engine: QueueEngine, receiver: Receiver, tmp_path: Path
) -> None:
    start_worker(**traced(receiver))
    data = orjson.dumps({"path": str(tmp_path / "canary-7c")})
    span = a_span()
    engine.enqueue_job(QUEUE, sent_by(NewJob("tries", "third-time-lucky", data, backoff=AT_ONCE), span))

    found = receiver.wait_for(lambda: len(receiver.spans) == 3 and receiver.named(f"process {QUEUE}"))

    assert [one.attributes["jobqueue.attempt"] for one in found] == [1, 2, 3]
    assert [one.attributes["jobqueue.outcome"] for one in found] == ["failed", "failed", "completed"]
    assert [one.failed for one in found] == [True, True, False]
    assert found[0].attributes["error.type"] == "ValueError"
    assert {one.links for one in found} == {(span,)}
    assert (found[0].trace, found[0].parent) == span
    assert len({one.trace for one in found}) == 3
    assert b"canary-7c" not in b"".join(receiver.bodies)  # the error quoted it


def test_jobs_of_a_batch_begin_traces_of_their_own_that_are_linked(
    start_worker: StartWorker, engine: QueueEngine, receiver: Receiver, tmp_path: Path
) -> None:
    start_worker(**traced(receiver))
    data, span = orjson.dumps({"path": str(tmp_path / "notes")}), a_span()
    engine.enqueue_jobs(QUEUE, [sent_by(NewJob(f"b-{n}", "note", data), span, is_batch=True) for n in range(5)])

    found = receiver.wait_for(lambda: len(receiver.spans) == 5 and receiver.spans)

    assert {one.links for one in found} == {(span,)}
    assert {one.parent for one in found} == {""}
    assert len({one.trace for one in found} - {span[0]}) == 5


def test_of_many_jobs_at_once_none_gets_into_anothers_trace(
    start_worker: StartWorker, engine: QueueEngine, receiver: Receiver, tmp_path: Path
) -> None:
    worker = start_worker(**traced(receiver), LOG_LEVEL="debug", OTEL_BSP_MAX_QUEUE_SIZE="10000")
    data = orjson.dumps({"path": str(tmp_path / "notes")})
    spans = {f"j-{n}": a_span() for n in range(JOBS)}
    names = ("note", "third-time-lucky", "note-now")
    jobs = [NewJob(job_id, names[n % 3], data, attempts=1) for n, job_id in enumerate(spans)]
    engine.enqueue_jobs(QUEUE, [sent_by(job, spans[job.job_id]) for job in jobs])

    found = receiver.wait_for(lambda: len(receiver.spans) >= JOBS and receiver.spans, within=120)

    assert {one.attributes["messaging.message.id"]: (one.trace, one.parent) for one in found} == spans
    lines = [orjson.loads(line) for line in worker.log.splitlines() if line.startswith("{")]
    told = [line for line in lines if "trace_id" in line]
    assert len(told) >= JOBS // 3
    assert {line["trace_id"] for line in told if spans[line["job_id"]][0] != line["trace_id"]} == set()


def test_the_last_spans_are_sent_at_the_end_and_a_collector_that_is_away_does_not_hold_it_up(
    start_worker: StartWorker, engine: QueueEngine, receiver: Receiver, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    data = orjson.dumps({"path": str(notes)})
    slow = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}
    patient = start_worker(**{**traced(receiver), **slow})
    engine.enqueue_job(QUEUE, NewJob("last", "note", data))
    wait_until(lambda: notes.exists() and "end last" in notes.read_text(), within=20)
    wait_until(lambda: engine.count_jobs(QUEUE).completed == 1, within=20)
    assert patient.process.stop()
    assert [one.attributes["messaging.message.id"] for one in receiver.named(f"process {QUEUE}")] == ["last"]

    alone = start_worker(**{**traced(receiver), **slow, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{free_port()}"})
    engine.enqueue_job(QUEUE, NewJob("unseen", "note", data))
    wait_until(lambda: engine.count_jobs(QUEUE).completed == 2, within=20)
    began = time.monotonic()
    assert alone.process.stop()
    assert alone.process.exit_status == 0
    assert time.monotonic() - began < 14  # alone, the library would go on trying
