"""The contracts keep the promises that servers, gateway and documentation build on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.rpc import code_pb2

from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.errors.v1 import error_reason_pb2
from jobqueue.options.v1 import options_pb2
from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2, reconciliation_pb2
from jobqueue.worker.v1 import worker_service_pb2
from service_kit.contract import Method, methods_of
from service_kit.errors import GRPC_CODE, HTTP_STATUS
from service_kit.roles import INTERNAL_ROLES

FILES = (
    audit_service_pb2.DESCRIPTOR,
    error_reason_pb2.DESCRIPTOR,
    job_pb2.DESCRIPTOR,
    options_pb2.DESCRIPTOR,
    queue_admin_service_pb2.DESCRIPTOR,
    reconciliation_pb2.DESCRIPTOR,
    worker_service_pb2.DESCRIPTOR,
)
SERVICES = tuple(service for file in FILES for service in file.services_by_name.values())
METHODS = sorted(methods_of(*SERVICES).values(), key=lambda method: method.path)
PUBLIC = [method for method in METHODS if method.public]
INTERNAL = [method for method in METHODS if not method.public]
VERBS = ("get", "post", "put", "patch", "delete")
INTEGERS = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}


def full_name(thing: Any) -> str:
    return str(thing.descriptor.full_name if isinstance(thing, Method) else thing.full_name).removeprefix("jobqueue.")


each_method = pytest.mark.parametrize("method", METHODS, ids=full_name)
each_public_method = pytest.mark.parametrize("method", PUBLIC, ids=full_name)


def route(method: Method) -> tuple[str, str]:
    """Verb and path of a method's HTTP rule."""
    rule = http_rule(method)
    [verb] = [verb for verb in VERBS if getattr(rule, verb)]
    return verb, getattr(rule, verb)


def http_rule(method: Method) -> Any:
    return method.descriptor.GetOptions().Extensions[annotations_pb2.http]


def has_http_rule(method: Method) -> bool:
    return bool(method.descriptor.GetOptions().HasExtension(annotations_pb2.http))


def placeholders(template: str) -> list[str]:
    return re.findall(r"{(\w+)}", template)


def option(field: FieldDescriptor, extension: Any) -> Any:
    return field.GetOptions().Extensions[extension]


