"""The OpenAPI 3.1 document, from the contract with its comments, roles and rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from api_gateway.docs import plain_routes
from api_gateway.docs.comments import comments
from api_gateway.docs.schemas import Schema, Schemas
from api_gateway.transcoding.endpoint import Endpoint
from api_gateway.transcoding.fields import by_name
from service_kit import VERSION
from service_kit.errors import HTTP_STATUS

ALWAYS = ("INVALID_REQUEST", "UNAUTHENTICATED", "ROLE_REQUIRED", "UNAVAILABLE", "DEADLINE", "INTERNAL")
_ERRORS = re.compile(r"\s*Errors: (?P<errors>.*)")
_REASON = re.compile(r"\b[A-Z][A-Z_]+\b")


def openapi(endpoints: Iterable[Endpoint], root_path: str = "") -> dict[str, Any]:
    """The document for these endpoints and the routes beside them, all of them below `root_path`."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.public_template, {})[endpoint.verb.lower()] = _operation(endpoint, schemas)
    for path, operations in plain_routes.PATHS.items():
        paths.setdefault(path, {}).update(operations)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Job queues", "version": VERSION, "description": plain_routes.INTRODUCTION},
        "servers": [{"url": root_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted((schemas.by_name | plain_routes.SCHEMAS).items())),
            "responses": plain_routes.RESPONSES,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "tags": [{"name": tag, "description": text} for tag, text in plain_routes.TAGS.items()],
    }


def _operation(endpoint: Endpoint, schemas: Schemas) -> Schema:
    descriptor = endpoint.method.descriptor
    text = comments().get(descriptor.full_name, "")
    errors = _ERRORS.search(text)
    described = _ERRORS.sub("", text)
    operation: Schema = {
        "operationId": descriptor.name[0].lower() + descriptor.name[1:],
        "summary": described.partition(". ")[0].rstrip("."),
        "description": described,
        "tags": [_tag(endpoint)],
        "security": [{"bearer": []}],
        "x-roles": sorted(endpoint.method.roles),
        "parameters": _parameters(endpoint, schemas),
        "responses": _answers(endpoint, schemas) | refusals(errors["errors"] if errors else ""),
    }
    if endpoint.has_body:
        body = schemas.body(endpoint.other_fields.values())
        operation["requestBody"] = {
            "required": "required" in body,
            "content": {"application/json": {"schema": body}},
        }
    return operation


def _tag(endpoint: Endpoint) -> str:
    parts = endpoint.template.split("/")
    return parts[2] if parts[2] in plain_routes.TAGS else "queues"


def _parameters(endpoint: Endpoint, schemas: Schemas) -> list[Schema]:
    in_query = {} if endpoint.has_body else endpoint.other_fields
    found = []
    for place, fields in (("path", endpoint.path_fields), ("query", in_query)):
        for field in fields.values():
            schema = schemas.of_field(field, request=True)
            text = schema.pop("description", "")
            required = place == "path" or field.rule.required
            found.append(
                {"name": field.json_name, "in": place, "required": required, "description": text, "schema": schema}
            )
    return found


def _answers(endpoint: Endpoint, schemas: Schemas) -> Schema:
    output = endpoint.method.descriptor.output_type
    if endpoint.response_body:
        schema = schemas.of_field(by_name(output)[endpoint.response_body], request=False)
    else:
        schema = schemas.response(output)
    content = {"application/json": {"schema": schema}}
    if not endpoint.creates:
        return {"200": {"description": "Done.", "content": content}}
    location = {"Location": {"description": "The path of what was made.", "schema": {"type": "string"}}}
    return {
        "200": {"description": "It was there already.", "content": content},
        "201": {"description": "It was made.", "content": content, "headers": location},
    }


def refusals(errors: str) -> Schema:
    """The problem responses of a method: those of every call, and those its comment names."""
    codes: dict[int, list[str]] = {}
    for code in dict.fromkeys((*ALWAYS, *(c for c in _REASON.findall(errors) if c in HTTP_STATUS))):
        codes.setdefault(HTTP_STATUS[code], []).append(code)
    return {str(status): _refusal(status, found) for status, found in sorted(codes.items())}


def _refusal(status: int, codes: list[str]) -> Schema:
    response: Schema = {
        "description": ", ".join(codes),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (HTTP_STATUS["UNAVAILABLE"], HTTP_STATUS["LIMITED"]):
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response
