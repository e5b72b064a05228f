from __future__ import annotations

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from queue_engine.domain.backoff import Backoff, BackoffKind
from queue_engine.domain.errors import StoreFull, StoreUnavailable
from queue_engine.domain.job import NewJob
from queue_engine.store.decode import decode_id
from queue_engine.store.encode import checked_job, digest, encode_id, job_args
from queue_engine.store.errors import translated
from queue_engine.store.library import is_newer
from queue_engine.store.settings_codec import DEFAULT_SETTINGS, JobSettings, pack_settings, unpack_settings

MS = st.integers(0, 10**11)
SETTINGS = st.builds(
    JobSettings,
    attempts=st.integers(1, 1_000),
    max_age_ms=MS,
    dedup_ms=st.none() | MS,
    timeout_ms=st.integers(1, 10**11),
    backoff=st.builds(Backoff, st.sampled_from(BackoffKind), MS, MS, st.integers(0, 100).map(lambda part: part / 100)),
)


@given(SETTINGS)
def test_settings_come_back_as_they_were_packed(settings: JobSettings) -> None:
    job = NewJob(
        "id", "name", b"{}", attempts=settings.attempts, max_age_ms=settings.max_age_ms, dedup_ms=settings.dedup_ms,
        timeout_ms=settings.timeout_ms, backoff=settings.backoff,
    )  # fmt: skip

    assert unpack_settings(pack_settings(job).encode()) == settings


def test_the_defaults_take_no_room() -> None:
    assert pack_settings(NewJob("id", "name", b"{}")) == ""
    assert unpack_settings(b"") == DEFAULT_SETTINGS


@given(st.binary())
def test_settings_of_any_bytes_can_be_unpacked(packed: bytes) -> None:
    assert isinstance(unpack_settings(packed), JobSettings)


@given(st.binary())
def test_an_id_of_any_bytes_finds_its_job_again(job_id: bytes) -> None:
    assert encode_id(decode_id(job_id)) == job_id


def test_the_digest_sees_meaning_and_not_form() -> None:
    assert digest("n", b'{"a":1,"b":2}') == digest("n", b' {"b":2, "a":1} ')
    assert len({digest("n", b"1"), digest("n", b'"1"'), digest("m", b"1"), digest("n", b"[1]")}) == 4


@pytest.mark.parametrize("data", [b"[1, 2]", b"[" * 250 + b"]" * 250, b"[" + b"{}," * 300 + b"{}]"], ids=len)
def test_a_job_is_told_by_the_same_digest_whether_its_data_is_kept_parsed_or_not(data: bytes) -> None:
    checked = checked_job(NewJob("id", "name", data))

    assert job_args(checked)[2] == digest("name", data) + b" name"
    *_, value = checked
    assert (value is None) is (len(data) > 500)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (redis.ConnectionError("refused"), StoreUnavailable),
        (redis.TimeoutError("slow"), StoreUnavailable),
        (redis.BusyLoadingError("loading"), StoreUnavailable),
        (redis.ReadOnlyError("replica"), StoreUnavailable),
        (redis.ResponseError("MISCONF Errors writing to the AOF file: No space left"), StoreUnavailable),
        (redis.ResponseError("BUSY Redis is busy running a script"), StoreUnavailable),
        (redis.ResponseError("NOREPLICAS Not enough good replicas to write."), StoreUnavailable),
        (redis.OutOfMemoryError("command not allowed"), StoreFull),
        (redis.ResponseError("OOM command not allowed"), StoreFull),
        (redis.ResponseError("ERR something of ours"), redis.ResponseError),
    ],
    ids=str,
)
def test_the_stores_errors_have_our_names(error: redis.RedisError, kind: type[Exception]) -> None:
    assert isinstance(translated(error), kind)


@pytest.mark.parametrize(
    ("own", "stored", "newer"),
    [
        ("1.2+a", "1.1+b", True),
        ("1.10+a", "1.9+b", True),
        ("1.2+a", "1.2+a", False),
        ("1.2+a", "1.2+b", True),
        ("1.2+a", "1.3+b", False),
    ],
)
def test_a_library_is_replaced_by_a_newer_release_or_another_build(own: str, stored: str, *, newer: bool) -> None:
    assert is_newer(own, stored) is newer
