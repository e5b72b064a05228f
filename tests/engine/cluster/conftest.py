from __future__ import annotations

import pytest


@pytest.fixture
def valkey_url(cluster_url: str) -> str:
    """In place of the one server's: these tests run on the cluster, whatever `--store` says."""
    return cluster_url
