"""/job-queues/~live: tells open pages when something changed.

However many people look at a queue, queue-admin is asked about it once each time. A stream ends after a minute at most
and the browser opens the next, so that a session that ended or a gateway that stops is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import orjson
from google.protobuf.message import Message
from starlette.responses import Response, StreamingResponse

from api_gateway.dashboard.calls import Calls
from api_gateway.dashboard.site import PAGE_HEADERS, Visit
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue_admin
from service_kit.errors import ServiceError

POLL_SECONDS = 2.0
TELL_SECONDS = 5.0
STREAM_SECONDS = 50.0
CHECK_SECONDS = 1.0
RETRY_MS = 2_000
WAITING_EVENTS = 4


@dataclass(eq=False, slots=True)
class _Viewer:
    """One open stream: how to ask in its name, and what it has yet to send."""

    call: Calls
    events: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(WAITING_EVENTS))

    def tell(self, event: bytes) -> None:
        """A stream that does not keep up misses events, which all say the same."""
        if not self.events.full():
            self.events.put_nowait(event)


@dataclass(eq=False, slots=True)
class _Topic:
    """What the viewers of one queue look at; the empty name is the overview."""

    name: str
    viewers: list[_Viewer] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Ask while somebody looks."""
        known, told_at = b"", 0.0
        while self.viewers:
            now = time.monotonic()
            try:
                seen = _without_ages(await self.viewers[-1].call(_question(self.name)))
            except ServiceError as error:
                self._tell("away", {"reason": error.reason})
            else:
                if seen != known or now - told_at >= TELL_SECONDS:
                    self._tell("state", {"at": round(time.time() * 1_000), "changed": bool(known) and seen != known})
                    known, told_at = seen, now
            await asyncio.sleep(POLL_SECONDS)

    def _tell(self, kind: str, data: dict[str, object]) -> None:
        event = b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(data))
        for viewer in self.viewers:
            viewer.tell(event)


class Live:
    """All streams of this process. Used on one event loop."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}

    async def stream(self, visit: Visit) -> Response:
        """The stream of the queue that the address names, or of the overview."""
        queue = visit.query("queue")
        await visit.call(_question(queue))  # what is refused is refused before the stream begins
        stopping: Callable[[], bool] = visit.request.app.state.stopping
        events = self._events(queue, visit.call, stopping)
        return StreamingResponse(events, media_type="text/event-stream", headers=PAGE_HEADERS)

    async def _events(self, name: str, call: Calls, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
        viewer, until = _Viewer(call), time.monotonic() + STREAM_SECONDS
        topic = self._topics.setdefault(name, _Topic(name))
        topic.viewers.append(viewer)
        if topic.task is None or topic.task.done():
            topic.task = asyncio.create_task(topic.watch())
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            while time.monotonic() < until and not stopping():
                try:
                    yield await asyncio.wait_for(viewer.events.get(), CHECK_SECONDS)
                except TimeoutError:
                    continue
        finally:
            topic.viewers.remove(viewer)
            if not topic.viewers and topic.task is not None:
                topic.task.cancel()
                self._topics.pop(name, None)


def _question(name: str) -> Message:
    return queue_admin.GetQueueRequest(queue=name) if name else queue_admin.ListQueuesRequest()


def _without_ages(answer: queue_admin.GetQueueResponse | queue_admin.ListQueuesResponse) -> bytes:
    """What was seen, without what changes by itself."""
    queues = answer.queues if isinstance(answer, queue_admin.ListQueuesResponse) else [answer.queue]
    for queue in queues:
        queue.ClearField("oldest_waiting_ms")
        queue.ClearField("minutes")
    return answer.SerializeToString(deterministic=True)
