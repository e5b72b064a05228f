"""F20: somebody wrote nonsense into the store. It is set aside, one by one, and nobody stumbles over it."""

from __future__ import annotations

import time
from typing import cast

import redis

from faults.support.arena import LEASE_SECONDS, Arena
from faults.support.job_types.ledgered import QUEUE
from queue_engine.domain.job import FailureKind, JobState
from support.waiting import wait_until

PREFIX = f"jobs:{{{QUEUE}}}:"
SOUND = {"s": "waiting", "n": "work", "d": b"{}", "x": "0", "ts": 1}
BAD_HASHES: dict[str, dict[str, object]] = {
    "bad-json": {**SOUND, "d": b"{not json"},
    "bad-utf8": {**SOUND, "d": b'"\xff\xfe"'},
    "nan": {**SOUND, "d": b'{"seconds": NaN}'},
    "too-deep": {**SOUND, "d": b"[" * 100_000},
    "wrong-shape": {**SOUND, "d": b'["a list"]'},
    "no-data": {name: value for name, value in SOUND.items() if name != "d"},
    "no-name": {name: value for name, value in SOUND.items() if name != "n"},
    "attempts-are-text": {**SOUND, "at": "many"},
    "created-is-text": {**SOUND, "ts": "yesterday"},
}
BAD_KEYS = {"a-string": "set", "a-list": "rpush", "a-set": "sadd"}


def write_nonsense(client: redis.Redis) -> dict[str, bytes]:
    """Put it among the waiting; the ids, and the bytes of each that are to be kept."""
    for job_id, fields in BAD_HASHES.items():
        client.hset(f"{PREFIX}j:{job_id}", mapping=fields)  # type: ignore[arg-type]  # what nobody would write on purpose
    for job_id, command in BAD_KEYS.items():
        getattr(client, command)(f"{PREFIX}j:{job_id}", "\x00nonsense")
    kept = {job_id: fields.get("d", b"") for job_id, fields in BAD_HASHES.items()}
    kept["a-string"] = client.get(f"{PREFIX}j:a-string")
    kept |= {job_id: client.dump(f"{PREFIX}j:{job_id}") for job_id in ("a-list", "a-set")}
    ids = {*kept, "nothing-at-all"}
    client.zadd(f"{PREFIX}waiting", dict.fromkeys(ids, 0.0))
    client.hincrby(f"{PREFIX}meta", "n:added", len(ids))
    return {job_id: cast("bytes", raw) for job_id, raw in kept.items()} | {"nothing-at-all": b""}


def test_malformed_jobs_are_set_aside_and_the_others_run(arena: Arena) -> None:
    worker = arena.worker()
    arena.enqueue("first")
    with redis.Redis.from_url(arena.url) as client:
        bad = write_nonsense(client)
    for job_id in bad:
        arena.ledger.write("enqueue", job_id, phase="invoked")
    at = arena.fault("nonsense in the store")
    arena.enqueue(*(f"sound-{number}" for number in range(50)), seconds=0.01)
    arena.come_to_rest()
    set_aside = time.monotonic() - at

    dead = arena.engine.list_jobs(QUEUE, JobState.FAILED, offset=0, limit=100).jobs
    _, store = arena.verdict(
        "F20",
        f"{len(bad)} malformed jobs written into the store",
        recovery=[set_aside],
        within=LEASE_SECONDS * 20,
        note=f"set aside: {len(dead)}, each with its bytes, workers restarted: 0",
    )
    assert {job.job_id: job.data for job in dead} == bad
    assert {job.failure_kind for job in dead} == {FailureKind.PAYLOAD_INVALID}
    assert store.totals["completed"] == 51
    assert store.totals.get("lost", 0) == 0
    assert worker.process.alive
    assert "Consumer encountered an unexpected error" not in worker.log


def test_a_job_of_an_unknown_type_is_given_back_and_not_buried_at_once(arena: Arena) -> None:
    arena.worker()
    arena.enqueue("newer", name="a-type-of-tomorrow")
    wait_until(lambda: arena.snapshot().totals.get("deferred", 0) > 0, within=20)

    job = arena.engine.get_job(QUEUE, "newer").job
    assert (job.state, job.failure_kind, job.attempts_made) == (JobState.DELAYED, FailureKind.ACTOR_UNKNOWN, 0)
