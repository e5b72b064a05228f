"""The path below which a reverse proxy shows the gateway (GATEWAY_ROOT_PATH), in what leaves and what enters."""

from __future__ import annotations

from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

_ROOT_PATH: ContextVar[str] = ContextVar("root_path", default="")


def at(path: str) -> str:
    """One of our paths as those outside have to ask for it."""
    return _ROOT_PATH.get() + path


def cookie_path() -> str:
    """The paths for which browsers send our cookies: ours, and not those of what else lies behind the proxy."""
    return _ROOT_PATH.get() or "/"


class RootPathMiddleware:
    """Puts the path before that of each request which has it not: a proxy may pass it on or take it away."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app, self._root_path = app, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._root_path and scope["type"] == "http":
            _ROOT_PATH.set(self._root_path)
            scope = {**scope, "root_path": self._root_path, **self._paths(scope)}
        await self._app(scope, receive, send)

    def _paths(self, scope: Scope) -> dict[str, str | bytes]:
        path: str = scope["path"]
        raw: bytes = scope.get("raw_path") or path.encode()
        if path == self._root_path:
            return {"path": f"{path}/", "raw_path": raw + b"/"}
        if path.startswith(f"{self._root_path}/"):
            return {}
        return {"path": self._root_path + path, "raw_path": self._root_path.encode() + raw}
