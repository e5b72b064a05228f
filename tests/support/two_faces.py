"""One call of the contract made twice, over REST and over gRPC, and what each answered in comparable form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import orjson
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.options.v1 import options_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2
from service_kit.contract import methods_of
from service_kit.errors import from_rpc_error

QUEUE_ADMIN = queue_admin_service_pb2.DESCRIPTOR.services_by_name["QueueAdminService"]
AUDIT = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]
METHODS = {method.name: method for method in methods_of(QUEUE_ADMIN, AUDIT).values()}
DEADLINE_SECONDS = 10.0
A_TIME_MS = 10**12


@dataclass(frozen=True, slots=True)
class Outcome:
    """`OK` and the answer, or an ErrorReason with its detail and its fields."""

    code: str
    answer: Any = None
    fields: tuple[tuple[str, str], ...] = ()
    retry_after: bool = False


def over_rest(client: httpx.Client, verb: str, path: str, body: Any = None) -> Outcome:
    """Make the call over REST; a body of bytes is sent as it is."""
    content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    headers = {"content-type": "application/json"} if content is not None else {}
    answer = client.request(verb, path, content=content, headers=headers)
    if answer.is_success:
        return Outcome("OK", answer.json())
    problem = answer.json()
    assert problem["status"] == answer.status_code
    fields = tuple((error["field"], error["problem"]) for error in problem.get("errors", ()))
    return Outcome(problem["code"], problem["detail"], fields, "retry-after" in answer.headers)


def over_grpc(channels: Mapping[str, grpc.Channel], name: str, request: Message, token: str | None) -> Outcome:
    """Make the call over gRPC; `channels` by the full name of the service."""
    method = METHODS[name]
    call: Any = channels[method.descriptor.containing_service.full_name].unary_unary(
        method.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.descriptor.output_type).FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        answer = shown(call(request, timeout=DEADLINE_SECONDS, metadata=metadata))
    except grpc.RpcError as error:
        refusal = from_rpc_error(error)
        fields = tuple((item.field, item.problem) for item in refusal.fields)
        return Outcome(refusal.reason, refusal.detail, fields, refusal.retry_after_ms is not None)
    return Outcome("OK", answer[_response_body(name)] if _response_body(name) else answer)


def shown(message: Message) -> dict[str, Any]:
    """A message as the contract says REST shows it, written down once more, without the gateway's code."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            found[field.json_name] = [_value(field, item) for item in value]
        elif _is_absent(message, field):
            continue
        elif field.GetOptions().Extensions[options_pb2.inline]:
            found |= shown(value)
        else:
            found[field.json_name] = _value(field, value)
    return found


def masked(value: Any, hide: str, *, numbers: bool = False) -> Any:
    """A value without what differs between two calls: an id, and times (with `numbers` every number)."""
    if isinstance(value, dict):
        return {key: masked(item, hide, numbers=numbers) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, hide, numbers=numbers) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and (numbers or value > A_TIME_MS):
        return "a number"
    if isinstance(value, str) and hide:
        return re.sub(re.escape(hide), "the job", value)
    return value


def _is_absent(message: Message, field: Any) -> bool:
    if field.has_presence:
        return not message.HasField(field.name)
    is_word_or_document = field.enum_type is not None or field.type == FieldDescriptor.TYPE_BYTES
    return is_word_or_document and not getattr(message, field.name)


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return shown(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return orjson.loads(value)
    if field.enum_type is not None:
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        return field.enum_type.values_by_number[value].name.removeprefix(prefix).lower()
    return value


def _response_body(name: str) -> str:
    rule = METHODS[name].descriptor.GetOptions().Extensions[annotations_pb2.http]
    field = METHODS[name].descriptor.output_type.fields_by_name.get(rule.response_body)
    return str(field.json_name) if field is not None else ""
