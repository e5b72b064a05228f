from __future__ import annotations

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.builders import QUEUE, Clock, an_action, assert_balanced, assert_consistent
from engine.damages import EVERY_INDEX, PREFIX, fill, forget, index, overwrite, prove, unindex, write
from queue_engine.domain.job import JobState
from queue_engine.engine import QueueEngine

STEPS = st.one_of(
    st.tuples(st.just("unindex"), st.sampled_from(EVERY_INDEX), st.sampled_from(EVERY_INDEX)),
    st.tuples(st.just("index"), st.sampled_from(EVERY_INDEX), st.sampled_from([*EVERY_INDEX, "ghost", "pruned"])),
    st.tuples(st.just("forget"), st.sampled_from(EVERY_INDEX), st.just("")),
    st.tuples(
        st.just("overwrite"),
        st.sampled_from(["j:waiting", "t:waiting", "j:failed", *EVERY_INDEX, "groups", "groups:about"]),
        st.just(""),
    ),
    st.tuples(st.just("state"), st.sampled_from(EVERY_INDEX), st.sampled_from([*JobState, "dancing"])),
    st.tuples(
        st.just("drop"), st.sampled_from([*EVERY_INDEX, "groups", "groups:about", "trials", "meta"]), st.just("")
    ),
)


def apply(client: redis.Redis, step: tuple[str, str, str]) -> None:
    what, first, second = step
    try:
        match what:
            case "unindex":
                unindex(first, second)(client)
            case "index":
                index(first, second)(client)
            case "forget":
                forget(first)(client)
            case "overwrite":
                overwrite(first)(client)
            case "state":
                write(first, "s", second)(client)
            case _:
                client.delete(PREFIX + first)
    except redis.ResponseError:
        pass  # an earlier step left something else there


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
def test_whatever_was_damaged_one_repair_makes_the_queue_whole(
    engine: QueueEngine, client: redis.Redis, clock: Clock, steps: list[tuple[str, str, str]]
) -> None:
    if keys := client.keys(PREFIX + "*"):
        client.delete(*keys)
        client.hdel("jobs:{@registry}:queues", QUEUE)  # known and gone would be a loss
    fill(engine, clock)
    for step in steps:
        apply(client, step)

    prove(engine, an_action("tidy up"))

    findings, balance = prove(engine)
    assert (findings, balance.missing) == ([], 0)
    assert_consistent(client)
    assert_balanced(engine)
