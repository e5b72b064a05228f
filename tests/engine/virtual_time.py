"""The queue's clock in the hands of a test: the functions read it from a key instead of asking the server."""

from __future__ import annotations

import pytest
import redis

from queue_engine.store import checks, library

CLOCK = "test:clock"
_ASKS_THE_SERVER = """\
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
"""


def take_over_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every library that is loaded from now on tell the time that `set_clock` says."""
    source = library.library_source()
    assert source.count(_ASKS_THE_SERVER) == 1, "the one place that tells the time has changed"
    told = source.replace(_ASKS_THE_SERVER, f"  return tonumber(redis.call('GET', '{CLOCK}'))\n")
    monkeypatch.setattr(checks, "library_source", lambda: told)


def set_clock(client: redis.Redis, now_ms: int) -> None:
    """It is `now_ms`."""
    client.set(CLOCK, now_ms)
