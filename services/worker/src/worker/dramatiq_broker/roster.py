"""What this process holds of all its queues: which jobs wait for a thread, which run, and how many more it may take."""

from __future__ import annotations

import threading
import time
from collections import Counter
from operator import attrgetter

from worker.dramatiq_broker.job import Job

HORIZON = 0.1  # seconds: a process holds what its threads finish in about this time, and while it asks for more
LONGEST_ASK = 0.7  # seconds of asking that are provided for: what waits for a thread for a second is given back
MOST_HELD = 128  # short jobs; a tenth more a second than with 64, and more would only lengthen each call
RECENT = 0.2  # weight of the newest duration in the running average
KIND = attrgetter("kind")


class Roster:
    """Thread-safe by single dict operations: whoever pops a job from `waiting` decides its fate."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.waiting: dict[int, Job] = {}
        self.running: dict[int, Job] = {}
        self.draining = False
        self.suspects: dict[str, Job] = {}
        """By queue: a job whose worker died before. It runs alone, so nothing else is taken while one is here."""
        self.lost_leases: dict[str, int] = {}
        """By queue: how many jobs were lost that this process held."""
        self._losing = threading.Lock()
        self._typical: dict[str | tuple[str, str], float] = {}
        """Seconds a job takes, by kind and by queue."""
        self._hungry: dict[str, None] = {}
        """Queues that found no room, the one that waits longest first."""
        self._horizon = HORIZON

    # -- a job's way

    def add(self, job: Job) -> None:
        """The job waits for a thread."""
        self.waiting[id(job)] = job

    def begin(self, job: Job) -> bool:
        """The calling thread runs it; False when it was recalled."""
        if self.waiting.pop(id(job), None) is None:
            return False
        job.began_at = time.monotonic()
        self.running[threading.get_ident()] = job
        return True

    def recall(self, job: Job) -> bool:
        """It shall not begin; False when it has begun or was recalled before."""
        if self.waiting.pop(id(job), None) is None:
            return False
        job.recalled = True
        return True

    def lose(self, job: Job) -> None:
        """Its lease is gone; counted once, whoever notices first."""
        with self._losing:
            if not job.lost:
                job.lost = True
                self.lost_leases[job.queue_name] = self.lost_leases.get(job.queue_name, 0) + 1

    def end(self, job: Job) -> None:
        """Its thread is done with it."""
        if not job.began_at or job.ended_at:
            return
        job.ended_at = time.monotonic()
        self.running.pop(threading.get_ident(), None)
        seconds = job.ended_at - job.began_at
        typical = self._typical
        for key in (job.kind, job.queue_name):
            before = typical.get(key, seconds)
            typical[key] = before + RECENT * (seconds - before)

    def current(self) -> Job | None:
        """The job the calling thread runs."""
        return self.running.get(threading.get_ident())

    # -- how many more

    def asked(self, seconds: float) -> None:
        """A call for more took so long: with a slow network the threads would idle meanwhile."""
        asking = self._horizon - HORIZON
        self._horizon = HORIZON + min(asking + RECENT * (seconds - asking), LONGEST_ASK)

    def room(self, queue: str) -> int:
        """How many more jobs of `queue` to take: what the threads finish in the horizon by recent durations, at least
        the free threads, at most MOST_HELD in all; a fair share of that while other queues have none.
        """
        if self.draining or self.suspects:
            return 0
        waiting, running = list(self.waiting.values()), list(self.running.values())
        held = len(waiting) + len(running)
        free = self.threads - held
        by_time = int((self.threads * self._horizon - self._work_in_hand(waiting, running)) / self._expect(queue))
        room = min(max(free, by_time), MOST_HELD - held)
        hungry = list(self._hungry)
        others = len(hungry) - (queue in hungry)
        if others:
            own = sum(job.queue_name == queue for job in (*waiting, *running))
            its_turn = int(hungry[0] == queue)  # where there is not one for each
            share = max((held + room) // (others + 1), its_turn)
            room = min(room, share - own)
        if room > 0:
            self.sated(queue)
            return room
        self._hungry.setdefault(queue)
        return 0

    def sated(self, queue: str) -> None:
        """The queue has nothing more to give, or nobody consumes it any longer."""
        self._hungry.pop(queue, None)

    def _work_in_hand(self, waiting: list[Job], running: list[Job]) -> float:
        now = time.monotonic()
        ahead = sum(self._expect(kind) * count for kind, count in Counter(map(KIND, waiting)).items())
        for job in running:
            ahead += min(max(self._expect(job.kind), now - job.began_at), self._horizon)
        return ahead

    def _expect(self, key: str | tuple[str, str]) -> float:
        """What was never seen is taken for slow."""
        return max(self._typical.get(key, HORIZON), 1e-6)
