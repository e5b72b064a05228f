from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from fixtures.queue_admin import RunningQueueAdmin, a_job_type
from jobqueue.audit.v1 import audit_service_pb2
from jobqueue.queue.v1 import job_pb2
from jobqueue.queue.v1 import queue_admin_service_pb2 as pb
from support.calls import refused

ENQUEUE = audit_service_pb2.AUDIT_ACTION_ENQUEUE

TICKET = b'{"ticketId":"42"}'
REPLACE = job_pb2.IF_EXISTS_REPLACE


def enqueue(
    admin: RunningQueueAdmin,
    data: bytes = TICKET,
    *,
    name: str = "ticket.created",
    queue: str = "tickets",
    role: str = "SERVICE",
    sub: str = "backend",
    opts: job_pb2.JobOptions | None = None,
) -> pb.EnqueueJobResponse:
    request = pb.EnqueueJobRequest(queue=queue, name=name, data=data, opts=opts)
    return admin.stub(role, sub=sub).EnqueueJob(request)


def test_a_job_is_accepted_with_the_id_its_payload_makes(queue_admin: RunningQueueAdmin) -> None:
    answer = enqueue(queue_admin)

    assert answer == pb.EnqueueJobResponse(
        id="ticket-created-42",
        queue="tickets",
        name="ticket.created",
        status=job_pb2.JOB_STATE_WAITING,
        created=True,
    )
    job = queue_admin.engine.get_job("tickets", "ticket-created-42").job
    assert (job.data, job.owner, job.max_attempts, job.timeout_ms) == (TICKET, "backend", 3, 60_000)


def test_the_bytes_of_the_payload_are_kept_as_they_came(queue_admin: RunningQueueAdmin) -> None:
    data = b'{ "ticketId" : "42",\n "amount": 12345678901234567890123 }'

    enqueue(queue_admin, data)

    assert queue_admin.engine.get_job("tickets", "ticket-created-42").job.data == data


