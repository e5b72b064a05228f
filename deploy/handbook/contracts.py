"""The gRPC reference as a page, from the contracts and their comments."""

from __future__ import annotations

from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, ServiceDescriptor

from api_gateway.docs.comments import comments
from handbook.tables import cell, table
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.options.v1 import options_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2
from jobqueue.worker.v1 import worker_service_pb2

FILES = (queue_admin_service_pb2, audit_service_pb2, worker_service_pb2)
HEAD = """# gRPC

Made from the contracts in `protos/`. Every server has health and reflection (a setting turns reflection off). A call
needs a deadline and the metadata `authorization: Bearer <token>`. Times are ms since the epoch. A refusal carries
`google.rpc.ErrorInfo` with one of the [reasons](rest.md#errors), wrong fields as `google.rpc.BadRequest`, and
`google.rpc.RetryInfo` where asking again later helps. A field of type *JSON* is one JSON document as UTF-8 bytes.
"""


def page() -> str:
    """The whole page."""
    services = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]
    messages, enums = _used_by(services)
    parts = [HEAD, *(_service(service) for service in services), "## Messages"]
    parts += [_message(messages[name]) for name in sorted(messages)]
    parts.append("## Enumerations")
    parts += [_enum(enums[name]) for name in sorted(enums)]
    return "\n\n".join(parts) + "\n"


def _used_by(services: list[ServiceDescriptor]) -> tuple[dict[str, Descriptor], dict[str, EnumDescriptor]]:
    messages: dict[str, Descriptor] = {}
    enums: dict[str, EnumDescriptor] = {}
    ahead = [
        kind for service in services for method in service.methods for kind in (method.input_type, method.output_type)
    ]
    while ahead:
        message = ahead.pop()
        if message.full_name in messages:
            continue
        messages[message.full_name] = message
        for field in message.fields:
            if field.enum_type is not None:
                enums[field.enum_type.full_name] = field.enum_type
            if field.message_type is not None:
                ahead.append(field.message_type)
    return messages, enums


def _service(service: ServiceDescriptor) -> str:
    parts = [f"## {service.full_name} {{#{_anchor(service)}}}", _comment(service)]
    for method in service.methods:
        options = method.GetOptions()
        roles = [options_pb2.Role.Name(role).removeprefix("ROLE_") for role in options.Extensions[options_pb2.roles]]
        rule = options.Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        parts += [
            f"### {method.name} {{#{_anchor(method)}}}",
            _comment(method),
            f"{_link(method.input_type)} → {_link(method.output_type)}. Roles: {', '.join(sorted(roles)) or 'none'}."
            + (f" REST: `{verb.upper()} {getattr(rule, verb)}`." if verb else ""),
        ]
    return "\n\n".join(parts)


def _message(message: Descriptor) -> str:
    parts = [f"### {message.full_name} {{#{_anchor(message)}}}", _comment(message)]
    rows = [(f"`{field.name}`", field.number, _type(field), _comment(field)) for field in message.fields]
    parts.append(table(("field", "number", "type", ""), rows) if rows else "No fields.")
    return "\n\n".join(parts)


def _enum(enum: EnumDescriptor) -> str:
    rows = [(f"`{value.name}`", value.number, _comment(value, prefix=enum.full_name)) for value in enum.values]
    return "\n\n".join(
        [f"### {enum.full_name} {{#{_anchor(enum)}}}", _comment(enum), table(("value", "number", ""), rows)]
    )


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "map"
    if field.message_type is not None:
        word = _link(field.message_type)
    elif field.enum_type is not None:
        word = _link(field.enum_type)
    elif field.GetOptions().Extensions[options_pb2.raw_json]:
        word = "JSON"
    else:
        kinds = {number: name for name, number in vars(FieldDescriptor).items() if name.startswith("TYPE_")}
        word = kinds[field.type].removeprefix("TYPE_").lower()
    rule = field.GetOptions().Extensions[options_pb2.rule]
    shown = ", ".join(f"{option.name} `{cell(str(value))}`" for option, value in rule.ListFields())
    return f"{'repeated ' * field.is_repeated}{word}{f' ({shown})' if shown else ''}"


def _comment(element: Any, *, prefix: str = "") -> str:
    return comments().get(f"{prefix}.{element.name}" if prefix else element.full_name, "")


def _link(element: Descriptor | EnumDescriptor) -> str:
    return f"[{element.name}](#{_anchor(element)})"


def _anchor(element: Any) -> str:
    return str(element.full_name).lower().replace(".", "-")
