"""Where no container engine runs: the image built and started by `deploy.support.engine`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deploy.support import engine, stand_ins
from deploy.support.engine import CHECKOUT, Image, Network
from deploy.support.image import built
from deploy.support.manifests import Kustomize, Manifest

StartNetwork = Callable[..., Network]
OVERLAYS = ("dev", "prod")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder on a disk that can lie over the root (pytest's own may not be entered by a container's user)."""
    with TemporaryDirectory(prefix="jobqueue-deploy-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def kustomize(scratch: Path) -> Kustomize:
    """To render manifests with."""
    return Kustomize(scratch)


@pytest.fixture(scope="session")
def overlays(kustomize: Kustomize) -> dict[str, list[Manifest]]:
    """The overlays' manifests."""
    return {name: kustomize.render(name) for name in OVERLAYS}


@pytest.fixture(scope="session")
def image() -> Image:
    """Ours."""
    if problem := engine.missing():
        pytest.skip(f"NOT TESTED: the image. {problem}")
    return built(CHECKOUT / ".cache/deploy-image")


@pytest.fixture(scope="session")
def server_images(scratch: Path) -> dict[str, Image]:
    """Valkey and PostgreSQL."""
    return {"valkey": stand_ins.valkey_image(scratch), "postgres": stand_ins.postgres_image(scratch)}


@pytest.fixture(scope="module")
def start_network(scratch: Path) -> Iterator[StartNetwork]:
    """A network with these names in it."""
    networks: list[Network] = []

    def start(names: Sequence[str], services: Mapping[str, Sequence[str]] | None = None) -> Network:
        networks.append(Network(scratch / f"network-{len(networks)}", names, services))
        return networks[-1]

    yield start
    for network in networks:
        network.close()
