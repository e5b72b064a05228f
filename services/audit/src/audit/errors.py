"""How this service's errors read to a caller."""

from __future__ import annotations

import psycopg

from audit.database import DatabaseAway
from audit.ledger import EntryConflict
from service_kit.errors import ServiceError


def translate(error: Exception) -> ServiceError | None:
    """The refusal for an error of ours; None for one that is a defect."""
    if isinstance(error, EntryConflict):
        return ServiceError("AUDIT_CONFLICT", str(error), metadata={"eventId": error.event_id[:200]})
    if isinstance(error, DatabaseAway):
        return ServiceError("UNAVAILABLE", "the audit database is away", retry_after_ms=1_000)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return ServiceError("DEADLINE", "the audit database took too long; ask for less")
    return None
