from __future__ import annotations

import pytest

from api_gateway.dashboard.deeds import DEEDS, UNKNOWN, deed_of
from jobqueue.audit.v1 import audit_service_pb2 as audit

ACTIONS = {name: number for name, number in audit.AuditAction.items() if number}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_every_action_of_the_audit_log_has_a_name_of_its_own(action: audit.AuditAction.ValueType) -> None:
    deed = DEEDS[action]

    others = [other for number, other in DEEDS.items() if number != action]
    assert deed.title not in [other.title for other in others]
    assert deed.told not in [other.told for other in others]


def test_an_action_of_a_newer_service_is_told_too() -> None:
    assert deed_of(9_999) == UNKNOWN  # type: ignore[arg-type]  # what the wire may bring
