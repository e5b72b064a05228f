"""Debian packages that a few tests need beside Python's, installed where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

INSTALL_SECONDS = 600


def install(package: str) -> None:
    """Install it as root on Debian; elsewhere, or when it fails, nothing happens: the caller looks for itself."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        command = f"export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install --yes {package}"
        subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, timeout=INSTALL_SECONDS)


def unpack(package: str, folder: Path) -> None:
    """Put its files below `folder`, without installing it; when that fails, nothing happens: the caller looks."""
    if not shutil.which("apt-get"):
        return
    with TemporaryDirectory() as scratch:
        command = (
            f"(apt-get download {package} || (apt-get update && apt-get download {package})) && dpkg-deb -x *.deb x"
        )
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=scratch, check=False, capture_output=True, timeout=INSTALL_SECONDS
        )
        if done.returncode == 0:
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(Path(scratch) / "x", folder, symlinks=True, dirs_exist_ok=True)
