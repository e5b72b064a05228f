"""The queue engine's face: one method per verb, each one atomic call on the store."""

from __future__ import annotations

from collections.abc import Sequence

from queue_engine.acting import Acting
from queue_engine.audit_stream import AuditStream
from queue_engine.domain.audit import Action, AuditRecord
from queue_engine.domain.bulk import BulkResult, JobFilter
from queue_engine.domain.error_group import ErrorGroups
from queue_engine.domain.health import StoreHealth
from queue_engine.domain.job import (
    DEFAULT_RETENTION,
    Enqueued,
    FoundJobs,
    JobDetail,
    JobPage,
    JobRef,
    JobState,
    Minute,
    NewJob,
    Order,
    QueueCounts,
    Retention,
)
from queue_engine.domain.job_type import JobType
from queue_engine.domain.lease import Lease, Renewal, Report, Settled, Verdict
from queue_engine.domain.limits import check_queue_name
from queue_engine.enqueuing import enqueue_jobs
from queue_engine.erasing import Erasing
from queue_engine.finding import Finding
from queue_engine.grouping import Grouping
from queue_engine.leasing import Leasing
from queue_engine.reading import Reading
from queue_engine.reconciling import Reconciling
from queue_engine.registry import Registry
from queue_engine.scheduling import Scheduling
from queue_engine.store.redis_store import Observe, RedisStore
from queue_engine.upkeep import Upkeep

__all__ = ["BulkResult", "JobFilter", "QueueEngine", "StoreHealth"]


