"""Carries audit records from the queues' streams to the audit service: in order, once, and never skipping one that may
still be accepted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc
import structlog

from jobqueue.audit.v1 import audit_service_pb2
from queue_admin.audit_messages import to_entry
from queue_admin.loops.each_queue import for_each_queue
from queue_engine.domain.audit import AuditRecord
from queue_engine.engine import QueueEngine
from service_kit.errors import ServiceError, from_rpc_error

log = structlog.get_logger()
EVERY_SECONDS = 0.5
CLAIM_MS = 10_000  # longer than one append may take: a slow shipper must not be overtaken while it waits
APPEND_SECONDS = 5.0
BATCH_RECORDS = 100
BATCH_BYTES = 1024 * 1024  # far below the 4 MiB a gRPC server accepts
LARGEST_BYTES = 3 * 1024 * 1024
REFUSED_FOR_GOOD = frozenset({"AUDIT_CONFLICT", "INVALID_REQUEST", "TOO_LARGE"})
BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0


class AppendEntries(Protocol):
    """The audit service's method as a stub offers it."""

    def __call__(self, request: audit_service_pb2.AppendEntriesRequest, *, timeout: float) -> object:
        """Raises grpc.RpcError."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """A record with its message."""

    record: AuditRecord
    entry: audit_service_pb2.NewEntry


class AuditShipper:
    """Ships every queue's stream; of all queue-admins one at a time has the claim on a stream."""

    def __init__(
        self,
        engine: QueueEngine,
        append_entries: AppendEntries,
        *,
        shipper: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`shipper` names this process, unique among all queue-admins. `clock` gives seconds."""
        self._engine, self._append, self._shipper, self._clock = engine, append_entries, shipper, clock
        self._failures = 0
        self._not_before = float("-inf")

    def tick(self) -> int:
        """Ship what each queue holds, up to BATCH_RECORDS; returns how many records left their streams.

        While the audit service cannot take them, passes do nothing for longer and longer, up to 30 s.
        """
        if self._clock() < self._not_before:
            return 0
        try:
            done = for_each_queue(self._engine, self._ship, hopeless=(ServiceError,))
        except ServiceError as error:
            self._back_off(error)
            return 0
        if self._failures:
            log.info("audit_service_back", failures=self._failures)
        self._failures = 0
        return done

    def _back_off(self, error: ServiceError) -> None:
        if not self._failures:  # said once: an outage must not fill the logs
            log.warning("audit_service_away", reason=error.reason, detail=error.detail)
        pause = min(BACKOFF_SECONDS * 2**self._failures, MAX_BACKOFF_SECONDS)
        self._failures += 1
        self._not_before = self._clock() + pause * random.uniform(0.75, 1)  # noqa: S311 - spreads load, guards nothing

    def _ship(self, queue: str) -> int:
        records = self._engine.claim_audit(queue, shipper=self._shipper, lease_ms=CLAIM_MS, limit=BATCH_RECORDS)
        shipments = [shipment for record in records if (shipment := self._to_shipment(record))]
        for batch in _batches(shipments):
            self._deliver(queue, batch)
        return len(records)

    def _to_shipment(self, record: AuditRecord) -> Shipment | None:
        try:
            entry = to_entry(record)
        except ValueError as error:
            self._park(record, str(error))
            return None
        if entry.ByteSize() > LARGEST_BYTES:
            self._park(record, f"it has {entry.ByteSize()} bytes")
            return None
        return Shipment(record, entry)

    def _deliver(self, queue: str, batch: Sequence[Shipment]) -> None:
        try:
            self._append(
                audit_service_pb2.AppendEntriesRequest(entries=[s.entry for s in batch]), timeout=APPEND_SECONDS
            )
        except grpc.RpcError as error:
            refusal = from_rpc_error(error)
            if refusal.reason not in REFUSED_FOR_GOOD:
                raise refusal from error
            self._single_out(queue, batch, refusal)
        else:
            self._engine.settle_audit(queue, [s.record.entry_id for s in batch], shipper=self._shipper)

    def _single_out(self, queue: str, batch: Sequence[Shipment], refusal: ServiceError) -> None:
        """A batch was refused for one of its records: deliver each for itself, so that only that one is parked."""
        if len(batch) == 1:
            self._park(batch[0].record, f"{refusal.reason}: {refusal.detail}")
            return
        for shipment in batch:
            self._deliver(queue, [shipment])

    def _park(self, record: AuditRecord, why: str) -> None:
        log.error("audit_record_parked", queue=record.queue, event_id=record.event_id, action=record.action, why=why)
        self._engine.park_audit(record.queue, record.entry_id, shipper=self._shipper, why=why)


def _batches(shipments: Sequence[Shipment]) -> Iterator[list[Shipment]]:
    """In order, each within BATCH_BYTES unless a single record is larger."""
    batch: list[Shipment] = []
    size = 0
    for shipment in shipments:
        if batch and size + shipment.entry.ByteSize() > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(shipment)
        size += shipment.entry.ByteSize()
    if batch:
        yield batch
