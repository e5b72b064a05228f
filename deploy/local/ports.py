"""Ports of the local stack: the ones asked for, or free ones."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from contextlib import ExitStack

HOST = "127.0.0.1"
FREE_RANGE = range(15_000, 32_000)
"""Below the ports that systems give to outgoing connections: one of those could take a port before its service does."""


class PortInUse(Exception):
    """Something else listens on a port that a setting names (`NAME`, or `NAME + 1` for one beside it)."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        lines = (
            f"port {port} is in use: set {name.split()[0]} to another one, or to 0 for a free one"
            for name, port in taken.items()
        )
        super().__init__("\n".join(lines))
        self.taken = dict(taken)


def choose(wanted: Mapping[str, int]) -> dict[str, int]:
    """Ports by setting, 0 replaced by a free one, all different.

    Raises PortInUse naming every setting whose port is taken.
    """
    chosen: dict[str, int] = {}
    taken: dict[str, int] = {}
    # Fixed ones first and all held open to the end, so that no free one is given out twice.
    with ExitStack() as held:
        for name, port in sorted(wanted.items(), key=lambda item: item[1] == 0):
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port == 0:
                chosen[name] = _listen_on_a_free_one(probe)
            elif _listens(probe, port):
                chosen[name] = port
            else:
                taken[name] = port
    if taken:
        raise PortInUse(taken)
    return chosen


def _listen_on_a_free_one(probe: socket.socket) -> int:
    while True:
        port = random.choice(FREE_RANGE)  # noqa: S311 - spreads the choices of several stacks, hides nothing
        if _listens(probe, port):
            return port


def _listens(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((HOST, port))
        probe.listen(1)
    except OSError:
        return False
    return True


def free_port() -> int:
    """One free port."""
    return choose({"port": 0})["port"]
