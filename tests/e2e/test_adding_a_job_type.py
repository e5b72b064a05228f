"""docs/adding-a-job-type.md, done as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.stack import RunningStack
from support.joined_worker import TESTS, joined_worker, wait_for_type
from support.waiting import wait_until

PAGE = (Path(__file__).parents[2] / "docs/adding-a-job-type.md").read_text()


def the_only(pattern: str) -> str:
    (found,) = re.findall(pattern, PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def with_the_new_type(stack: RunningStack, tmp_path: Path) -> Iterator[RunningStack]:
    """The stack with a worker that has the page's file in place of its own one for tickets."""
    package = tmp_path / "added_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "ticket_closed.py").write_text(the_only(r"```python\n(.*?)```"))
    stack.stop("worker-tickets")
    try:
        with joined_worker(stack, tmp_path, job_types="added_jobs", PYTHONPATH=f"{TESTS}:{tmp_path}"):
            wait_for_type(stack, "ticket.closed")
            yield stack
    finally:
        stack.start("worker-tickets")


def test_the_file_on_the_page_adds_a_job_type(with_the_new_type: RunningStack) -> None:
    body = json.loads(the_only(r"-d '(\{.*?\})'\n"))
    job_id = the_only(r"The job's id is `([^`]+)`")
    with with_the_new_type.client() as client:
        answer = client.post("/jobs/queues/tickets", json=body)
        assert (answer.status_code, answer.json()["id"]) == (201, job_id), answer.text

        path = answer.headers["location"]
        wait_until(lambda: client.get(path).json()["status"] == "completed", within=20)
        job = client.get(path).json()
        refused = client.post("/jobs/queues/tickets", json={**body, "data": {"ticketId": "t-2"}})

    assert job["returnvalue"] == {"outcome": "noted"}
    assert [line["text"] for line in job["logs"]] == ["user-tom closed t-1"]
    assert refused.status_code == 422
    assert "closedBy" in refused.text
