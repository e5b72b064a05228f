from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from service_kit.settings import ServiceSettings, SettingsError


class PlumbingSettings(ServiceSettings):
    prefix: ClassVar[str] = "PLUMBING_"

    database_url: str = Field("", repr=False)
    plumbing_port: int = Field(50_099, ge=0, le=65_535)
    plumbing_queues: str = ""
    plumbing_users_file: str = ""


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):  # noqa: TID251 - so that no variable of the developer's is read
        monkeypatch.delenv(variable)


def load(folder: Path, dotenv: str = "") -> PlumbingSettings:
    (folder / ".env").write_text(dotenv)
    return PlumbingSettings.load(str(folder / ".env"))


def problems(folder: Path, dotenv: str = "") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, dotenv)
    return str(caught.value).splitlines()


def test_without_any_variable_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert (settings.plumbing_port, settings.log_level, settings.auth_issuer) == (50_099, "info", "jobqueue")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBING_PORT", "1")

    settings = load(tmp_path, "PLUMBING_PORT=2\nLOG_LEVEL=DEBUG\n")

    assert (settings.plumbing_port, settings.log_level) == (1, "debug")


def test_text_that_looks_like_json_or_a_variable_stays_text(tmp_path: Path) -> None:
    assert load(tmp_path, "PLUMBING_QUEUES='[\"a\"]'").plumbing_queues == '["a"]'
    assert load(tmp_path, "DATABASE_URL='postgresql://u:a${HOME}b@h/d'").database_url == "postgresql://u:a${HOME}b@h/d"


def test_an_unknown_variable_with_our_prefix_is_an_error_with_a_hint(tmp_path: Path) -> None:
    assert problems(tmp_path, "PLUMBING_PROT=1") == [
        "PLUMBING_PROT: there is no such setting; did you mean PLUMBING_PORT?"
    ]
    assert problems(tmp_path, "PLUMBING_X_FILE=/x")[0].startswith("PLUMBING_X_FILE: there is no such setting")


def test_unknown_variables_with_other_prefixes_are_none_of_our_business(tmp_path: Path) -> None:
    assert load(tmp_path, "PLUMB=1\nPATH_FILE=/x\nAUDIT_PORT=x").plumbing_port == 50_099


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "PLUMBING_PORT=70000\nLOG_LEVEL=loud\nPLUMBING_FAVOURITE_COLOUR=1\nDATABASE_URL_FILE=/nowhere"
    )

    assert found == [
        "PLUMBING_FAVOURITE_COLOUR: there is no such setting",
        "DATABASE_URL_FILE: cannot be read: No such file or directory",
        "LOG_LEVEL: must be one of debug, info, warning, error",
        "PLUMBING_PORT: Input should be less than or equal to 65535",
    ]


def test_a_secret_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:p@h/d\n")

    assert load(tmp_path, f"DATABASE_URL_FILE={tmp_path / 'url'}").database_url == "postgresql://u:p@h/d"


def test_a_secret_file_wins_over_the_plain_variable(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("from-file")

    settings = load(tmp_path, f"DATABASE_URL=plain\nDATABASE_URL_FILE={tmp_path / 'url'}")

    assert settings.database_url == "from-file"


def test_a_secret_file_of_bytes_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "url").write_bytes(b"\xff\xfe")

    assert problems(tmp_path, f"DATABASE_URL_FILE={tmp_path / 'url'}") == [
        "DATABASE_URL_FILE: cannot be read: it is no text"
    ]


def test_a_setting_that_names_a_file_keeps_the_name(tmp_path: Path) -> None:
    assert load(tmp_path, "PLUMBING_USERS_FILE=/users").plumbing_users_file == "/users"


def test_values_that_are_refused_are_not_repeated(tmp_path: Path) -> None:
    assert "a-s3cret" not in "\n".join(problems(tmp_path, "PLUMBING_PORT=a-s3cret\nLOG_LEVEL=a-s3cret"))


def test_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    assert "a-s3cret" not in repr(load(tmp_path, "DATABASE_URL=a-s3cret"))


def test_half_an_external_issuer_is_an_error(tmp_path: Path) -> None:
    needs = "AUTH_EXTERNAL_ISSUER needs AUTH_EXTERNAL_JWKS and AUTH_EXTERNAL_AUDIENCE"

    assert problems(tmp_path, "AUTH_EXTERNAL_ISSUER=https://id\nAUTH_EXTERNAL_JWKS=/x") == [needs]


def test_an_external_issuer_with_our_own_name_is_an_error(tmp_path: Path) -> None:
    external = "AUTH_EXTERNAL_ISSUER=jobqueue\nAUTH_EXTERNAL_JWKS=/x\nAUTH_EXTERNAL_AUDIENCE=a"

    assert problems(tmp_path, external) == ["AUTH_EXTERNAL_ISSUER must differ from AUTH_ISSUER"]
