"""The drill: a stack with much in it is backed up, lost and restored; how much is lost, and how long it takes."""

from __future__ import annotations

import json
import re

import pytest

from operations.conftest import Shell

JOBS, CANCELLED, LOST = 20_000, 2_000, 500
FILL = """
import json, sys
from datetime import timedelta
from jobqueue_client import JobQueue, NewJob
first, last = int(sys.argv[1]), int(sys.argv[2])
port = json.load(open(".local/state.json"))["ports"]["QUEUE_ADMIN_PORT"]
data = {"type": "email", "recipientId": "user-anna", "subject": "Later", "message": "x" * 200}
jobs = [NewJob("send-notification", data, job_id=f"drill-{n}", delay=timedelta(hours=9)) for n in range(first, last)]
with JobQueue(f"127.0.0.1:{port}", token_file=".local/keys/backend.token", timeout_seconds=30) as queue:
    assert all(one.created for one in queue.enqueue_many("notifications", jobs))
"""
DRILL = f"""
export JOBSCTL_CONFIG=.local/jobsctl.toml PATH="$PWD/.venv/bin:$PATH"
COPY=$PWD/.copies/one
at() {{ echo "== $(date +%s.%N) $1"; }}
make up DETACH=1
python fill.py 0 {JOBS}
jobsctl cancel notifications --status delayed --name send-notification --limit {CANCELLED} --yes --reason drill
until jobsctl audit list --json | grep '"total": {CANCELLED},'
do sleep 1; done
at backup
make backup TO="$COPY"
at backed-up
python fill.py {JOBS} {JOBS + LOST}
make down
make reset
at lost
make restore FROM="$COPY"
at restored
make up DETACH=1
at started
jobsctl reconcile
at proved
echo "queues $(jobsctl queues --json | tr -d '\\n')"
jobsctl audit verify
du -sk "$COPY" | cut -f1 | sed 's/^/kilobytes /'
"""


def test_what_was_backed_up_is_there_again_and_nothing_else(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    said = shell(f"cat > fill.py <<'END'\n{FILL}\nEND\n{DRILL}")

    found = re.search(r"^queues (.*)$", said, re.MULTILINE)
    assert found
    (notifications,) = [queue for queue in json.loads(found[1]) if queue["name"] == "notifications"]
    assert (notifications["delayed"], notifications["failed"]) == (JOBS - CANCELLED, CANCELLED)
    assert f"intact: {CANCELLED} records" in said
    at = {word: float(time) for time, word in re.findall(r"^== ([0-9.]+) (.*)$", said, re.MULTILINE)}
    with capsys.disabled():
        print(
            f"\n{JOBS} jobs, {CANCELLED} audit records ({re.findall(r'kilobytes (.*)', said)[0]} kB): "
            f"backup {at['backed-up'] - at['backup']:.1f} s; lost: the {LOST} jobs accepted after it; "
            f"restore {at['restored'] - at['lost']:.1f} s, start {at['started'] - at['restored']:.1f} s, "
            f"proof {at['proved'] - at['started']:.1f} s"
        )
