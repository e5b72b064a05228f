"""Keys, users and passwords of the local stack, made once and kept."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.state import StateFolder, write_secret

USERS = {"admin@local": "ADMIN", "ops@local": "OPS", "service@local": "SERVICE", "tenant@local": "TENANT"}
TOKEN_ROLES = {"queue-admin": "QUEUE_ADMIN", "worker": "WORKER", "backend": "SERVICE", "jobsctl": "ADMIN"}
"""Role in the token of each service of ours that calls others with one, and of what a person tries out: a backend and
the command line."""
TOKEN_DAYS = 90
RENEW_SECONDS = 24 * 3600


class GatewayCommandFailed(Exception):
    """A command of the gateway, which owns users and signing, failed."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the stack's secrets are; all files but the JWKS are readable by their owner only."""

    folder: StateFolder

    @property
    def signing_key_file(self) -> Path:
        """Private Ed25519 key; only the gateway is told."""
        return self.folder.keys / "signing-key.pem"

    @property
    def jwks_file(self) -> Path:
        """Public keys that verify the tokens."""
        return self.folder.keys / "jwks.json"

    @property
    def users_file(self) -> Path:
        """Users with their argon2 hashes."""
        return self.folder.keys / "users.json"

    def token_file(self, service: str) -> Path:
        """A service's own token."""
        return self.folder.keys / f"{service}.token"

    def secret(self, name: str) -> str:
        """The password of a server of ours, made at first use."""
        path = self.folder.keys / f"{name}.password"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(24))
        return path.read_text()

    def passwords(self) -> dict[str, str]:
        """The users' passwords by email."""
        found: dict[str, str] = json.loads(self.folder.credentials.read_text())
        return found

    def prepare(self) -> None:
        """Make what is not there yet and renew the services' tokens. Raises GatewayCommandFailed."""
        self.folder.keys.mkdir(mode=0o700, exist_ok=True)
        if not self.signing_key_file.exists():
            self._gateway("keys")
        # Each command is a process of its own, so they run side by side.
        with ThreadPoolExecutor() as pool:
            tasks = [pool.submit(self._renew_token, service) for service in TOKEN_ROLES]
            if not self.folder.credentials.exists():
                tasks.append(pool.submit(self._add_users))
        for task in tasks:
            task.result()

    def _renew_token(self, service: str) -> None:
        path = self.token_file(service)
        if path.exists() and time.time() - path.stat().st_mtime < RENEW_SECONDS:
            return
        command = ("token", "--subject", service, "--role", TOKEN_ROLES[service], "--days", str(TOKEN_DAYS))
        write_secret(path, self._gateway(*command))

    def _add_users(self) -> None:
        passwords = {email: secrets.token_urlsafe(12) for email in USERS}
        for email, role in USERS.items():
            self._gateway("users", "add", email, "--role", role, "--id", email.split("@")[0], given=passwords[email])
        write_secret(self.folder.credentials, json.dumps(passwords, indent=2) + "\n")

    def _gateway(self, *command: str, given: str = "") -> str:
        """Run a command of the gateway; `given` is typed to it, so that no secret shows in the process list."""
        environment = {
            "GATEWAY_SIGNING_KEY_FILE": str(self.signing_key_file),
            "GATEWAY_USERS_FILE": str(self.users_file),
            "AUTH_JWKS": str(self.jwks_file),
        }
        done = subprocess.run(
            [sys.executable, "-m", "api_gateway", *command],
            input=given + "\n",
            env=environment,
            cwd=self.folder.path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise GatewayCommandFailed(f"api_gateway {command[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()
