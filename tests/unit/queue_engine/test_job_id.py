from __future__ import annotations

import uuid
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from queue_engine.domain.job import new_job_id
from queue_engine.domain.limits import check_job_id


@given(st.binary(min_size=16, max_size=16))
def test_a_drawn_id_is_the_uuid_that_the_standard_library_makes_of_the_same_bytes(drawn: bytes) -> None:
    with patch("os.urandom", return_value=drawn):
        assert new_job_id() == str(uuid.UUID(bytes=drawn, version=4))


def test_a_drawn_id_is_a_job_id_and_no_other_has_it() -> None:
    ids = {new_job_id() for _ in range(1_000)}

    assert len(ids) == 1_000
    check_job_id(ids.pop())
