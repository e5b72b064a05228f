from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from service_kit.errors import GRPC_CODE, HTTP_STATUS, FieldError, ServiceError, from_rpc_error, to_status


class FailedCall(grpc.RpcError):
    """A call as it fails without any detail of ours."""

    def __init__(self, code: grpc.StatusCode, details: str | None = "", metadata: tuple[Any, ...] = ()) -> None:
        self._code, self._details, self._metadata = code, details, metadata

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str | None:
        return self._details

    def trailing_metadata(self) -> tuple[Any, ...]:
        return self._metadata


@pytest.mark.parametrize(
    ("code", "reason", "retry_after_ms"),
    [
        (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", 1_000),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMITED", 1_000),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE", None),
        (grpc.StatusCode.UNIMPLEMENTED, "INTERNAL", None),
        (grpc.StatusCode.UNKNOWN, "INTERNAL", None),
    ],
)
def test_a_bare_grpc_status_gets_the_reason_that_fits(
    code: grpc.StatusCode, reason: str, retry_after_ms: int | None
) -> None:
    found = from_rpc_error(FailedCall(code, None))

    assert (found.reason, found.detail, found.retry_after_ms) == (reason, "", retry_after_ms)


def test_details_that_contradict_the_status_are_ignored() -> None:
    status = to_status(ServiceError("JOB_NOT_FOUND", "no job"))
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)

    found = from_rpc_error(FailedCall(grpc.StatusCode.UNAVAILABLE, "proxy", metadata))

    assert (found.reason, found.detail) == ("UNAVAILABLE", "proxy")


@given(st.text(), st.lists(st.builds(FieldError, st.text(), st.text()), max_size=300))
def test_any_refusal_fits_into_metadata(detail: str, fields: list[FieldError]) -> None:
    status = to_status(ServiceError("INVALID_REQUEST", detail, tuple(fields), 5))

    assert status.ByteSize() < 5_000
    assert len(status.message.encode()) <= 1_000


def test_field_errors_that_fit_all_arrive() -> None:
    fields = tuple(FieldError(f"f{i}", "is required") for i in range(50))
    bad = error_details_pb2.BadRequest()

    to_status(ServiceError("INVALID_REQUEST", "", fields)).details[1].Unpack(bad)

    assert [v.field for v in bad.field_violations] == [f.field for f in fields]


def test_every_reason_of_the_contract_has_both_statuses() -> None:
    assert set(HTTP_STATUS) == set(GRPC_CODE)
    assert (HTTP_STATUS["LIMITED"], GRPC_CODE["LIMITED"]) == (429, grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])