def messages(roots: Iterable[Descriptor]) -> Iterator[Descriptor]:
    """Messages and all that they hold, each once."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        message = waiting.pop()
        if message.full_name not in seen:
            seen.add(message.full_name)
            yield message
            waiting += [field.message_type for field in message.fields if field.message_type is not None]


def fields(roots: Iterable[Descriptor]) -> list[Any]:
    found = [field for message in messages(roots) for field in message.fields]
    return [pytest.param(field, id=field.full_name.removeprefix("jobqueue.")) for field in found]


REQUEST_FIELDS = fields(method.descriptor.input_type for method in METHODS)
PUBLIC_REQUEST_FIELDS = fields(method.descriptor.input_type for method in PUBLIC)
ALL_FIELDS = fields(message for file in FILES for message in file.message_types_by_name.values())


def test_the_methods_that_anybody_may_call_are_known() -> None:
    assert len(PUBLIC) > 15
    assert {method.name for method in INTERNAL} >= {"AppendEntries", "RegisterWorker", "GetStatus"}


@each_method
def test_every_method_names_its_roles_and_never_mixes_ours_with_the_public_ones(method: Method) -> None:
    assert method.roles
    assert method.roles <= INTERNAL_ROLES or not method.roles & INTERNAL_ROLES
    assert "UNSPECIFIED" not in method.roles


@each_public_method
def test_every_public_method_has_one_http_rule(method: Method) -> None:
    assert has_http_rule(method)
    verb, path = route(method)
    rule = http_rule(method)
    assert re.fullmatch(r"/jobs(/[a-z]+|/{\w+})+", path)
    assert rule.body == ("" if verb in ("get", "delete") else "*")
    assert not rule.additional_bindings


@pytest.mark.parametrize("method", INTERNAL, ids=full_name)
def test_no_internal_method_is_reachable_by_http(method: Method) -> None:
    assert not has_http_rule(method)


def test_no_two_methods_share_a_route() -> None:
    shapes = Counter((verb, re.sub(r"{\w+}", "{}", path)) for verb, path in map(route, PUBLIC))

    assert [shape for shape, count in shapes.items() if count > 1] == []


@each_public_method
def test_every_path_variable_is_a_field_of_the_request_that_fits_one_segment(method: Method) -> None:
    request = method.descriptor.input_type
    for name in placeholders(route(method)[1]):
        field = request.fields_by_name[name]
        rule = option(field, options_pb2.rule)
        assert field.cpp_type == FieldDescriptor.CPPTYPE_STRING
        assert rule.required
        assert not re.fullmatch(rule.pattern or ".*", "a/b")
        assert not re.fullmatch(rule.pattern or ".*", "")


@each_public_method
def test_answers_of_rest_are_made_of_fields_that_exist(method: Method) -> None:
    response = method.descriptor.output_type
    body = http_rule(method).response_body
    location = method.descriptor.GetOptions().Extensions[options_pb2.created_location]
    assert not body or body in response.fields_by_name
    assert all(name in response.fields_by_name for name in placeholders(location))
    assert not location or "created" in response.fields_by_name


@each_public_method
def test_what_a_get_asks_fits_into_a_query(method: Method) -> None:
    if route(method)[0] == "get":
        assert [field.name for field in method.descriptor.input_type.fields if field.message_type is not None] == []


@each_method
def test_requests_and_responses_are_each_methods_own(method: Method) -> None:
    assert method.descriptor.input_type.name == f"{method.name}Request"
    assert method.descriptor.output_type.name == f"{method.name}Response"


@each_method
def test_no_method_streams(method: Method) -> None:
    assert not method.descriptor.client_streaming  # the interceptor guards unary calls only
    assert not method.descriptor.server_streaming


@pytest.mark.parametrize("field", PUBLIC_REQUEST_FIELDS)
def test_everything_a_stranger_sends_is_bounded(field: FieldDescriptor) -> None:
    rule = option(field, options_pb2.rule)
    if field.is_repeated or (field.cpp_type == FieldDescriptor.CPPTYPE_STRING and field.enum_type is None):
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        assert rule.max_bytes if is_bytes else rule.max_length or (rule.pattern and not field.is_repeated)
    elif field.cpp_type in INTEGERS:
        assert rule.HasField("min")
        assert rule.HasField("max")


@pytest.mark.parametrize("field", REQUEST_FIELDS)
def test_rules_fit_the_type_of_their_field(field: FieldDescriptor) -> None:
    rule = option(field, options_pb2.rule)
    is_bytes = field.type == FieldDescriptor.TYPE_BYTES
    is_text = field.type == FieldDescriptor.TYPE_STRING
    assert not (rule.HasField("min") or rule.HasField("max")) or field.cpp_type in INTEGERS
    assert not rule.HasField("max_bytes") or is_bytes
    assert not rule.HasField("max_length") or is_text or field.is_repeated
    assert not rule.pattern or (is_text and not field.is_repeated)
    assert rule.min <= rule.max or not rule.HasField("max")
    re.compile(rule.pattern)


@pytest.mark.parametrize("field", ALL_FIELDS)
def test_options_stand_where_they_mean_something(field: FieldDescriptor) -> None:
    assert not option(field, options_pb2.raw_json) or field.type == FieldDescriptor.TYPE_BYTES
    assert field.type != FieldDescriptor.TYPE_BYTES or option(field, options_pb2.raw_json)
    if option(field, options_pb2.inline):
        assert field.message_type is not None
        assert not field.is_repeated


@pytest.mark.parametrize("message", list(messages(m.descriptor.output_type for m in METHODS)), ids=full_name)
def test_fields_shown_inline_hide_none_of_their_parents(message: Descriptor) -> None:
    def shown(descriptor: Descriptor) -> Iterator[str]:
        for field in descriptor.fields:
            if option(field, options_pb2.inline) and field.message_type is not None:
                yield from shown(field.message_type)
            else:
                yield field.json_name

    assert [name for name, count in Counter(shown(message)).items() if count > 1] == []


def test_every_enum_begins_with_a_value_that_is_never_sent() -> None:
    for enum in (enum for file in FILES for enum in file.enum_types_by_name.values()):
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
        assert (enum.values[0].name, enum.values[0].number) == (prefix + "UNSPECIFIED", 0)
        assert all(value.name.startswith(prefix) for value in enum.values)


def test_roles_of_the_contract_are_those_of_the_kit() -> None:
    roles = {name.removeprefix("ROLE_") for name in options_pb2.Role.keys()}  # noqa: SIM118 - no mapping

    assert roles == {"UNSPECIFIED", "ADMIN", "OPS", "SERVICE"} | INTERNAL_ROLES


@pytest.mark.parametrize("reason", list(HTTP_STATUS))
def test_every_error_reason_has_both_statuses(reason: str) -> None:
    assert 400 <= HTTP_STATUS[reason] <= 504
    assert GRPC_CODE[reason] != code_pb2.OK


def test_retryable_reasons_are_those_that_clients_retry() -> None:
    by_status = {status: {r for r, s in HTTP_STATUS.items() if s == status} for status in (429, 503, 504)}

    assert by_status == {429: {"LIMITED"}, 503: {"UNAVAILABLE"}, 504: {"DEADLINE"}}
