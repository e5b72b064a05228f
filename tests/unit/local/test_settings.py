from __future__ import annotations

from pathlib import Path

import pytest

from local.settings import LocalSettings, SettingsProblem


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*LocalSettings.model_fields, "smtp_url", "log_level"):
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=4100\nAUDIT_PORT=4101\n")
    monkeypatch.setenv("PORT", "4200")

    settings = LocalSettings.load(str(tmp_path / ".env"))

    assert (settings.port, settings.audit_port, settings.queue_admin_port) == (4200, 4101, 50051)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setenv("AUDIT_PORT", "65536")

    with pytest.raises(SettingsProblem) as problem:
        LocalSettings.load("no such file")

    assert [line.split(":")[0] for line in str(problem.value).splitlines()] == ["PORT", "AUDIT_PORT"]


def test_a_service_gets_its_own_settings_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP_URL", "GATEWAY_TOKEN_SECONDS", "LOG_LEVEL", "SOMEBODYS_SECRET"):
        monkeypatch.setenv(name, "given")

    settings = LocalSettings.load("no such file")

    assert settings.settings_of("worker") == {"SMTP_URL": "given", "LOG_LEVEL": "given"}
    assert settings.settings_of("api-gateway") == {"GATEWAY_TOKEN_SECONDS": "given", "LOG_LEVEL": "given"}


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@store:6379/0")

    assert "hunter2" not in repr(LocalSettings.load("no such file"))
