from __future__ import annotations

import pytest

from queue_admin.errors import translate
from queue_engine.domain import errors
from service_kit.errors import HTTP_STATUS

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.QueueEngineError)]


@pytest.mark.parametrize(
    ("error", "reason", "http_status"),
    [
        pytest.param(errors.InvalidArgument("page", "is odd"), "INVALID_REQUEST", 400, id="InvalidArgument"),
        pytest.param(errors.QueueNotFound("q"), "QUEUE_NOT_FOUND", 404, id="QueueNotFound"),
        pytest.param(errors.JobNotFound("q", "j"), "JOB_NOT_FOUND", 404, id="JobNotFound"),
        pytest.param(errors.QueueReserved("q"), "QUEUE_RESERVED", 409, id="QueueReserved"),
        pytest.param(errors.WrongState("j", "active", "removed"), "WRONG_STATE", 409, id="WrongState"),
        pytest.param(errors.IdConflict("q", "j"), "ID_CONFLICT", 409, id="IdConflict"),
        pytest.param(errors.StoreFull("secret"), "LIMITED", 429, id="StoreFull"),
        pytest.param(errors.StoreUnavailable("secret"), "UNAVAILABLE", 503, id="StoreUnavailable"),
        pytest.param(errors.StoreMisconfigured("secret"), "UNAVAILABLE", 503, id="StoreMisconfigured"),
        pytest.param(errors.LibraryMismatch("secret"), "UNAVAILABLE", 503, id="LibraryMismatch"),
    ],
)
def test_each_engine_error_has_its_reason(error: Exception, reason: str, http_status: int) -> None:
    refusal = translate(error)

    assert refusal is not None
    assert (refusal.reason, HTTP_STATUS[refusal.reason]) == (reason, http_status)
    assert (refusal.retry_after_ms is not None) == (http_status in {429, 503})
    assert "secret" not in refusal.detail


def test_no_engine_error_is_forgotten() -> None:
    for kind in ALL:
        if kind is errors.QueueEngineError:
            continue
        error = kind.__new__(kind)
        error.__dict__.update(field="f", problem="p")
        assert translate(error) is not None, kind


def test_what_the_engine_never_raises_is_not_translated() -> None:
    assert translate(KeyError("x")) is None
