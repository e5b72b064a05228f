"""Debian packages that a few tests need beside Python's, installed where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess

INSTALL_SECONDS = 600


def install(package: str) -> None:
    """Install it as root on Debian; elsewhere, or when it fails, nothing happens: the caller looks for itself."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        command = f"export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install --yes {package}"
        subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, timeout=INSTALL_SECONDS)
