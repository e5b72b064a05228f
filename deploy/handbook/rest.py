"""The REST reference as a page: the gateway's own OpenAPI document, written in Markdown."""

from __future__ import annotations

from typing import Any

from api_gateway.app import SERVICES
from api_gateway.docs.openapi import openapi
from api_gateway.docs.pages import error_codes, type_of
from api_gateway.transcoding.routes import endpoints_of
from handbook.tables import cell, table

LIMITS = ("minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern")
HEAD = """# REST

Made from the contracts in `protos/`. A running gateway describes itself the same way at `/docs`, and for programs at
`/openapi.json`.

"""


def page() -> str:
    """The whole page."""
    document = openapi(endpoints_of(*SERVICES))
    parts = [HEAD + document["info"]["description"]]
    for tag in document["tags"]:
        parts.append(f"## {tag['description'].rstrip('.')}")
        parts += [
            _operation(verb, path, operation)
            for path, operations in document["paths"].items()
            for verb, operation in operations.items()
            if tag["name"] in operation["tags"]
        ]
    parts.append("## Objects")
    parts += [_object(name, schema) for name, schema in document["components"]["schemas"].items()]
    parts.append("## Errors")
    parts.append(
        table(("code", "status", "meaning"), [(f"`{e['code']}`", e["status"], e["text"]) for e in error_codes()])
    )
    return "\n\n".join(parts) + "\n"


def _operation(verb: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"### {verb.upper()} {path} {{#{operation['operationId']}}}"]
    parts.append(operation.get("description") or operation["summary"])
    parts.append(_who(operation))
    if operation.get("parameters"):
        rows = [
            (
                _name(p["name"], required=p["required"]),
                p["in"],
                _type(p["schema"]),
                _text(p["schema"], p["description"]),
            )
            for p in operation["parameters"]
        ]
        parts.append(table(("parameter", "in", "type", ""), rows))
    if "requestBody" in operation:
        parts.append("Body:\n\n" + _fields(operation["requestBody"]["content"]["application/json"]["schema"]))
    parts.append("Answers: " + "; ".join(_answer(*answer) for answer in operation["responses"].items()) + ".")
    return "\n\n".join(parts)


def _who(operation: dict[str, Any]) -> str:
    if operation.get("security") == []:
        return "No token needed."
    if "x-roles" in operation:
        return f"Roles: {', '.join(operation['x-roles'])}."
    return "Any valid token."


def _answer(status: str, answer: dict[str, Any]) -> str:
    if "$ref" in answer:
        return f"`{status}` {answer['$ref'].rpartition('/')[2].lower()}"
    if status >= "300":
        return f"`{status}` {', '.join(f'`{code}`' for code in answer['description'].split(', '))}"
    content = answer.get("content", {})
    shown = _type(next(iter(content.values()))["schema"]) if content else ""
    return f"`{status}` {answer['description'].rstrip('.').lower()}{', ' * bool(shown)}{shown}"


def _object(name: str, schema: dict[str, Any]) -> str:
    return f"### {name} {{#{name.lower()}}}\n\n{schema.get('description', '')}\n\n{_fields(schema)}"


def _fields(schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return _type(schema)
    required = schema.get("required", ())
    rows = [
        (_name(name, required=name in required), _type(field), _text(field, field.get("description", "")))
        for name, field in schema["properties"].items()
    ]
    return table(("field", "type", ""), rows)


def _name(name: str, *, required: bool) -> str:
    return f"`{name}`{' **required**' if required else ''}"


def _type(schema: dict[str, Any]) -> str:
    word = type_of(schema)
    reference = schema.get("items", schema).get("$ref", "") if isinstance(schema.get("items", schema), dict) else ""
    name = reference.rpartition("/")[2]
    return word.replace(name, f"[{name}](#{name.lower()})") if name else cell(word)


def _text(schema: dict[str, Any], text: str) -> str:
    limits = ", ".join(f"{key} `{schema[key]}`" for key in LIMITS if key in schema)
    return f"{text} ({limits})" if limits else text
