"""What a REDIS_URL says: one server, a cluster, or servers that Sentinel watches.

    redis://user:password@host:6379/0                            one server
    redis+cluster://user:password@host:6379,host:6379            a cluster, by some of its nodes
    redis+sentinel://user:password@host:26379,host:26379/name/0  the primary that these Sentinels call `name`

`rediss` in place of `redis` is TLS, for every connection. Options follow as in redis-py: `?ssl_ca_certs=/ca.pem`;
`sentinel_username` and `sentinel_password` are for the Sentinels themselves. With `?wait_replicas=1` (cluster,
Sentinel) a change is answered only once so many replicas have it: a failover to one of them loses nothing answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

_FORM = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>cluster|sentinel)://(?:(?P<user>.*)@)?(?P<hosts>[^/?@]+)(?P<rest>[/?].*)?"
)
_NODE = "{node}"
_DEFAULT_PORTS = {"cluster": 6379, "sentinel": 26_379}


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """How to reach the store. `nodes` are (host, port): none for one server, whose `url` says all."""

    kind: str
    url: str
    """Of one server; of a node with `{node}` for its host and port."""
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_options: tuple[tuple[str, str], ...] = ()
    replicas: int = 0
    """How many have to confirm a change."""

    def node_url(self, host: str, port: int) -> str:
        """The URL of one node."""
        return self.url.replace(_NODE, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def read_address(url: str) -> StoreAddress:
    """Raises ValueError, whose words hold no secret."""
    if re.match(r"rediss?://|unix://", url):
        return StoreAddress("single", url)
    found = _FORM.fullmatch(url)
    if found is None:
        raise ValueError(
            "REDIS_URL must begin with redis://, rediss://, unix://, redis+cluster:// or redis+sentinel:// (with TLS "
            "rediss+) and name host:port, several of them separated by commas"
        )
    kind = found["kind"]
    path, _, query = (found["rest"] or "").partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    nodes = tuple(_host_and_port(host, _DEFAULT_PORTS[kind]) for host in found["hosts"].split(","))
    service, _, database = path.strip("/").partition("/")
    if kind == "cluster" and service not in {"", "0"}:
        raise ValueError("REDIS_URL: a cluster has no databases: leave out what follows the last port")
    if kind == "sentinel" and not service:
        raise ValueError(
            "REDIS_URL: the name by which Sentinel knows the primary is missing: redis+sentinel://host:port/name"
        )
    replicas = dict(options).get("wait_replicas", "0")
    if not re.fullmatch(r"\d", replicas):
        raise ValueError("REDIS_URL: wait_replicas must be a number from 0 to 9")
    own = urlencode([option for option in options if not option[0].startswith(("sentinel_", "wait_replicas"))])
    sentinel_options = tuple((n.removeprefix("sentinel_"), v) for n, v in options if n.startswith("sentinel_"))
    user = f"{found['user']}@" if found["user"] is not None else ""
    url = f"{found['scheme']}://{user}{_NODE}/{database or 0}{'?' if own else ''}{own}"
    service = service if kind == "sentinel" else ""
    return StoreAddress(kind, url, nodes, service, sentinel_options, int(replicas))


def _host_and_port(text: str, default: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(\d+))?", text)
    if found is None:
        raise ValueError(f"REDIS_URL: {text!r} is no host:port")
    return found[1].strip("[]"), int(found[2] or default)
