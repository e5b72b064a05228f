"""A refusal with its ErrorReason, and the one table that maps reasons to gRPC and HTTP (read from the contract)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from jobqueue.errors.v1 import error_reason_pb2
from jobqueue.options.v1 import options_pb2

DOMAIN = "jobqueue"
DETAIL_BYTES, FIELD_BYTES, FIELDS_BYTES = 1_000, 500, 2_500
_VALUES = error_reason_pb2.ErrorReason.DESCRIPTOR.values
_PREFIX = "ERROR_REASON_"
HTTP_STATUS: dict[str, int] = {
    v.name.removeprefix(_PREFIX): v.GetOptions().Extensions[options_pb2.http_status] for v in _VALUES
}
GRPC_CODE: dict[str, int] = {v.name.removeprefix(_PREFIX): v.GetOptions().Extensions[options_pb2.code] for v in _VALUES}
# Statuses gRPC itself makes (no ErrorInfo with them), in our words.
REASON_OF_CODE: dict[grpc.StatusCode, str] = {
    grpc.StatusCode.UNAVAILABLE: "UNAVAILABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "DEADLINE",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "LIMITED",
    grpc.StatusCode.UNAUTHENTICATED: "UNAUTHENTICATED",
    grpc.StatusCode.PERMISSION_DENIED: "ROLE_REQUIRED",
    grpc.StatusCode.INVALID_ARGUMENT: "INVALID_REQUEST",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request and what is wrong with it; `field` is its JSON path (`data.ticketId`)."""

    field: str
    problem: str


@dataclass(eq=False)
class ServiceError(Exception):
    """A call is refused. `reason` is an ErrorReason without its prefix; `detail` is shown to the caller."""

    reason: str
    detail: str
    fields: tuple[FieldError, ...] = ()
    retry_after_ms: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


def to_status(error: ServiceError) -> status_pb2.Status:
    """The error as google.rpc.Status with ErrorInfo, and BadRequest and RetryInfo where they apply.

    Long texts and lists are cut: a status travels as metadata, and clients refuse more than 8 KiB of it.
    """
    messages: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    if error.fields:
        messages.append(_bad_request(error.fields))
    if error.retry_after_ms is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(error.retry_after_ms)
        messages.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=GRPC_CODE[error.reason], message=_cut(error.detail, DETAIL_BYTES))
    for message in messages:
        status.details.add().Pack(message)
    return status


def _bad_request(fields: tuple[FieldError, ...]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for field_error in fields:
        violation = bad.field_violations.add(
            field=_cut(field_error.field, FIELD_BYTES), description=_cut(field_error.problem, FIELD_BYTES)
        )
        if bad.ByteSize() > FIELDS_BYTES and len(bad.field_violations) > 1:
            bad.field_violations.remove(violation)
            break
    return bad


def _cut(text: str, most_bytes: int) -> str:
    encoded = text.encode("utf-8", "replace")
    cut = encoded if len(encoded) <= most_bytes else encoded[: most_bytes - 3] + "…".encode()
    return cut.decode("utf-8", "ignore")


def from_rpc_error(failed: grpc.RpcError) -> ServiceError:
    """What a failed call of ours to another service said; a bare gRPC status gets the reason that fits it."""
    call = cast("grpc.Call", failed)  # what a call raises is both
    code, text = call.code(), call.details() or ""
    found = ServiceError(REASON_OF_CODE.get(code, "INTERNAL"), text)
    for packed in _details(call):
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if packed.Unpack(info) and info.domain == DOMAIN and info.reason in GRPC_CODE:
            found.reason, found.metadata = info.reason, dict(info.metadata)
        elif packed.Unpack(bad):
            found.fields = tuple(FieldError(v.field, v.description) for v in bad.field_violations)
        elif packed.Unpack(retry):
            found.retry_after_ms = retry.retry_delay.ToMilliseconds()
    if found.reason in ("UNAVAILABLE", "LIMITED") and found.retry_after_ms is None:
        found.retry_after_ms = 1_000
    return found


def _details(call: grpc.Call) -> tuple[any_pb2.Any, ...]:
    try:
        status = rpc_status.from_call(call)
    except ValueError:  # its details contradict its status: something between us rewrote one of them
        return ()
    return tuple(status.details) if status else ()
