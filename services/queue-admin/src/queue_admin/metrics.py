"""Metrics read from the store at each scrape.

The engine counts in the same atomic call as each change, so that these are exact, whoever was killed when. Every
queue-admin exports the same values: aggregate with `max by (queue)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from queue_admin.loops.each_queue import Pass
from queue_engine.domain.errors import QueueEngineError
from queue_engine.domain.job import FailureKind, JobState, QueueCounts, Retention
from queue_engine.engine import QueueEngine
from queue_engine.scheduling import Schedules

log = structlog.get_logger()
# Our words for the engine's counters.
EVENTS = {
    "added": "enqueued",
    "replaced": "replaced",
    "started": "started",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "removed": "removed",
    "pruned": "pruned",
    "discarded": "discarded",
    "lost": "rescued",
    "deferred": "deferred",
    "released": "released",
    "stale": "stale",
    "manual_retries": "retried_by_hand",
}
RUNS = {"schedule_runs": "enqueued", "schedule_failed": "failed", "schedule_missed": "missed"}


class QueueCollector(Collector):
    """One pass over all queues per scrape. With the store away only queue_store_up says something."""

    def __init__(self, engine: QueueEngine, retention: Retention, *, epoch: Callable[[], str]) -> None:
        """`epoch` says which life of the store was seen last, or nothing."""
        self._engine, self._retention, self._epoch = engine, retention, epoch

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not ask the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All metrics."""
        up = GaugeMetricFamily("queue_store_up", "Whether the job store answers, for every queue.")
        families, problem = Families(), None
        try:
            problem = self._read(families)
        except QueueEngineError as error:
            problem = error
        if problem:
            log.warning("metrics_unreadable", problem=str(problem))
        up.add_metric([], 0 if problem else 1)
        life = GaugeMetricFamily("queue_store_epoch_info", "Which life of the store this is.", labels=["epoch"])
        if epoch := self._epoch():
            life.add_metric([epoch], 1)
        return [up, life, *families.all()]

    def _read(self, families: Families) -> QueueEngineError | None:
        """Whatever can be read; of a cluster, one node may be away. Returns the first problem with a queue."""
        problem: QueueEngineError | None = None
        queues = Pass(self._engine)
        for queue in queues:
            try:
                counts, backlog = self._engine.count_jobs(queue), self._engine.audit_backlog(queue)
                schedules = self._engine.schedules.list_schedules(queue)
            except QueueEngineError as error:
                queues.store_is_away()
                problem = problem or error
                continue
            families.add_counts(counts, self._retention)
            families.add_audit(queue, *backlog)
            families.add_schedules(queue, schedules)
        return problem


class Families:
    """The metric families, filled queue by queue."""

    def __init__(self) -> None:
        self._jobs = CounterMetricFamily("queue_jobs_total", "What happened to jobs.", labels=["queue", "status"])
        self._failures = CounterMetricFamily("queue_failures_total", "Failed attempts.", labels=["queue", "reason"])
        self._retries = _counter("queue_retries_total", "Attempts after a failed one.")
        self._depth = GaugeMetricFamily("queue_depth", "Jobs in each state.", labels=["queue", "state"])
        self._age = _gauge("queue_oldest_runnable_age_seconds", "Age of the job that is taken next; 0 when none waits.")
        self._dead = _gauge("queue_dead_letter_depth", "Dead jobs that wait for a decision.")
        self._dead_bytes = _gauge("queue_dead_letter_bytes", "What the dead jobs occupy in the store.")
        self._dead_fill = _gauge(
            "queue_dead_letter_fill_ratio",
            "How much of their bound the dead jobs use; beyond 1 the oldest are discarded.",
        )
        self._paused = _gauge("queue_paused", "Whether the queue is paused.")
        self._runs = CounterMetricFamily("queue_schedule_runs_total", "Runs of schedules.", labels=["queue", "outcome"])
        self._overdue = _gauge("queue_schedule_overdue_seconds", "How long the longest waiting schedule is overdue.")
        self._schedules_paused = _gauge("queue_schedules_paused", "Schedules that are paused.")
        self._schedules_failing = _gauge(
            "queue_schedules_failing", "Schedules whose latest run made no job, or that cannot be read."
        )
        self._audit_depth = _gauge("queue_audit_outbox_depth", "Audit records not shipped yet.")
        self._audit_age = _gauge("queue_audit_outbox_age_seconds", "Age of the oldest audit record not shipped yet.")
        self._audit_parked = _gauge("queue_audit_parked", "Audit records refused for good and set aside.")

    def add_counts(self, counts: QueueCounts, retention: Retention) -> None:
        """A queue's states and events, and how near its dead jobs are to the bounds of `retention`."""
        queue, totals = counts.name, counts.totals
        for total, status in EVENTS.items():
            self._jobs.add_metric([queue, status], totals.get(total, 0))
        for kind in FailureKind:
            self._failures.add_metric([queue, kind.value], totals.get(f"failed:{kind.value}", 0))
        self._retries.add_metric([queue], totals.get("retried", 0))
        for total, outcome in RUNS.items():
            self._runs.add_metric([queue, outcome], totals.get(total, 0))
        for state in JobState:
            self._depth.add_metric([queue, state.value], getattr(counts, state.value))
        self._age.add_metric([queue], (counts.oldest_waiting_ms or 0) / 1_000)
        self._dead.add_metric([queue], counts.dead)
        self._dead_bytes.add_metric([queue], counts.dead_bytes)
        fill = max(counts.dead / retention.dead_count, counts.dead_bytes / retention.dead_bytes)
        self._dead_fill.add_metric([queue], fill)
        self._paused.add_metric([queue], counts.paused)

    def add_schedules(self, queue: str, found: Schedules) -> None:
        """A queue's schedules."""
        overdue_ms = max((schedule.overdue_ms(found.now_ms) for schedule in found.schedules), default=0)
        self._overdue.add_metric([queue], overdue_ms / 1_000)
        self._schedules_paused.add_metric([queue], sum(schedule.paused for schedule in found.schedules))
        failing = sum(schedule.is_failing for schedule in found.schedules) + len(found.unreadable)
        self._schedules_failing.add_metric([queue], failing)

    def add_audit(self, queue: str, waiting: int, parked: int, oldest_ms: int | None) -> None:
        """A queue's audit stream."""
        self._audit_depth.add_metric([queue], waiting)
        self._audit_parked.add_metric([queue], parked)
        self._audit_age.add_metric([queue], (oldest_ms or 0) / 1_000)

    def all(self) -> list[Metric]:
        """Every family."""
        return [value for value in vars(self).values() if isinstance(value, Metric)]


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=["queue"])


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["queue"])
