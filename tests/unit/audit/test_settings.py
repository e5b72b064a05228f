from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.settings import AuditSettings
from service_kit.settings import SettingsError


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):  # noqa: TID251 - so that no variable of the developer's is read
        monkeypatch.delenv(variable)


def load(folder: Path, dotenv: str) -> AuditSettings:
    (folder / ".env").write_text(dotenv)
    return AuditSettings.load(str(folder / ".env"))


def test_the_defaults_are_those_of_the_readme(tmp_path: Path) -> None:
    settings = load(tmp_path, "DATABASE_URL=postgresql://h/d")

    assert (settings.audit_port, settings.audit_metrics_port, settings.job_ui_page_size) == (50052, 9052, 25)
    assert settings.audit_migrate


def test_the_database_has_to_be_named(tmp_path: Path) -> None:
    for dotenv in ("", "DATABASE_URL="):
        with pytest.raises(SettingsError, match="DATABASE_URL"):
            load(tmp_path, dotenv)


def test_the_database_may_be_named_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgresql://u:p@h/d\n")

    assert load(tmp_path, f"DATABASE_URL_FILE={tmp_path}/secret").database_url == "postgresql://u:p@h/d"


def test_the_database_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "a-s3cret" not in repr(load(tmp_path, "DATABASE_URL=postgresql://u:a-s3cret@h/d"))


@pytest.mark.parametrize("line", ["AUDIT_PORT=65536", "AUDIT_THREADS=1", "JOB_UI_PAGE_SIZE=101", "JOB_UI_PAGE_SIZE=0"])
def test_values_out_of_range_are_refused_by_name(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError, match=line.partition("=")[0]):
        load(tmp_path, f"DATABASE_URL=host=h\n{line}")


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="AUDIT_PROT: there is no such setting; did you mean AUDIT_PORT"):
        load(tmp_path, "DATABASE_URL=host=h\nAUDIT_PROT=1")


@pytest.mark.parametrize("url", ["a-s3cret", "postgresql://u:a-s3cret@h/d?nonsense=1", "host=h password=a-s3cret x"])
def test_a_database_url_that_is_none_is_refused_without_its_secrets(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"DATABASE_URL='{url}'")

    assert str(caught.value) == "DATABASE_URL: is no PostgreSQL URL and no connection string"
