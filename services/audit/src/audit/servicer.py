"""AuditService: convert in, one call of the store, convert out."""

from __future__ import annotations

import grpc
import structlog

from audit import convert
from audit.metrics import AuditMetrics
from audit.store import AuditStore
from audit.verifier import Verifier
from jobqueue.audit.v1 import audit_service_pb2 as pb
from jobqueue.audit.v1 import audit_service_pb2_grpc

log = structlog.get_logger()


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """The methods of the contract; `page_size` is how many records a page has when the caller does not say."""

    def __init__(self, store: AuditStore, verifier: Verifier, metrics: AuditMetrics, *, page_size: int) -> None:
        self._store, self._verifier, self._metrics, self._page_size = store, verifier, metrics, page_size

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
        """Recompute the chain, as far as the deadline allows; the next call, or the verifier's loop, goes on there."""
        return convert.to_verify_response(self._verifier.verify(context.time_remaining()))

    def GetVerification(
        self, request: pb.GetVerificationRequest, context: grpc.ServicerContext
    ) -> pb.GetVerificationResponse:
        """How far the chain was verified, without looking at it."""
        progress, entries = self._verifier.read()
        return convert.to_verification_response(progress, entries=entries)
