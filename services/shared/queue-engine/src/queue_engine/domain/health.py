"""What a probe of the store finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What a probe found: round trip in ms, versions, memory of the fullest server, persistence of all."""

    latency_ms: float
    server: str
    version: str
    library_version: str
    used_memory_bytes: int
    max_memory_bytes: int
    persistence_ok: bool
    servers_away: int = 0
    """Primaries of a cluster that do not answer: their queues wait until a replica takes over."""
    epoch: str = ""
    """Names the store's present life; another one begins when its jobs were lost and that was accepted."""
