from __future__ import annotations

import pytest

from worker.settings import WorkerSettings


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("", ""),
        ("10.0.0.7", "10.0.0.7"),
        ("worker-1.pods", "worker-1.pods"),
        ("fd00::7", "[fd00::7]"),
        ("[::]", "[::]"),
    ],
    ids=["none", "IPv4", "name", "IPv6 as a pod's address says it", "IPv6 in brackets"],
)
def test_a_workers_address_can_be_followed_by_its_port(given: str, host: str) -> None:
    settings = WorkerSettings.model_validate({"redis_url": "redis://store:6379/0", "worker_host": given})

    assert settings.worker_host == host
