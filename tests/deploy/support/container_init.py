"""Process 1 of a container of `engine`: makes its root in a mount namespace, drops all rights, becomes the program.

Run by `unshare` with the path of a JSON file (what `engine.launch` is given); standard library only.

The host's own root lies below the image, in place of the base image; what a container must not find there is hidden.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

DEVICES = ("null", "zero", "full", "random", "urandom")


def main(spec: dict[str, Any]) -> None:
    """Replace this process by the program."""
    scratch = Path(spec["scratch"])
    root = scratch / "root"
    for name in ("root", "upper", "work", "etc"):
        (scratch / name).mkdir(parents=True, exist_ok=True)
    mount("--make-rprivate", "/")
    upper = spec.get("writes_to") or scratch / "upper"
    mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={scratch / 'work'}", str(root))
    hide(root, spec["hidden"])
    python(root, spec["python"])
    for layer in spec["layers"]:
        lay(Path(layer), root, Path())
    devices(root)
    mount("-t", "proc", "proc", str(root / "proc"))
    if spec["network"]:
        names(root, scratch, spec["network"])
    for entry in spec["mounts"]:
        volume(root, entry)
    if spec["read_only"]:
        for place in (root, *(root / folder.removeprefix("/") for folder in spec["hidden"])):
            mount("-o", "remount,ro", str(place))
    os.chroot(root)
    os.chdir(spec["folder"])
    os.execv("/usr/bin/setpriv", [*rights(spec), *spec["command"]])  # noqa: S606 - replaces this process


def rights(spec: dict[str, Any]) -> list[str]:
    """The command that gives up all rights and starts with nothing but the image's environment."""
    user = str(spec["user"])
    dropped = [] if user == "0" else ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    environment = [f"{name}={value}" for name, value in spec["environment"].items()]
    # The kernel forgets with whom a process is to die when its user changes.
    becoming = ["setpriv", "--pdeathsig=keep", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return [*becoming, *dropped, "env", "-i", *environment]


def hide(root: Path, folders: list[str]) -> None:
    """Nothing of the checkout, of homes and of /tmp is there."""
    for folder in folders:
        inside = root / folder.removeprefix("/")
        if inside.is_dir():
            mount("-t", "tmpfs", "-o", "mode=0755,size=512m", "tmpfs", str(inside))


def python(root: Path, prefix: str) -> None:
    """The interpreter of the tests stands where the base image has its own."""
    places = {root / "usr/local", root / prefix.removeprefix("/")} if prefix != "/usr" else {root / "usr/local"}
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        mount("--bind", prefix, str(place))
        mount("-o", "remount,bind,ro", str(place))


def lay(layer: Path, root: Path, at: Path) -> None:
    """The image's files over the host's: whole folders where the host has none. Layers inside `/` make no overlay."""
    for source in layer.iterdir():
        if source.is_dir() and not source.is_symlink() and inside(root, at / source.name).is_dir():
            lay(source, root, at / source.name)
        else:
            bind({"source": str(source), "read_only": True}, inside(root, at / source.name))


def devices(root: Path) -> None:
    """A /dev with what programs expect."""
    folder = root / "dev"
    mount("-t", "tmpfs", "-o", "mode=0755,size=1m", "tmpfs", str(folder))
    for name in DEVICES:
        (folder / name).touch()
        mount("--bind", f"/dev/{name}", str(folder / name))
    (folder / "shm").mkdir()
    mount("-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", str(folder / "shm"))
    (folder / "fd").symlink_to("/proc/self/fd")


def names(root: Path, scratch: Path, network: dict[str, Any]) -> None:
    """What an engine does for names: the container's own and those of its neighbours."""
    subprocess.run(["/bin/hostname", network["hostname"]], check=True)
    lines = [f"{address}\t{name}" for address, name in (("127.0.0.1", "localhost"), *network["hosts"])]
    for name, text in {
        "hosts": "\n".join(lines) + "\n",
        "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        "nsswitch.conf": "hosts: files\npasswd: files\ngroup: files\n",
    }.items():
        (scratch / "etc" / name).write_text(text)
        bind({"source": str(scratch / "etc" / name), "read_only": True}, root / "etc" / name)


def volume(root: Path, entry: dict[str, Any]) -> None:
    """A folder or file of the host, or memory."""
    target = inside(root, Path(entry["target"].removeprefix("/")))
    if entry.get("memory"):
        target.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", entry["memory"], "tmpfs", str(target))
    else:
        bind(entry, target)


def inside(root: Path, path: Path) -> Path:
    """Where a path of the container lies for us, who are outside of it: a link there may be absolute (/var/run)."""
    found = root
    for part in path.parts:
        found /= part
        while found.is_symlink():
            link = found.readlink()
            found = inside(root, link.relative_to("/")) if link.is_absolute() else found.parent / link
    return found


def bind(entry: dict[str, Any], target: Path) -> None:
    if Path(entry["source"]).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # a link to somewhere on the host
        target.touch()
    mount("--bind", entry["source"], str(target))
    if entry["read_only"]:
        mount("-o", "remount,bind,ro", str(target))


def mount(*arguments: str) -> None:
    subprocess.run(["/usr/bin/mount", *arguments], check=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
