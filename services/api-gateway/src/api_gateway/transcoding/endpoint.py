"""One public method of the contract as an HTTP endpoint: what to read from a request, how to answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from google.api import annotations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from api_gateway.body import read_json_text
from api_gateway.field_problems import Problems
from api_gateway.root_path import at
from api_gateway.transcoding.decode import fill_from_json, fill_from_text
from api_gateway.transcoding.encode import Encoders
from api_gateway.transcoding.fields import Field, Kind, UnsupportedContract, by_json_name, by_name
from jobqueue.options.v1 import options_pb2
from service_kit.contract import Method
from service_kit.errors import ServiceError
from service_kit.validation import validate

VERBS = ("get", "put", "post", "delete", "patch")
MOST_PARAMETERS = 50
_PARAMETER = re.compile(r"\{([a-z0-9_]+)\}")


class Endpoint:
    """Built once from the descriptors. Raises UnsupportedContract for what REST cannot show."""

    def __init__(self, method: Method, encoders: Encoders) -> None:
        self.method = method
        descriptor = method.descriptor
        rule = descriptor.GetOptions().Extensions[annotations_pb2.http]
        self.verb, self.template = _verb_and_template(descriptor)
        self.has_body = rule.body == "*"
        self.response_body: str = rule.response_body
        self.request_class = message_factory.GetMessageClass(descriptor.input_type)
        self.response_class = message_factory.GetMessageClass(descriptor.output_type)
        names = _PARAMETER.findall(self.template)
        fields = by_json_name(descriptor.input_type)
        self.path_fields = {field.json_name: field for field in fields.values() if field.name in names}
        self.other_fields = {name: field for name, field in fields.items() if name not in self.path_fields}
        self._check(rule, names)
        self._location = descriptor.GetOptions().Extensions[options_pb2.created_location]
        self._encode = self._encoder(encoders)

    @property
    def creates(self) -> bool:
        """It answers 201 when it made something."""
        return bool(self._location)

    @property
    def public_template(self) -> str:
        """The path as REST documents it: parameters under their JSON names."""
        names = {field.name: field.json_name for field in self.path_fields.values()}
        return _PARAMETER.sub(lambda match: f"{{{names[match[1]]}}}", self.template)

    async def read(self, request: Request, path_values: Mapping[str, str]) -> Message:
        """The message that the request means; raises ServiceError, or HTTPException for what only HTTP knows.

        `path_values`: the path's parameters by the contract's field names.
        """
        message = self.request_class()
        problems = Problems()
        path = [(field.json_name, path_values[field.name]) for field in self.path_fields.values()]
        fill_from_text(message, path, fields=self.path_fields, problems=problems)
        parameters = {} if self.has_body else self.other_fields
        fill_from_text(message, _query(request), fields=parameters, problems=problems)
        if self.has_body:
            text = await read_json_text(request)
            if text:
                fill_from_json(message, text, fields=self.other_fields, problems=problems)
        problems.raise_any()
        validate(message)
        return message

    def answer(self, response: Message) -> Response:
        """The HTTP response that the method's answer means."""
        content = orjson.dumps(self._encode(response))
        if self._location and getattr(response, "created", False):
            location = _PARAMETER.sub(lambda match: quote(str(getattr(response, match[1])), safe=":"), self._location)
            return Response(content, 201, {"Location": at(location)}, "application/json")
        return Response(content, 200, media_type="application/json")

    def _encoder(self, encoders: Encoders) -> Callable[[Message], Any]:
        output = self.method.descriptor.output_type
        if not self.response_body:
            return encoders.encoder(output)
        whole, name = encoders.encoder(output), by_name(output)[self.response_body].json_name
        return lambda message: whole(message)[name]

    def _check(self, rule: Any, names: list[str]) -> None:
        where = self.method.path
        if self.method.descriptor.client_streaming or self.method.descriptor.server_streaming:
            raise UnsupportedContract(f"{where}: streams")
        if rule.additional_bindings or rule.body not in ("", "*") or "=" in self.template:
            raise UnsupportedContract(f"{where}: a second binding, a body that is one field, or a path with patterns")
        if len(names) != len(self.path_fields):
            raise UnsupportedContract(f"{where}: a path parameter without a field")
        from_text = list(self.path_fields.values()) + ([] if self.has_body else list(self.other_fields.values()))
        if any(_needs_json(field) for field in from_text):
            raise UnsupportedContract(f"{where}: an object or a document as a parameter")


def _needs_json(field: Field) -> bool:
    return field.kind in (Kind.MESSAGE, Kind.DOCUMENT)


def _verb_and_template(method: MethodDescriptor) -> tuple[str, str]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for verb in VERBS:
        if template := getattr(rule, verb):
            return verb.upper(), str(template)
    raise UnsupportedContract(f"{method.full_name}: a binding of its own verb")


def _query(request: Request) -> list[tuple[str, str]]:
    try:
        text = request.scope["query_string"].decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise ServiceError("INVALID_REQUEST", "the query is not well formed UTF-8 of name=value pairs") from error
