"""Enqueue as one process does it: `enqueue.py APP HOW JOB COUNT [GAP [LEAD]]`; a line of JSON tells rate and CPU.

HOW: `fill` as fast as it goes; `single` one by one; `batch` 100 a call; `pace` each COUNT a mean GAP seconds after the
one before, by chance, told when; `due` spread over GAP seconds that begin LEAD seconds from now, told when it is due.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import peer

BATCH, FILL = 100, 1_000


async def call(function: Callable[..., Any], *given: Any) -> None:
    """A peer's own call, whichever kind it is."""
    answer = function(*given)
    if inspect.isawaitable(answer):
        await answer


async def singly(app: Any, job: str, tickets: list[dict[str, Any]]) -> None:
    """One after the other."""
    if inspect.iscoroutinefunction(app.add):
        for ticket in tickets:
            await app.add(job, ticket)
    else:
        for ticket in tickets:
            app.add(job, ticket)


async def in_batches(app: Any, job: str, tickets: list[dict[str, Any]], size: int) -> None:
    """Many a call."""
    for first in range(0, len(tickets), size):
        await call(app.add_batch, job, tickets[first : first + size])


async def paced(app: Any, job: str, count: int, gap: float) -> None:
    """As callers come, who know nothing of each other; the first few are not told when, and warm everything up."""
    draw = random.Random(7)  # noqa: S311 - the same gaps for each system
    for number in range(5):
        await call(app.add, job, peer.payload(number))
    await asyncio.sleep(1)
    due = time.monotonic()
    for number in range(count):
        due += draw.expovariate(1 / gap)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await call(app.add, job, peer.payload(number, time.monotonic_ns()))


async def due(app: Any, job: str, count: int, seconds: float, lead: float) -> None:
    """Delayed jobs; told when each is due."""
    begin = time.monotonic() + lead
    for first in range(0, count, BATCH):
        at = [begin + number * seconds / count for number in range(first, min(first + BATCH, count))]
        tickets = [peer.payload(first + offset, int(when * 1e9)) for offset, when in enumerate(at)]
        if hasattr(app, "add_batch"):
            delays = [round((when - time.monotonic()) * 1_000) for when in at]
            await call(app.add_batch, job, tickets, delays)
        else:
            for ticket, when in zip(tickets, at, strict=True):
                await call(app.add, job, ticket, round((when - time.monotonic()) * 1_000))
    if time.monotonic() > begin:
        sys.exit(f"the first job was due before all {count} were enqueued: a lead of {lead} s is too short")


async def main(name: str, how: str, job: str, count: int, gap: float, lead: float) -> None:
    """Do it and tell."""
    app = importlib.import_module(f"{name}_app")
    if hasattr(app, "set_up"):
        await app.set_up()
    if how == "pace":
        await paced(app, job, count, gap)
        return
    if how == "due":
        await due(app, job, count, gap, lead)
        return
    tickets = [peer.payload(number) for number in range(count)]
    await call(app.add, job, tickets[0])  # connects and loads scripts outside the clock
    cpu, began = time.process_time(), time.perf_counter()
    if how == "batch" or (how == "fill" and hasattr(app, "add_batch")):
        await in_batches(app, job, tickets[1:], BATCH if how == "batch" else FILL)
    else:
        await singly(app, job, tickets[1:])
    seconds = time.perf_counter() - began
    told = {"rate": (count - 1) / seconds, "cpu_us": (time.process_time() - cpu) * 1e6 / (count - 1)}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    name, how, job, count, *more = sys.argv[1:]
    gap, lead = (float(value) for value in (*more, "0", "0")[:2])
    asyncio.run(main(name, how, job, int(count), gap, lead))
