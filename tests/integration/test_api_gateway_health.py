from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.gateway import RunningGateway, a_gateway
from support.waiting import wait_until

UP, DOWN, UNKNOWN = {"status": "up"}, {"status": "down"}, {"status": "unknown"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with a_gateway(tmp_path) as running:
        assert running.backend.server is not None
        running.backend.server.set_health("store", serving=True)
        running.backend.server.set_health("database", serving=True)
        yield running


def health(gateway: RunningGateway) -> Any:
    answer = httpx.get(f"{gateway.url}/health")
    assert answer.status_code == 200
    return answer.json()


def test_health_needs_no_token_and_says_how_everything_is(gateway: RunningGateway) -> None:
    assert health(gateway) == {
        "status": "ok",
        "redis": UP,
        "database": UP,
        "services": {"queue-admin": UP, "audit": UP},
    }


def test_a_store_that_is_away_is_degraded_and_so_is_the_database(gateway: RunningGateway) -> None:
    server = gateway.backend.server
    assert server is not None

    server.set_health("store", serving=False)
    found = wait_until(lambda: (h := health(gateway))["status"] == "degraded" and h)
    assert (found["redis"], found["database"], found["services"]["queue-admin"]) == (DOWN, UP, UP)

    server.set_health("store", serving=True)
    server.set_health("database", serving=False)
    found = wait_until(lambda: (h := health(gateway))["database"] == DOWN and h)
    assert (found["status"], found["redis"]) == ("degraded", UP)


def test_services_that_are_away_are_down_until_they_are_back_without_a_restart(gateway: RunningGateway) -> None:
    assert health(gateway)["status"] == "ok"
    server = gateway.backend.server
    assert server is not None
    port = server.port

    gateway.backend.stop()
    found = wait_until(lambda: (h := health(gateway))["status"] == "degraded" and h)
    assert found == {
        "status": "degraded",
        "redis": UNKNOWN,
        "database": UNKNOWN,
        "services": {"queue-admin": DOWN, "audit": DOWN},
    }
    with gateway.client("OPS") as client:
        answer = client.get("/jobs/queues")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert "127.0.0.1" not in answer.text

    gateway.backend.start(gateway.settings.auth_jwks, port)
    with gateway.client("OPS") as client:
        wait_until(lambda: client.get("/jobs/queues").status_code == 200, within=10)


def test_the_services_are_asked_once_a_second_however_often_somebody_asks(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_gateway.health.KEPT_SECONDS", 60)
    assert health(gateway)["status"] == "ok"
    server = gateway.backend.server
    assert server is not None

    server.set_health("store", serving=False)

    assert {health(gateway)["status"] for _ in range(5)} == {"ok"}
