"""A port that somebody else holds, said in one line."""

from __future__ import annotations

import errno
import socket


class PortInUse(OSError, RuntimeError):
    """Somebody else listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} of {host or 'this machine'} is in use")


def require_free(host: str, port: int) -> None:
    """Raise PortInUse when `port` is taken; 0 never is. gRPC itself would add lines of its own to standard error."""
    plain = host.strip("[]")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    try:
        socket.create_server((plain, port), family=family, dualstack_ipv6=plain == "::").close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from error
    except ValueError:  # no dual stack here; the server itself will find out
        return
