"""Make the secrets of the dev overlay, once: `.venv/bin/python deploy/kubernetes/make_secrets.py FOLDER`.

Keys and tokens are made by the gateway's own commands. Tokens are good for 90 days: delete the folder to have new ones.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

TOKENS = {"queue-admin": "QUEUE_ADMIN", "worker": "WORKER"}
DAYS = "90"
ADMIN = "admin@example.org"
"""Who can log in; the password is in the file admin-password."""


def make_secrets(folder: Path) -> bool:
    """False when the folder is there already: its passwords are in use. Raises CalledProcessError."""
    if folder.exists():
        return False
    scratch = folder.with_name(f"{folder.name}.new").resolve()
    scratch.mkdir(mode=0o700, parents=True)
    _gateway(scratch, "keys")
    for name, role in TOKENS.items():
        out = str(scratch / f"{name}.token")
        _gateway(scratch, "token", "--subject", name, "--role", role, "--days", DAYS, "--out", out)
    password = secrets.token_urlsafe(12)
    _gateway(scratch, "users", "add", ADMIN, "--role", "ADMIN", typed=f"{password}\n")
    for name, text in {**_texts(), "admin-password": password}.items():
        (scratch / name).write_text(text)
    scratch.rename(folder)
    return True


def _texts() -> dict[str, str]:
    valkey, postgres = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    return {
        "valkey-password.conf": f"requirepass {valkey}\n",
        "redis-url": f"redis://:{valkey}@valkey:6379/0\n",
        "postgres-password": postgres,
        "database-url": f"postgresql://jobqueue:{postgres}@postgres:5432/jobqueue\n",
        # Nobody listens there: messages wait, as during an outage of the provider, until these are filled in.
        "smtp-url": "smtp://127.0.0.1:1025\n",
        "sms-url": "http://127.0.0.1:8025/sms\n",
        "sms-token": "",
        "push-url": "http://127.0.0.1:8025/push\n",
        "push-token": "",
    }


def _gateway(folder: Path, *command: str, typed: str = "") -> None:
    environment = {
        "GATEWAY_SIGNING_KEY_FILE": str(folder / "signing-key.pem"),
        "GATEWAY_USERS_FILE": str(folder / "users.json"),
        "AUTH_JWKS": str(folder / "jwks.json"),
    }
    program = [sys.executable, "-m", "api_gateway"]
    subprocess.run([*program, *command], env=environment, cwd=folder, check=True, input=typed, text=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the folder
        sys.exit("usage: make_secrets.py FOLDER")
    made = make_secrets(Path(sys.argv[1]))
    sys.stdout.write(f"{'made' if made else 'kept what is in'} {sys.argv[1]}\n")
