from __future__ import annotations

import pytest

from queue_engine.store.address import read_address


@pytest.mark.parametrize(
    "url",
    ["redis://:secret@store:6379/0", "rediss://user:secret@store/1?ssl_ca_certs=/ca.pem", "unix:///run/valkey.sock"],
    ids=["plain", "TLS", "socket"],
)
def test_one_server_is_left_to_the_client_library(url: str) -> None:
    address = read_address(url)

    assert (address.kind, address.url, address.nodes) == ("single", url, ())


@pytest.mark.parametrize(
    ("url", "nodes", "first"),
    [
        ("redis+cluster://a:1,b:2", (("a", 1), ("b", 2)), "redis://a:1/0"),
        ("redis+cluster://a", (("a", 6379),), "redis://a:6379/0"),
        ("redis+cluster://u:p%40ss@a:1,b/", (("a", 1), ("b", 6379)), "redis://u:p%40ss@a:1/0"),
        ("rediss+cluster://:p@[::1]:1", (("::1", 1),), "rediss://:p@[::1]:1/0"),
        (
            "rediss+cluster://a:1/0?ssl_ca_certs=/etc/ca.pem",
            (("a", 1),),
            "rediss://a:1/0?ssl_ca_certs=%2Fetc%2Fca.pem",
        ),
    ],
    ids=["two nodes", "default port", "user and password", "IPv6 and TLS", "options"],
)
def test_a_cluster_is_named_by_some_of_its_nodes(url: str, nodes: tuple[tuple[str, int], ...], first: str) -> None:
    address = read_address(url)

    assert (address.kind, address.nodes, address.node_url(*nodes[0])) == ("cluster", nodes, first)


def test_the_replicas_that_confirm_a_change_are_no_option_of_the_client_library() -> None:
    address = read_address("redis+cluster://a:1?wait_replicas=2&ssl_ca_certs=/ca.pem")

    assert (address.replicas, address.url) == (2, "redis://{node}/0?ssl_ca_certs=%2Fca.pem")
    with pytest.raises(ValueError, match="wait_replicas must be a number"):
        read_address("redis+sentinel://a/name?wait_replicas=many")


def test_sentinels_are_named_with_the_service_they_watch() -> None:
    address = read_address("redis+sentinel://:pw@a,b:5/mymaster/2?sentinel_password=other&health_check_interval=5")

    assert (address.kind, address.service) == ("sentinel", "mymaster")
    assert address.nodes == (("a", 26_379), ("b", 5))
    assert address.node_url("x", 1) == "redis://:pw@x:1/2?health_check_interval=5"
    assert address.sentinel_options == (("password", "other"),)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://:secret@store", "must begin with"),
        ("redis+cluster://", "must begin with"),
        ("redis+cluster://:secret@a:1/3", "no databases"),
        ("redis+sentinel://:secret@a:1", "name by which Sentinel"),
        ("redis+cluster://:secret@a:b", "is no host:port"),
    ],
    ids=["another scheme", "no host", "a database of a cluster", "no service", "a port that is none"],
)
def test_what_cannot_be_read_is_refused_without_telling_the_password(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        read_address(url)

    assert "secret" not in str(refused.value)
