"""The adapter to Redis or Valkey: one atomic function per call, the library kept loaded, errors in our words."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import redis

from queue_engine.domain.errors import (
    LibraryMismatch,
    QueueNotFound,
    StoreEpochChanged,
    StoreMisconfigured,
    StoreUnavailable,
)
from queue_engine.domain.health import StoreHealth
from queue_engine.store.checks import check_epoch, check_settings, check_store, load_library
from queue_engine.store.cluster import ClusterClient
from queue_engine.store.connection import connect
from queue_engine.store.errors import is_missing_function, translated
from queue_engine.store.keys import REGISTRY_META, mark_key, meta_key, queue_of
from queue_engine.store.library import FUNCTION_PREFIX

Arg = str | bytes | int | float
Part = Callable[[], Sequence[Arg]]
"""Makes the arguments of one call when they are needed, the same each time."""
Reply = list[Any]
Observe = Callable[[str, float], None]
"""Told each function that was called and the seconds until its reply, or its error, was there; of calls that are made
together each its share of the seconds."""

_BLOCK_SECONDS = 10.0
"""Longest single wait for a marker; longer waits are made of several, so that a dead peer is noticed."""

_NEARLY_FULL = 0.8

_SCAN_STEP = 1_000

_CHECK_AGAIN_SECONDS = 15.0
"""How long the settings are taken for what they were: they can be changed while everything runs."""


class RedisStore:
    """Thread-safe; connections are pooled. Its methods raise StoreUnavailable, StoreFull and what check raises."""

    def __init__(self, url: str, *, timeout_seconds: float, observe: Observe | None = None) -> None:
        """Opens no connection. Raises ValueError for a URL that cannot be read."""
        reply_seconds = (timeout_seconds, _BLOCK_SECONDS + timeout_seconds)
        self._client, self._blocking = connect(url, connect_seconds=timeout_seconds, reply_seconds=reply_seconds)
        self._checked_at = float("-inf")
        self._epoch = ""
        self._observe = observe

    def call(self, function: str, queue: str, *args: Arg, resend: bool = False) -> Reply:
        """The reply of a queue's function, its OK or the word of its own refusal first.

        `resend` says that the call may be repeated when the connection broke. Raises QueueNotFound for a queue nobody
        set up.
        """
        reply = self._fcall(function, meta_key(queue), args, resend=resend)
        if reply[0] == b"UNKNOWN_QUEUE":
            self._find_again(queue)
            reply = self._fcall(function, meta_key(queue), args, resend=resend)
        if reply[0] == b"UNKNOWN_QUEUE":
            raise QueueNotFound(queue)
        if reply[0] == b"LAYOUT":
            found = reply[1].decode()
            raise LibraryMismatch(f"queue {queue!r} has data layout {found}, which this version does not know")
        return reply

    def call_in_parts(self, function: str, queue: str, parts: Sequence[Part]) -> list[Reply]:
        """The replies to several calls of a queue's function, in order; each is made and sent while the store works on
        those before. All of them may be repeated.

        When one is refused or the connection broke, they are made again one by one by `call`, which knows what to
        do and what to raise. Those behind the refused one may have been executed by then.
        """
        resend = True
        if len(parts) > 1:
            try:
                replies = self._fcalls(function, meta_key(queue), parts)
            except redis.ConnectionError:
                resend = False  # once more is enough
            except redis.RedisError as error:
                raise translated(error) from error
            else:
                if all(isinstance(reply, list) and reply[0] == b"OK" for reply in replies):
                    return replies
        return [self.call(function, queue, *part(), resend=resend) for part in parts]

    def call_registry(self, function: str, *args: Arg) -> Reply:
        """The reply of a function of the registry. All of them may be repeated."""
        return self._fcall(function, REGISTRY_META, args, resend=True)

    def set_up_queue(self, queue: str) -> None:
        """Make a queue known, in the registry first: a queue with jobs is always listed."""
        self.call_registry("register_queue", queue, "")
        self._fcall("set_up_queue", meta_key(queue), ("",), resend=True)
        self.call_registry("register_queue", queue, "ready")

    def wait_for_mark(self, queue: str, *, timeout_seconds: float) -> bool:
        """Whether a marker came within the time."""
        deadline = time.monotonic() + timeout_seconds
        while (left := min(deadline - time.monotonic(), _BLOCK_SECONDS)) > 0:
            try:
                if self._blocking.bzpopmin(mark_key(queue), timeout=left):
                    return True
            except redis.RedisError as error:
                raise translated(error) from error
        return False

    def scan_keys(self, queue: str, cursor: int) -> tuple[int, list[bytes]]:
        """Where to go on (0 at the end), and keys of the queue without its prefix, maybe twice or gone by now."""
        prefix = meta_key(queue).removesuffix("meta")
        try:
            reply: Any = self._client.node_of(meta_key(queue)).scan(cursor, match=f"{prefix}*", count=_SCAN_STEP)
        except redis.RedisError as error:
            raise translated(error) from error
        return reply[0], [key[len(prefix) :] for key in reply[1]]

    def check(self) -> StoreHealth:
        """Probe with a write, look at settings and epoch, load the library where it is missing or older."""
        try:
            health = check_store(self._client)
            self._epoch = check_epoch(self._client, self._epoch)
        except redis.RedisError as error:
            raise translated(error) from error
        except (StoreMisconfigured, StoreEpochChanged):
            self._checked_at = float("-inf")  # it was changed under us: every call looks again until it may be used
            raise
        self._checked_at = time.monotonic()
        return replace(health, epoch=self._epoch)

    def require_safe_settings(self) -> None:
        """Raise StoreMisconfigured. A store that is away is looked at when it is used."""
        with suppress(redis.RedisError):
            for server in self._client.primaries():
                check_settings(server.info("everything"))

    def accept_loss(self, who: str) -> bool:
        """Whether there was a loss to accept. The one call that is made on a store which is not to be used."""
        try:
            for server in self._client.primaries():
                load_library(server)
            for queue in self._queues_left():
                self._fcall_once("set_up_queue", meta_key(queue), ("",))
                self._fcall_once("register_queue", REGISTRY_META, (queue, "ready"))
            reply = self._fcall_once("accept_loss", REGISTRY_META, (who,))
        except redis.RedisError as error:
            raise translated(error) from error
        return bool(reply[1])

    def is_nearly_full(self, queue: str) -> bool:
        """Less than a fifth of the memory is left that the queue's server may use."""
        try:
            memory: dict[str, int] = self._client.node_of(meta_key(queue)).info("memory")
        except redis.RedisError as error:
            raise translated(error) from error
        return 0 < memory["maxmemory"] < memory["used_memory"] / _NEARLY_FULL

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._blocking.close()

    def _find_again(self, queue: str) -> None:
        """What to do about a queue that is not there: complete its set-up, or raise."""
        self.check()  # it may be the first sign of a store that was emptied
        known = self.call_registry("find_queue", queue)[1]
        if known == b"ABSENT":
            raise QueueNotFound(queue)
        if known == b"REGISTERED":
            self.set_up_queue(queue)
        elif self._fcall("set_up_queue", meta_key(queue), ("known",), resend=True)[0] == b"GONE":
            self.call_registry("mark_loss", queue)
            self.check()
            raise QueueNotFound(queue)  # somebody accepted the loss at the same moment

    def _queues_left(self) -> set[str]:
        """Those that the registry knows; of a cluster also those that are there when only its own node was emptied."""
        names = {name.decode() for name in self._fcall_once("list_queues", REGISTRY_META, ())[1:]}
        if isinstance(self._client, ClusterClient):
            for server in self._client.primaries():
                names |= {queue_of(key.decode()) for key in server.scan_iter(meta_key("*"), count=1_000)}
        return {name for name in names if not name.startswith("@")}

    def _fcall(self, function: str, key: str, args: Sequence[Arg], *, resend: bool) -> Reply:
        """Call; once more when the library was missing, or when the connection broke and that is harmless."""
        self._check_again_in_time(key)
        try:
            return self._fcall_once(function, key, args)
        except redis.ConnectionError as error:
            if not resend or isinstance(error, redis.BusyLoadingError):
                raise translated(error) from error
        except redis.RedisError as error:
            if not is_missing_function(error):
                raise translated(error) from error
            self.check()
        try:
            return self._fcall_once(function, key, args)
        except redis.RedisError as error:
            raise translated(error) from error

    def _check_again_in_time(self, key: str) -> None:
        if time.monotonic() - self._checked_at <= _CHECK_AGAIN_SECONDS:
            return
        try:
            self.check()
        except StoreUnavailable:
            # Of a cluster, another server than the queue's may be the one that is away: the call will tell.
            if not isinstance(self._client, ClusterClient) or key == REGISTRY_META or not self._epoch:
                raise

    def _fcalls(self, function: str, key: str, parts: Sequence[Part]) -> list[Any]:
        self._check_again_in_time(key)
        began = time.perf_counter()
        try:
            return self._client.fcalls(FUNCTION_PREFIX + function, (key,), (part() for part in parts))
        finally:
            if self._observe:
                share = (time.perf_counter() - began) / len(parts)
                for _ in parts:
                    self._observe(function, share)

    def _fcall_once(self, function: str, key: str, args: Sequence[Arg]) -> Reply:
        began = time.perf_counter()
        try:
            reply: Reply = self._client.fcall(FUNCTION_PREFIX + function, 1, key, *args)
        finally:
            if self._observe:
                self._observe(function, time.perf_counter() - began)
        return reply
