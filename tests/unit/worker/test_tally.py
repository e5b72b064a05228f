"""Our histogram is exported as the library's own would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from worker.dramatiq_broker.metrics import MILLISECONDS
from worker.dramatiq_broker.tally import QueueHistogram

# Whole numbers, so that no order of adding them up changes the sum; bounds of buckets among them.
VALUES = st.one_of(st.integers(0, 2_000_000), st.sampled_from(MILLISECONDS)).map(float)


@given(st.lists(st.tuples(st.sampled_from(["tickets", "sms"]), st.lists(VALUES, min_size=1)), max_size=5))
def test_it_is_exported_as_the_library_exports_its_own(batches: list[tuple[str, list[float]]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = QueueHistogram("took_ms", "Time it took.", buckets=MILLISECONDS, registry=ours)
    library = Histogram("took_ms", "Time it took.", ["queue"], buckets=MILLISECONDS, registry=theirs)

    for queue, values in batches:
        tally.observe(queue, values)
        for value in values:
            library.labels(queue).observe(value)

    assert exported(ours) == exported(theirs)


def exported(registry: CollectorRegistry) -> set[str]:
    return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}
