"""The commands of docs/quick-start.md, as they stand there, on the running stack."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from fixtures.stack import RunningStack
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
LIST = ".venv/bin/jobsctl audit list --job ticket-created-t-4"
ONCE_IT_ARRIVED = f"until {LIST} | grep -q cancel; do sleep 0.1; done\n{LIST}"
BLOCK = re.compile(r"^```(?P<language>sh|python)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def said(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What all of them print, one after the other in one shell."""
    page = (ROOT / "docs/quick-start.md").read_text()
    folder = tmp_path_factory.mktemp("quick-start")
    script = ["set -eu"]
    for number, block in enumerate(BLOCK.finditer(page)):
        text = here(block["text"], stack)
        if block["language"] == "python":
            (folder / f"{number}.py").write_text(text)
            text = f".venv/bin/python {folder / f'{number}.py'}"
        script.append(text)
    (folder / "script.sh").write_text("\n".join(script))
    done = subprocess.run(
        ["/bin/sh", folder / "script.sh"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def here(text: str, stack: RunningStack) -> str:
    """With the ports and the folder of this stack in place of the usual ones, and slow enough for the audit log.

    A record arrives there a moment after what it tells of: a person is slower than that, the shell may not be.
    """
    return (
        text.replace("http://127.0.0.1:4000", stack.url)
        .replace("127.0.0.1:50051", stack.queue_admin_address)
        .replace(".local/", f"{stack.stack.folder.path}/")
        .replace(LIST, ONCE_IT_ARRIVED)
    )


def test_its_commands_do_what_the_page_says(stack: RunningStack, said: str) -> None:
    assert '"id":"ticket-created-t-1"' in said.replace(" ", "")
    assert "refused with status 2" in said
    assert "propertyId" in said
    assert "the ticket was closed" in said


def test_the_jobs_it_hands_over_are_done_and_people_hear_of_them(stack: RunningStack, said: str) -> None:
    with stack.client() as operator:

        def status(job: str) -> str:
            return str(operator.get(f"/jobs/queues/tickets/ticket-created-{job}").json().get("status"))

        wait_until(lambda: status("t-1") == status("t-2") == "completed", within=60, what="both jobs are done")
        assert status("t-4") == "failed"
        assert operator.get("/jobs/queues/tickets/ticket-created-t-3").status_code == 404
    wait_until(lambda: "ticket t-1" in httpx.get(stack.sink_url).text, within=60, what="somebody was told")
