"""Make what compose.yaml mounts as secrets, once: `python3 deploy/docker/make_secrets.py`. Needs Python only.

The folder is for its owner only; the files in it are readable for all, because the users in the containers are others.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"


def make_secrets(folder: Path) -> bool:
    """False when the folder is there already: its passwords are in use."""
    if folder.exists():
        return False
    scratch = folder.with_name(f"{folder.name}.new")
    scratch.mkdir(mode=0o700)
    valkey, postgres, grafana = (secrets.token_urlsafe(24) for _ in range(3))
    database_url = f"postgresql://jobqueue:{postgres}@postgres:5432/jobqueue"
    content = {
        "valkey-password.conf": f"requirepass {valkey}\n",
        "redis-url": f"redis://:{valkey}@valkey:6379/0\n",
        "redis-exporter.json": json.dumps({"redis://valkey:6379": valkey}),
        "postgres-password": postgres,
        "database-url": f"{database_url}\n",
        "grafana-password": grafana,
    }
    for name, text in content.items():
        (scratch / name).write_text(text)
        (scratch / name).chmod(0o444)
    scratch.rename(folder)
    return True


if __name__ == "__main__":
    made = make_secrets(FOLDER)
    sys.stdout.write(f"{'made' if made else 'kept what is in'} {FOLDER}\n")
