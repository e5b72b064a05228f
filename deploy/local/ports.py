"""Ports of the local stack: the ones asked for, or free ones."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack

HOST = "127.0.0.1"


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
            try:
                probe.bind((HOST, port))
                probe.listen(1)
            except OSError:
                taken[name] = port
            else:
                chosen[name] = int(probe.getsockname()[1])
    if taken:
        raise PortInUse(taken)
    return chosen


def free_port() -> int:
    """One free port."""
    return choose({"port": 0})["port"]
