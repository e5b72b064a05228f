"""What the OpenAPI document says about the routes that are not in the contract, and about all of them together."""

from __future__ import annotations

from typing import Any

INTRODUCTION = (
    "Times are integers in ms since the epoch. Numbers are never quoted. A field that has no value is left out. "
    "A name the contract does not know is refused, in a body as in a query. Bodies are JSON of at most 256 KiB and "
    "64 levels. Every answer carries x-request-id; a caller may choose it. Refusals are problem documents (RFC 9457) "
    "with a `code` that never changes its meaning."
)
TAGS = {
    "queues": "Queues and their jobs.",
    "schedules": "Work that recurs by the clock.",
    "types": "What the workers can run.",
    "workers": "The processes that run jobs.",
    "audit": "What people did.",
    "login": "Tokens for people.",
    "service": "About the gateway itself.",
}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(schema: dict[str, Any], description: str = "Done.") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refused(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{name}"}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


RESPONSES: dict[str, Any] = {
    "Invalid": _problem("INVALID_REQUEST"),
    "Unauthenticated": _problem("UNAUTHENTICATED"),
    "Limited": _problem("LIMITED")
    | {"headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}},
}
_TEXT = {"type": "string"}
_STATE = {"type": "object", "required": ["status"], "properties": {"status": {"enum": ["up", "down", "unknown"]}}}
SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "Why a call was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "requestId"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
            "title": {"type": "string", "description": "The code in words."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What was wrong this time."},
            "code": {"type": "string", "description": "The reason, for programs to look at."},
            "requestId": {"type": "string", "description": "Finds the call in the logs."},
            "errors": {
                "type": "array",
                "description": "The fields that were wrong, by their JSON paths.",
                "items": {
                    "type": "object",
                    "required": ["field", "problem"],
                    "properties": {"field": _TEXT, "problem": _TEXT},
                },
            },
            "metadata": {"type": "object", "description": "More facts.", "additionalProperties": _TEXT},
        },
    },
    "Session": {
        "type": "object",
        "description": "An access token and whose it is.",
        "required": ["accessToken", "tokenType", "expiresIn", "user"],
        "properties": {
            "accessToken": _TEXT,
            "tokenType": {"const": "Bearer"},
            "expiresIn": {"type": "integer", "description": "Seconds the token is good for."},
            "user": {
                "type": "object",
                "required": ["id", "email", "roles"],
                "properties": {"id": _TEXT, "email": _TEXT, "roles": {"type": "array", "items": _TEXT}},
            },
        },
    },
    "Health": {
        "type": "object",
        "description": "How the system is.",
        "required": ["status", "redis", "database", "services"],
        "properties": {
            "status": {"enum": ["ok", "degraded"]},
            "redis": _STATE,
            "database": _STATE,
            "services": {"type": "object", "additionalProperties": _STATE},
        },
    },
}
_CREDENTIALS = {
    "type": "object",
    "required": ["email", "password"],
    "additionalProperties": False,
    "properties": {"email": {"type": "string", "minLength": 1}, "password": {"type": "string", "minLength": 1}},
}
PATHS: dict[str, Any] = {
    "/auth/login": {
        "post": {
            "operationId": "login",
            "summary": "Gives a token for email and password",
            "tags": ["login"],
            "security": [],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _CREDENTIALS}}},
            "responses": {
                "200": _answer(_ref("Session")),
                "400": _refused("Invalid"),
                "401": _refused("Unauthenticated"),
                "429": _refused("Limited"),
            },
        }
    },
    "/auth/refresh": {
        "post": {
            "operationId": "refresh",
            "summary": "Gives a further token for a valid one, while the session lasts",
            "tags": ["login"],
            "security": [{"bearer": []}],
            "responses": {"200": _answer(_ref("Session")), "401": _refused("Unauthenticated")},
        }
    },
    "/.well-known/jwks.json": {
        "get": {
            "operationId": "keys",
            "summary": "The public keys that verify tokens (RFC 7517)",
            "tags": ["login"],
            "security": [],
            "responses": {"200": _answer({"type": "object"}, "The key set.")},
        }
    },
    "/health": {
        "get": {
            "operationId": "health",
            "summary": "How the system is; 200 as long as the gateway lives",
            "tags": ["service"],
            "security": [],
            "responses": {"200": _answer(_ref("Health"))},
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "openapi",
            "summary": "This document",
            "tags": ["service"],
            "security": [],
            "responses": {"200": _answer({"type": "object"}, "OpenAPI 3.1.")},
        }
    },
}
