"""Our image, built by the Dockerfile's own instructions."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.support.dockerfile import Instruction, Stage, parse
from deploy.support.engine import CHECKOUT, ContainerFailed, Image, base_spec, launch

DOCKERFILE = CHECKOUT / "deploy/docker/Dockerfile"
RUN_SECONDS = 300
NOT_CACHED = {"PIP_NO_CACHE_DIR", "UV_NO_CACHE"}  # as with a build's cache mounts
FROM_THE_HOST = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


def built(cache: Path) -> Image:
    """The image, built under `cache` unless it lies there from an earlier run with the same files."""
    stages = parse(DOCKERFILE)
    finished = cache / _digest()
    if not finished.exists():
        shutil.rmtree(cache, ignore_errors=True)
        build(stages, cache / "building").rename(finished)
        shutil.rmtree(cache / "building")
    return _configured(stages[-1], finished)


def build(stages: list[Stage], scratch: Path) -> Path:
    """Build under `scratch`; the last stage's files. Raises ContainerFailed with what a RUN printed."""
    files: dict[str, Path] = {}
    for number, stage in enumerate(stages):
        files[stage.name or str(number)] = folder = scratch / f"stage-{number}"
        folder.mkdir(parents=True)
        _Builder(stage, folder, scratch / f"run-{number}", files).build()
    return folder


def _digest() -> str:
    """Of all that goes into the image, and of the tests' interpreter."""
    digest = hashlib.blake2b(f"{sys.version} {sys.base_prefix}".encode(), digest_size=12)
    sources = (path for folder in ("protos", "services", "deploy/docker") for path in (CHECKOUT / folder).rglob("*"))
    for path in sorted(path for path in sources if path.is_file() or path == DOCKERFILE):
        if path == DOCKERFILE or not ignored(path.relative_to(CHECKOUT)):
            digest.update(f"{path.relative_to(CHECKOUT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _configured(last: Stage, folder: Path) -> Image:
    (user,) = last.of("USER")
    (entrypoint,) = last.of("ENTRYPOINT")
    (command,) = last.of("CMD")
    return Image(
        layers=(folder,),
        environment=last.environment(),
        entrypoint=tuple(entrypoint.command()),
        command=tuple(command.command()),
        health=tuple(last.health_check()["command"]),
        user=int(user.rest.partition(":")[0]),
        folder=last.of("WORKDIR")[-1].rest,
    )


class _Builder:
    """One stage: its files come to lie in `folder`."""

    def __init__(self, stage: Stage, folder: Path, scratch: Path, others: dict[str, Path]) -> None:
        self._stage, self._folder, self._scratch, self._others = stage, folder, scratch, others
        self._place = "/"
        self._runs = 0

    def build(self) -> None:
        """Carry out what makes files; the rest is the image's configuration."""
        for instruction in self._stage.instructions:
            match instruction.word:
                case "WORKDIR":
                    self._place = instruction.rest
                    self._inside(self._place).mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(instruction)
                case "RUN":
                    self._run(instruction.rest)

    def _inside(self, path: str) -> Path:
        return self._folder / str(Path(self._place, path)).removeprefix("/")

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = (word for word in instruction.words() if not word.startswith("--"))
        origin = [word.removeprefix("--from=") for word in instruction.words() if word.startswith("--from=")]
        for source in sources:
            found = self._others[origin[0]] / source.removeprefix("/") if origin else CHECKOUT / source
            if not origin and ignored(Path(source)):
                raise FileNotFoundError(f"COPY {source}: .dockerignore keeps it out of the context")
            destination = self._inside(target) / (found.name if target.endswith("/") else "")
            destination.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, destination, symlinks=True, ignore=None if origin else _left_out)
                for copied in (destination, *destination.rglob("*")):
                    original = found / copied.relative_to(destination)
                    os.chown(copied, original.lstat().st_uid, original.lstat().st_gid, follow_symlinks=False)
            else:
                shutil.copy2(found, destination)

    def _run(self, command: str) -> None:
        self._runs += 1
        scratch = self._scratch / str(self._runs)
        host = {name: value for name, value in os.environ.items() if name.startswith(FROM_THE_HOST)}  # noqa: TID251 - the way to the index
        own = {name: value for name, value in self._stage.environment().items() if name not in NOT_CACHED}
        cache = Path.home() / ".cache"
        cache.mkdir(exist_ok=True)
        spec = {
            **base_spec(scratch, ()),
            "writes_to": str(self._folder),
            "environment": {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PIP_CACHE_DIR": "/cache/pip",
                "UV_CACHE_DIR": "/cache/uv",
                "UV_LINK_MODE": "copy",
                **host,
                **own,
            },
            "mounts": [{"target": "/cache", "source": str(cache), "read_only": False}],
            "command": ["/bin/sh", "-c", command],
            "user": 0,
            "folder": self._place,
            "read_only": False,
        }
        log = scratch / "log"
        if launch(spec, scratch, log).wait(RUN_SECONDS) != 0:
            raise ContainerFailed(f"RUN {command} failed:\n{log.read_text()[-4_000:]}")


def ignored(path: Path) -> bool:
    """Whether .dockerignore keeps a path of the checkout out of the context; the last rule that matches decides."""
    verdict = False
    for rule in _rules():
        pattern = rule.removeprefix("!")
        parts = (path, *path.parents)
        if any(_matches(pattern, str(part)) for part in parts if str(part) != "."):
            verdict = not rule.startswith("!")
    return verdict


def _rules() -> Iterator[str]:
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _matches(pattern: str, path: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(Path(path).name, pattern.removeprefix("**/"))
    return len(Path(pattern).parts) == len(Path(path).parts) and fnmatch.fnmatch(path, pattern)


def _left_out(folder: str, names: list[str]) -> set[str]:
    inside = Path(folder).relative_to(CHECKOUT)
    return {name for name in names if ignored(inside / name)}
