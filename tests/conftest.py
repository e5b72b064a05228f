from __future__ import annotations

pytest_plugins = [
    "fixtures.valkey",
    "fixtures.postgres",
    "fixtures.stack",
    "fixtures.platform",
    "fixtures.queue_admin",
    "fixtures.worker",
]
