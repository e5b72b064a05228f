"""Around every page of the dashboard: who looks, what they may, the page's frame, and what to show when it fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api_gateway.clients import Clients
from api_gateway.dashboard import links, toasts
from api_gateway.dashboard.calls import Calls
from api_gateway.dashboard.forms import Form, read_form, refuse_other_sites
from api_gateway.dashboard.rendering import Templates
from api_gateway.dashboard.session import BrowserSessions, Viewer, cookie_name, secure
from api_gateway.dashboard.toasts import Toast
from api_gateway.health import Health
from api_gateway.root_path import at, cookie_path
from service_kit.errors import HTTP_STATUS, ServiceError

log = structlog.get_logger()
THEMES = ("system", "light", "dark")
THEME_COOKIE, PAGE_SIZE_COOKIE = "jobqueue-theme", "jobqueue-page-size"
YEAR_SECONDS = 365 * 86_400
PAGE_HEADER, BACKGROUND = "x-page", "background"  # sent by our modules, see page.js
AWAY = frozenset({"UNAVAILABLE", "DEADLINE", "LIMITED"})
# Pages tell their own site where a form comes from; the API's stricter `no-referrer` would hide it from ourselves.
PAGE_HEADERS = {"Referrer-Policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who may be here."""

    site: Site
    request: Request
    viewer: Viewer
    call: Calls

    @property
    def here(self) -> str:
        """The address of this page, to come back to."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def query(self, name: str) -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, "").strip()

    async def form(self) -> Form:
        """The form that was sent."""
        return await read_form(self.request)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of ours."""
        return self.site.render(self.request, template, status, viewer=self.viewer, **values)

    def go(self, target: str, toast: Toast | None = None) -> Response:
        """On to another page of ours."""
        response = RedirectResponse(links.local(target), 303, PAGE_HEADERS)
        if toast is not None:
            toasts.put(response, toast, secure=secure(self.request))
        return response

    async def health(self) -> Mapping[str, Any]:
        """How store and audit are."""
        health: Health = self.request.state.health
        return await health.report()


Handler = Callable[[Visit], Awaitable[Response]]


class Site:
    """What all pages share."""

    def __init__(self, sessions: BrowserSessions, templates: Templates, *, environment: str, page_size: int) -> None:
        self.sessions, self.templates = sessions, templates
        self.environment, self.page_size = environment, page_size

    def route(self, path: str, handler: Handler, methods: tuple[str, ...] = ("GET",)) -> Route:
        """A page for people who are signed in as ADMIN or OPS."""

        async def answer(request: Request) -> Response:
            viewer = self.sessions.viewer(request)
            if viewer is None:
                return self.to_login(request)
            structlog.contextvars.bind_contextvars(actor=viewer.caller.subject)
            response = await self.guarded(request, viewer, handler)
            if request.headers.get(PAGE_HEADER) != BACKGROUND and not request.url.path.endswith("/~live"):
                self.sessions.renew(request, response, viewer)  # a page that refreshes itself is nobody at work
            return response

        return Route(path, answer, methods=list(methods))

    def public_route(self, path: str, answer: Callable[[Request], Awaitable[Response]], methods: list[str]) -> Route:
        """A page for everybody; what it refuses is shown as a page too."""

        async def safely(request: Request) -> Response:
            try:
                if request.method not in ("GET", "HEAD"):
                    refuse_other_sites(request)
                return await answer(request)
            except (ServiceError, HTTPException) as error:
                return self.failure(request, error, self.sessions.viewer(request))

        return Route(path, safely, methods=methods)

    async def guarded(self, request: Request, viewer: Viewer, handler: Handler) -> Response:
        """The handler's answer, or the page that says why there is none."""
        clients: Clients = request.state.clients
        calls = Calls(clients, viewer.authenticated, request.state.request_id)
        try:
            if request.method not in ("GET", "HEAD"):
                refuse_other_sites(request)
            if not viewer.may_enter:
                return self.render(request, "forbidden.html", 403, viewer=viewer)
            return await handler(Visit(self, request, viewer, calls))
        except ServiceError as error:
            return self.to_login(request) if error.reason == "UNAUTHENTICATED" else self.failure(request, error, viewer)
        except HTTPException as error:
            return self.failure(request, error, viewer)
        except Exception as error:
            log.exception("page_failed", exc_info=error)
            return self.failure(request, ServiceError("INTERNAL", "something went wrong here"), viewer)

    def to_login(self, request: Request) -> Response:
        """To the login page, and afterwards back here; what was sent with the request is not sent again."""
        page = request.url if request.method == "GET" else URL(request.headers.get("referer", links.queues()))
        here = page.path + (f"?{page.query}" if page.query else "")
        ended = cookie_name(request) in request.cookies
        target = links.with_query(at("/login"), next=links.local(here), ended=ended)
        return RedirectResponse(target, 303, PAGE_HEADERS)

    def failure(self, request: Request, error: ServiceError | HTTPException, viewer: Viewer | None) -> Response:
        """The page for a refusal."""
        if isinstance(error, HTTPException):
            status, reason = error.status_code, ""
        else:
            status, reason = HTTP_STATUS[error.reason], error.reason
        response = self.render(
            request, "failure.html", status, viewer=viewer, reason=reason, detail=error.detail, away=reason in AWAY
        )
        if reason in AWAY:
            response.headers["Retry-After"] = "5"
        return response

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A page with its frame."""
        toast = None if PAGE_HEADER in request.headers else toasts.take(request)  # a part of a page has no room for it
        content = self.templates.render(
            template,
            request=request,
            path=request.url.path,
            status_code=status,
            environment=self.environment,
            theme=theme_of(request),
            toast=toast,
            now=round(time.time() * 1_000),
            **{"viewer": None, **values},
        )
        response = Response(content, status, PAGE_HEADERS, "text/html; charset=utf-8")
        if toast is not None:
            toasts.clear(response, secure=secure(request))
        return response


def theme_of(request: Request) -> str:
    """The theme this browser chose."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


def remember(request: Request, response: Response, cookie: str, value: str) -> None:
    """Keep a choice of how pages look in this browser."""
    response.set_cookie(
        cookie,
        value,
        max_age=YEAR_SECONDS,
        path=cookie_path(),
        httponly=True,
        samesite="lax",
        secure=secure(request),
    )
