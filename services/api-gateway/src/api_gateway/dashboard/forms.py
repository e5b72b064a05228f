"""Reading forms, bounded, and refusing those that another site made the browser send."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from api_gateway.body import read_body
from service_kit.errors import ServiceError

MOST_BYTES = 1024 * 1024  # a payload of 256 KiB grows up to threefold on its way
MOST_FIELDS = 2_000
FORM_TYPE = "application/x-www-form-urlencoded"


class Form:
    """The fields of a form: the last value of a name, or all of them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._last = dict(pairs)

    def text(self, name: str, default: str = "") -> str:
        """A field without the space around it."""
        return self._last.get(name, default).strip()

    def raw(self, name: str) -> str:
        """A field exactly as it was written."""
        return self._last.get(name, "")

    def all(self, name: str) -> list[str]:
        """Every value of a name, each once, in order."""
        return list(dict.fromkeys(value for key, value in self.pairs if key == name and value))

    def has(self, name: str) -> bool:
        """The field was sent and is not empty."""
        return bool(self._last.get(name))


async def read_form(request: Request) -> Form:
    """The form in a request's body. Raises ServiceError, or HTTPException for what only HTTP knows."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM_TYPE:
        raise HTTPException(415, "the body must be a form")
    body = await read_body(request, MOST_BYTES)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise ServiceError("INVALID_REQUEST", "the form is not well formed, or has too many fields") from error
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])


def refuse_other_sites(request: Request) -> None:
    """Raise ServiceError ROLE_REQUIRED for a request that did not come from our own pages.

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin; programs send neither, and no
    person's cookie with it.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not ours:
        raise ServiceError("ROLE_REQUIRED", "this request came from another site, so nothing was done")
