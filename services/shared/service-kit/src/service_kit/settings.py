"""Settings come from the environment, `.env` and, for secrets, from files named by `<NAME>_FILE`.

A field's name in capitals is its variable: `redis_url` is REDIS_URL. Read once, in a service's `__main__`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from dotenv import dotenv_values
from pydantic import ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """One or more settings cannot be used; the message names each, one a line."""


class ServiceSettings(BaseSettings):
    """What every service can be told. A service adds its own fields, each beginning with its `prefix`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    prefix: ClassVar[str] = ""

    log_level: str = "info"
    """What is logged: `debug`, `info`, `warning` or `error` and what is worse."""
    auth_jwks: str = ""
    """Public keys that verify our tokens: a file or an http(s) URL."""
    auth_issuer: str = "jobqueue"
    """What our tokens name as their issuer: the gateway signs with it, every service demands it."""
    auth_audience: str = "jobqueue"
    """What our tokens are for; signed and demanded likewise."""
    auth_external_issuer: str = ""
    """A second issuer whose tokens are accepted (its roles are limited to ADMIN, OPS and SERVICE); empty: none."""
    auth_external_jwks: str = ""
    """Its public keys: a file or an http(s) URL."""
    auth_external_audience: str = ""
    """What its tokens have to be for."""
    auth_external_roles_claim: str = "roles"
    """The claim that lists the roles, or the path to it with dots: `realm_access.roles`."""
    service_token_file: str = ""
    """File with this service's own token; read again when it changes."""
    otel_exporter_otlp_endpoint: str = ""
    """Collector that traces go to by OTLP over HTTP, such as `http://collector:4318`; empty: nothing is traced."""
    otel_exporter_otlp_traces_endpoint: str = ""
    """The same as a whole URL, which wins."""
    otel_sdk_disabled: bool = False
    """True: nothing is traced, whatever endpoint is set."""

    @classmethod
    def settings_customise_sources(  # the library's signature
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` found counts: the library would read the environment again, by other rules."""
        return (init_settings,)

    @field_validator("log_level")
    @classmethod
    def _log_level_is_known(cls, level: str) -> str:
        if level.lower() not in LOG_LEVELS:
            raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
        return level.lower()

    @model_validator(mode="after")
    def _external_issuer_is_complete(self) -> Self:
        if self.auth_external_issuer and not (self.auth_external_jwks and self.auth_external_audience):
            raise ValueError("AUTH_EXTERNAL_ISSUER needs AUTH_EXTERNAL_JWKS and AUTH_EXTERNAL_AUDIENCE")
        if self.auth_external_issuer == self.auth_issuer:
            raise ValueError("AUTH_EXTERNAL_ISSUER must differ from AUTH_ISSUER")
        return self

    def traces_endpoint(self) -> str:
        """The URL that traces are posted to; empty: this process does not trace."""
        if self.otel_sdk_disabled:
            return ""
        base = self.otel_exporter_otlp_endpoint.rstrip("/")
        return self.otel_exporter_otlp_traces_endpoint or (f"{base}/v1/traces" if base else "")

    @classmethod
    def load(cls, env_file: str = ".env") -> Self:
        """Read everything, the environment before `env_file`; raises SettingsError that names every problem at once."""
        dotenv = {k: v for k, v in dotenv_values(env_file, interpolate=False).items() if v is not None}
        given = {**dotenv, **os.environ}
        problems = cls._unknown(given)
        values = cls._values(given, problems)
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems += [_problem(e["loc"], e["msg"]) for e in error.errors()]
        if problems:
            raise SettingsError("\n".join(problems))
        return settings

    @classmethod
    def _values(cls, given: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            variable = name.upper()
            if f"{variable}_FILE" in given and f"{name}_file" not in cls.model_fields:
                try:
                    values[name] = Path(given[f"{variable}_FILE"]).read_text().strip()
                except (OSError, ValueError) as error:
                    problems.append(f"{variable}_FILE: cannot be read: {getattr(error, 'strerror', 'it is no text')}")
            elif variable in given:
                values[name] = given[variable]
        return values

    @classmethod
    def _unknown(cls, given: Mapping[str, str]) -> list[str]:
        known = {name.upper() for name in cls.model_fields}
        problems = []
        for variable in sorted(given):
            if not cls.prefix or not variable.startswith(cls.prefix):
                continue
            if variable not in known and variable.removesuffix("_FILE") not in known:
                # Compared without the prefix, which alone would make any two of them look alike.
                ours = [name.removeprefix(cls.prefix) for name in known if name.startswith(cls.prefix)]
                near = difflib.get_close_matches(variable.removeprefix(cls.prefix), ours, 1)
                hint = f"; did you mean {cls.prefix}{near[0]}?" if near else ""
                problems.append(f"{variable}: there is no such setting{hint}")
        return problems


def _problem(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{'.'.join(map(str, location)).upper()}: {message}" if location else message
