from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from queue_engine.domain.job import NewJob
from queue_engine.domain.trace import Origin, carrying, origin_of
from service_kit import tracing
from service_kit.settings import ServiceSettings
from worker.dramatiq_broker.broker import JobBroker
from worker.dramatiq_broker.tracing import Tracing

CARRIER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
JOB = NewJob("j", "note", b"{}")
MODULES = ("api_gateway.server", "queue_admin.__main__", "audit.__main__", "worker.__main__")


def test_a_process_that_does_not_trace_never_imports_the_library() -> None:
    script = (
        f"import sys, {', '.join(MODULES)}\n"
        "from service_kit import tracing\n"
        "from service_kit.settings import ServiceSettings\n"
        "tracing.start_tracing(ServiceSettings(), 'x', '1')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_without_tracing_spans_are_one_thing_that_does_nothing_and_jobs_stay_as_they_are() -> None:
    with tracing.span("a", "server", parent=CARRIER) as one, tracing.sending("q", "j") as two:
        one.rename("b")
        one.tell({"c": 1})
        one.fail("d")
        assert one is two is tracing.NO_SPAN
        assert (tracing.carrier(), tracing.ids(), tracing.is_tracing()) == ({}, None, False)
        assert carrying(JOB, tracing.carrier()) is JOB


def test_without_tracing_the_broker_calls_no_hook_more() -> None:
    assert not [one for one in JobBroker(engine=None).middleware if isinstance(one, Tracing)]  # type: ignore[arg-type]  # unused


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, ""),
        ({"otel_exporter_otlp_endpoint": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"otel_exporter_otlp_endpoint": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"otel_exporter_otlp_endpoint": "http://c", "otel_exporter_otlp_traces_endpoint": "http://t/x"}, "http://t/x"),
        ({"otel_exporter_otlp_endpoint": "http://c", "otel_sdk_disabled": "true"}, ""),
    ],
)
def test_the_standard_settings_say_where_traces_go(given: dict[str, str], endpoint: str) -> None:
    assert ServiceSettings.model_validate(given).traces_endpoint() == endpoint


def test_a_job_carries_its_origin_beside_what_its_framework_keeps() -> None:
    kept = NewJob("j", "note", b"{}", options=b'{"dramatiq":{"a":1}}')

    assert origin_of(carrying(JOB, CARRIER).options) == Origin(CARRIER)
    assert origin_of(carrying(kept, CARRIER, is_batch=True).options) == Origin(CARRIER, is_batch=True)
    assert orjson.loads(carrying(kept, CARRIER).options)["dramatiq"] == {"a": 1}


@pytest.mark.parametrize(
    "options", [b"", b"{}", b'{"trace"', b'{"trace":1}', b'{"trace":{"traceparent":5}}', b'["trace"]']
)
def test_options_without_a_readable_origin_have_none(options: bytes) -> None:
    assert origin_of(options) == Origin()
