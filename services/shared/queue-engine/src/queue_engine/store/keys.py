"""Every key Python names itself; all others are made inside the functions from a queue's prefix (see README.md)."""

from __future__ import annotations

REGISTRY_META = "jobs:{@registry}:meta"
"""Slot of what is known across queues. No queue name can begin with @."""


def meta_key(queue: str) -> str:
    """The one key every function of a queue gets; it exists as soon as the queue does."""
    return f"jobs:{{{queue}}}:meta"


def mark_key(queue: str) -> str:
    """The set an idle worker blocks on."""
    return f"jobs:{{{queue}}}:mark"


def queue_of(key: str) -> str:
    """Whose key it is."""
    return key.partition("{")[2].partition("}")[0]
