"""Five alerts, provoked on a running stack and seen firing, and ending, by a real Prometheus.

Their times are a thirtieth of those in production (see rendering.py), and the store's memory is brought near its limit
by lowering the limit. That all alerts fire after their true times is proved by promtool in tests/deploy.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from alerts.rendering import faster, rendered
from alerts.running import Watch, watching
from fixtures.stack import RunningStack, a_stack
from prometheus.manifest import RULES
from support.prometheus import promtool

REFUSED = "user-cora"  # her address is at refused.example, which the local provider refuses
FIVE = ("QueueOldestRunnableAgeHigh", "QueueStalledNoProgress", "QueueDeadLetters", "AuditOutboxLag", "StoreMemoryHigh")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with a_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def watch(watched: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watching(watched, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@contextmanager
def stopped(stack: RunningStack, name: str) -> Iterator[None]:
    stack.stop(name)
    try:
        yield
    finally:
        stack.start(name)


def enqueue(stack: RunningStack, queue: str, name: str, data: dict[str, str]) -> None:
    with stack.client() as client:
        client.post(f"/jobs/queues/{queue}", json={"name": name, "data": data}).raise_for_status()


def enqueue_ticket(stack: RunningStack) -> None:
    place = {"propertyId": "property-hill-1", "createdById": "user-tom", "landlordId": "landlord-hillside"}
    enqueue(stack, "tickets", "ticket.created", {"ticketId": f"t-{uuid.uuid4().hex[:8]}", **place})


def test_only_times_are_other_than_in_production(tmp_path: Path) -> None:
    before = "rate(a_total[5m]) > 50 and max(a_age_seconds) > 300"
    assert faster(before) == "rate(a_total[10s]) > 50 and max(a_age_seconds) > 10"
    assert faster("deriv(a[1m]) > 0.8") == "deriv(a[10s]) > 0.8"
    (tmp_path / "rules.yml").write_text(rendered())
    status, said = promtool("check", "rules", tmp_path / "rules.yml")

    assert status == 0, said
    assert rendered().count("alert:") == RULES.read_text().count("alert:")


def test_while_jobs_are_run_none_of_the_five_fires(watched: RunningStack, watch: Watch) -> None:
    enqueue_ticket(watched)

    assert [name for name in FIVE if watch.firing(name)] == []


def test_jobs_that_nobody_takes_are_told_by_their_age_and_by_the_standstill(
    watched: RunningStack, watch: Watch
) -> None:
    with stopped(watched, "worker-tickets"):
        enqueue_ticket(watched)

        by_age = watch.wait_for("QueueOldestRunnableAgeHigh", queue="tickets", severity="page")
        by_standstill = watch.wait_for("QueueStalledNoProgress", queue="tickets", severity="page")
        assert by_age["annotations"]["summary"].startswith("Jobs of queue tickets wait for ")
        assert by_standstill["annotations"]["summary"].startswith("1 jobs wait in queue tickets")
        assert watch.firing("QueueOldestRunnableAgeHigh", queue="notifications") == []
    watch.wait_for_end("QueueOldestRunnableAgeHigh")
    watch.wait_for_end("QueueStalledNoProgress")


def test_a_job_that_fails_for_good_is_told(watched: RunningStack, watch: Watch) -> None:
    data = {"type": "email", "recipientId": REFUSED, "subject": "Hello", "message": "Will be refused"}
    enqueue(watched, "notifications", "send-notification", data)

    watch.wait_for("QueueDeadLetters", queue="notifications", severity="ticket")
    assert watch.firing("QueueDeadLettersMany") == []
    watch.wait_for_end("QueueDeadLetters")


def test_audit_records_that_cannot_be_shipped_are_told(watched: RunningStack, watch: Watch) -> None:
    with stopped(watched, "audit"), watched.client() as ops:
        for act in ("pause", "resume"):
            ops.post(f"/jobs/queues/notifications/{act}", json={"reason": "a test"}).raise_for_status()

        watch.wait_for("AuditOutboxLag", queue="notifications", severity="page")
    watch.wait_for_end("AuditOutboxLag")


def test_a_store_near_its_memory_limit_is_told(watched: RunningStack, watch: Watch) -> None:
    with redis.Redis.from_url(watched.redis_url) as store:
        used = store.info("memory")["used_memory"]
        store.config_set("maxmemory", int(used / 0.85))
        try:
            fired = watch.wait_for("StoreMemoryHigh", service="store", severity="page")
            store.config_set("maxmemory", used * 10)
            watch.wait_for_end("StoreMemoryHigh")
        finally:
            store.config_set("maxmemory", 0)
    assert " uses 8" in fired["annotations"]["summary"]
