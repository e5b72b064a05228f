"""Work of minutes: what a person sees of a running job, and can stop."""

from __future__ import annotations

import time

from pydantic import Field

from queue_engine.domain.backoff import Backoff
from worker.context import JobContext
from worker.job_types import Payload, job_type

QUEUE = "reports"
STEP_SECONDS = 0.02


class MonthlyReport(Payload):
    """Which month, and of how many properties."""

    month: str = Field(description="The month, for example 2026-11.", min_length=1, max_length=100)
    properties: int = Field(4, ge=1, le=1_000, description="How many properties it is about.")
    seconds: float = Field(0.0, ge=0, description="How long all of them take.")


class BankStatement(Payload):
    """Which account."""

    account: str = Field(min_length=1, max_length=100)


@job_type("report.monthly", queue=QUEUE, id_template="report-{month}", timeout_ms=3_600_000)
def report_monthly(payload: MonthlyReport, job: JobContext) -> dict[str, int]:
    """Write the statements of a month, one property after the other."""
    for number in range(payload.properties):
        job.progress({"done": number, "total": payload.properties})
        job.log(f"statement of property {number + 1} of {payload.properties}")
        _work(payload.seconds / payload.properties)
    return {"statements": payload.properties}


@job_type("bank.import", queue=QUEUE, attempts=5, backoff=Backoff(delay_ms=1_800_000))
def bank_import(payload: BankStatement, job: JobContext) -> None:
    """Fetch an account's movements from a bank that does not answer today."""
    job.log(f"asking for the movements of {payload.account}")
    raise TimeoutError("bank.example did not answer within 10 s")


def _work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(STEP_SECONDS)