class QueueEngine:
    """Every change of a job's state. Thread-safe. Every method may raise StoreUnavailable, StoreFull (enqueues only)
    and InvalidArgument; those that name a queue raise QueueNotFound, and QueueReserved for the dead-letter view where
    it makes no sense. Times are the store's clock. `schedules`, `reconciling` and `erasing` have verbs of their own.
    """

    def __init__(self, store: RedisStore, *, retention: Retention = DEFAULT_RETENTION) -> None:
        self._store, self._leasing, self._reading = store, Leasing(store, retention), Reading(store)
        self._grouping, self._finding = Grouping(store, self._reading), Finding(store, self._reading)
        self._acting, self._registry = Acting(store, self._reading), Registry(store)
        self._audit_stream, self._upkeep = AuditStream(store), Upkeep(store, retention)
        self.schedules, self.reconciling, self.erasing = Scheduling(store), Reconciling(store), Erasing(store)

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        timeout_seconds: float = 2.0,
        retention: Retention = DEFAULT_RETENTION,
        observe: Observe | None = None,
    ) -> QueueEngine:
        """An engine on the store at `url`; checks settings and loads the function library at the first use that works.

        Never raises for a store that is down: calls raise StoreUnavailable until it is back. `observe` times each one.
        """
        return cls(RedisStore(url, timeout_seconds=timeout_seconds, observe=observe), retention=retention)

    def check_store(self) -> StoreHealth:
        """Probe with a write, check the settings and make sure the library is there.
        Raises StoreUnavailable, StoreMisconfigured, StoreEpochChanged or LibraryMismatch.
        """
        return self._store.check()

    def require_safe_settings(self) -> None:
        """Raise StoreMisconfigured, for a service's start; a store that is away is looked at when it is used."""
        self._store.require_safe_settings()

    def accept_loss(self, who: str) -> bool:
        """End StoreEpochChanged: `who` knows that the jobs are gone. False when there was no loss to accept."""
        return self._store.accept_loss(who)

    def close(self) -> None:
        """Close all connections."""
        self._store.close()

    # -- enqueue

    def enqueue_jobs(
        self, queue: str, jobs: Sequence[NewJob], *, action: Action | None = None
    ) -> list[Enqueued | Exception]:
        """Accept up to 1,000 jobs in order, each for itself: what raises may have accepted some. Per job: Enqueued,
        IdConflict, WrongState (replace of an active job) or JobNotFound (replace_own of another's).

        Idempotent by id: a known id with the same name and data returns the job as it is. `action` is given when a
        person enqueues or replaces, and is then recorded.
        """
        return enqueue_jobs(self._store, queue, jobs, action=action)

    def enqueue_job(self, queue: str, job: NewJob, *, action: Action | None = None) -> Enqueued:
        """Accept one job; raises IdConflict, WrongState or JobNotFound. Sets queue up when it is new."""
        answer = enqueue_jobs(self._store, queue, [job], action=action)[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    # -- worker side

    def settle_jobs(self, queue: str, reports: Sequence[Report], *, worker: str, want: int, lease_ms: int) -> Settled:
        """Settle outcomes and take up to `want` jobs in one call (at most 500 each). Repeating a report is harmless.

        Reaps and promotes a bounded number first. At most one suspect is handed out, and only to a worker that holds
        none. A malformed job is quarantined as dead (payload_invalid) and never returned.
        """
        return self._leasing.settle_jobs(queue, reports, worker=worker, want=want, lease_ms=lease_ms)

    def renew_leases(self, leases: Sequence[Lease], *, worker: str, lease_ms: int) -> list[Renewal]:
        """Prolong leases (all of one queue) by `lease_ms` from now."""
        return self._leasing.renew_leases(leases, worker=worker, lease_ms=lease_ms)

    def check_leases(self, leases: Sequence[Lease], *, worker: str) -> list[Renewal]:
        """As renew_leases but changes nothing: what the once-a-second look for cancel requests uses."""
        return self._leasing.check_leases(leases, worker=worker)

    def reclaim_leases(self, queue: str, *, worker: str, known_tokens: Sequence[int]) -> int:
        """Give back what a lost reply leased to `worker`; returns how many."""
        return self._leasing.reclaim_leases(queue, worker=worker, known_tokens=known_tokens)

    def wait_for_work(self, queue: str, *, timeout_seconds: float) -> bool:
        """Block on the wake-up marker, on a connection of its own; True when woken."""
        check_queue_name(queue)
        return self._store.wait_for_mark(queue, timeout_seconds=timeout_seconds)

    def set_progress(self, lease: Lease, progress: bytes, *, worker: str) -> Verdict:
        """Store the handler's progress (JSON, at most 4 KiB)."""
        return self._leasing.set_progress(lease, progress, worker=worker)

    def add_log(self, lease: Lease, text: str, *, worker: str) -> Verdict:
        """Append one log line (cut to 1,000 characters; the newest 200 are kept)."""
        return self._leasing.add_log(lease, text, worker=worker)

    def add_children(self, lease: Lease, children: Sequence[JobRef], *, worker: str) -> Verdict:
        """Note the jobs that a running one enqueued (the newest 200 are kept), for people to see."""
        return self._leasing.add_children(lease, children, worker=worker)

    # -- upkeep (bounded; each returns how many jobs it moved)

    def reap_leases(self, queue: str) -> int:
        """Take expired leases back: waiting again at the front by age; buried as worker_lost after three in a row."""
        return self._upkeep.reap_leases(queue)

    def promote_jobs(self, queue: str) -> int:
        """Move due jobs from delayed to waiting and wake a worker."""
        return self._upkeep.promote_jobs(queue)

    def prune_jobs(self, queue: str) -> int:
        """Apply retention to completed and cancelled jobs; in a store that is nearly full completed ones go at once.

        Dead jobs beyond their bounds are discarded, each with an audit record.
        """
        return self._upkeep.prune_jobs(queue)

    # -- people

    def retry_job(self, queue: str, job_id: str, *, action: Action, data: bytes | None = None) -> None:
        """Failed -> waiting, attempts reset, history kept; `data` replaces its own. Raises JobNotFound, WrongState."""
        self._acting.retry_job(queue, job_id, action=action, data=data)

    def remove_job(self, queue: str, job_id: str, *, action: Action) -> None:
        """Forget a job that is not active, and its id. Raises JobNotFound, WrongState."""
        self._acting.remove_job(queue, job_id, action=action)

    def cancel_job(self, queue: str, job_id: str, *, action: Action) -> str:
        """`cancelled` (it was waiting or delayed) or `requested` (it runs). Raises JobNotFound, WrongState.
        The failed reason becomes the action's reason, or "Manually cancelled".
        """
        return self._acting.cancel_job(queue, job_id, action=action)

    def reschedule_job(self, queue: str, job_id: str, *, action: Action, due_at_ms: int | None = None) -> bool:
        """Another due time for a delayed or waiting job; now when None or past. False when it was due then already.
        Raises JobNotFound, WrongState.
        """
        return self._acting.reschedule_job(queue, job_id, due_at_ms=due_at_ms, action=action)

    def retry_jobs(self, queue: str, which: JobFilter, *, action: Action, dry_run: bool = False) -> BulkResult:
        """retry_job for all that match, in bounded steps."""
        return self._acting.change_jobs("retry_jobs", queue, which, action=action, dry_run=dry_run)

    def remove_jobs(self, queue: str, which: JobFilter, *, action: Action, dry_run: bool = False) -> BulkResult:
        """remove_job for all that match, in bounded steps."""
        return self._acting.change_jobs("remove_jobs", queue, which, action=action, dry_run=dry_run)

    def cancel_jobs(self, queue: str, which: JobFilter, *, action: Action, dry_run: bool = False) -> BulkResult:
        """cancel_job for all that match, in bounded steps; of the running ones those not asked to stop yet."""
        return self._acting.cancel_jobs(queue, which, action=action, dry_run=dry_run)

    def pause_queue(self, queue: str, *, action: Action) -> bool:
        """Stop handing out jobs; False when it was paused already (then nothing is recorded)."""
        return self._acting.pause_queue(queue, action=action)

    def resume_queue(self, queue: str, *, action: Action) -> bool:
        """Hand out jobs again; False when it was not paused."""
        return self._acting.resume_queue(queue, action=action)

    def record_action(self, queue: str, *, action: Action, verb: str, job_id: str = "", detail: str = "{}") -> None:
        """Record an action that changes no job (drain and resume of a worker)."""
        self._acting.record_action(queue, action=action, verb=verb, job_id=job_id, detail=detail)

    # -- readers

    def list_queues(self) -> list[str]:
        """Names of all known queues, sorted; dead-letter is not among them."""
        return self._reading.list_queues()

    def count_jobs(self, queue: str) -> QueueCounts:
        """Counts, pause mark, totals. For dead-letter: the sum over all queues' dead jobs as `failed`."""
        return self._reading.count_jobs(queue)

    def list_jobs(
        self,
        queue: str,
        state: JobState,
        *,
        offset: int,
        limit: int,
        group: str | None = None,
        order: Order | None = None,
    ) -> JobPage:
        """A page by rank: waiting and active by taking, delayed by due time, finished newest first; or as told.

        `group`: failed jobs of an error group. For dead-letter, ids are `<queue>:<jobId>`, `queue` is the original one.
        """
        return self._reading.list_jobs(queue, state, offset=offset, limit=limit, group=group, order=order)

    def list_error_groups(self, queue: str, *, limit: int = 50) -> ErrorGroups:
        """Failed jobs by the way they failed, the largest group first; all groups together hold every failed job once.
        For dead-letter, the dead ones of all queues (from the 500 largest groups of each).
        """
        return self._grouping.list_error_groups(queue, limit=limit)

    def find_jobs(self, text: str, *, queue: str | None = None, limit: int = 20) -> FoundJobs:
        """By exact id (or `<queue>:<id>`) in all queues; with `queue` also by how an id or a name begins.
        Beginnings are looked for in at most 5,000 jobs; the answer says whether that were all.
        """
        return self._finding.find_jobs(text, queue=queue, limit=limit)

    def get_job(self, queue: str, job_id: str) -> JobDetail:
        """A job with attempts and logs. Raises JobNotFound."""
        return self._reading.get_job(queue, job_id)

    def list_minutes(self, queue: str, *, minutes: int = 60) -> list[Minute]:
        """What happened in each of the last `minutes` (at most 1,440), oldest first, without gaps."""
        return self._reading.list_minutes(queue, minutes=minutes)

    def oldest_runnable_ms(self, queue: str) -> int | None:
        """Age in ms of the job that would be taken next, None when none waits."""
        return self._reading.oldest_runnable_ms(queue)

    # -- registry

    def register_job_types(self, job_types: Sequence[JobType]) -> list[JobType]:
        """Persist declarations; per name the highest version stays. Returns what is registered now for these names.

        Raises InvalidArgument when a type of the same version has another queue or schema (incompatible).
        """
        return self._registry.register_job_types(job_types)

    def list_job_types(self) -> list[JobType]:
        """All registered types by name; they outlive their workers."""
        return self._registry.list_job_types()

    def register_worker(self, worker_id: str, info: bytes, *, ttl_ms: int) -> None:
        """Remember a worker's own JSON description until `ttl_ms` has passed without another call."""
        self._registry.register_worker(worker_id, info, ttl_ms=ttl_ms)

    def list_workers(self) -> list[tuple[str, bytes, int]]:
        """(id, description, last seen ms) of the workers that are alive."""
        return self._registry.list_workers()

    # -- audit stream

    def claim_audit(self, queue: str, *, shipper: str, lease_ms: int, limit: int = 100) -> list[AuditRecord]:
        """The oldest records in order, for one shipper per queue at a time; empty when another holds the claim."""
        return self._audit_stream.claim_audit(queue, shipper=shipper, lease_ms=lease_ms, limit=limit)

    def settle_audit(self, queue: str, entry_ids: Sequence[str], *, shipper: str) -> int:
        """Delete shipped records; the claim stays until its lease ends."""
        return self._audit_stream.settle_audit(queue, entry_ids, shipper=shipper)

    def park_audit(self, queue: str, entry_id: str, *, shipper: str, why: str) -> None:
        """Set a record that was refused for good aside (kept, counted, alerted)."""
        self._audit_stream.park_audit(queue, entry_id, shipper=shipper, why=why)

    def audit_backlog(self, queue: str) -> tuple[int, int, int | None]:
        """(records waiting, records parked, age in ms of the oldest waiting)."""
        return self._audit_stream.audit_backlog(queue)
