"""Reading a request's body: bounded before it is buffered, JSON in UTF-8 only, never deeper than allowed."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from api_gateway.json_text import MOST_LEVELS, is_deeper
from service_kit.errors import ServiceError

MOST_BYTES = 256 * 1024
ENVELOPE_LEVELS = 4  # what our own messages nest around a document, at most
READ_SECONDS = 20.0  # a body that takes longer keeps a connection busy on purpose


async def read_json_text(request: Request, most_bytes: int = MOST_BYTES) -> str:
    """The body as text, empty when there is none. Raises ServiceError, and HTTPException 415 or 408."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HTTPException(415, "the body must not be compressed")
    body = await read_body(request, most_bytes)
    if not body:
        return ""
    _check_media_type(request.headers.get("content-type", ""))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ServiceError("INVALID_REQUEST", f"the body is not UTF-8: byte {error.start} does not fit") from error
    if is_deeper(text, ENVELOPE_LEVELS + MOST_LEVELS):
        raise ServiceError("INVALID_REQUEST", f"the body is nested deeper than {MOST_LEVELS} levels")
    return text


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The body in full; raises ServiceError TOO_LARGE before more is buffered, and HTTPException 408 or 400."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                chunks.append(chunk)
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {READ_SECONDS:.0f} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the body did not arrive in full") from error
    return b"".join(chunks)


def _too_large(most_bytes: int) -> ServiceError:
    return ServiceError("TOO_LARGE", f"the body is larger than {most_bytes} bytes")


def _check_media_type(content_type: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")}
    if media_type != "application/json" or not charsets <= {"utf-8", "utf8"}:
        raise HTTPException(415, "the body must be application/json in UTF-8")
