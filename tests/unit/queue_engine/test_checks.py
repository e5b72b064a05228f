from __future__ import annotations

import pytest

from queue_engine.domain.errors import StoreMisconfigured
from queue_engine.store.checks import check_settings


def test_a_server_older_than_functions_is_refused_by_name() -> None:
    check_settings({"redis_version": "7.0.0", "maxmemory_policy": "noeviction"})

    with pytest.raises(StoreMisconfigured, match=r"version 6\.2\.14; functions need Redis 7\.0 or Valkey"):
        check_settings({"redis_version": "6.2.14", "maxmemory_policy": "noeviction"})
