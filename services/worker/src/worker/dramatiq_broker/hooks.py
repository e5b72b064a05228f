"""Calls only those hooks of the middlewares that do something: the empty ones cost more than an empty job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dramatiq
from dramatiq.middleware import AgeLimit, Callbacks, Middleware, MiddlewareError, Pipelines

Hook = Callable[..., None]
PROCESS = "process_message"
BY_OPTION = frozenset({AgeLimit, Callbacks, Pipelines})
"""Dramatiq's own that act on options of the message or its actor only: where there are none they only look."""


class LeanBroker(dramatiq.Broker):
    """Emits signals exactly as Dramatiq does, in the same order and with the same answer to errors."""

    hears_ends = False
    """Some middleware has a hook around ack or nack."""

    def __init__(self, middleware: list[Middleware] | None = None) -> None:
        self._before = _Hooks("before")
        self._after = _Hooks("after")
        super().__init__(middleware=middleware)

    def add_middleware(self, middleware: Middleware, **place: type[Middleware] | None) -> None:
        """See Broker."""
        super().add_middleware(middleware, **place)
        self._before.are_of(self.middleware)
        self._after.are_of(self.middleware[::-1])
        self.hears_ends = any(hooks[signal] for hooks in (self._before, self._after) for signal in ("ack", "nack"))

    def emit_before(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """See Broker."""
        for middleware, hook in self._before[signal]:
            try:
                hook(self, *args, **kwargs)
            except MiddlewareError:
                raise
            except Exception as error:  # noqa: BLE001 - one middleware's fault is not the others'
                self._survive(f"before_{signal}", middleware, error)

    def emit_after(self, signal: str, *args: Any, **kwargs: Any) -> None:
        """See Broker."""
        for middleware, hook in self._after[signal]:
            try:
                hook(self, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - one middleware's fault is not the others'
                self._survive(f"after_{signal}", middleware, error)

    def emit_before_job(self, job: Any) -> None:
        """As `emit_before("process_message", job)`, for less than half: it comes with every job."""
        for middleware, hook in self._before.bare if job.bare else self._before[PROCESS]:
            try:
                hook(self, job)
            except MiddlewareError:
                raise
            except Exception as error:  # noqa: BLE001 - one middleware's fault is not the others'
                self._survive(f"before_{PROCESS}", middleware, error)

    def emit_after_job(self, job: Any, *, result: Any = None, exception: BaseException | None = None) -> None:
        """As `emit_after("process_message", job, ...)`."""
        for middleware, hook in self._after.bare if job.bare else self._after[PROCESS]:
            try:
                hook(self, job, result=result, exception=exception)
            except Exception as error:  # noqa: BLE001 - one middleware's fault is not the others'
                self._survive(f"after_{PROCESS}", middleware, error)

    def _survive(self, name: str, middleware: Middleware, error: Exception) -> None:
        self.logger.critical("Unexpected failure in %s of %r.", name, middleware, exc_info=error)


class _Hooks(dict[str, list[tuple[Middleware, Hook]]]):
    """By signal, those that do something, in the order they are called in; found when a signal first comes."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self._when = when
        self.are_of([])

    def are_of(self, middlewares: Sequence[Middleware]) -> None:
        """Forget what was found with others."""
        self.clear()
        self._middlewares = middlewares
        self.bare = [(middleware, hook) for middleware, hook in self[PROCESS] if not _is_by_option(middleware)]
        """Of a job without options."""

    def __missing__(self, signal: str) -> list[tuple[Middleware, Hook]]:
        name = f"{self._when}_{signal}"
        nothing = getattr(Middleware, name)
        found = [(m, getattr(m, name)) for m in self._middlewares if getattr(type(m), name, None) is not nothing]
        self[signal] = found
        return found


def _is_by_option(middleware: Middleware) -> bool:
    return type(middleware) in BY_OPTION and not getattr(middleware, "max_age", None)
