"""What Prometheus hears about the record."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from audit.ledger import Verification


class AuditMetrics:
    """Appends, records, the last verification and whether the database answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._entries = Gauge("audit_entries", "Records in the chain.", registry=registry)
        self._appends = Counter("audit_appends_total", "AppendEntries calls that succeeded.", registry=registry)
        self._appended = Counter("audit_entries_appended_total", "Records appended by this process.", registry=registry)
        self._repeated = Counter("audit_entries_repeated_total", "Records that were known already.", registry=registry)
        self._intact = Gauge(
            "audit_chain_intact", "1 if the last verification found every record fit.", registry=registry
        )
        self._verified = Gauge("audit_last_verification_timestamp_seconds", "When it ended.", registry=registry)
        self._up = Gauge("audit_database_up", "1 while PostgreSQL answers.", registry=registry)

    def appended(self, *, given: int, new: int, length: int) -> None:
        """A call gave so many records, so many were new, and the chain has so many now."""
        self._appends.inc()
        self._appended.inc(new)
        self._repeated.inc(given - new)
        self._entries.set(length)

    def verified(self, found: Verification) -> None:
        """The chain was verified."""
        self._intact.set(found.intact)
        self._verified.set(time.time())

    def probed(self, length: int | None) -> None:
        """The database said how long the chain is, or did not answer."""
        self._up.set(length is not None)
        if length is not None:
            self._entries.set(length)
