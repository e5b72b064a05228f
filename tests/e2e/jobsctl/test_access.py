"""Logging in, users and tokens."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from fixtures.stack import RunningStack
from jobsctl import rest
from support.command_line import CommandLine


@pytest.fixture
def nobody(stack: RunningStack, tmp_path: Path) -> CommandLine:
    return CommandLine(stack.url, tmp_path)


def test_a_login_opens_a_session_that_only_its_owner_can_read(
    nobody: CommandLine, stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nobody.fails("queues") == (
        6,
        "Error: UNAUTHENTICATED: log in with `jobsctl login`, or name a --token-file\n",
    )

    password = stack.stack.credentials.passwords()["ops@local"]
    assert "ops@local (OPS)" in nobody.out("login", "ops@local", typed=password + "\n")

    kept = nobody.home / "jobsctl" / "session.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "notifications" in nobody.out("queues")
    before = json.loads(kept.read_text())["token"]
    monkeypatch.setattr(rest, "RENEW_SECONDS", 10_000)
    nobody.out("queues")
    assert json.loads(kept.read_text())["token"] != before

    assert "logged out" in nobody.run("logout").stderr
    assert nobody.fails("queues")[0] == 6


def test_a_wrong_password_is_refused(nobody: CommandLine) -> None:
    result = nobody.run("login", "ops@local", typed="wrong horse\n")

    assert (result.exit_code, "wrong" in result.stderr) == (6, True)


def test_users_are_added_listed_changed_and_removed(nobody: CommandLine, stack: RunningStack) -> None:
    file = ("--users-file", str(stack.stack.credentials.users_file))
    nobody.out("users", "add", "olga@example.org", "--role", "OPS", "--id", "olga", *file, typed="correct horse\n")

    assert {"email": "olga@example.org", "roles": ["OPS"], "id": "olga"} in nobody.json("users", "list", *file)
    assert "olga@example.org" in nobody.out("users", "list", *file)
    nobody.out("login", "olga@example.org", typed="correct horse\n")

    nobody.out("users", "passwd", "olga@example.org", *file, typed="battery staple\n")
    assert nobody.run("login", "olga@example.org", typed="correct horse\n").exit_code == 6
    nobody.out("login", "olga@example.org", typed="battery staple\n")

    nobody.out("users", "remove", "olga@example.org", *file)
    assert nobody.run("login", "olga@example.org", typed="battery staple\n").exit_code == 6
    assert nobody.run("users", "passwd", "olga@example.org", *file, typed="battery staple\n").exit_code == 2


def test_a_token_for_a_backend_is_signed_and_good(nobody: CommandLine, stack: RunningStack) -> None:
    key = ("--signing-key-file", str(stack.stack.credentials.signing_key_file))
    out = nobody.home / "shop.token"

    nobody.out("token", "shop", "--days", "1", "--out", str(out), *key)

    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert nobody.json("--token-file", str(out), "types")
    assert nobody.fails("--token-file", str(out), "queues")[0] == 6
    assert nobody.out("token", "shop", *key).count(".") == 2
    assert nobody.json("token", "shop", *key)["roles"] == ["SERVICE"]
