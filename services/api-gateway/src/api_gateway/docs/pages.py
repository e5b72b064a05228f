"""/openapi.json, and the same as a page to read at /docs: plain HTML and one style sheet, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api_gateway.docs.comments import comments
from api_gateway.docs.openapi import openapi
from api_gateway.problems import title
from api_gateway.transcoding.endpoint import Endpoint
from jobqueue.errors.v1 import error_reason_pb2
from service_kit.errors import HTTP_STATUS

CACHED = {"Cache-Control": "no-cache"}  # public, but asked for again after an update
REASONS = error_reason_pb2.ErrorReason.DESCRIPTOR


def docs_routes(endpoints: Sequence[Endpoint], root_path: str = "") -> list[Route]:
    """GET /openapi.json, /docs and its style sheet; everything is rendered once, here."""
    document = openapi(endpoints, root_path)
    return [
        _fixed("/openapi.json", orjson.dumps(document), "application/json"),
        _fixed("/docs", reference_page(document, root_path).encode(), "text/html; charset=utf-8"),
        _fixed("/docs/style.css", (files("api_gateway.docs") / "style.css").read_bytes(), "text/css; charset=utf-8"),
    ]


def reference_page(document: dict[str, Any], root_path: str = "") -> str:
    """The document as HTML, read below `root_path`."""
    environment = Environment(
        loader=PackageLoader("api_gateway.docs", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("reference.html")
    return template.render(at=root_path.__add__, document=document, errors=error_codes(), type_of=type_of)


def error_codes() -> list[dict[str, Any]]:
    """Every ErrorReason with its HTTP status and its comment, for people."""
    return [
        {"code": code, "title": title(code), "status": status, "text": _comment(code)}
        for code, status in HTTP_STATUS.items()
        if not code.endswith("UNSPECIFIED")
    ]


def type_of(schema: dict[str, Any]) -> str:
    """A schema in a word or two: `array of Job`, `integer`, `any JSON`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"array of {type_of(schema['items'])}"
    if "enum" in schema:
        return " | ".join(schema["enum"])
    return str(schema.get("type") or schema.get("const") or "any JSON")


def _comment(code: str) -> str:
    return comments().get(f"{REASONS.file.package}.ErrorReason.ERROR_REASON_{code}", "")


def _fixed(path: str, content: bytes, media_type: str) -> Route:
    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=CACHED)

    return Route(path, answer, methods=["GET"])
