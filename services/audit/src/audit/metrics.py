"""What Prometheus hears about the record."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from audit.progress import Progress


class AuditMetrics:
    """Appends, records, the last verification and whether the database answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._entries = Gauge("audit_entries", "Records in the chain.", registry=registry)
        self._appends = Counter("audit_appends_total", "AppendEntries calls that succeeded.", registry=registry)
        self._appended = Counter("audit_entries_appended_total", "Records appended by this process.", registry=registry)
        self._repeated = Counter("audit_entries_repeated_total", "Records that were known already.", registry=registry)
        self._intact = Gauge("audit_chain_intact", "0 while a record is known that does not fit.", registry=registry)
        self._intact.set(1)
        self._verified = Gauge("audit_verified_entries", "Records known to fit, from the first on.", registry=registry)
        self._verified_at = Gauge(
            "audit_last_verification_timestamp_seconds", "When all records there were did fit.", registry=registry
        )
        self._whole_at = Gauge(
            "audit_last_whole_verification_timestamp_seconds",
            "When a look at the chain from its first record ended well.",
            registry=registry,
        )
        self._up = Gauge("audit_database_up", "1 while PostgreSQL answers.", registry=registry)

    def appended(self, *, given: int, new: int, length: int) -> None:
        """A call gave so many records, so many were new, and the chain has so many now."""
        self._appends.inc()
        self._appended.inc(new)
        self._repeated.inc(given - new)
        self._entries.set(length)

    def verified(self, progress: Progress) -> None:
        """The chain was verified so far."""
        self._intact.set(progress.intact)
        self._verified.set(progress.witness.id if progress.intact else progress.place.id)
        self._verified_at.set((progress.witness_at_ms or 0) / 1_000)
        self._whole_at.set((progress.whole_at_ms or 0) / 1_000)

    def probed(self, length: int | None) -> None:
        """The database said how long the chain is, or did not answer."""
        self._up.set(length is not None)
        if length is not None:
            self._entries.set(length)
