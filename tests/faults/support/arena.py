"""What most fault tests stand on: a store of their own, worker processes with the ledgered job types, a ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from faults.support.checker import TOLD_BY_THE_STORE, Violation, check, lost_ids, recovered_in_time
from faults.support.history import History
from faults.support.job_types.ledgered import QUEUE
from faults.support.ledger import Ledger
from faults.support.load import Submit, hand_over, through_engine
from faults.support.report import Row, figures
from faults.support.snapshot import Snapshot, take_snapshot
from local.ports import HOST, free_port
from local.process import Child
from queue_engine.engine import QueueEngine
from support.tokens import Authority
from support.waiting import wait_until
from support.workers import TESTS, WorkerProcess

LEASE_SECONDS = 1.0
QUICK = {"WORKER_LEASE_MS": "1000", "WORKER_THREADS": "4", "WORKER_DRAIN_SECONDS": "5"}


class FaultWorker(WorkerProcess):
    """A real worker process with the ledgered job types; `wrapper` is a program that starts it."""

    def __init__(
        self, folder: Path, redis_url: str, *, authority: Authority, wrapper: tuple[str, ...] = (), **settings: str
    ) -> None:
        super().__init__(folder, redis_url, authority=authority, **{**QUICK, **settings})
        command = (*wrapper, sys.executable, "-m", "faults.support.worker_app")
        self.process = Child(replace(self.process.program, command=command), self.process.log)

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.process.pid is not None
        return self.process.pid


@dataclass(slots=True)
class Nursery:
    """Forks workers that are ready in a fraction of a second; see nursery.py."""

    folder: Path
    settings: Mapping[str, str]
    pids: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def fork(self, **settings: str) -> int:
        """Start one more worker; its process id. It takes jobs about 0.3 s later."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.support.nursery"],
                cwd=self.folder,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(TESTS)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        ports = {"WORKER_PORT": "0", "WORKER_METRICS_PORT": "0", "LOG": str(self.folder / "nursery.log")}
        self._process.stdin.write(orjson.dumps({**self.settings, **ports, **settings}) + b"\n")
        self._process.stdin.flush()
        self.pids.append(int(self._process.stdout.readline()))
        return self.pids[-1]

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to one of its workers."""
        assert pid in self.pids
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def close(self) -> None:
        """End all."""
        if self._process is None:
            return
        for pid in self.pids:
            self.signal(pid, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class Arena:
    """One test's world on the store at `url`."""

    url: str
    folder: Path
    ledger: Ledger
    engine: QueueEngine
    authority: Authority
    rows: list[Row]
    seed: int
    node_url: Callable[[], str] | None = None
    """Of a cluster, the node that has the queue now."""
    workers: list[FaultWorker] = field(default_factory=list)
    nurseries: list[Nursery] = field(default_factory=list)
    others: list[Child] = field(default_factory=list)
    """Further processes to end with the test."""

    def worker(self, *, url: str | None = None, **settings: Any) -> FaultWorker:
        """A worker process, started and alive."""
        worker = FaultWorker(self.folder, url or self.url, authority=self.authority, **settings)
        self.workers.append(worker)
        worker.start()
        return worker

    def nursery(self, **settings: str) -> Nursery:
        """A nursery for workers on this store."""
        own = {
            **QUICK,
            "REDIS_URL": self.url,
            "AUTH_JWKS": self.authority.write_jwks(self.folder),
            "SERVICE_TOKEN_FILE": self.authority.write_token(self.folder, "WORKER", sub="worker"),
            "WORKER_HOST": HOST,
            "WORKER_QUEUE_ADMIN_ADDRESS": f"{HOST}:{free_port()}",
            **settings,
        }
        self.nurseries.append(Nursery(self.folder, own))
        return self.nurseries[-1]

    def submit(self, **data: Any) -> Submit:
        """Hands jobs to the engine."""
        return through_engine(self.engine, self.ledger, **data)

    def enqueue(self, *ids: str, **data: Any) -> None:
        """Hand over jobs and note it."""
        submit = self.submit(**data)
        for job_id in ids:
            hand_over(self.ledger, submit, job_id)

    def fault(self, what: str) -> float:
        """Note a fault; when it was."""
        self.ledger.write("fault", what=what)
        return time.monotonic()

    def history(self) -> History:
        """The ledger so far."""
        return History.of(self.ledger)

    def snapshot(self) -> Snapshot:
        """The store now."""
        return take_snapshot(self.node_url() if self.node_url else self.url, QUEUE)

    def unfinished(self) -> int:
        """Jobs that wait, run or are delayed."""
        counts = self.engine.count_jobs(QUEUE)
        return counts.waiting + counts.active + counts.delayed

    def come_to_rest(self, *, within: float = 60.0) -> None:
        """Wait until nothing waits, runs or is delayed."""
        wait_until(lambda: self.unfinished() == 0, within=within, every=0.1, what="all jobs have ended")

    def verdict(
        self,
        fault: str,
        words: str,
        *,
        recovery: list[float],
        within: float,
        note: str = "",
        audit: bool = False,
        shipped: Sequence[tuple[str, str]] = (),
        repeats: bool = False,
    ) -> tuple[History, Snapshot]:
        """Judge what happened, the sums of the store too, and add a row to the table; fails naming every violation.

        `shipped` are the audit records (action, job id) that have left the store; `repeats`: it forgot what it had
        answered, so that jobs ran again without a lost lease.
        """
        history, store = self.history(), self.snapshot()
        found: list[Violation] = check(history, store, audited=[*shipped, *store.audited] if audit else None)
        found = [violation for violation in found if not (repeats and violation.words in TOLD_BY_THE_STORE)]
        found += recovered_in_time(recovery, within=within)
        self.rows.append(
            Row(
                fault=fault,
                words=words,
                jobs=len(history.acked),
                lost=len(lost_ids(history, store)),
                repeated_effects=sum(times - 1 for times in history.effects.values()),
                most_runs=history.most_runs(),
                recovery=figures(recovery),
                seed=self.seed,
                note=note,
            )
        )
        assert not found, "\n".join(map(str, found))
        damages = self.engine.reconciling.reconcile_queue(QUEUE).findings
        assert not damages, f"the store no longer adds up: {damages}"
        return history, store

    def close(self) -> None:
        """End every process of this test."""
        for nursery in self.nurseries:
            nursery.close()
        for worker in self.workers:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
            worker.process.kill()
        for other in self.others:
            other.kill()
        self.engine.close()
        self.ledger.close()
