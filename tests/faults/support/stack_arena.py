"""The whole stack under load: backends and operators over REST, judged by the ledger, the sink and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from faults.support.checker import check, lost_ids, recovered_in_time
from faults.support.history import History
from faults.support.ledger import Ledger
from faults.support.load import Backend, Submit, through_gateway
from faults.support.report import Row, figures
from faults.support.snapshot import Snapshot, take_snapshot
from fixtures.stack import RunningStack
from support.platform import TENANT
from support.waiting import wait_until

QUEUE = "notifications"
FAR_MS = 3_600_000


@dataclass(slots=True)
class StackArena:
    """One test on a stack; `mark` begins the ids of its jobs."""

    stack: RunningStack
    ledger: Ledger
    rows: list[Row]
    seed: int
    mark: str
    node_url: Callable[[], str] | None = None
    """Of a cluster, the node that has the queue now."""
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, email: str = "ops@local") -> httpx.Client:
        """Logged in, and patient for 5 s a call."""
        headers = {"authorization": f"Bearer {self.stack.token(email)}"}
        self.clients.append(httpx.Client(base_url=self.stack.url, headers=headers, timeout=5))
        return self.clients[-1]

    def notify(self, **opts: int) -> Submit:
        """Hands over notifications whose text is the job's id."""
        return through_gateway(
            self.client("service@local"),
            QUEUE,
            "send-notification",
            lambda job_id: {"type": "email", "recipientId": TENANT, "message": job_id},
            **opts,
        )

    def backend(self, name: str, *, pause: float = 0.02, most: int = 800) -> Backend:
        """A backend at work."""
        backend = Backend(self.ledger, self.notify(), prefix=f"{self.mark}-{name}", pause=pause, most=most)
        backend.start()
        return backend

    def act(self, client: httpx.Client, job_id: str, verb: str) -> str:
        """An operator's action; acked, refused or unknown."""
        self.ledger.write("act", job_id, verb=verb, phase="invoked")
        outcome = ""
        try:
            answer = client.post(f"/jobs/queues/{QUEUE}/{job_id}/{verb}", json={"reason": self.mark})
        except httpx.HTTPError:
            phase = "unknown"
        else:
            phase = "acked" if answer.is_success else "unknown" if answer.status_code >= 500 else "refused"
            outcome = answer.json().get("outcome", "")
        self.ledger.write("act", job_id, verb=verb, phase=phase, outcome=outcome)
        return phase

    def health(self) -> str:
        """What the gateway says of all."""
        try:
            return str(httpx.get(f"{self.stack.url}/health", timeout=5).json()["status"])
        except httpx.HTTPError:
            return "down"

    def snapshot(self) -> Snapshot:
        """This test's jobs in the store."""
        url = self.node_url() if self.node_url else self.stack.redis_url
        return take_snapshot(url, QUEUE).only(History.of(self.ledger).invoked)

    def come_to_rest(self, *, within: float = 60.0, far_ones: bool = False) -> None:
        """Wait until all jobs of this test have ended; `far_ones`: some are due far in the future and stay."""
        at_rest = {"completed", "failed", *(["delayed"] if far_ones else [])}

        def ended() -> bool:
            return all(job.state in at_rest for job in self.snapshot().jobs.values())

        wait_until(ended, within=within, every=0.3, what="all jobs have ended")

    def audited(self) -> list[tuple[str, str]]:
        """(action, job id) of the audit log's rows about this test's jobs, oldest first; nothing while it is away."""
        found: list[tuple[str, str]] = []
        ops, page = self.client(), 1
        while True:
            answer = ops.get("/jobs/audit", params={"queue": QUEUE, "page": page, "pageSize": 100})
            if not answer.is_success:
                return []
            rows = answer.json()["data"]
            found += [(row["action"], row["jobId"]) for row in rows if str(row["jobId"]).startswith(self.mark)]
            if len(rows) < 100:
                return found[::-1]
            page += 1

    def verdict(
        self, fault: str, words: str, *, recovery: Sequence[float], within: float, note: str = ""
    ) -> tuple[History, Snapshot]:
        """As Arena.verdict; what reached the sink are the effects."""
        messages = httpx.get(f"{self.stack.sink_url}/messages", timeout=20).json()
        for text in (message["text"].strip() for message in messages):
            if text.startswith(self.mark):
                self.ledger.write("effect", text)
        history, store = History.of(self.ledger), self.snapshot()
        completed = {job_id for job_id, job in store.jobs.items() if job.state == "completed"}
        silent = completed - set(history.effects)
        found = check(history, store, audited=self.audited()) + recovered_in_time(recovery, within=within)
        self.rows.append(
            Row(
                fault=fault,
                words=words,
                jobs=len(history.acked),
                lost=len(lost_ids(history, store)),
                repeated_effects=sum(times - 1 for times in history.effects.values()),
                most_runs=max((job.deliveries for job in store.jobs.values()), default=0),
                recovery=figures(recovery),
                seed=self.seed,
                note=note,
            )
        )
        assert not found, "\n".join(map(str, found))
        assert not silent
        return history, store

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.close()
