from __future__ import annotations

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.audit.v1 import audit_service_pb2 as audit
from jobqueue.queue.v1 import queue_admin_service_pb2 as queue
from service_kit.errors import FieldError, ServiceError
from service_kit.validation import enum_words, validate


def refusal(request: Message) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        validate(request)
    return caught.value


def an_entry() -> audit.NewEntry:
    return audit.NewEntry(event_id="e", queue="q", action=audit.AUDIT_ACTION_RETRY, actor="a")


def test_optional_fields_that_are_absent_are_fine() -> None:
    validate(audit.ListEntriesRequest())


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_number_is_accepted_exactly_within_its_range(page_size: int) -> None:
    request = audit.ListEntriesRequest(page_size=page_size)

    if 1 <= page_size <= 100:
        validate(request)
    else:
        assert refusal(request).fields == (FieldError("pageSize", "must be from 1 to 100"),)


@given(st.text(alphabet="aZ09-_ \n", max_size=70))
def test_a_pattern_must_match_the_whole_text(name: str) -> None:
    request = audit.ListEntriesRequest(queue=name)
    fits = name[:1] == "a" and len(name) <= 63 and set(name) <= set("a09-")

    if fits:
        validate(request)
    else:
        assert refusal(request).fields == (FieldError("queue", "must match [a-z][a-z0-9-]{0,62}"),)


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_enum_takes_its_words_only(action: int) -> None:
    request = audit.ListEntriesRequest(action=action)  # type: ignore[arg-type]  # any number can come over the wire

    if action in audit.AuditAction.values() and action != audit.AUDIT_ACTION_UNSPECIFIED:
        validate(request)
    else:
        assert refusal(request).fields[0].problem.startswith("must be one of retry, remove, cancel, replace")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=310))
def test_length_counts_characters_not_bytes(actor: str) -> None:
    request = audit.ListEntriesRequest(actor=actor)

    if len(actor) <= 300:
        validate(request)
    else:
        assert refusal(request).fields == (FieldError("actor", f"has {len(actor)} characters; 300 are allowed"),)


def test_no_text_may_hold_a_nul_for_it_could_be_done_but_not_audited() -> None:
    request = queue.CancelJobRequest(queue="q", job_id="j", reason="why\0")

    assert refusal(request).fields == (FieldError("reason", "must not hold a NUL"),)


def test_a_list_that_must_be_given_may_not_be_empty() -> None:
    assert refusal(audit.AppendEntriesRequest()).fields == (FieldError("entries", "is required"),)


def test_a_list_may_not_be_longer_than_allowed() -> None:
    request = audit.AppendEntriesRequest(entries=[an_entry()] * 501)

    assert refusal(request).fields == (FieldError("entries", "has 501 items; 500 are allowed"),)


def test_problems_inside_a_list_are_named_by_their_path() -> None:
    bad = an_entry()
    bad.queue = ""
    bad.reason = "r" * 1001

    error = refusal(audit.AppendEntriesRequest(entries=[an_entry(), bad]))

    assert error.reason == "INVALID_REQUEST"
    assert error.fields == (
        FieldError("entries[1].queue", "is required"),
        FieldError("entries[1].reason", "has 1001 characters; 1000 are allowed"),
    )
    assert error.detail == "entries[1].queue is required; entries[1].reason has 1001 characters; 1000 are allowed"


def test_too_many_bytes_are_too_large_whatever_else_is_wrong() -> None:
    entry = an_entry()
    entry.detail = b"x" * 1_048_577
    entry.actor = ""

    error = refusal(audit.AppendEntriesRequest(entries=[entry]))

    assert error.reason == "TOO_LARGE"
    assert error.fields == (FieldError("entries[0].detail", "has 1048577 bytes; 1048576 are allowed"),)


@given(st.binary(max_size=300))
def test_any_message_off_the_wire_is_accepted_or_refused_never_a_defect(data: bytes) -> None:
    for message in (audit.AppendEntriesRequest(), queue.EnqueueJobsRequest(), queue.RetryJobsRequest()):
        try:
            message.MergeFromString(data)
            validate(message)
        except ServiceError as error:
            assert error.reason in ("INVALID_REQUEST", "TOO_LARGE")  # noqa: PT017 - both ways out are right
        except Exception as error:  # noqa: BLE001
            assert type(error).__name__ == "DecodeError"  # noqa: PT017 - the bytes are no message


def test_the_words_of_an_enum_are_those_of_rest() -> None:
    field = audit.ListEntriesRequest.DESCRIPTOR.fields_by_name["action"]

    assert enum_words(field)[:3] == ["retry", "remove", "cancel"]
    assert "resume_worker" in enum_words(field)
