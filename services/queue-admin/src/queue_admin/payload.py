"""Job data as it arrives: one JSON object as UTF-8, bounded in size and depth."""

from __future__ import annotations

import re
from typing import Any

import orjson

from queue_admin.errors import invalid
from service_kit.errors import FieldError, ServiceError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)


def parse_payload(data: bytes) -> dict[str, Any]:
    """The payload; raises ServiceError TOO_LARGE, INVALID_REQUEST (not JSON, too deep), PAYLOAD_INVALID (no object)."""
    if len(data) > MAX_BYTES:
        problem = f"has {len(data)} bytes; {MAX_BYTES} are allowed"
        raise ServiceError("TOO_LARGE", f"data {problem}", (FieldError("data", problem),))
    try:
        payload = orjson.loads(data)  # safe on anything: it refuses more than 1,024 levels by itself
    except orjson.JSONDecodeError as error:
        raise invalid("data", f"is not a JSON document in UTF-8: {error.msg}") from error
    if _deeper_than(data, MAX_DEPTH):
        raise invalid("data", f"is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(payload, dict):
        raise ServiceError(
            "PAYLOAD_INVALID", "data must be a JSON object", (FieldError("data", "must be a JSON object"),)
        )
    return payload


def _deeper_than(data: bytes, most: int) -> bool:
    """Count brackets outside of strings of valid JSON; nearly every payload has too few of them to need it."""
    if data.count(b"{") + data.count(b"[") <= most:
        return False
    depth = 0
    for token in _TOKENS.finditer(data):
        if token.group(1):
            depth += 1
            if depth > most:
                return True
        elif token.group(2):
            depth -= 1
    return False
