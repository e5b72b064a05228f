"""What the job queue refuses, with its ErrorReason."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

REASON_OF_CODE = {
    grpc.StatusCode.UNAVAILABLE: "UNAVAILABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "LIMITED",
    grpc.StatusCode.UNAUTHENTICATED: "UNAUTHENTICATED",
    grpc.StatusCode.PERMISSION_DENIED: "ROLE_REQUIRED",
    grpc.StatusCode.INVALID_ARGUMENT: "INVALID_REQUEST",
}


class JobQueueError(Exception):
    """A call, or one job of a batch, was refused.

    `reason` is the contract's ErrorReason (`PAYLOAD_INVALID`, `ID_CONFLICT`, `UNAVAILABLE`, …), `fields` what is wrong
    by field (`data.ticketId`), `retry_after_seconds` when to come back, if that was said.
    """

    def __init__(
        self, reason: str, detail: str, fields: dict[str, str] | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
        self.fields = fields or {}
        self.retry_after_seconds = retry_after_seconds


def from_rpc_error(error: grpc.RpcError) -> JobQueueError:
    """What a failed call said."""
    code = error.code()
    detail = error.details() or ""
    found = JobQueueError(REASON_OF_CODE.get(code, "INTERNAL"), detail)
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for packed in status.details if status else ():
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if packed.Unpack(info):
            found = JobQueueError(info.reason, detail, found.fields, found.retry_after_seconds)
        elif packed.Unpack(bad):
            found.fields = {violation.field: violation.description for violation in bad.field_violations}
        elif packed.Unpack(retry):
            found.retry_after_seconds = retry.retry_delay.ToMilliseconds() / 1_000
    return found
