"""The records of manual actions on their way to the audit service."""

from __future__ import annotations

from collections.abc import Sequence

from queue_engine.domain.audit import AuditRecord
from queue_engine.domain.limits import MAX_BATCH, check_queue_name, check_range
from queue_engine.store import decode
from queue_engine.store.redis_store import RedisStore


class AuditStream:
    """See the methods of the same names of QueueEngine."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def claim_audit(self, queue: str, *, shipper: str, lease_ms: int, limit: int) -> list[AuditRecord]:
        """Repeating it prolongs the claim and reads the same records until they are settled."""
        check_queue_name(queue)
        check_range("limit", limit, 1, MAX_BATCH)
        reply = self._store.call("claim_audit", queue, shipper, lease_ms, limit, resend=True)
        return [decode.audit_record(queue, entry) for entry in reply[1:]]

    def settle_audit(self, queue: str, entry_ids: Sequence[str], *, shipper: str) -> int:
        """How many were there to delete; 0 when the claim is another's."""
        check_queue_name(queue)
        deleted: int = self._store.call("settle_audit", queue, shipper, *entry_ids, resend=True)[1]
        return deleted

    def park_audit(self, queue: str, entry_id: str, *, shipper: str, why: str) -> None:
        """Nothing happens when the claim is another's or the record is gone."""
        check_queue_name(queue)
        self._store.call("park_audit", queue, shipper, entry_id, why, resend=True)

    def audit_backlog(self, queue: str) -> tuple[int, int, int | None]:
        """See QueueEngine."""
        check_queue_name(queue)
        _, waiting, parked, age = self._store.call("audit_backlog", queue, resend=True)
        return waiting, parked, None if age < 0 else age
