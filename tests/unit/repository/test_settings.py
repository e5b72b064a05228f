"""What holds for the settings of every service."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from handbook.settings_page import SERVICES, docstrings
from local.settings import LocalSettings
from service_kit.settings import ServiceSettings

VALUES = {
    "database_url": "postgresql://u:p@h/d",
    "redis_url": "redis://:p@h:6379/0",
    "smtp_url": "smtps://u:p@h:465",
}
SECRETS = [(model, name) for model in SERVICES.values() for name, field in model.model_fields.items() if not field.repr]
MAY_HOLD_ONE = re.compile(r"(?<!jwks)_(token|password|secret|key)$|(database|redis|smtp|sms|push)_url$")


@pytest.mark.parametrize("model", [ServiceSettings, *SERVICES.values(), LocalSettings])
def test_no_setting_is_without_a_meaning(model: type[ServiceSettings | LocalSettings]) -> None:
    inherited = set(ServiceSettings.model_fields) if model in SERVICES.values() else set()

    assert set(model.model_fields) - inherited - set(docstrings(model)) == set()


@pytest.mark.parametrize("model", SERVICES.values())
def test_what_may_hold_a_secret_is_never_shown(model: type[ServiceSettings]) -> None:
    shown = [name for name, field in model.model_fields.items() if field.repr]

    assert [name for name in shown if MAY_HOLD_ONE.search(name)] == []


@pytest.mark.parametrize(("model", "name"), SECRETS, ids=[f"{m.__name__}-{name}" for m, name in SECRETS])
def test_every_secret_may_stand_in_a_file(
    model: type[ServiceSettings], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in list(os.environ):  # noqa: TID251 - so that no variable of the developer's is read
        monkeypatch.delenv(variable)
    secret = VALUES.get(name.removeprefix("platform_"), "tr0ub4dor&3")
    (tmp_path / "secret").write_text(f"{secret}\n")
    needed = [other for other, field in model.model_fields.items() if field.is_required() and other != name]
    (tmp_path / ".env").write_text("\n".join(f"{other.upper()}={VALUES[other]}" for other in needed))
    monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / "secret"))

    settings = model.load(str(tmp_path / ".env"))

    assert getattr(settings, name) == secret
    assert secret not in repr(settings)
