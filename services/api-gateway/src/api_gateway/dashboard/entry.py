"""Signing in and out, and choosing how pages look."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api_gateway.dashboard import links, toasts
from api_gateway.dashboard.forms import read_form
from api_gateway.dashboard.session import secure
from api_gateway.dashboard.site import THEME_COOKIE, THEMES, Site, remember
from api_gateway.dashboard.toasts import Toast
from api_gateway.root_path import at
from service_kit.errors import HTTP_STATUS, ServiceError

MOST_EMAIL, MOST_PASSWORD = 300, 1_000


def entry_routes(site: Site) -> list[Route]:
    """/, /login, /logout and /theme."""

    async def login_page(request: Request) -> Response:
        target = links.local(request.query_params.get("next", ""))
        if site.sessions.viewer(request) is not None:
            return RedirectResponse(target, 303)
        ended = "ended" in request.query_params
        return site.render(request, "login.html", target=target, email="", problem="", ended=ended)

    async def login(request: Request) -> Response:
        form = await read_form(request)
        target, email = links.local(form.text("next")), form.text("email")[:MOST_EMAIL]
        address = request.client.host if request.client else ""
        try:
            viewer = await site.sessions.login(email, form.raw("password")[: MOST_PASSWORD + 1], address=address)
        except ServiceError as error:
            status = HTTP_STATUS[error.reason]
            words = {"UNAUTHENTICATED": "Email or password is wrong.", "LIMITED": "Too many attempts. Try again later."}
            problem = words.get(error.reason, error.detail)
            return site.render(request, "login.html", status, target=target, email=email, problem=problem, ended=False)
        response = RedirectResponse(target, 303)
        site.sessions.keep(request, response, viewer)
        return response

    async def logout(request: Request) -> Response:
        response = RedirectResponse(at("/login"), 303)
        site.sessions.end(request, response, site.sessions.viewer(request))
        toasts.put(response, Toast("You are signed out."), secure=secure(request))
        return response

    async def theme(request: Request) -> Response:
        form = await read_form(request)
        chosen = form.text("theme")
        response = RedirectResponse(links.local(form.text("next")), 303)
        if chosen in THEMES:
            remember(request, response, THEME_COOKIE, chosen)
        return response

    return [
        Route("/", root, methods=["GET"]),
        site.public_route("/login", login_page, ["GET"]),
        site.public_route("/login", login, ["POST"]),
        site.public_route("/logout", logout, ["POST"]),
        site.public_route("/theme", theme, ["POST"]),
    ]


async def root(request: Request) -> Response:
    """To the dashboard with those who read pages; to a program nothing is here."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return RedirectResponse(links.queues(), 302, {"Vary": "Accept"})
