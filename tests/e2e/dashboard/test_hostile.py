"""Strings that would run as scripts if any page took them for markup, in every field that somebody controls."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import grpc
import orjson
import pytest
from playwright.sync_api import Browser, expect

from api_gateway.auth.passwords import Passwords
from api_gateway.auth.users import User, UsersFile
from e2e.dashboard.jobs import Jobs, unique
from e2e.dashboard.operator import Person, a_person
from fixtures.stack import RunningStack
from jobqueue.queue.v1 import job_pb2, queue_admin_service_pb2, queue_admin_service_pb2_grpc
from queue_engine.domain.job import NewJob
from queue_engine.domain.lease import Completed, Failed, Report
from queue_engine.engine import QueueEngine

MARK = "window.__ran=1"
CORPUS = [
    f"<script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f"<img src=x onerror={MARK}>",
    f'"><svg onload={MARK}>',
    f"' autofocus onfocus={MARK} x='",
    f"javascript:{MARK}",
    f'</textarea></title><iframe srcdoc="<script>{MARK}</script>">',
    f"<a href=javascript:{MARK}>click</a>",
    "{{7*7}}${7*7}<%= 7*7 %>{% raw %}",
    "<style>*{display:none}</style><base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example><form action=//evil.example>",
    "\u202eright to left\u202c \ufeff \u0000\ud7ff <!-- ]]> -->".replace("\u0000", ""),
    "é" * 40 + "<b>" + "W" * 120,
]
HOSTILE = " ".join(CORPUS)
HOSTILE_JOBS = ("hostile-failed", "hostile-completed", "hostile-active")
HOUR_MS = 3_600_000


def no_script_ran(person: Person) -> None:
    assert person.page.evaluate("window.__ran === undefined")
    assert person.page.locator("main script, aside script, iframe, base, main style, meta[http-equiv]").count() == 0
    assert person.page.evaluate(
        "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"
    )
    assert person.page.evaluate("getComputedStyle(document.body).display") == "block"
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert person.page.evaluate(
        "[...document.querySelectorAll('a[href], form[action], [src]')].every(e => "
        "['http:', 'data:'].includes(new URL(e.href || e.action || e.src, location).protocol))"
    )


@pytest.fixture
def hostile_user(stack: RunningStack) -> str:
    """Somebody whose id, which becomes the actor of records, is hostile."""
    email = f"{unique('mallory')}@local"
    roles = frozenset({"ADMIN"})
    hashed = Passwords().hash("a long password")
    UsersFile(stack.stack.credentials.users_file).put(User(f"{CORPUS[2]}{CORPUS[3]}", email, roles, hashed))
    return email


def register_a_hostile_worker(stack: RunningStack) -> None:
    schema = {
        "type": "object",
        "description": HOSTILE[:800],
        "properties": {CORPUS[2]: {"type": "string", "description": HOSTILE[:500], "enum": CORPUS[:5]}},
    }
    job_type = job_pb2.JobType(
        name="hostile.type", queue="hostile", version=1, schema=orjson.dumps(schema), settling="group",
        attempts=1, timeout=1_000, max_age=1_000, dedup_window=1_000,
        backoff=job_pb2.Backoff(type=job_pb2.BACKOFF_TYPE_FIXED, delay=0),
    )  # fmt: skip
    info = queue_admin_service_pb2.WorkerInfo(
        id=unique("hostile"), host=CORPUS[2], pid=1, address="127.0.0.1:9", queues=["hostile"],
        job_types=["hostile.type", CORPUS[0]], threads=1, version=CORPUS[3], started_at=round(time.time() * 1_000),
    )  # fmt: skip
    with grpc.insecure_channel(stack.queue_admin_address) as channel:
        stub = queue_admin_service_pb2_grpc.QueueAdminServiceStub(channel)
        stub.RegisterWorker(
            queue_admin_service_pb2.RegisterWorkerRequest(info=info, job_types=[job_type]),
            timeout=5,
            metadata=(("authorization", f"Bearer {stack.service_token('worker').strip()}"),),
        )


def leave_hostile_jobs(stack: RunningStack) -> None:
    """Jobs whose worker, log, progress, error, stack and return value are hostile: failed, completed and running."""
    register_a_hostile_worker(stack)
    engine, worker = QueueEngine.connect(stack.redis_url), CORPUS[2]
    for job_id in HOSTILE_JOBS:
        engine.enqueue_job("hostile", NewJob(job_id, "hostile.type", orjson.dumps({CORPUS[1]: HOSTILE})))
    leases = engine.settle_jobs("hostile", [], worker=worker, want=len(HOSTILE_JOBS), lease_ms=HOUR_MS).leases
    for lease in leases:
        for text in CORPUS:
            engine.add_log(lease, text, worker=worker)
        engine.set_progress(lease, orjson.dumps({CORPUS[2]: CORPUS}), worker=worker)
    failed = Failed(HOSTILE, CORPUS[0], "\n".join(CORPUS))
    reports: list[Report] = [(leases[0], failed), (leases[1], Completed(orjson.dumps({HOSTILE: CORPUS})))]
    engine.settle_jobs("hostile", reports, worker=worker, want=0, lease_ms=HOUR_MS)
    engine.close()


def test_no_page_runs_what_somebody_wrote(browser: Browser, stack: RunningStack, jobs: Jobs, hostile_user: str) -> None:
    metadata = {text: {text: [text]} for text in CORPUS}
    job_id = jobs.dead(recipient=HOSTILE[:200], message=HOSTILE, subject=CORPUS[2], metadata=metadata)
    leave_hostile_jobs(stack)
    with a_person(browser, stack) as person:
        person.open("/login")
        person.sign_in(hostile_user, "a long password")
        expect(person.page.get_by_role("heading", name="Job Queues")).to_be_visible()
        person.open(f"/job-queues/notifications/{job_id}")
        person.drawer().get_by_role("link", name="Retry…", exact=True).click()
        person.dialog().get_by_label("Reason").fill(HOSTILE[:1_000])
        person.dialog().get_by_role("button", name="Retry", exact=True).click()
        expect(person.toast()).to_contain_text("was retried")
        jobs.audited(job_id, "retry")
        person.open("/job-queues/tickets/~pause")
        person.page.get_by_label("Reason").fill(CORPUS[2])
        person.page.get_by_role("button", name="Pause").click()
        expect(person.toast()).to_contain_text("is paused")
        try:
            person.expects(400)
            person.expects(404)
            person.expects(403)
            for path in paths(job_id):
                person.open(path)
                no_script_ran(person)
            for _ in range(3):  # what is opened brings more to open
                person.page.evaluate(
                    "document.querySelectorAll('#drawer details').forEach(one => { one.open = true; })"
                )
                person.page.wait_for_load_state("networkidle")
            no_script_ran(person)
        finally:
            jobs.client.post("/jobs/queues/tickets/resume", json={}).raise_for_status()
    for text in CORPUS:
        assert (
            jobs.backend.post(f"/jobs/queues/{quote(text, safe='')}", json={"name": "x", "data": {}}).status_code >= 400
        )


def paths(job_id: str) -> list[str]:
    text = quote(CORPUS[3])
    return [
        "/job-queues",
        "/job-queues/tickets",
        "/job-queues/notifications?status=failed",
        "/job-queues/dead-letter",
        f"/job-queues/notifications/~job/edit?id={job_id}",
        f"/job-queues/notifications/~document?id={job_id}&path={quote(json.dumps(['metadata', CORPUS[0]]))}",
        f"/job-queues/notifications/~document?id={job_id}&part=data&path={text}&from={text}",
        "/audit",
        f"/audit?actor={text}&action={text}",
        f"/audit?from={text}",
        f"/audit?queue={text}",
        *(f"/job-queues/hostile?status={status}" for status in ("failed", "completed", "active")),
        *(f"/job-queues/hostile/{hostile}" for hostile in HOSTILE_JOBS),
        "/workers",
        "/job-types",
        "/job-types/hostile/hostile.type/enqueue",
        f"/job-types/{text}/{text}/enqueue",
        f"/search?q={text}",
        f"/search?q={text}&queue={text}",
        f"/job-queues/notifications?status={text}&group={text}&page={text}&pageSize={text}",
        f"/job-queues/{text}",
        f"/job-queues/tickets/{text}",
        f"/login?next={text}",
        f"/job-queues/notifications/{job_id}",
    ]


def test_an_address_to_come_back_to_stays_on_this_site(browser: Browser, stack: RunningStack) -> None:
    password = stack.stack.credentials.passwords()["ops@local"]
    for target in (
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%09/evil.example",
    ):
        with a_person(browser, stack) as person:
            person.expects(404)
            person.open(f"/login?next={quote(target)}")
            person.sign_in("ops@local", password)
            person.page.wait_for_url(lambda url: "/login" not in url)
            assert person.page.url.startswith(stack.url)


def test_the_text_of_a_document_is_never_shown_as_a_page(ops: Person, jobs: Jobs) -> None:
    job_id = jobs.dead(message=CORPUS[0])
    answer = ops.page.goto(f"{ops.url}/job-queues/notifications/~document?id={job_id}&as=text")
    assert answer is not None
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ops.page.evaluate("window.__ran === undefined")
