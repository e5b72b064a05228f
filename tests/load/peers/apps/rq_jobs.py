"""What RQ's worker imports by name."""

from __future__ import annotations

from typing import Any

import peer


def noop(ticket: dict[str, Any]) -> None:
    """The job."""
    peer.mark(ticket["at"])


peer.begin_together()
