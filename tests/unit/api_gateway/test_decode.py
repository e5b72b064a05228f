from __future__ import annotations

from typing import Any

import orjson
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.field_problems import Problems
from api_gateway.transcoding.decode import fill_from_json, fill_from_text
from api_gateway.transcoding.fields import by_json_name
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from service_kit.errors import ServiceError


def from_json(kind: type[Message], text: str) -> Any:
    message, problems = kind(), Problems()
    fill_from_json(message, text, fields=by_json_name(kind.DESCRIPTOR), problems=problems)
    problems.raise_any()
    return message


def from_text(kind: type[Message], *pairs: tuple[str, str]) -> Any:
    message, problems = kind(), Problems()
    fill_from_text(message, pairs, fields=by_json_name(kind.DESCRIPTOR), problems=problems)
    problems.raise_any()
    return message


def fields_refused(error: pytest.ExceptionInfo[ServiceError]) -> list[str]:
    assert error.value.reason == "INVALID_REQUEST"
    return [item.field for item in error.value.fields]


def test_data_arrives_as_the_exact_bytes_that_were_sent() -> None:
    data = '{ "z": 123456789012345678901234567890, "a":1.10, "z2":"\\u00e9é" }'

    request = from_json(pb.EnqueueJobRequest, f'{{"name":"x","data": {data} ,"opts":{{"delay":5}}}}')

    assert request.data == data.encode()
    assert request.opts.delay == 5


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_int64_survives(number: int) -> None:
    assert from_json(job_pb2.JobOptions, orjson.dumps({"delay": number}).decode()).delay == number
    assert from_text(job_pb2.JobOptions, ("delay", str(number))).delay == number


def test_null_is_absence_except_for_a_json_document() -> None:
    request = from_json(
        pb.RetryJobsRequest, '{"name":null,"ids":null,"limit":null,"dryRun":null,"status":null,"reason":null}'
    )
    assert request == pb.RetryJobsRequest()

    assert from_json(pb.RetryJobRequest, '{"data":null}').data == b"null"
    assert not from_json(pb.EnqueueJobRequest, '{"opts":null}').HasField("opts")


def test_an_empty_object_is_present() -> None:
    assert from_json(pb.EnqueueJobRequest, '{"opts":{}}').HasField("opts")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"colour":1}', "colour"),
        ('{"opts":{"colour":1}}', "opts.colour"),
        ('{"opts":{"backoff":{"type":"sideways"}}}', "opts.backoff.type"),
        ('{"opts":{"backoff":{"type":"unspecified"}}}', "opts.backoff.type"),
        ('{"opts":{"backoff":{"type":"FIXED"}}}', "opts.backoff.type"),
        ('{"opts":{"backoff":{"type":1}}}', "opts.backoff.type"),
        ('{"opts":{"delay":"5"}}', "opts.delay"),
        ('{"opts":{"delay":5.0}}', "opts.delay"),
        ('{"opts":{"delay":true}}', "opts.delay"),
        ('{"opts":{"delay":1e3}}', "opts.delay"),
        ('{"opts":{"delay":[5]}}', "opts.delay"),
        ('{"opts":{"delay":9223372036854775808}}', "opts.delay"),
        ('{"opts":{"delay":' + "9" * 5_000 + "}}", "opts.delay"),
        ('{"opts":{"attempts":2147483648}}', "opts.attempts"),
        ('{"opts":[]}', "opts"),
        ('{"opts":"x"}', "opts"),
        ('{"name":5}', "name"),
        ('{"name":{}}', "name"),
        ('{"name":"a","name":"b"}', "name"),
        ('{"name":"\\ud800"}', "name"),
        ('{"opts":{"jobId":null,"jobId":"x"}}', "opts.jobId"),
        ('{"opts":{"job_id":"x"}}', "opts.job_id"),
    ],
)
def test_a_wrong_body_is_refused_with_the_path_of_the_field(text: str, field: str) -> None:
    with pytest.raises(ServiceError) as error:
        from_json(pb.EnqueueJobRequest, text)

    assert fields_refused(error) == [field]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"jobs":{}}', "jobs"),
        ('{"jobs":[{"name":"a"},null]}', "jobs[1]"),
        ('{"jobs":[{"name":"a"},{"opts":{"priority":"high"}}]}', "jobs[1].opts.priority"),
    ],
)
def test_a_wrong_item_of_a_list_is_named_with_its_number(text: str, field: str) -> None:
    with pytest.raises(ServiceError) as error:
        from_json(pb.EnqueueJobsRequest, text)

    assert fields_refused(error) == [field]


def test_all_wrong_fields_are_named_at_once_but_never_hundreds() -> None:
    with pytest.raises(ServiceError) as error:
        from_json(pb.EnqueueJobRequest, '{"a":1,"name":2,"opts":{"delay":"x","b":1}}')
    assert fields_refused(error) == ["a", "name", "opts.delay", "opts.b"]

    many = orjson.dumps({f"field{number}": number for number in range(5_000)}).decode()
    with pytest.raises(ServiceError) as error:
        from_json(pb.EnqueueJobRequest, many)
    assert len(error.value.fields) == 20


def test_a_made_up_name_is_shown_short_and_as_text() -> None:
    with pytest.raises(ServiceError) as error:
        from_json(pb.EnqueueJobRequest, '{"\\ud800' + "x" * 10_000 + '":1}')

    (field,) = fields_refused(error)
    assert field.startswith("\\ud800xx")
    assert len(field) == 200


def test_query_parameters_have_their_types() -> None:
    request = from_text(pb.GetQueueRequest, ("status", "failed"), ("page", "2"), ("pageSize", "7"))

    assert request == pb.GetQueueRequest(status=job_pb2.JOB_STATE_FAILED, page=2, page_size=7)


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([("colour", "red")], "colour"),
        ([("page_size", "5")], "page_size"),
        ([("page", "1"), ("page", "2")], "page"),
        ([("page", "")], "page"),
        ([("page", "1.0")], "page"),
        ([("page", " 1")], "page"),
        ([("page", "1_0")], "page"),
        ([("page", "+1")], "page"),
        ([("page", "\u0661")], "page"),
        ([("page", "2147483648")], "page"),
        ([("page", "9" * 5_000)], "page"),
        ([("status", "")], "status"),
        ([("status", "Failed")], "status"),
        ([("status", "done")], "status"),
        ([("status", "5")], "status"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(pairs: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(ServiceError) as error:
        from_text(pb.GetQueueRequest, *pairs)

    assert fields_refused(error) == [field]


def test_a_wrong_number_is_refused_with_its_range_and_a_wrong_word_with_the_right_ones() -> None:
    with pytest.raises(ServiceError, match="pageSize must be an integer from 1 to 100"):
        from_text(pb.GetQueueRequest, ("pageSize", "many"))
    with pytest.raises(ServiceError, match="status must be one of waiting, active, delayed, completed, failed"):
        from_text(pb.GetQueueRequest, ("status", "done"))
    with pytest.raises(ServiceError, match="action must be one of retry, remove, cancel"):
        from_text(audit_service_pb2.ListEntriesRequest, ("action", "hug"))
