"""Connections on somebody's wish go to the internet, or to networks that the setting names."""

import socket
from typing import Any

import pytest

from core import outside_addresses
from core.outside_addresses import BadAddress

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",  # noqa: S104
    "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not outside_addresses.is_allowed(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_of_the_internet_are_allowed(address: str) -> None:
    assert outside_addresses.is_allowed(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "0177.0.0.1", "127.1"])
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(BadAddress, match=r"private network|There is no host"):
        outside_addresses.resolve(host, 22)


@pytest.mark.parametrize("host", ["", " ", "a b", "user@example.com", "example.com/path", "x" * 300, "a\0b"])
def test_what_is_no_host_is_told(host: str) -> None:
    with pytest.raises(BadAddress, match="is not a host"):
        outside_addresses.resolve(host, 22)


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_what_is_no_port_is_told(port: int) -> None:
    with pytest.raises(BadAddress, match="is not a host"):
        outside_addresses.resolve("8.8.8.8", port)


def test_one_address_inside_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("8.8.8.8", "10.0.0.1"))
    with pytest.raises(BadAddress, match=r"10\.0\.0\.1"):
        outside_addresses.resolve("mixed.example.com", 443)


def test_a_host_is_resolved_once_and_the_checked_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that says something else the second time is not asked a second time."""
    asked: list[str] = []
    called: list[Any] = []

    def answer(host: str, port: int, **_more: Any) -> Any:
        asked.append(host)
        return answers("8.8.8.8" if len(asked) == 1 else "127.0.0.1")(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: called.append(address))
    outside_addresses.connect("flips.example.com", 443, seconds=1)
    assert asked == ["flips.example.com"]
    assert called == [("8.8.8.8", 443)]


def test_networks_of_the_setting_are_allowed(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        outside_addresses.connect("127.0.0.1", server.getsockname()[1], seconds=5).close()
    assert not outside_addresses.is_allowed("10.0.0.1")
    assert outside_addresses.is_allowed("::ffff:127.0.0.1")


def test_a_port_that_nothing_listens_on_is_told(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(BadAddress, match="does not answer"):
        outside_addresses.connect("127.0.0.1", port, seconds=5)


def answers(*addresses: str) -> Any:
    """A resolver that knows one answer."""
    return lambda _host, port, **_more: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
    ]
