"""What an action came to, told once on the next page: a short-lived cookie carries it there."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api_gateway.root_path import cookie_path

COOKIE = "jobqueue-toast"
SECONDS = 30
MOST_NOTES, MOST_CHARACTERS = 5, 300


@dataclass(frozen=True, slots=True)
class Toast:
    """`good`: it was done. `notes`: why not for the rest, one reason each."""

    text: str
    good: bool = True
    notes: tuple[str, ...] = ()


def put(response: Response, toast: Toast, *, secure: bool) -> None:
    """Tell it on the next page."""
    notes = tuple(note[:MOST_CHARACTERS] for note in toast.notes[:MOST_NOTES])
    document = orjson.dumps(asdict(Toast(toast.text[:MOST_CHARACTERS], toast.good, notes)))
    value = base64.urlsafe_b64encode(document).decode()
    response.set_cookie(
        COOKIE, value, max_age=SECONDS, path=cookie_path(), httponly=True, samesite="lax", secure=secure
    )


def take(request: Request) -> Toast | None:
    """The toast that waits for this page; anything odd in the cookie is none."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        return Toast(str(found["text"]), bool(found["good"]), tuple(str(note) for note in found["notes"]))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def clear(response: Response, *, secure: bool) -> None:
    """It was told."""
    response.delete_cookie(COOKIE, path=cookie_path(), httponly=True, samesite="lax", secure=secure)
