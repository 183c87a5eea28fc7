"""Hosts on one machine: network namespaces on a bridge, each with a name of its own, whose cables can be pulled.

Linux and root only. Addresses are of a private range that nothing on the machine uses; all ends with the block.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network

import psutil

PREFIX = "cdp"
# The networks of hosts that are up: tests/conftest.py lets tests speak to these and to loopback.
MADE: set[IPv4Network] = set()


def missing() -> str:
    """Why there can be no such hosts here; empty when there can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux only"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    for tool in ("ip", "nsenter", "unshare"):
        if shutil.which(tool) is None:
            return f"there is no {tool} on this machine"
    probe = subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, text=True)
    return "" if probe.returncode == 0 else f"no network namespace may be made here: {probe.stderr.strip()}"


class Network:
    """A bridge with hosts. `address` is this machine's own on it."""

    def __init__(self) -> None:
        self.mark = f"{PREFIX}{os.getpid()}"
        self.bridge = f"{self.mark}b"
        self.numbers: dict[str, int] = {}
        _sweep()
        used = subprocess.run(["ip", "-4", "-json", "address"], check=True, capture_output=True).stdout
        taken = {info["local"] for link in json.loads(used) for info in link["addr_info"]}
        free = [n for n in range(1, 250) if not any(one.startswith(f"10.213.{n}.") for one in taken)]
        self.net = f"10.213.{random.choice(free)}"
        self.address = f"{self.net}.1"
        _ip("link", "add", "name", self.bridge, "type", "bridge")
        try:
            _ip("address", "add", f"{self.address}/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
            MADE.add(IPv4Network(f"{self.net}.0/24"))
        except BaseException:
            self.close()
            raise

    def add(self, name: str) -> str:
        """A host of this name; returns its address."""
        number = self.numbers[name] = len(self.numbers) + 10
        space, outer, inner = f"{self.mark}-{name}", self._cable(name), f"{self.mark}i{number}"
        _ip("netns", "add", space)
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", space)
        _ip("link", "set", outer, "master", self.bridge)
        _ip("link", "set", outer, "up")
        for what in (
            ("address", "add", f"{self.address_of(name)}/24", "dev", inner),
            ("link", "set", inner, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-netns", space, *what)
        return self.address_of(name)

    def address_of(self, name: str) -> str:
        return f"{self.net}.{self.numbers[name]}"

    def enter(self, name: str) -> list[str]:
        """What stands before a command that is to run on a host, under the host's name."""
        inside = ["nsenter", f"--net=/run/netns/{self.mark}-{name}", "unshare", "--uts"]
        return [*inside, "sh", "-c", f'hostname {name} && exec "$@"', name]

    def _cable(self, name: str) -> str:
        return f"{self.mark}o{self.numbers[name]}"

    @contextlib.contextmanager
    def cut_off(self, name: str) -> Iterator[None]:
        """The host is there and hears nobody: what is sent is lost, and nobody is told."""
        _ip("link", "set", self._cable(name), "down")
        try:
            yield
        finally:
            _ip("link", "set", self._cable(name), "up")

    def close(self) -> None:
        """Take everything down. Programs on the hosts must have ended."""
        MADE.discard(IPv4Network(f"{self.net}.0/24"))
        for name in self.numbers:
            subprocess.run(["ip", "netns", "delete", f"{self.mark}-{name}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", self.bridge], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _sweep() -> None:
    """Remove what a run that was killed has left: its process is in the names."""
    spaces = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.split()
    links = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True).stdout
    bridges = [link["ifname"] for link in json.loads(links) if link["ifname"].endswith("b")]
    for kind, names in (("netns", spaces), ("link", bridges)):
        for name in names:
            owner = name.removeprefix(PREFIX).split("-")[0].removesuffix("b")
            if name.startswith(PREFIX) and owner.isdigit() and not psutil.pid_exists(int(owner)):
                subprocess.run(["ip", kind, "delete", name], check=False, capture_output=True)
