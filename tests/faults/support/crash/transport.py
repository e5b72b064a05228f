"""The ways between the parts of the system, each call of which can be harmed by plan."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import grpc
import redis

from queue_engine.store.redis_store import RedisStore

T = TypeVar("T")


class Harm(StrEnum):
    """What happens to one call."""

    UNSENT = "fails before sending"
    RESET = "is executed, others go on, the connection breaks before its reply"
    SILENCE = "is executed, its reply never comes"
    TWICE = "is executed twice"


@dataclass(slots=True)
class Plan:
    """Which call of whom is harmed, and how; notes the calls."""

    harms: Mapping[tuple[str, int], Harm]
    calls: dict[tuple[str, int], str] = field(default_factory=dict)
    """What each call was, by who made it and its number."""
    met: list[str] = field(default_factory=list)
    """What was harmed, in words."""
    meanwhile: Callable[[str], None] = lambda _: None
    """What others do until an actor learns that its connection broke."""

    def carry(self, actor: str, what: str, send: Callable[[], T], *, broken: Callable[[Harm], Exception]) -> T:
        """Make the actor's next call; `broken` is how its client learns of a harm."""
        number = sum(who == actor for who, _ in self.calls)
        self.calls[actor, number] = what
        harm = self.harms.get((actor, number))
        if harm is None:
            return send()
        self.met.append(f"call {number} of {actor}, {what}, {harm}")
        if harm is Harm.UNSENT:
            raise broken(harm)
        answer = send()
        if harm is Harm.TWICE:
            with suppress(grpc.RpcError, redis.RedisError):
                send()
            return answer
        if harm is Harm.RESET:
            others = threading.Thread(target=self.meanwhile, args=(actor,))
            others.start()
            others.join()
        raise broken(harm)


class HarmedClient:
    """A store client's calls, as the actor makes them."""

    def __init__(self, client: Any, actor: str, plan: Plan) -> None:
        self._client, self._actor, self._plan = client, actor, plan

    def fcall(self, function: str, *args: Any) -> Any:
        return self._carry(function, lambda: self._client.fcall(function, *args))

    def fcalls(self, function: str, keys: Sequence[str], calls: Iterable[Sequence[Any]]) -> list[Any]:
        return [self._answered(function, len(keys), *keys, *args) for args in calls]

    def _answered(self, *call: Any) -> Any:
        try:
            return self.fcall(*call)
        except redis.ResponseError as error:
            return error

    def function_load(self, *args: Any, **options: Any) -> Any:
        return self._carry("FUNCTION LOAD", lambda: self._client.function_load(*args, **options))

    def info(self, *args: Any) -> Any:
        return self._carry("INFO", lambda: self._client.info(*args))

    def node_of(self, key: str) -> Any:  # noqa: ARG002 - as a single server's
        return self

    def primaries(self) -> list[Any]:
        return [self]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _carry(self, what: str, send: Callable[[], Any]) -> Any:
        return self._plan.carry(self._actor, what, send, broken=_broken_connection)


class HarmedStore(RedisStore):
    """The store as one actor reaches it. Nobody is woken by a marker: the scenario decides who turns when."""

    def __init__(self, url: str, actor: str, plan: Plan) -> None:
        super().__init__(url, timeout_seconds=5)
        self._client = HarmedClient(self._client, actor, plan)
        self._closed = threading.Event()

    def wait_for_mark(self, queue: str, *, timeout_seconds: float) -> bool:  # noqa: ARG002 - RedisStore's own
        self._closed.wait()
        return False

    def close(self) -> None:
        self._closed.set()
        super().close()


@dataclass(slots=True)
class WorkersTime:
    """The module `time` as the worker's code sees it: its clock runs ahead by what the scenario lets pass."""

    ahead_seconds: float = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_seconds

    def sleep(self, seconds: float) -> None:
        """Waiting out an outage takes no time here."""


class Broken(grpc.RpcError):
    """A call whose answer did not come."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "the connection broke"

    def trailing_metadata(self) -> tuple[()]:
        return ()


def _broken_connection(harm: Harm) -> Exception:
    if harm is Harm.SILENCE:
        return redis.TimeoutError("Timeout reading from socket")
    return redis.ConnectionError("Connection closed by server.")
