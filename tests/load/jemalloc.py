"""The allocator of Valkey's and Redis's own builds, for the store that is measured.

The bundled one was built with the C library's, which spends a third of its time on the many small objects of functions.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from support.debian import unpack

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "libjemalloc.so.2"
SYSTEM, CACHE = Path("/usr/lib"), ROOT / ".cache" / "jemalloc"


@cache
def environment() -> dict[str, str]:
    """What makes a server use it; nothing, and a word on it, where there is none."""
    found = _find()
    if found is None:
        unpack("libjemalloc2", CACHE)
        found = _find()
    if found is None:
        print("bench: NO JEMALLOC HERE, the C library's allocator costs the store more CPU a job", file=sys.stderr)
        return {}
    return {"LD_PRELOAD": str(found)}


def _find() -> Path | None:
    return next((path for folder in (SYSTEM, CACHE / "usr/lib") for path in folder.glob(f"*/{LIBRARY}")), None)
