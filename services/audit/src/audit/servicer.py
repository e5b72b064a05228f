"""AuditService: convert in, one call of the store, convert out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import structlog

from audit import convert
from audit.metrics import AuditMetrics
from audit.store import AuditStore
from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc
from service_kit.errors import ServiceError

log = structlog.get_logger()


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """The methods of the contract; `page_size` is how many records a page has when the caller does not say."""

    def __init__(self, store: AuditStore, metrics: AuditMetrics, *, page_size: int) -> None:
        self._store, self._metrics, self._page_size = store, metrics, page_size
        self._verifying = threading.Lock()

    def AppendEntries(
        self, request: pb.AppendEntriesRequest, context: grpc.ServicerContext
    ) -> pb.AppendEntriesResponse:
        """Record what is new; all or, at an AUDIT_CONFLICT, nothing."""
        entries = convert.to_new_entries(request)
        appended = self._store.append_entries(entries)
        self._metrics.appended(given=len(entries), new=appended.count, length=appended.head.id)
        # Whoever keeps the logs has a witness of the chain's end.
        log.info("entries_appended", count=appended.count, head=appended.head.hash.hex(), last_id=appended.head.id)
        return pb.AppendEntriesResponse(appended=appended.count)

    def ListEntries(self, request: pb.ListEntriesRequest, context: grpc.ServicerContext) -> pb.ListEntriesResponse:
        """One page of the records that match, newest first."""
        page, page_size = request.page or 1, request.page_size or self._page_size
        entries, total = self._store.list_entries(convert.to_filter(request), page=page, page_size=page_size)
        return convert.to_list_response(entries, total=total, page=page, page_size=page_size)

    def VerifyChain(self, request: pb.VerifyChainRequest, context: grpc.ServicerContext) -> pb.VerifyChainResponse:
        """Recompute the chain; LIMITED while another caller's verification runs."""
        with self._one_verification():
            found = self._store.verify_chain(keep_going=_while_awaited(context))
        self._metrics.verified(found)
        if not found.intact:
            log.error("chain_broken", broken_at=found.broken_at, checked=found.checked)
        return convert.to_verify_response(found)

    @contextmanager
    def _one_verification(self) -> Iterator[None]:
        """It reads the whole table: one at a time is enough for every caller together."""
        if not self._verifying.acquire(blocking=False):
            raise ServiceError("LIMITED", "the chain is being verified for another caller", retry_after_ms=1_000)
        try:
            yield
        finally:
            self._verifying.release()


def _while_awaited(context: grpc.ServicerContext) -> Callable[[], None]:
    def check() -> None:
        if not context.is_active() or context.time_remaining() <= 0:
            raise ServiceError("DEADLINE", "the chain is too long to be verified before the deadline; allow more time")

    return check
