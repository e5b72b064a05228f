"""What the alerts on the store ask for is what redis_exporter tells, set as in the compose stack (here: Debian's)."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deploy.support import compose
from fixtures.valkey import PASSWORD, a_valkey
from local.ports import HOST, free_port
from local.process import Child, Program
from local.services import answers
from prometheus.manifest import RULES
from support.prometheus import program

OF_A_REPLICA = {"redis_connected_slave_lag_seconds"}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """What the exporter tells about a store with a password."""
    store = a_valkey(tmp_path)
    store.start()
    address, port = f"redis://{store.url.rpartition('@')[2].partition('/')[0]}", free_port()
    (tmp_path / "passwords.json").write_text(json.dumps({address: PASSWORD}))
    shipped = compose.read("compose.yaml")["services"]["redis-exporter"]["environment"]
    assert shipped.keys() == {"REDIS_ADDR", "REDIS_PASSWORD_FILE"}
    exporter = Child(
        Program(
            name="redis_exporter",
            command=(str(program("prometheus-redis-exporter")), f"-web.listen-address={HOST}:{port}"),
            folder=tmp_path,
            environment={"REDIS_ADDR": address, "REDIS_PASSWORD_FILE": str(tmp_path / "passwords.json")},
            ready=lambda: answers(f"http://{HOST}:{port}/health"),
        ),
        tmp_path / "exporter.log",
    )
    try:
        exporter.start()
        exporter.wait_ready()
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
            yield answer.read().decode()
    finally:
        exporter.kill()
        store.kill()


def test_the_exporter_tells_what_the_alerts_on_the_store_read(page: str) -> None:
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    asked = {name for expr in rules for name in re.findall(r"\bredis_[a-z_]+", expr)}

    told = set(re.findall(r"^(redis_[a-z_]+)[{ ]", page, re.MULTILINE))
    assert "redis_up 1" in page
    assert asked - told == OF_A_REPLICA
    assert 'maxmemory_policy="noeviction"' in page
