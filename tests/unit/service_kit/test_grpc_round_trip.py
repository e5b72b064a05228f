"""A real server and a real client of ours on this machine: what the kit promises about every call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import structlog
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.errors import FieldError, ServiceError, from_rpc_error
from service_kit.grpc_client import open_channel
from support.grpc_service import LIST, Running, StoreDown, code_of, running_service
from support.waiting import wait_until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_service(tmp_path) as service:
        yield service


def trailing(call: Any) -> dict[str, Any]:
    return {item.key: item.value for item in call.trailing_metadata()}


def test_a_call_reaches_the_method_with_its_caller_and_a_new_request_id(running: Running) -> None:
    running.stub.ListEntries(pb.ListEntriesRequest())

    [(subject, given)] = running.servicer.seen
    assert subject == "olga"
    assert len(given) == 32


def test_the_request_id_of_the_caller_is_kept_and_answered(running: Running) -> None:
    token = running.authority.token("ADMIN")

    _, call = running.plain(authorization=f"Bearer {token}", x_request_id="r-17")

    assert running.servicer.seen[0][1] == "r-17"
    assert trailing(call)["x-request-id"] == "r-17"


def test_a_malformed_request_id_is_replaced(running: Running) -> None:
    running.plain(authorization=f"Bearer {running.authority.token('ADMIN')}", x_request_id='bad "id"')

    assert running.servicer.seen[0][1] != 'bad "id"'


@pytest.mark.parametrize("authorization", ["", "Basic abc", "Bearer", "Bearer ", "Bearer a.b.c", "bearer x"])
def test_a_call_without_a_valid_bearer_token_is_unauthenticated(running: Running, authorization: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        running.plain(**({"authorization": authorization} if authorization else {}))

    assert from_rpc_error(caught.value).reason == "UNAUTHENTICATED"
    assert trailing(caught.value)["x-request-id"]
    assert running.servicer.seen == []


@pytest.mark.parametrize("roles", [(), ("SERVICE",), ("QUEUE_ADMIN",), ("TENANT", "WORKER"), ("admin",)])
def test_a_role_the_contract_does_not_name_is_refused(running: Running, roles: tuple[str, ...]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        running.plain(authorization=f"Bearer {running.authority.token(*roles)}")

    refused = from_rpc_error(caught.value)
    assert (refused.reason, refused.detail) == ("ROLE_REQUIRED", "this needs one of the roles ADMIN, OPS")
    assert running.servicer.seen == []


def test_a_call_without_a_deadline_is_refused(running: Running) -> None:
    channel = grpc.insecure_channel(f"127.0.0.1:{running.server.port}")
    stub = audit_service_pb2_grpc.AuditServiceStub(channel)
    metadata = (("authorization", f"Bearer {running.authority.token('OPS')}"),)

    refused = running.failed(stub.ListEntries, pb.ListEntriesRequest(), metadata=metadata)

    assert (refused.reason, refused.detail) == ("INVALID_REQUEST", "every call needs a deadline")
    channel.close()


def test_our_client_puts_a_deadline_on_every_call(running: Running) -> None:
    refused = running.failed(running.stub.VerifyChain, pb.VerifyChainRequest(), timeout=0.2)

    assert refused.reason == "DEADLINE"


def test_fields_out_of_range_are_all_named(running: Running) -> None:
    request = pb.ListEntriesRequest(page=0, page_size=101, queue="No")

    refused = running.failed(running.stub.ListEntries, request)

    assert refused.reason == "INVALID_REQUEST"
    assert set(refused.fields) == {
        FieldError("page", "must be from 1 to 1000000"),
        FieldError("pageSize", "must be from 1 to 100"),
        FieldError("queue", "must match [a-z][a-z0-9-]{0,62}"),
    }


def test_a_domain_error_is_translated_with_its_retry_delay(running: Running) -> None:
    running.servicer.error = StoreDown()

    refused = running.failed(running.stub.ListEntries, pb.ListEntriesRequest())

    assert (refused.reason, refused.detail, refused.retry_after_ms) == ("UNAVAILABLE", "the store is away", 700)


def test_an_unknown_error_tells_the_caller_nothing_and_the_log_everything(running: Running) -> None:
    running.servicer.error = RuntimeError("the secret inside")

    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        refused = running.failed(running.stub.ListEntries, pb.ListEntriesRequest())

    assert refused.reason == "INTERNAL"
    assert "secret" not in refused.detail
    [entry] = [e for e in logs if e["event"] == "call_failed"]
    assert (entry["method"], entry["actor"]) == (LIST, "olga")
    assert entry["request_id"]
    assert entry["exc_info"] is running.servicer.error


def test_a_status_with_a_thousand_field_errors_still_arrives(running: Running) -> None:
    fields = tuple(FieldError(f"jobs[{i}].data.ticketId", "ist zu groß " * 10) for i in range(1000))
    running.servicer.error = ServiceError("PAYLOAD_INVALID", "ünd " * 5000, fields)

    refused = running.failed(running.stub.ListEntries, pb.ListEntriesRequest())

    assert refused.reason == "PAYLOAD_INVALID"
    assert refused.fields[0].field == "jobs[0].data.ticketId"
    assert 1 < len(refused.fields) < 1000


def test_the_status_is_a_standard_one_with_error_info(running: Running) -> None:
    running.servicer.error = ServiceError("JOB_NOT_FOUND", "no job x")

    with pytest.raises(grpc.RpcError) as caught:
        running.stub.ListEntries(pb.ListEntriesRequest())

    status = rpc_status.from_call(cast("grpc.Call", caught.value))
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("JOB_NOT_FOUND", "jobqueue")
    assert code_of(caught.value) is grpc.StatusCode.NOT_FOUND


def test_nothing_of_a_call_reaches_the_next_one_on_its_thread(running: Running) -> None:
    for _ in range(4):  # two threads
        running.stub.ListEntries(pb.ListEntriesRequest())

    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        running.refused_plainly()

    [entry] = [e for e in logs if e["event"] == "call_refused"]
    assert "actor" not in entry


def test_calls_are_measured_by_method_and_outcome(running: Running) -> None:
    running.stub.ListEntries(pb.ListEntriesRequest())
    running.failed(running.stub.ListEntries, pb.ListEntriesRequest(page=-1))

    def count(code: str) -> float | None:
        labels = {"method": LIST, "code": code}
        return running.registry.get_sample_value("grpc_server_handling_seconds_count", labels)

    assert wait_until(lambda: count("OK") == 1 and count("INVALID_REQUEST") == 1)


def test_our_client_reads_its_token_again_when_the_file_changes(tmp_path: Path, running: Running) -> None:
    path = Path(running.authority.write_token(tmp_path, "OPS", sub="before"))
    with open_channel(f"127.0.0.1:{running.server.port}", token_file=str(path)) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        stub.ListEntries(pb.ListEntriesRequest())
        path.write_text(running.authority.token("OPS", sub="after"))
        stub.ListEntries(pb.ListEntriesRequest())

    assert [subject for subject, _ in running.servicer.seen] == ["before", "after"]


def test_our_client_without_its_token_says_so(tmp_path: Path, running: Running) -> None:
    with open_channel(f"127.0.0.1:{running.server.port}", token_file=str(tmp_path / "none")) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)

        with pytest.raises(ServiceError, match="token cannot be read") as caught:
            stub.ListEntries(pb.ListEntriesRequest())

    assert caught.value.reason == "UNAVAILABLE"
