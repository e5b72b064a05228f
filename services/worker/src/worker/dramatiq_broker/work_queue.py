"""The way from consumer threads to worker threads, without what Dramatiq's own does for needs that we have not."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import Any

from dramatiq import Worker
from dramatiq.worker import ConsumerThread

from worker.dramatiq_broker.roster import Roster

LOOK_SECONDS = 0.01  # between looks of `join`


class WorkQueue(SimpleQueue[Any]):
    """Jobs in the order they were taken. All have one priority here, so a heap that locks and signals in Python, as
    Dramatiq's is, would give the same order for several times the CPU.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def task_done(self) -> None:
        """The roster knows when a job has ended."""

    @property
    def unfinished_tasks(self) -> int:
        """Jobs that wait for a thread or run."""
        return len(self._roster.waiting) + len(self._roster.running)

    def join(self) -> None:
        """Wait until no job waits or runs here."""
        while self.unfinished_tasks:
            time.sleep(LOOK_SECONDS)


def install(worker: Worker, roster: Roster) -> None:
    """Make it the queue of a worker that has no threads yet."""
    worker.work_queue = WorkQueue(roster)  # type: ignore[assignment]  # all that Dramatiq calls of a PriorityQueue


def hand_over_directly(consumer: ConsumerThread) -> None:
    """Put jobs straight into the work queue. What is left out: a wrapper with priority and time, the look for an eta
    (the store keeps delayed jobs) and for the actor (JobConsumer did that) and, after each job, a look into a queue of
    delayed messages that is always empty.
    """
    consumer.handle_message = consumer.work_queue.put  # type: ignore[method-assign,assignment]
    consumer.handle_delayed_messages = _none_delayed  # type: ignore[method-assign]


def _none_delayed() -> None:
    """No message waits for its eta in this process."""
