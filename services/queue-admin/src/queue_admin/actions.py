"""Who acts and why: from the verified caller to the engine's audit record."""

from __future__ import annotations

import uuid

import structlog

from queue_engine.domain.audit import Action
from service_kit.context import request_id
from service_kit.tokens import Caller

log = structlog.get_logger()
OPERATOR_ROLES = frozenset({"ADMIN", "OPS"})


def is_operator(caller: Caller) -> bool:
    """A person who sees every job; a backend (SERVICE) sees only its own."""
    return bool(caller.roles & OPERATOR_ROLES)


def action_of(caller: Caller, reason: str = "") -> Action:
    """A new action of the caller, with an event id of its own; said in the log, which so leads to its audit record."""
    event_id = uuid.uuid4().hex
    log.info("action_asked_for", event_id=event_id)
    return Action(
        event_id=event_id,
        actor=caller.subject,
        issuer=caller.issuer,
        token_id=caller.token_id,
        reason=reason,
        request_id=request_id(),
    )
