"""Where the peers are installed: an environment each under .cache/peers, made at the first use from pinned locks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CACHE = ROOT / ".cache" / "peers"
UV = Path(sys.executable).parent / "uv"


def python(name: str) -> Path:
    """The interpreter of the environment that `<name>.lock` describes."""
    folder, lock = CACHE / name, HERE / f"{name}.lock"
    interpreter, stamp = folder / "bin" / "python", folder / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print(f"bench: installing the peers of {lock.name} (the first time)", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(UV, "venv", "--quiet", "--python", sys.executable, folder)
        _run(UV, "pip", "install", "--quiet", "--require-hashes", "--python", interpreter, "-r", lock)
        shutil.copy(lock, stamp)
    return interpreter


def node() -> Path | None:
    """The folder that has bull.mjs and its packages; None, said loudly, where Node or npm is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("bench: no Node here, so NOT MEASURED: BullMQ", flush=True)
        return None
    folder, lock = CACHE / "node", HERE / "package-lock.json"
    stamp = folder / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        print("bench: installing BullMQ (the first time)", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _run("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
        shutil.copy(lock, stamp)
    shutil.copy(HERE / "apps" / "bull.mjs", folder)
    return folder


def _run(*command: str | Path, folder: Path = ROOT) -> None:
    subprocess.run([str(part) for part in command], cwd=folder, check=True)
