"""Our style sheet, modules and pictures: under an address that changes with their content, so kept for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api_gateway.root_path import at

MEDIA_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    packed: bytes
    media_type: str


class StaticFiles:
    """All of them, read and packed once."""

    def __init__(self) -> None:
        found = [entry for entry in files("api_gateway.dashboard").joinpath("static").iterdir() if entry.is_file()]
        self._files = {entry.name: _file(entry.name, entry.read_bytes()) for entry in found}
        digest = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + file.plain)
        self.version = digest.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where pages find a file; modules find each other beside them."""
        if name not in self._files:
            raise LookupError(name)
        return at(f"/static/{self.version}/{name}")

    def routes(self) -> list[Route]:
        """GET /static/{version}/{name}, and /favicon.ico for what browsers show beside documents that name no icon."""
        return [
            Route("/static/{version}/{name}", self._answer, methods=["GET"]),
            Route("/favicon.ico", self._icon, methods=["GET"]),
        ]

    async def _icon(self, _request: Request) -> Response:
        icon = self._files["icon.svg"]
        return Response(icon.plain, media_type=icon.media_type, headers={"Cache-Control": "public, max-age=86400"})

    async def _answer(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        current = request.path_params["version"] == self.version
        headers = {"Cache-Control": FOR_GOOD if current else "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(file.plain, media_type=file.media_type, headers=headers)


def _file(name: str, content: bytes) -> _File:
    return _File(content, gzip.compress(content, mtime=0), MEDIA_TYPES[name.rpartition(".")[2]])
