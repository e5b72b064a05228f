from __future__ import annotations

from pathlib import Path

import pytest

from queue_admin.settings import QueueAdminSettings
from service_kit.settings import SettingsError


def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> QueueAdminSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return QueueAdminSettings.load(str(tmp_path / "no.env"))


def test_the_defaults_are_those_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "JOB_UI_PAGE_SIZE"):
        monkeypatch.delenv(name, raising=False)

    settings = load(tmp_path, monkeypatch)

    assert (settings.queue_admin_port, settings.queue_admin_metrics_port) == (50051, 9051)
    assert (settings.job_ui_page_size, settings.queue_admin_audit_address) == (25, "127.0.0.1:50052")


def test_the_url_of_the_store_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(tmp_path, monkeypatch, REDIS_URL="redis://:hunter2@store:6379/0")

    assert settings.redis_url.endswith("@store:6379/0")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JOB_UI_PAGE_SIZE", "0"),
        ("JOB_UI_PAGE_SIZE", "101"),
        ("QUEUE_ADMIN_PORT", "65536"),
        ("QUEUE_ADMIN_THREADS", "1"),
        ("QUEUE_ADMIN_STORE_TIMEOUT_SECONDS", "0"),
    ],
)
def test_values_out_of_range_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        load(tmp_path, monkeypatch, **{variable: value})