def test_handing_it_over_again_changes_nothing(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    again = enqueue(queue_admin, b'{ "ticketId": "42" }', sub="another backend")

    assert (again.id, again.created) == ("ticket-created-42", False)


def test_the_same_id_with_other_data_is_refused(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    with refused("ID_CONFLICT"):
        enqueue(queue_admin, b'{"ticketId":"42","amount":1}')


def test_an_id_of_the_callers_own_is_taken(queue_admin: RunningQueueAdmin) -> None:
    assert enqueue(queue_admin, opts=job_pb2.JobOptions(job_id="mine")).id == "mine"


def test_a_type_without_template_gets_a_random_id(queue_admin: RunningQueueAdmin) -> None:
    made = {enqueue(queue_admin, name="send-notification", queue="notifications").id for _ in range(2)}

    assert len(made) == 2


def test_options_override_the_defaults_of_the_type(queue_admin: RunningQueueAdmin) -> None:
    backoff = job_pb2.Backoff(type=job_pb2.BACKOFF_TYPE_FIXED, delay=700)
    opts = job_pb2.JobOptions(priority=5, attempts=9, backoff=backoff, timeout=2_000, delay=60_000)

    answer = enqueue(queue_admin, opts=opts)

    assert answer.status == job_pb2.JOB_STATE_DELAYED
    shown = queue_admin.stub("OPS").GetJob(pb.GetJobRequest(queue="tickets", job_id=answer.id))
    assert (shown.opts.priority, shown.opts.attempts, shown.opts.timeout) == (5, 9, 2_000)
    assert shown.opts.backoff == backoff


def test_the_due_time_is_read_from_the_payload(queue_admin: RunningQueueAdmin) -> None:
    schema = {"type": "object", "properties": {"startAt": {"type": "string", "format": "date-time"}}}
    queue_admin.register(a_job_type("start", id_template="", schema=schema, due_field="startAt"))
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

    made = enqueue(queue_admin, orjson.dumps({"startAt": due.isoformat()}), name="start")

    assert made.status == job_pb2.JOB_STATE_DELAYED
    assert queue_admin.engine.get_job("tickets", made.id).job.due_at_ms == int(due.timestamp() * 1000)
    with refused("PAYLOAD_INVALID") as call:
        enqueue(queue_admin, b'{"startAt":"tomorrow"}', name="start")
    assert list(call.fields) == ["data.startAt"]


def test_a_due_time_in_the_past_waits_at_once(queue_admin: RunningQueueAdmin) -> None:
    assert enqueue(queue_admin, opts=job_pb2.JobOptions(due_at=1)).status == job_pb2.JOB_STATE_WAITING


def test_delay_and_due_time_exclude_each_other(queue_admin: RunningQueueAdmin) -> None:
    with refused("INVALID_REQUEST") as call:
        enqueue(queue_admin, opts=job_pb2.JobOptions(delay=1, due_at=int(time.time() * 1000)))

    assert list(call.fields) == ["opts.dueAt"]


def test_nobody_enqueues_into_the_dead_letter_view(queue_admin: RunningQueueAdmin) -> None:
    with refused("QUEUE_RESERVED"):
        enqueue(queue_admin, queue="dead-letter")


def test_an_unknown_type_is_refused_with_the_known_ones_of_the_queue(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_TYPE_UNKNOWN") as call:
        enqueue(queue_admin, name="ticket.destroyed")

    assert call.error.metadata == {"known": "ticket.created"}
    assert "the job types of queue 'tickets' are ticket.created" in call.error.detail


def test_a_type_of_another_queue_is_unknown(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_TYPE_UNKNOWN"):
        enqueue(queue_admin, queue="notifications")


def test_a_queue_without_job_types_takes_nothing(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_TYPE_UNKNOWN") as call:
        enqueue(queue_admin, queue="elsewhere")

    assert "queue 'elsewhere' has no job types" in call.error.detail


def test_a_type_registered_just_now_is_known_within_a_moment(queue_admin: RunningQueueAdmin) -> None:
    with refused("JOB_TYPE_UNKNOWN"):
        enqueue(queue_admin, name="brand.new")
    time.sleep(0.25)  # unknown names ask the store again at most every 0.2 s
    queue_admin.register(a_job_type("brand.new", id_template="new-{ticketId}"))

    assert enqueue(queue_admin, name="brand.new").id == "new-42"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        pytest.param(b"{}", {"data.ticketId": "is required"}, id="missing"),
        pytest.param(b'{"ticketId":7}', {"data.ticketId": 'the value is not of type "string"'}, id="wrong type"),
        pytest.param(b'{"ticketId":"7","x":1}', {"data.x": "is not known"}, id="unknown field"),
        pytest.param(
            b'{"ticketId":"7","items":[{},{"price":"secret"}]}',
            {"data.items[1].price": 'the value is not of type "number"'},
            id="deep inside",
        ),
        pytest.param(b"[1]", {"data": "must be a JSON object"}, id="no object"),
    ],
)
def test_a_payload_that_misfits_its_schema_names_the_fields(
    queue_admin: RunningQueueAdmin, data: bytes, fields: dict[str, str]
) -> None:
    with refused("PAYLOAD_INVALID") as call:
        enqueue(queue_admin, data)

    assert call.fields == fields
    assert "secret" not in repr(call.error)


@pytest.mark.parametrize(
    "ticket_id",
    [
        pytest.param("a b", id="a space"),
        pytest.param("x" * 190, id="an id too long"),
        pytest.param("ü", id="an umlaut"),
    ],
)
def test_a_value_that_cannot_become_part_of_the_id_is_refused(queue_admin: RunningQueueAdmin, ticket_id: str) -> None:
    with refused("PAYLOAD_INVALID"):
        enqueue(queue_admin, orjson.dumps({"ticketId": ticket_id}))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{", id="no JSON"),
        pytest.param(b'{"ticketId":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"ticketId":NaN}', id="not a number"),
        pytest.param(b'{"ticketId":"7","items":' + b"[" * 64 + b"]" * 64 + b"}", id="too deep"),
        pytest.param(b"[" * 200_000, id="very deep"),
    ],
)
def test_data_that_is_no_reasonable_json_is_refused(queue_admin: RunningQueueAdmin, data: bytes) -> None:
    with refused("INVALID_REQUEST") as call:
        enqueue(queue_admin, data)

    assert list(call.fields) == ["data"]


def test_data_over_256_kib_is_refused_as_too_large(queue_admin: RunningQueueAdmin) -> None:
    with refused("TOO_LARGE"):
        enqueue(queue_admin, orjson.dumps({"ticketId": "x" * (256 * 1024)}))


def test_a_waiting_job_is_replaced_when_asked_for(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    answer = enqueue(queue_admin, b'{"ticketId":"42","amount":1}', opts=job_pb2.JobOptions(if_exists=REPLACE))

    assert answer.created
    assert queue_admin.engine.get_job("tickets", answer.id).job.data == b'{"ticketId":"42","amount":1}'


def test_a_replacement_sent_again_under_its_request_id_is_not_done_again(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    opts = job_pb2.JobOptions(if_exists=REPLACE)
    request = pb.EnqueueJobRequest(queue="tickets", name="ticket.created", data=TICKET, opts=opts)
    stub = queue_admin.stub("SERVICE", sub="backend")

    for request_id in ("r1", "r1", "r2"):
        assert stub.EnqueueJob(request, metadata=(("x-request-id", request_id),)).created

    assert queue_admin.engine.count_jobs("tickets").totals["replaced"] == 2


def test_an_active_job_is_not_replaced(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    queue_admin.take()

    with refused("WRONG_STATE"):
        enqueue(queue_admin, opts=job_pb2.JobOptions(if_exists=REPLACE))


def test_a_backend_cannot_replace_the_job_of_another(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)

    with refused("JOB_NOT_FOUND"):
        enqueue(queue_admin, sub="stranger", opts=job_pb2.JobOptions(if_exists=REPLACE))


def test_what_a_person_enqueues_is_audited_and_what_a_backend_does_is_not(queue_admin: RunningQueueAdmin) -> None:
    enqueue(queue_admin)
    enqueue(queue_admin, b'{"ticketId":"43"}', role="OPS", sub="olga")

    records = queue_admin.recorded()
    assert [(r.action, r.job_id, r.actor, r.issuer) for r in records] == [
        (ENQUEUE, "ticket-created-43", "olga", "jobqueue")
    ]
