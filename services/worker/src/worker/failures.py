"""How a handler says that its job cannot go on now, or never will. Any other exception is a failed attempt."""

from __future__ import annotations

from queue_engine.domain.job import FailureKind


class Defer(Exception):
    """A dependency is away: try again in about `seconds`, no attempt counted, up to the job's maximum age.

    Without `jitter` it is exactly `seconds`: for a job that waits for its time and for nobody.
    """

    def __init__(
        self, reason: str, *, seconds: float = 10.0, kind: FailureKind = FailureKind.DEPENDENCY, jitter: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason, self.seconds, self.kind, self.jitter = reason, seconds, kind, jitter


class Permanent(Exception):
    """Trying again cannot help: the job is dead at once, with this reason."""

    def __init__(self, reason: str, *, kind: FailureKind = FailureKind.EXCEPTION) -> None:
        super().__init__(reason)
        self.reason, self.kind = reason, kind
