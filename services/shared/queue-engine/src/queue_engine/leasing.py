"""A worker's side of the store: take, settle, renew, give back. The hot path of the whole system."""

from __future__ import annotations

from collections.abc import Sequence

from queue_engine.domain.errors import InvalidArgument, QueueNotFound
from queue_engine.domain.job import JobRef, Retention
from queue_engine.domain.lease import Lease, Renewal, Report, Settled, Verdict
from queue_engine.domain.limits import MAX_BATCH, check_queue_name, check_range, read_json
from queue_engine.store import decode
from queue_engine.store.encode import encode_id, lease_args, report_args
from queue_engine.store.redis_store import Arg, RedisStore

MAX_PROGRESS_BYTES = 4_096
MAX_LOG_CHARS = 1_000
MAX_LEASE_MS = 86_400_000
MAX_CHILDREN = 200

_RENEWALS = {word.name.encode(): word for word in Renewal}
_VERDICTS = {word.name.encode(): word for word in Verdict}


class Leasing:
    """See the methods of the same names of QueueEngine. A queue nobody set up is an empty one here."""

    def __init__(self, store: RedisStore, retention: Retention) -> None:
        self._store = store
        self._kept: tuple[Arg, ...] = (retention.completed_count, retention.cancelled_count, retention.dedup_ms)

    def settle_jobs(self, queue: str, reports: Sequence[Report], *, worker: str, want: int, lease_ms: int) -> Settled:
        """Resent by itself only when it takes nothing: a repeated take would lease a second batch."""
        check_queue_name(queue)
        check_range("want", want, 0, MAX_BATCH)
        check_range("lease_ms", lease_ms, 1, MAX_LEASE_MS)
        if len(reports) > MAX_BATCH:
            raise InvalidArgument("reports", f"must be at most {MAX_BATCH}")
        args: list[Arg] = [worker, lease_ms, want, *self._kept]
        for report in reports:
            args += report_args(report)
        try:
            _, open_word, next_due, stale, flat = self._store.call("exchange_jobs", queue, *args, resend=want == 0)
        except QueueNotFound:
            return Settled((Verdict.STALE,) * len(reports), (), None, paused=False)
        verdicts = [Verdict.SETTLED] * len(reports)
        for position in stale:
            verdicts[position] = Verdict.STALE
        taken = tuple(decode.leases(queue, flat))
        return Settled(tuple(verdicts), taken, None if next_due < 0 else next_due, open_word == b"PAUSED")

    def renew_leases(self, leases: Sequence[Lease], *, worker: str, lease_ms: int) -> list[Renewal]:
        """Bounded by lease_ms from now on the store's clock."""
        check_range("lease_ms", lease_ms, 1, MAX_LEASE_MS)
        return self._look_at("renew_leases", leases, worker, lease_ms)

    def check_leases(self, leases: Sequence[Lease], *, worker: str) -> list[Renewal]:
        """Reads only."""
        return self._look_at("check_leases", leases, worker)

    def reclaim_leases(self, queue: str, *, worker: str, known_tokens: Sequence[int]) -> int:
        """Looks at the active jobs in slices; safe to repeat."""
        check_queue_name(queue)
        given, rank = 0, 0
        try:
            while rank >= 0:
                reply = self._store.call("reclaim_leases", queue, worker, rank, *known_tokens, resend=True)
                given, rank = given + reply[1], reply[2]
        except QueueNotFound:
            return 0
        return given

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:
        """Refused when it is not JSON or too long."""
        if len(progress) > MAX_PROGRESS_BYTES:
            raise InvalidArgument("progress", f"must be at most {MAX_PROGRESS_BYTES} bytes")
        read_json("progress", progress)
        return self._note("set_progress", lease, progress, worker=worker)

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:
        """Cut, never refused."""
        return self._note("add_log", lease, text[:MAX_LOG_CHARS].encode("utf-8", "replace"), worker=worker)

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:
        """Safe to repeat."""
        names = [encode_id(str(child)) for child in children[-MAX_CHILDREN:]]
        args: list[Arg] = [worker, encode_id(lease.job_id), lease.token, *names]
        try:
            return _VERDICTS[self._store.call("add_children", lease.queue, *args, resend=True)[1]]
        except QueueNotFound:
            return Verdict.STALE

    def _note(self, function: str, lease: Lease, note: bytes, *, worker: str) -> Verdict:
        args = (worker, encode_id(lease.job_id), lease.token, note)
        try:
            return _VERDICTS[self._store.call(function, lease.queue, *args)[1]]
        except QueueNotFound:
            return Verdict.STALE

    def _look_at(self, function: str, leases: Sequence[Lease], worker: str, *extra: Arg) -> list[Renewal]:
        if not leases:
            return []
        if any(lease.queue != leases[0].queue for lease in leases):
            raise InvalidArgument("leases", "must all be of one queue")
        found: list[Renewal] = []
        for first in range(0, len(leases), MAX_BATCH):
            part = leases[first : first + MAX_BATCH]
            try:
                reply = self._store.call(function, part[0].queue, worker, *extra, *lease_args(part), resend=True)
            except QueueNotFound:
                return [Renewal.LOST] * len(leases)
            found += [_RENEWALS[word] for word in reply[1:]]
        return found
