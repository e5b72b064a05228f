from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from local.ports import free_port
from service_kit import probe
from service_kit.metrics import MetricsServer


@pytest.fixture
def problems() -> list[str | None]:
    return [None]


@pytest.fixture
def server(problems: list[str | None]) -> Iterator[MetricsServer]:
    server = MetricsServer(
        0, CollectorRegistry(), live=lambda: None, ready=lambda: problems[0], host="127.0.0.1", pages={"echo": echo}
    )
    yield server
    server.stop()


def echo(rest: str) -> tuple[int, dict[str, str]]:
    return (404, {"detail": "nothing"}) if not rest else (200, {"said": rest})


def test_a_service_that_is_well_passes_its_probe(server: MetricsServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main([f"http://127.0.0.1:{server.port}/readyz"]) == 0
    assert capsys.readouterr().out == "ok\n"


def test_a_failing_probe_says_why(
    server: MetricsServer, problems: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    problems[0] = "the store does not answer"

    assert probe.main([f"http://127.0.0.1:{server.port}/readyz"]) == 1
    assert capsys.readouterr().out == "the store does not answer\n"


def test_a_service_that_is_not_there_fails_its_probe() -> None:
    assert probe.main([f"http://127.0.0.1:{free_port()}/readyz"]) == 1


def test_a_probe_does_not_go_through_a_proxy(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert probe.main([f"http://127.0.0.1:{server.port}/livez"]) == 0


@pytest.mark.parametrize("arguments", [[], ["file:///etc/passwd"], ["http://a/", "http://b/"]], ids=str)
def test_anything_but_one_address_is_a_usage_error(arguments: list[str]) -> None:
    assert probe.main(arguments) == 2


def test_a_page_of_a_service_is_served_beside_metrics_and_probes(
    server: MetricsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probe.main([f"http://127.0.0.1:{server.port}/echo/tickets?x=1"]) == 0
    assert probe.main([f"http://127.0.0.1:{server.port}/echo"]) == 1
    assert capsys.readouterr().out == '{"said":"tickets"}\n{"detail":"nothing"}\n'
