from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.field_problems import Problems
from api_gateway.transcoding.decode import fill_from_json
from api_gateway.transcoding.encode import Encoders
from api_gateway.transcoding.fields import Field, Kind, by_json_name, fields_of
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from jobqueue.worker.v1 import worker_service_pb2

ENCODERS = Encoders()
DOCUMENTS = st.sampled_from([b"{}", b"[1, 2]", b'{"n": 12345678901234567890123}', b'"x"', b"null", b"1.50"])


def as_json(message: Message) -> Any:
    return orjson.loads(written(message))


def written(message: Message) -> bytes:
    descriptor: Any = message.DESCRIPTOR  # typed as one of two classes, of which only one exists
    return orjson.dumps(ENCODERS.encoder(descriptor)(message))


def values(field: Field) -> st.SearchStrategy[Any]:
    by_kind: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.INTEGER: st.integers(field.low, field.high),
        Kind.BOOLEAN: st.booleans(),
        Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"])),
        Kind.DOCUMENT: DOCUMENTS,
    }
    if field.kind is Kind.MESSAGE:
        return messages(field.the_message)
    return st.sampled_from(list(field.words.values())) if field.kind is Kind.WORD else by_kind[field.kind]


def messages(descriptor: Any) -> st.SearchStrategy[Message]:
    fields = fields_of(descriptor)
    lists = {f.name: st.lists(values(f), min_size=1, max_size=3) for f in fields if f.is_repeated}  # empty is refused
    some = {f.name: values(f) for f in fields if not f.is_repeated}
    return st.fixed_dictionaries(lists, optional=some).map(lambda chosen: GetMessageClass(descriptor)(**chosen))


@pytest.mark.parametrize(
    "kind", [pb.EnqueueJobRequest, pb.EnqueueJobsRequest, pb.RetryJobRequest, pb.RetryJobsRequest, job_pb2.JobType]
)
@given(data=st.data())
def test_what_is_written_can_be_read_again(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(messages(kind.DESCRIPTOR))
    text = written(message).decode()

    again, problems = kind(), Problems()
    fill_from_json(again, text, fields=by_json_name(kind.DESCRIPTOR), problems=problems)

    problems.raise_any()
    assert again == message


def test_what_is_absent_is_left_out_and_zeros_are_shown() -> None:
    assert as_json(job_pb2.Job(id="7", status=job_pb2.JOB_STATE_WAITING, data=b"{}")) == {
        "id": "7",
        "queue": "",
        "name": "",
        "data": {},
        "status": "waiting",
        "attemptsMade": 0,
        "maxAttempts": 0,
        "deliveries": 0,
        "lostLeases": 0,
        "timestamp": 0,
        "dead": False,
        "cancelled": False,
        "cancelRequested": False,
        "priority": 0,
        "owner": "",
        "malformed": False,
    }


def test_an_optional_field_that_is_zero_or_empty_is_present() -> None:
    job = as_json(job_pb2.Job(failed_reason="", finished_on=0))

    assert job["failedReason"] == ""
    assert job["finishedOn"] == 0


def test_a_document_stands_as_it_was_stored() -> None:
    stored = b'{ "n": 123456789012345678901234567890, "f": 1.10 }'

    assert stored in written(job_pb2.Job(data=stored))


def test_times_beyond_53_bits_are_exact_numbers() -> None:
    assert b'"timestamp":9007199254740993' in written(job_pb2.Job(timestamp=2**53 + 1))


def test_inline_messages_merge_and_an_absent_one_shows_nothing() -> None:
    without = as_json(pb.GetQueueResponse(queue=job_pb2.Queue(name="tickets")))
    assert without["name"] == "tickets"
    assert "jobs" not in without
    assert "pagination" not in without

    page = pb.QueueJobs(pagination=job_pb2.Pagination(page=1))
    with_page = as_json(pb.GetQueueResponse(queue=job_pb2.Queue(name="tickets"), page=page))
    assert with_page["jobs"] == []
    assert with_page["pagination"]["page"] == 1


def test_a_job_looks_the_same_in_a_list_and_alone() -> None:
    job = job_pb2.Job(id="7", status=job_pb2.JOB_STATE_FAILED, failed_reason="boom", data=b"[]")

    listed = as_json(pb.GetQueueResponse(page=pb.QueueJobs(jobs=[job])))["jobs"][0]
    alone = as_json(pb.GetJobResponse(job=job))

    assert {name: alone[name] for name in listed} == listed


def test_a_nested_message_that_is_absent_is_left_out() -> None:
    gone = as_json(pb.Worker(info=pb.WorkerInfo(id="w")))
    assert gone["id"] == "w"
    assert "status" not in gone
    assert gone["running"] == []

    here = as_json(pb.Worker(status=worker_service_pb2.WorkerStatus(busy=2)))
    assert here["status"]["busy"] == 2


def test_an_enum_is_its_word_and_a_number_of_a_newer_service_passes() -> None:
    assert as_json(pb.RetryJobResponse(outcome=job_pb2.ACTION_OUTCOME_RETRIED))["outcome"] == "retried"
    assert as_json(pb.RetryJobResponse.FromString(b"\x10\x63"))["outcome"] == "99"
    assert "outcome" not in as_json(pb.RetryJobResponse())


def test_a_page_of_25_jobs_is_written_within_a_millisecond() -> None:
    job = job_pb2.Job(
        id="ticket-created-1",
        queue="tickets",
        name="ticket.created",
        data=b'{"ticketId":"1","propertyId":"2","createdById":"3","landlordId":"4"}',
        status=job_pb2.JOB_STATE_FAILED,
        failed_reason="x" * 60,
        processed_on=1_764_000_000_000,
        worker="worker-1",
    )
    page = pb.GetQueueResponse(queue=job_pb2.Queue(name="tickets"), page=pb.QueueJobs(jobs=[job] * 25))

    def seconds() -> float:
        began = time.perf_counter()
        written(page)
        return time.perf_counter() - began

    assert min(seconds() for _ in range(50)) < 0.001
