"""Generate the Python stubs, their types and the descriptor set from the contracts.

Everything goes to protos/gen, which is never committed: stubs under gen/jobqueue, the descriptor set with comments and
imports in gen/jobqueue/descriptors.binpb, and the google protos that buf and other generators need in gen/third_party.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
OUTPUT = ROOT / "gen"
WELL_KNOWN = Path(str(files("grpc_tools"))) / "_proto"
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
GOOGLE_FOLDERS = ("google/api", "google/rpc")


def main() -> int:
    """Build everything beside the present output and swap it in, so that a failed run leaves the old stubs alone."""
    contracts = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "jobqueue").rglob("*.proto"))
    with tempfile.TemporaryDirectory(prefix="gen-", dir=ROOT) as scratch:
        fresh = Path(scratch) / "new"
        (fresh / "jobqueue").mkdir(parents=True)
        if generate(contracts, fresh) != 0:
            return 1
        mark_packages(fresh / "jobqueue")
        copy_google_protos(fresh / "third_party")
        if OUTPUT.exists():
            OUTPUT.rename(Path(scratch) / "old")
        fresh.rename(OUTPUT)
    return 0


def generate(contracts: list[str], output: Path) -> int:
    """Run protoc with the plugins of grpcio-tools and mypy-protobuf; return its exit status."""
    scripts = Path(sysconfig.get_path("scripts"))
    return protoc.main(
        [
            "protoc",
            f"--proto_path={ROOT}",
            f"--proto_path={SITE_PACKAGES}",
            f"--proto_path={WELL_KNOWN}",
            f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
            f"--python_out={output}",
            f"--grpc_python_out={output}",
            f"--mypy_out=quiet:{output}",
            f"--mypy_grpc_out=quiet:{output}",
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={output / 'jobqueue/descriptors.binpb'}",
            *contracts,
        ]
    )


def mark_packages(package: Path) -> None:
    """Make each folder a regular package and the whole of it typed."""
    for folder in (package, *(path for path in package.rglob("*") if path.is_dir())):
        (folder / "__init__.py").touch()
    (package / "py.typed").touch()


def copy_google_protos(target: Path) -> None:
    """Copy the imported google protos to one folder of their own, an include path for tools that know no Python."""
    for folder in GOOGLE_FOLDERS:
        for source in (SITE_PACKAGES / folder).glob("*.proto"):
            destination = target / folder / source.name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, destination)


if __name__ == "__main__":
    sys.exit(main())
