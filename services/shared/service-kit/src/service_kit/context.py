"""What the current call knows: who calls and under which request id."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

from service_kit.tokens import Caller

REQUEST_ID_KEY = "x-request-id"
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def accept_request_id(given: str | None) -> str:
    """The caller's request id when it is well formed, or a new one."""
    return given if given and _ACCEPTED.fullmatch(given) else uuid.uuid4().hex


def request_id() -> str:
    """The current call's request id, or an empty string outside a call."""
    return _request_id.get()


def current_caller() -> Caller:
    """Who calls; only inside a call that was authenticated."""
    caller = _caller.get()
    if caller is None:
        raise LookupError("no caller: this runs outside an authenticated call")
    return caller


def enter_call(caller: Caller, request_id_: str) -> None:
    """Bind both to the current thread's context for the call that begins."""
    _caller.set(caller)
    _request_id.set(request_id_)
