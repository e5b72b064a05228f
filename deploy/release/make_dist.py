"""Build what others install: `make dist`.

The client's wheel holds the stubs as well and asks for nothing that only we have: a name that no index knows could be
taken there by anybody.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
CLIENT = ROOT / "services/queue-admin/client"
VERSION_FILE = ROOT / "services/shared/service-kit/src/service_kit/__init__.py"
SUMS = "SHA256SUMS"
OURS = "jobqueue-"
GENERATED = {
    "protobuf": re.compile(r"^# Protobuf Python Version: (?P<version>\S+)$", re.MULTILINE),
    "grpcio": re.compile(r"^GRPC_GENERATED_VERSION = '(?P<version>[^']+)'$", re.MULTILINE),
}
"""Older runtimes than what generated the stubs refuse them."""


def make_dist(target: Path) -> list[Path]:
    """Wheels of client and jobsctl, the contracts as an archive, and their checksums; what was in `target` is gone."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with TemporaryDirectory(prefix="jobqueue-client-") as scratch:
        build_wheel(client_with_stubs(Path(scratch) / "client"), target)
    build_wheel(ROOT / "services/jobsctl", target)
    pack_contracts(target / f"jobqueue-protos-{version()}.tar.gz")
    made = sorted(target.iterdir())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made]
    (target / SUMS).write_text("".join(lines))
    return [*made, target / SUMS]


def version() -> str:
    """The one of all packages."""
    found = re.search(r'^VERSION = "(.+)"$', VERSION_FILE.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{VERSION_FILE}: names no VERSION")
    return found[1]


def client_with_stubs(folder: Path) -> Path:
    """The client's sources in `folder`, with the stubs beside them and what these need among the dependencies."""
    shutil.copytree(CLIENT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    stubs = folder / "src/jobqueue"
    shutil.copytree(PROTOS / "gen/jobqueue", stubs, ignore=shutil.ignore_patterns("__pycache__", "*.binpb"))
    text = (folder / "pyproject.toml").read_text()
    needed = [
        name
        for package in (CLIENT, PROTOS)
        for name in tomllib.loads((package / "pyproject.toml").read_text())["project"]["dependencies"]
        if not name.startswith(OURS)
    ]
    bounds = [f"{name}>={generated_by(name, stubs)}" if name in GENERATED else name for name in dict.fromkeys(needed)]
    for pattern, line in (
        (r"^dependencies = .*$", f"dependencies = {json.dumps(bounds)}"),
        (r"^packages = .*$", 'packages = ["src/jobqueue", "src/jobqueue_client"]'),
        (r"^path = .*$", f'path = "{VERSION_FILE}"'),
    ):
        text, found = re.subn(pattern, line, text, flags=re.MULTILINE)
        if found != 1:
            raise LookupError(f"{CLIENT}/pyproject.toml: {pattern} is there {found} times")
    (folder / "pyproject.toml").write_text(text)
    return folder


def generated_by(name: str, stubs: Path) -> str:
    """The version of a runtime for which the stubs were generated."""
    found = (GENERATED[name].search(file.read_text()) for file in sorted(stubs.rglob("*.py")))
    return next(match["version"] for match in found if match)


def build_wheel(package: Path, target: Path) -> None:
    """Raises CalledProcessError."""
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    subprocess.run(
        [sys.executable, *command, str(target), str(package), "--disable-pip-version-check"], check=True, cwd=target
    )


def pack_contracts(archive: Path) -> None:
    """Our .proto files with those of Google that they import, the same bytes each time."""
    files = {path: path.relative_to(PROTOS) for path in (PROTOS / "jobqueue").rglob("*.proto")}
    third_party = PROTOS / "gen/third_party"
    files |= {path: path.relative_to(third_party) for path in third_party.rglob("*.proto")}
    files |= {PROTOS / "buf.yaml": Path("buf.yaml"), ROOT / "LICENSE": Path("LICENSE")}
    top = archive.name.removesuffix(".tar.gz")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path, name in sorted(files.items(), key=lambda entry: entry[1]):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)
    archive.write_bytes(packed.getvalue())


if __name__ == "__main__":
    for file in make_dist(Path(sys.argv[1]).resolve()):
        print(file.relative_to(ROOT))
